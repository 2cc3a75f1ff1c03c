import { type Failure, type FailureCode, failure } from '../../domain/failures.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { KubeError } from './kube-client.ts'
import { serverWords } from './server-words.ts'

/** The reason of a call that was not begun, because there are no connection settings for it. */
export const unusableSettings = 'ConnectionSettings'

/**
 * What a failed call means.
 *
 * - `forbidden`: the authorizer said no.
 * - `refused`: the request was understood and not taken: validation, admission, quota, a namespace on its way out.
 * - `conflict`: the object is in another state than the request was made for.
 */
export type KubeProblem = 'missing' | 'forbidden' | 'refused' | 'conflict' | 'throttled' | 'unavailable'

/** Which failure codes a port has for which problem. */
export interface ProblemCodes {
  readonly forbidden: FailureCode
  readonly refused: FailureCode
  readonly unavailable: FailureCode
  /** Absent: as `unavailable`. */
  readonly conflict?: FailureCode
  /** Absent: as `unavailable`. */
  readonly throttled?: FailureCode
}

export const targetCodes: ProblemCodes = {
  forbidden: 'KUBERNETES_FORBIDDEN',
  refused: 'TARGET_REJECTED',
  unavailable: 'TARGET_UNAVAILABLE',
}

export const clusterCodes: ProblemCodes = {
  forbidden: 'KUBERNETES_FORBIDDEN',
  refused: 'KUBERNETES_UNAVAILABLE',
  unavailable: 'KUBERNETES_UNAVAILABLE',
}

export const storeCodes: ProblemCodes = {
  forbidden: 'STORE_FORBIDDEN',
  refused: 'STORE_FORBIDDEN',
  unavailable: 'STORE_UNAVAILABLE',
  conflict: 'STORE_CONFLICT',
  throttled: 'STORE_THROTTLED',
}

export const consumerCodes: ProblemCodes = {
  forbidden: 'CONSUMERS_FORBIDDEN',
  refused: 'CONSUMERS_REJECTED',
  unavailable: 'KUBERNETES_UNAVAILABLE',
}

/** What was tried, for the message. */
export interface KubeAttempt {
  /** Begins the sentence: `Writing Secret ci/claude-token`. */
  readonly what: string
  /** Ends `the operator may not …`: `patch secrets in the namespace ci`. */
  readonly permission: string
  readonly codes: ProblemCodes
  /** What the request carried and no message may repeat. */
  readonly confidential?: readonly Sensitive[]
}

/** The failure that a failed call is. Its message names the object and holds no data of it. */
export function classifyKubeError(error: KubeError, attempt: KubeAttempt): Failure {
  const { what, codes } = attempt
  const problem = problemOf(error)
  const words = serverWords(error, attempt.confidential ?? [])
  const wait = error.retryAfterSeconds
  switch (problem) {
    case 'forbidden':
      return failure(codes.forbidden, `${what} is forbidden: the operator may not ${attempt.permission}.`, wait)
    case 'missing':
    case 'refused':
      return failure(codes.refused, `${what} was refused by the API server: ${words}.`, wait)
    case 'conflict':
      return failure(codes.conflict ?? codes.unavailable, `${what} met a change by somebody else.`, wait)
    case 'throttled':
      return failure(
        codes.throttled ?? codes.unavailable,
        `${what} was put off by the API server: too many requests.`,
        wait,
      )
    case 'unavailable':
      return failure(codes.unavailable, `${what} failed: ${answerText(error, words)}.`, wait)
  }
}

/** A 401 says nothing of rights: credentials are being renewed, or the API server cannot check them. */
const problemsByStatus: Readonly<Record<number, KubeProblem>> = {
  401: 'unavailable',
  404: 'missing',
  408: 'unavailable',
  409: 'conflict',
  429: 'throttled',
}

/** Sorts a failed call. */
export function problemOf(error: KubeError): KubeProblem {
  const { status } = error
  if (status === undefined) return 'unavailable'
  if (status === 403 && isAuthorizationDenial(error)) return 'forbidden'
  return problemsByStatus[status] ?? (status >= 400 && status < 500 ? 'refused' : 'unavailable')
}

/** Admission, quota and the authorizer all answer 403; only the authorizer speaks of the user. A 403 without a `Status` is of something in between. */
function isAuthorizationDenial({ reason, message }: KubeError): boolean {
  return reason === 'HTTP403' || / is forbidden: User ".*" cannot /.test(message)
}

function answerText({ status, reason }: KubeError, words: string): string {
  if (reason === unusableSettings) return 'how to reach the API server could not be read'
  if (status === undefined) return `the API server gave no answer (${reason})`
  return `the API server answered with HTTP status ${status}, ${words}`
}
