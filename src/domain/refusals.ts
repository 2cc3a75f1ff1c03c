import { deadGrantProbe, misconfigurationProbe, type ProbePolicy } from './backoff.ts'
import type { Failure } from './failures.ts'

/** True for refusals by the authorization server: the refresh token was presented, and only a human can help. */
export function isRefusal(failure: Failure): boolean {
  return probePolicy(failure) !== undefined
}

/**
 * How the same refresh token is tried again although nothing changed; undefined for failures that
 * came before it was presented, which are simply looked at again.
 */
export function probePolicy({ code }: Failure): ProbePolicy | undefined {
  switch (code) {
    case 'REFRESH_TOKEN_REJECTED':
    case 'REFRESH_TOKEN_REUSED':
    case 'REFRESH_ANSWER_LOST':
      return deadGrantProbe
    case 'CLIENT_REJECTED':
    case 'SCOPE_REJECTED':
    case 'REQUEST_REJECTED':
    case 'TOKEN_ENDPOINT_REDIRECTED':
    case 'TOKEN_ENDPOINT_NOT_FOUND':
    case 'TOKEN_ANSWER_INCOMPLETE':
      return misconfigurationProbe
    default:
      return undefined
  }
}
