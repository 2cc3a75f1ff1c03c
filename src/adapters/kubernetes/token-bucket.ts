import type { Clock } from '../../ports/clock.ts'

/** So many at once, and so many per second in the long run. */
export interface BucketSize {
  readonly burst: number
  readonly perSecond: number
}

/** Says whether one more may happen now. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #size: BucketSize
  #tokens: number
  #filledAtMs: number

  constructor(clock: Clock, size: BucketSize) {
    this.#clock = clock
    this.#size = size
    this.#tokens = size.burst
    this.#filledAtMs = clock.monotonicMs()
  }

  take(): boolean {
    const now = this.#clock.monotonicMs()
    const refill = ((now - this.#filledAtMs) / 1000) * this.#size.perSecond
    this.#tokens = Math.min(this.#size.burst, this.#tokens + refill)
    this.#filledAtMs = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
