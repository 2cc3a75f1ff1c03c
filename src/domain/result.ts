import type { Failure } from './failures.ts'

/** What an operation with expected failures returns. Exceptions are left for bugs. */
export type Result<T> = Ok<T> | Failed

export interface Ok<T> {
  readonly ok: true
  readonly value: T
}

export interface Failed {
  readonly ok: false
  readonly failure: Failure
}

export function ok<T>(value: T): Ok<T> {
  return { ok: true, value }
}

export function failed(failure: Failure): Failed {
  return { ok: false, failure }
}
