import type { RefreshPolicy } from './credential.ts'
import { stableFraction } from './stable-fraction.ts'
import { earliest, epochSeconds, type EpochSeconds, latest, seconds, secondsBetween, sooner } from './time.ts'

/** What the time of the next refresh follows from. */
export interface ScheduleInput {
  readonly uid: string
  /** Count of refreshes so far. */
  readonly refreshes: number
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
  readonly policy: RefreshPolicy
  /** True when a refresh kills the access token that readers still hold: refresh late then. */
  readonly revokesPreviousAccessToken: boolean
  /** How long, in seconds, the refresh token lives without being used. Absent: not known. */
  readonly refreshTokenIdleSeconds?: number
}

/** Share of the lifetime by which a refresh may be moved, always to earlier. */
const jitterShare = 0.1
/** Remaining share at which a token is refreshed whose refresh kills its predecessor. */
const lateShare = 0.1
/** No schedule refreshes before this share of the lifetime has passed: a `before` beyond the lifetime must not spin. */
const earliestShare = 0.1
const defaultMarginSeconds = 600
/** A refresh token is used when this share of its idle life has passed, */
const idleShare = 1 / 3
/** and never later than this, whatever a manifest says: an outage must not cost the login. */
const longestIdleShare = 2 / 3

/**
 * When the access token is to be refreshed. A pure function of what the status remembers, so a
 * restart changes nothing.
 */
export function refreshAt(input: ScheduleInput): EpochSeconds {
  const lifetime = Math.max(0, secondsBetween(input.issuedAt, input.expiresAt))
  const fraction = stableFraction(input.uid, input.refreshes)
  const lead = marginSeconds(input, lifetime) + fraction * jitterShare * lifetime
  const byExpiry = latest(
    sooner(input.expiresAt, seconds(lead)),
    epochSeconds(input.issuedAt + Math.max(1, earliestShare * lifetime)),
  )
  const keepAliveSeconds = keepAliveOf(input)
  if (keepAliveSeconds === undefined) return byExpiry
  return earliest(byExpiry, epochSeconds(input.issuedAt + keepAliveSeconds * (1 - fraction * jitterShare)))
}

/** Seconds after which the refresh token is used, whether the access token needs it or not; undefined: only as it needs it. */
function keepAliveOf({ policy, refreshTokenIdleSeconds: idle }: ScheduleInput): number | undefined {
  const { keepAliveSeconds } = policy
  if (idle === undefined) return keepAliveSeconds
  return Math.max(1, Math.min(keepAliveSeconds ?? idleShare * idle, longestIdleShare * idle))
}

/** Remaining life, in seconds, at which the refresh is due before jitter. */
function marginSeconds(input: ScheduleInput, lifetime: number): number {
  const { beforeSeconds, beforePercent } = input.policy
  if (beforeSeconds !== undefined) return beforeSeconds
  if (beforePercent !== undefined) return (beforePercent / 100) * lifetime
  if (input.revokesPreviousAccessToken) return lateShare * lifetime
  return Math.max(lifetime / 3, Math.min(defaultMarginSeconds, lifetime / 2))
}
