/**
 * What follows from a failure.
 *
 * - `retry`: transient; try again with exponential backoff.
 * - `wait`: the other side said when to come back, or is known to need time; not counted as an error.
 * - `stall`: only a human, a new spec or a new store document helps; nothing is retried fast.
 * - `uncertain`: the side effect may have happened; gather again before anything is repeated.
 */
export type NextStep = 'retry' | 'wait' | 'stall' | 'uncertain'

export interface FailureKind {
  readonly next: NextStep
  /** Condition reason. */
  readonly reason: string
  /** What a human does, or what the operator will do by itself: one or two sentences. */
  readonly remedy: string
}
