import { type CredentialSpec, isRefreshTokenAt, type RefreshTokenSource } from './credential.ts'
import type { Failure, FailureCode } from './failures.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { nearEndAt } from './near-end.ts'
import type { RefreshRecord, RetainedTokens } from './refresh-record.ts'
import { holdsToken } from './settle.ts'
import type { EpochSeconds } from './time.ts'

// A credential that names another place by now may have a refresh token that belongs to the one before.

/** Somebody has taken the document away, or the store. */
const takenAway: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'REFRESH_TOKEN_MISSING',
  'REFRESH_TOKEN_MALFORMED',
  'STORE_NOT_FOUND',
])

/** True of a failure that says so of a document, or of its store. */
export function isTakenAway({ code }: Pick<Failure, 'code'>): boolean {
  return takenAway.has(code)
}

/** True when nobody waits for what belongs to a place: the credential has left it, and it is not there any more. */
export function isGivenUp(spec: CredentialSpec, source: RefreshTokenSource, cause: Pick<Failure, 'code'>): boolean {
  return !isRefreshTokenAt(spec, source) && isTakenAway(cause)
}

/**
 * True when the tokens come from the place that the spec names. Who may write a credential chooses that place,
 * and must not get the token of another one there.
 */
export function isOfPlace(
  { source }: Pick<RetainedTokens, 'source'>,
  { credential }: Pick<Observed, 'credential'>,
): boolean {
  return isRefreshTokenAt(credential.spec, source)
}

/**
 * True of a record whose newest tokens belong to a place that was left, unless all was done for them. Whoever got them may
 * have ended before they were in the store there, and could not tell: so that store is looked at, before the record gives
 * its room to tokens of another place.
 */
export function isUnseenElsewhere(
  { retained }: RefreshRecord,
  observed: Pick<Observed, 'credential' | 'leftSeen'>,
): boolean {
  return retained !== undefined && !isOfPlace(retained, observed) && retained.fingerprint !== observed.leftSeen
}

/** True while a place that was left may be waited for: pods have an access token, and it is not near its end. */
export function hasTimeForPlaceLeft(observed: Observed, now: EpochSeconds): boolean {
  const nearEnd = nearEndAt(observed.state, now)
  return holdsToken(observed) && nearEnd !== undefined && now < nearEnd
}

/** A store that is away for a moment is mostly back by then: a minute or two after the first time. */
const failedWrites = 5

/** True of tokens whose store has not taken them, at a place that was left, once it is not to be waited for any more. */
export function isLetGo(observed: Observed, pending: PendingTokens, now: EpochSeconds): boolean {
  const hasFailed = pending.recorded && pending.writeBackFailures >= failedWrites && !isOfPlace(pending, observed)
  return hasFailed && !hasTimeForPlaceLeft(observed, now)
}
