import type { EpochSeconds } from '../domain/time.ts'

/** Time, so that tests drive days in milliseconds. */
export interface Clock {
  now(): EpochSeconds
  /** Milliseconds on a clock that never jumps; only differences mean anything. */
  monotonicMs(): number
  /**
   * Calls `wake` once, `delayMs` from now. A delay longer than the platform's timer allows wakes
   * early, so callers look at the time again. Returns what cancels it.
   */
  wakeAfter(delayMs: number, wake: () => void): () => void
}
