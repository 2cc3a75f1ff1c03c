import type { Credential } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import type { Observed } from './observed.ts'
import { present } from './present.ts'
import type { Provider } from './provider.ts'
import { idleSecondsOf } from './refresh-token-term.ts'
import { refreshAt, type ScheduleInput } from './schedule.ts'
import { nextLookAt } from './static-token.ts'
import { earliest, epochSeconds, type EpochSeconds, later, latest, seconds } from './time.ts'

/** Clocks of machines differ by this much without anybody noticing. */
const clockTolerance = seconds(60)

/** True for a remembered time that the clock has not reached: it went back, and the time says nothing any more. */
export function liesAhead(time: EpochSeconds, now: EpochSeconds): boolean {
  return time > later(now, clockTolerance)
}

/**
 * When the token in the target is due for its refresh; undefined when there is none. A refresh that lies
 * in the future tells that the clock went back: how long its token still lives is not known, so it is due.
 */
export function dueAt(observed: Observed, state: CredentialState, now: EpochSeconds): EpochSeconds | undefined {
  if (observed.credential.spec.grant === 'StaticToken') return lookDueAt(observed, now)
  const { accessTokenExpiresAt: expiresAt, lastRefreshAt: issuedAt } = state
  if (expiresAt === undefined || issuedAt === undefined) return undefined
  if (liesAhead(issuedAt, now)) return now
  const { credential, provider } = observed
  const schedule = scheduleOf(credential, state, provider.kind === 'found' ? provider.value : undefined)
  // What an earlier login has left may be revoked with it, whatever the token itself says.
  const scheduled = refreshAt({ ...schedule, issuedAt, expiresAt })
  const due = state.loginReplacedAt === undefined ? scheduled : earliest(state.loginReplacedAt, scheduled, now)
  return latest(due, notBefore(observed, state, now) ?? due)
}

/** When the document of a static token is to be read again. */
function lookDueAt({ credential, look, store }: Observed, now: EpochSeconds): EpochSeconds {
  if (look === undefined || liesAhead(look.at, now)) return now
  return nextLookAt(credential.uid, look, store.kind === 'found' ? store.value.backend.type : undefined)
}

/** What the schedule follows from, beside the life of the access token. */
export function scheduleOf(
  { uid, spec }: Credential,
  state: CredentialState,
  provider: Provider | undefined,
): Omit<ScheduleInput, 'issuedAt' | 'expiresAt'> {
  const usesRefreshToken = provider !== undefined && spec.grant === 'RefreshToken'
  return present({
    uid,
    refreshes: state.refreshes,
    policy: spec.refresh,
    revokesPreviousAccessToken: provider?.rotation.revokesPreviousAccessToken === true,
    refreshTokenIdleSeconds: usesRefreshToken ? idleSecondsOf(state, provider.refreshTokenLifetime) : undefined,
  })
}

/**
 * Before when no refresh begins, whatever asks for it, because the provider wants so much time between two;
 * undefined when it wants none. Attempts that failed do not count: they are repeated by their own rules.
 */
export function notBefore(
  { provider }: Pick<Observed, 'provider'>,
  { lastRefreshAt }: CredentialState,
  now: EpochSeconds,
): EpochSeconds | undefined {
  const minimum = provider.kind === 'found' ? provider.value.minimumRefreshIntervalSeconds : 0
  if (minimum === 0 || lastRefreshAt === undefined || liesAhead(lastRefreshAt, now)) return undefined
  // A status has whole seconds, rounded down, and a restart must not make it sooner.
  return epochSeconds(Math.floor(lastRefreshAt) + 1 + minimum)
}
