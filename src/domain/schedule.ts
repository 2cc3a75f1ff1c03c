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
}

/** Share of the lifetime by which a refresh may be moved, always to earlier. */
const jitterShare = 0.1
/** Remaining share at which a token is refreshed whose refresh kills its predecessor. */
const lateShare = 0.1
/** No schedule refreshes before this share of the lifetime has passed: a `before` beyond the lifetime must not spin. */
const earliestShare = 0.1
const defaultMarginSeconds = 600

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
  const { keepAliveSeconds } = input.policy
  if (keepAliveSeconds === undefined) return byExpiry
  return earliest(byExpiry, epochSeconds(input.issuedAt + keepAliveSeconds * (1 - fraction * jitterShare)))
}

/** Remaining life, in seconds, at which the refresh is due before jitter. */
function marginSeconds(input: ScheduleInput, lifetime: number): number {
  const { beforeSeconds, beforePercent } = input.policy
  if (beforeSeconds !== undefined) return beforeSeconds
  if (beforePercent !== undefined) return (beforePercent / 100) * lifetime
  if (input.revokesPreviousAccessToken) return lateShare * lifetime
  return Math.max(lifetime / 3, Math.min(defaultMarginSeconds, lifetime / 2))
}
