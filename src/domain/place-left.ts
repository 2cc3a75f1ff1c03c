import { type CredentialSpec, isRefreshTokenAt, type RefreshTokenSource } from './credential.ts'
import type { Failure, FailureCode } from './failures.ts'
import type { LeftPlaces, Observed } from './observed.ts'
import { type KeptTokens, newestIn, type RefreshRecord, type RetainedTokens } from './refresh-record.ts'
import { later, type EpochSeconds, minutes } from './time.ts'

// A credential that names another place by now may have a refresh token that belongs to the one before.

/** Nobody waits for it: the record has the tokens. */
const retryInterval = minutes(5)
/** What was taken away comes back seldom. */
const takenAwayInterval = minutes(60)

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

interface WithRecord extends Pick<Observed, 'credential'> {
  readonly record?: RefreshRecord | undefined
  readonly left?: LeftPlaces | undefined
}

/** The newest tokens of places that were left, for which something may have to be done there. */
function unsettled({ credential, record, left }: WithRecord): readonly KeptTokens[] {
  if (record === undefined) return []
  return newestIn(record).filter(
    (one) => !isRefreshTokenAt(credential.spec, one.source) && left?.settled.includes(one.fingerprint) !== true,
  )
}

/**
 * The newest tokens of a place that was left, whose store may lack them: whoever got them may have ended before they were
 * there, and could not tell. Undefined when that was looked at for all of them, but for those whose store is not to be
 * asked again yet.
 */
export function leftTokens(observed: WithRecord, now: EpochSeconds): KeptTokens | undefined {
  const { failed = [] } = observed.left ?? {}
  const waiting = failed.filter(({ at, failure }) => {
    const dueAt = later(at, failure === undefined ? takenAwayInterval : retryInterval)
    return at <= now && now < dueAt
  })
  return unsettled(observed).find(({ fingerprint }) => !waiting.some((one) => one.fingerprint === fingerprint))
}

/** Why the store of some place that was left has not got its newest tokens, as far as this process has tried. */
export function leftFailure(observed: WithRecord): Failure | undefined {
  const { failed = [] } = observed.left ?? {}
  const open = unsettled(observed).filter(({ isHome }) => isHome !== true)
  return failed.findLast(({ fingerprint }) => open.some((one) => one.fingerprint === fingerprint))?.failure
}
