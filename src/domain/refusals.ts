import { deadGrantProbe, misconfigurationProbe, type ProbePolicy } from './backoff.ts'
import type { Failure, FailureCode } from './failures.ts'

const deadGrants: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'REFRESH_TOKEN_REJECTED',
  'REFRESH_TOKEN_REUSED',
  'REFRESH_ANSWER_LOST',
])

const misconfigurations: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'CLIENT_REJECTED',
  'SCOPE_REJECTED',
  'REQUEST_REJECTED',
  // After a consent, or a second factor on another device, the same refresh token works again.
  'INTERACTION_REQUIRED',
  'TOKEN_ENDPOINT_DENIED',
  'TOKEN_ENDPOINT_REDIRECTED',
  'TOKEN_ENDPOINT_NOT_FOUND',
  'TOKEN_ANSWER_INCOMPLETE',
])

/** True for refusals by the authorization server: the refresh token was presented, and only a human can help. */
export function isRefusal(failure: Failure): boolean {
  return probePolicy(failure) !== undefined
}

/**
 * How the same refresh token is tried again although nothing changed; undefined for failures that
 * came before it was presented, which are simply looked at again.
 */
export function probePolicy({ code }: Failure): ProbePolicy | undefined {
  if (deadGrants.has(code)) return deadGrantProbe
  return misconfigurations.has(code) ? misconfigurationProbe : undefined
}
