import { stableFraction } from './stable-fraction.ts'
import type { StoreBackendType } from './token-store.ts'
import { type DurationSeconds, type EpochSeconds, seconds } from './time.ts'

const firstDelaySeconds = 5
const longestDelaySeconds = 300
const jitterShare = 0.2
/** Leaves room for several tries within a leeway, each with a connection and an answer that take their time. */
const leewayShare = 0.1

export interface BackoffInput {
  readonly uid: string
  /** At least 1. */
  readonly failures: number
  readonly failedAt: EpochSeconds
  /** Expiry of the access token in the target, when there is one. */
  readonly expiresAt?: EpochSeconds
  readonly retryAfterSeconds?: number
  /**
   * How long, in seconds, the server still takes the refresh token of a request whose answer was lost.
   * Only while that lasts can the successor be had again.
   */
  readonly reuseLeewaySeconds?: number
}

/**
 * How long after a failed attempt the next one waits: 5 s doubling to 5 min, ±20 %, and never more
 * than a quarter of the life that the token had left when the attempt failed. Within the leeway of a
 * server whose answer was lost it is a tenth of that leeway. What the other side asked for always holds.
 */
export function backoff(input: BackoffInput): DurationSeconds {
  const doubled = firstDelaySeconds * 2 ** Math.min(input.failures - 1, 10)
  const spread = 1 + jitterShare * (2 * stableFraction(input.uid, input.failures) - 1)
  const { reuseLeewaySeconds = Infinity } = input
  const delay = Math.min(
    doubled * spread,
    longestDelaySeconds,
    quarterOfRemainingLife(input),
    reuseLeewaySeconds * leewayShare,
  )
  return seconds(Math.max(delay, input.retryAfterSeconds ?? 0))
}

function quarterOfRemainingLife({ expiresAt, failedAt }: BackoffInput): number {
  if (expiresAt === undefined || expiresAt <= failedAt) return longestDelaySeconds
  return Math.max(firstDelaySeconds, (expiresAt - failedAt) / 4)
}

const firstRecheckSeconds = 15
const longestRecheckSeconds = 60

/**
 * How long until a stalled credential looks again whether a human has mended what it reads: 15 s doubling to a minute
 * with each failure that is counted, and as long as it has waited, up to a minute, for what it would be told of besides.
 */
export function recheckDelay(failures: number, waitedSeconds: number): DurationSeconds {
  const doubled = firstRecheckSeconds * 2 ** Math.min(Math.max(failures, 1) - 1, 4)
  return seconds(Math.min(longestRecheckSeconds, Math.max(doubled, waitedSeconds)))
}

/** With the ten seconds for which a look is good, less than a minute. */
const longestClientLookSeconds = 45

/**
 * How long until it is looked at again whether the client of a provider has another secret, key or certificate
 * than the one that was refused: at once, for it may have been changed while the old one was still at hand.
 */
export function clientLookDelay(failures: number, waitedSeconds: number): DurationSeconds {
  if (waitedSeconds < 1) return seconds(1)
  return seconds(Math.min(longestClientLookSeconds, recheckDelay(failures, 0)))
}

const firstLookSeconds = 5
const longestLookSeconds = 15
/** AWS Secrets Manager bills each look: one a minute is about a fifth of a dollar a month. */
const billedLookSeconds = 60

/**
 * How long until a document is read again that a human is to replace: 5 s, and 15 s once it has been waited
 * for a quarter of an hour; a minute where reading costs money.
 */
export function lookDelay(backend: StoreBackendType | undefined, waitedSeconds: number): DurationSeconds {
  if (backend === 'awsSecretsManager') return seconds(billedLookSeconds)
  return seconds(Math.min(longestLookSeconds, Math.max(firstLookSeconds, waitedSeconds / 60)))
}

/** How often the same refresh token is presented again after a definite refusal, although nothing changed. */
export interface ProbePolicy {
  /** When a first refusal is confirmed. Absent: it needs no confirmation. */
  readonly confirmSeconds?: number
  readonly firstSeconds: number
  readonly longestSeconds: number
}

/** Servers have been seen to refuse live grants during outages; a grant that is dead stays dead. */
export const deadGrantProbe: ProbePolicy = { confirmSeconds: 60, firstSeconds: 3600, longestSeconds: 24 * 3600 }

/** The refresh token is unused, and the mistake may be mended at the server or in a Secret without a manifest changing. */
export const misconfigurationProbe: ProbePolicy = { firstSeconds: 300, longestSeconds: 3600 }

/** How long after a refusal the next probe waits, of which there have been `refusals` in a row. */
export function probeDelay(policy: ProbePolicy, refusals: number): DurationSeconds {
  const { confirmSeconds, firstSeconds, longestSeconds } = policy
  if (confirmSeconds !== undefined && refusals <= 1) return seconds(confirmSeconds)
  const probes = confirmSeconds === undefined ? refusals : refusals - 1
  return seconds(Math.min(longestSeconds, firstSeconds * 2 ** Math.min(Math.max(probes, 1) - 1, 10)))
}
