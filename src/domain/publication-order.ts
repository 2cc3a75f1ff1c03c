import type { CredentialState } from './credential-state.ts'
import type { TargetObservation } from './observed.ts'
import { liesAhead } from './due.ts'
import type { TargetState } from './target-state.ts'
import { epochSeconds, type EpochSeconds, secondsBetween } from './time.ts'
import type { AccessToken } from './tokens.ts'

/** By so much a time of issue may be put off, for the schedule counts from there, */
const longestDelaySeconds = 5
/** and by no more than this share of the token's life. */
const longestDelayShare = 0.1

type OwnTarget = Extract<TargetState, { kind: 'ours' }>

/**
 * True when the token in a target was issued later than the one at hand, which then must not take its
 * place: servers end earlier tokens earlier, and some at once.
 *
 * In whole seconds, as targets and statuses keep times. A time that the clock has not reached proves
 * nothing: it comes from a clock that was wrong, and would keep every fresh token out until then.
 */
export function isIssuedLater(found: EpochSeconds | undefined, issuedAt: EpochSeconds, now: EpochSeconds): boolean {
  return found !== undefined && Math.floor(found) > Math.floor(issuedAt) && !liesAhead(found, now)
}

/**
 * The access token, dated after those that were known when it was asked for: a second later at least, as
 * {@link isIssuedLater} compares. One of them may be of the same second, or have been dated by a clock that is a little
 * ahead. When it expires stays as it is.
 *
 * Left as it is where the schedule would suffer. Two that know the same others, and not each other, may get one date.
 */
export function datedAfter(accessToken: AccessToken, known: readonly EpochSeconds[]): AccessToken {
  const { issuedAt, expiresAt } = accessToken
  const longestDelay = Math.min(longestDelaySeconds, longestDelayShare * secondsBetween(issuedAt, expiresAt))
  const dates = known.map((at) => Math.floor(at) + 1).filter((date) => date <= issuedAt + longestDelay)
  const date = Math.max(Math.floor(issuedAt), ...dates)
  return date > issuedAt ? { ...accessToken, issuedAt: epochSeconds(date) } : accessToken
}

/** True when the target was seen to hold a token that another replica got after the one at hand. */
export function holdsLater(target: TargetObservation, issuedAt: EpochSeconds, now: EpochSeconds): boolean {
  if (target.kind !== 'observed' || target.state.kind !== 'ours') return false
  return isIssuedLater(target.state.issuedAt, issuedAt, now)
}

/**
 * True when a target holds an earlier publication than the last one that is known of, as after somebody
 * has restored it. What is not written on the target says nothing; neither does a later publication,
 * which another replica has made.
 */
export function isEarlierThanKnown(
  { issuedAt, expiresAt }: OwnTarget,
  { lastRefreshAt, accessTokenExpiresAt }: CredentialState,
): boolean {
  const [found, known] = [wholeSeconds(issuedAt), wholeSeconds(lastRefreshAt)]
  if (found !== undefined && known !== undefined && found !== known) return found < known
  const [end, knownEnd] = [wholeSeconds(expiresAt), wholeSeconds(accessTokenExpiresAt)]
  return end !== undefined && knownEnd !== undefined && end < knownEnd
}

function wholeSeconds(time: EpochSeconds | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(time)
}
