import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import type { Clock } from '../../src/ports/clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly wake: () => void
}

/** A clock that moves only when told to: days pass in milliseconds, always in the same order. */
export class SimulatedClock implements Clock {
  #ms = 0
  #order = 0
  #startEpoch: number
  readonly #timers = new Set<Timer>()

  constructor(start = 1_800_000_000) {
    this.#startEpoch = start
  }

  now(): EpochSeconds {
    return epochSeconds(this.#startEpoch + this.#ms / 1000)
  }

  monotonicMs(): number {
    return this.#ms
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    this.#order += 1
    const timer = { atMs: this.#ms + Math.max(0, delayMs), order: this.#order, wake }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets `seconds` pass: every timer fires at its time, and what it starts runs on before the next. */
  async pass(seconds: number): Promise<void> {
    const endMs = this.#ms + seconds * 1000
    await settle()
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#timers.delete(timer)
      this.#ms = Math.max(this.#ms, timer.atMs)
      timer.wake()
      await settle()
    }
    this.#ms = endMs
  }

  /** Moves wall time alone, as an operator with `date -s` does. */
  jump(seconds: number): void {
    this.#startEpoch += seconds
  }

  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs > endMs) continue
      const sooner = first === undefined || timer.atMs < first.atMs
      if (sooner || (timer.atMs === first?.atMs && timer.order < first.order)) first = timer
    }
    return first
  }
}

/** Lets everything that waits only for other work of this process run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
}
