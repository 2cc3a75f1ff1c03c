import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import type { Clock } from '../../src/ports/clock.ts'

/** A clock that runs `factor` times faster than the machine's, for tests that talk over real sockets. */
export class ScaledClock implements Clock {
  readonly #factor: number
  readonly #startMs = performance.now()

  constructor(factor: number) {
    this.#factor = factor
  }

  now(): EpochSeconds {
    return epochSeconds(1_800_000_000 + this.monotonicMs() / 1000)
  }

  monotonicMs(): number {
    return (performance.now() - this.#startMs) * this.#factor
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    const timer = setTimeout(wake, delayMs / this.#factor)
    return () => clearTimeout(timer)
  }
}
