import { failureRegistry, type NextStep } from './failure-registry.ts'

/** A code of the failure registry: also the metric label, the log field and the CLI's JSON field. */
export type FailureCode = keyof typeof failureRegistry

/**
 * An expected failure as a value.
 *
 * `message` says what was tried, on which named object, and what helps. It never holds a token, a
 * response body, a header or a URL's query.
 */
export interface Failure {
  readonly code: FailureCode
  readonly next: NextStep
  /** The condition reason, CamelCase. */
  readonly reason: string
  readonly message: string
  /** Present when the other side said how long to wait, in seconds. */
  readonly retryAfterSeconds?: number
}

/** Builds a failure of a registered code. `what` is a sentence that names the object; the registry's remedy is added. */
export function failure(code: FailureCode, what: string, retryAfterSeconds?: number): Failure {
  const { next, reason, remedy } = failureRegistry[code]
  const message = `${what} ${remedy}`
  return retryAfterSeconds === undefined
    ? { code, next, reason, message }
    : { code, next, reason, message, retryAfterSeconds }
}

/** The same finding under another code, or with another remedy than the registry's. */
export function retold(cause: Failure, code: FailureCode, remedy: string = failureRegistry[code].remedy): Failure {
  const { next, reason } = failureRegistry[code]
  const known = ` ${failureRegistry[cause.code].remedy}`
  const what = cause.message.endsWith(known) ? cause.message.slice(0, -known.length) : cause.message
  return { ...cause, code, next, reason, message: `${what} ${remedy}` }
}

/** Every registered code, in the registry's order. */
export function failureCodes(): readonly FailureCode[] {
  return Object.keys(failureRegistry) as FailureCode[]
}
