import type { CredentialState } from './credential-state.ts'
import type { Observed } from './observed.ts'
import { present } from './present.ts'
import type { RefreshTokenLifetime } from './provider.ts'
import { earliest, type EpochSeconds, later, seconds, secondsBetween } from './time.ts'
import type { RotatedTokens } from './tokens.ts'

/** Until when the refresh token of a login is good, as far as anybody has said. */
export type RefreshTokenTerm = Pick<
  CredentialState,
  'refreshTokenExpiresAt' | 'refreshTokenExpiryIsFixed' | 'loginUsedAt'
>

/** A request that was answered with tokens. */
export interface RefreshTokenUse {
  readonly startedAt: EpochSeconds
  /** What the answer says of the newest refresh token. Absent: nothing. */
  readonly told?: EpochSeconds | 'never'
  /** True when the answer brought another refresh token. */
  readonly rotated: boolean
  /** False when the token that was presented comes from another login than the one before. */
  readonly continues: boolean
}

/** The state after a refresh token was used. */
export function withTerm(
  { provider }: Pick<Observed, 'provider'>,
  state: CredentialState,
  tokens: RotatedTokens,
  use: Omit<RefreshTokenUse, 'told'>,
): CredentialState {
  const told = tokens.refreshTokenNeverExpires === true ? 'never' : tokens.refreshTokenExpiresAt
  const declared = provider.kind === 'found' ? provider.value.refreshTokenLifetime : {}
  return { ...withoutTerm(state), ...termAfter(state, { ...use, ...(told !== undefined && { told }) }, declared) }
}

/** The state of which nothing is known of a login. */
export function withoutTerm(state: CredentialState): CredentialState {
  const { refreshTokenExpiresAt: _end, refreshTokenExpiryIsFixed: _fixed, loginUsedAt: _since, ...rest } = state
  return rest
}

/** Two answers closer together say nothing about whether an expiry moves. */
const comparableSeconds = 60

/**
 * Until when the refresh token is good after it was used. What the answer says is believed; else it is what
 * the provider declares: so long from this use, and so long from the first use of this login, which is the
 * latest that the login can have been made.
 */
export function termAfter(
  before: RefreshTokenTerm & Pick<CredentialState, 'lastRefreshAt'>,
  use: RefreshTokenUse,
  declared: RefreshTokenLifetime,
): RefreshTokenTerm {
  const known = use.continues ? before : {}
  const loginUsedAt = known.loginUsedAt ?? use.startedAt
  if (use.told === 'never') return { loginUsedAt }
  if (use.told !== undefined) {
    const refreshTokenExpiryIsFixed = isFixed(known, use.told, use.startedAt)
    return present({ loginUsedAt, refreshTokenExpiresAt: use.told, refreshTokenExpiryIsFixed })
  }
  return { loginUsedAt, ...(declaredTerm(loginUsedAt, use.startedAt, declared) ?? keptTerm(known, use)) }
}

/** Whether the expiry stays where it is however often the token is used; undefined while there is nothing to compare. */
function isFixed(
  { refreshTokenExpiresAt, lastRefreshAt, refreshTokenExpiryIsFixed }: Parameters<typeof termAfter>[0],
  told: EpochSeconds,
  startedAt: EpochSeconds,
): boolean | undefined {
  if (refreshTokenExpiresAt === undefined || lastRefreshAt === undefined) return undefined
  const passed = secondsBetween(lastRefreshAt, startedAt)
  if (passed < comparableSeconds) return refreshTokenExpiryIsFixed
  return secondsBetween(refreshTokenExpiresAt, told) < passed / 2 ? true : undefined
}

type Expiry = Pick<RefreshTokenTerm, 'refreshTokenExpiresAt' | 'refreshTokenExpiryIsFixed'>

function declaredTerm(
  loginUsedAt: EpochSeconds,
  startedAt: EpochSeconds,
  { idleSeconds, absoluteSeconds }: RefreshTokenLifetime,
): Expiry | undefined {
  if (idleSeconds === undefined && absoluteSeconds === undefined) return undefined
  const idleEnd = later(startedAt, seconds(idleSeconds ?? Infinity))
  const lastEnd = later(loginUsedAt, seconds(absoluteSeconds ?? Infinity))
  const fixed = lastEnd <= idleEnd
  return { refreshTokenExpiresAt: earliest(idleEnd, lastEnd), ...(fixed && { refreshTokenExpiryIsFixed: true }) }
}

/** What was said of a refresh token that is the newest still, and was not said again. */
function keptTerm({ refreshTokenExpiresAt }: RefreshTokenTerm, { rotated }: RefreshTokenUse): Expiry {
  if (rotated || refreshTokenExpiresAt === undefined) return {}
  return { refreshTokenExpiresAt, refreshTokenExpiryIsFixed: true }
}

/**
 * How long, in seconds, the refresh token lives without being used; undefined when nobody knows, or when using
 * it changes nothing.
 */
export function idleSecondsOf(
  { refreshTokenExpiresAt, refreshTokenExpiryIsFixed, lastRefreshAt }: CredentialState,
  declared: RefreshTokenLifetime,
): number | undefined {
  if (refreshTokenExpiryIsFixed === true || refreshTokenExpiresAt === undefined || lastRefreshAt === undefined) {
    return declared.idleSeconds
  }
  const told = secondsBetween(lastRefreshAt, refreshTokenExpiresAt)
  return told > 0 ? told : declared.idleSeconds
}

const secondsPerDay = 86_400
const longestNoticeSeconds = 7 * secondsPerDay
const noticeShare = 0.2

/**
 * Since when the refresh token is near its end, so that somebody has to log in again: a week before it, or a
 * fifth of its life if that is less. Undefined while there is no end known. One whose end moves with each use
 * comes near it only when it is not used.
 */
export function noticeAt({
  refreshTokenExpiresAt: end,
  refreshTokenExpiryIsFixed,
  loginUsedAt,
  lastRefreshAt,
}: CredentialState): EpochSeconds | undefined {
  const from = refreshTokenExpiryIsFixed === true ? (loginUsedAt ?? lastRefreshAt) : lastRefreshAt
  if (end === undefined || from === undefined) return undefined
  const notice = Math.min(longestNoticeSeconds, noticeShare * Math.max(0, secondsBetween(from, end)))
  return later(end, seconds(-notice))
}
