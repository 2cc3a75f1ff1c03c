import { type CredentialSpec, isRefreshTokenAt, type RefreshTokenSource } from './credential.ts'
import type { Failure, FailureCode } from './failures.ts'
import type { Observed } from './observed.ts'
import type { RetainedTokens } from './refresh-record.ts'

// A credential that names another place by now may have a refresh token that belongs to the one before.

/** Somebody has taken the document away, or the store. */
const takenAway: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'REFRESH_TOKEN_MISSING',
  'REFRESH_TOKEN_MALFORMED',
  'STORE_NOT_FOUND',
])

/** True when nobody waits for what belongs to a place: the credential has left it, and it is not there any more. */
export function isGivenUp(spec: CredentialSpec, source: RefreshTokenSource, { code }: Pick<Failure, 'code'>): boolean {
  return !isRefreshTokenAt(spec, source) && takenAway.has(code)
}

/**
 * True when the tokens come from the place that the spec names. Who may write a credential chooses that place,
 * and must not get the token of another one there.
 */
export function isOfPlace({ source }: RetainedTokens, { credential }: Pick<Observed, 'credential'>): boolean {
  return isRefreshTokenAt(credential.spec, source)
}
