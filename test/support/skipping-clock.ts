import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import type { Clock } from '../../src/ports/clock.ts'

interface Timer {
  readonly atMs: number
  readonly wake: () => void
  readonly handle: NodeJS.Timeout
}

/** The machine's clock, which can be told that time has passed: for tests over real sockets with hours in them. */
export class SkippingClock implements Clock {
  #skippedMs = 0
  readonly #timers = new Set<Timer>()

  now(): EpochSeconds {
    return epochSeconds(1_800_000_000 + this.monotonicMs() / 1000)
  }

  monotonicMs(): number {
    return performance.now() + this.#skippedMs
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    const timer = { atMs: this.monotonicMs() + delayMs, wake, handle: setTimeout(() => this.#fire(timer), delayMs) }
    this.#timers.add(timer)
    return () => this.#cancel(timer)
  }

  /** Everything that was to happen in the seconds that are skipped happens at their end. */
  skip(seconds: number): void {
    this.#skippedMs += seconds * 1000
    for (const timer of this.#timers) if (timer.atMs <= this.monotonicMs()) this.#fire(timer)
  }

  /** How many calls are waited for. */
  get waiting(): number {
    return this.#timers.size
  }

  #fire(timer: Timer): void {
    this.#cancel(timer)
    timer.wake()
  }

  #cancel(timer: Timer): void {
    clearTimeout(timer.handle)
    this.#timers.delete(timer)
  }
}
