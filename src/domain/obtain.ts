import type { Failure } from './failures.ts'
import type { Observed } from './observed.ts'
import { act } from './settle.ts'
import type { Step } from './step.ts'
import { type AccessToken, isLaterThan } from './tokens.ts'

/** Begins to get an access token, in the way of the grant. `refusal`: go on only if another refresh token is there by now. */
export function obtain(observed: Observed, refusal?: Failure): Step {
  const { grant } = observed.credential.spec
  if (grant === 'ClientCredentials') return act(observed, { kind: 'request-access-token' })
  if (grant === 'StaticToken') return act(observed, { kind: 'read-access-token' })
  return act(observed, { kind: 'read-refresh-token', ...(refusal && { unlessSameAs: refusal }) })
}

/** True for a token that was asked for and has not reached the target yet; with a refresh token, what is pending tells. */
export function isUnpublished({ credential, state }: Observed, accessToken: AccessToken): boolean {
  return credential.spec.grant !== 'RefreshToken' && isLaterThan(accessToken, state.lastRefreshAt)
}
