import type { Grant } from '../domain/grant.ts'
import type { EpochSeconds } from '../domain/time.ts'

/** What one credential looks like in the metrics at the moment of a scrape. Names and times only, never a token. */
export interface CredentialGaugeInput {
  readonly namespace: string
  readonly name: string
  /** The condition `Ready` is true. */
  readonly ready: boolean
  /** The reason of the condition `Stalled` while it is true. */
  readonly stalledReason?: string
  /** Of the token that is in the target. */
  readonly accessTokenExpiresAt?: EpochSeconds
  /** Absent while the credential waits for a human. */
  readonly nextRefreshAt?: EpochSeconds
  readonly lastSuccessAt?: EpochSeconds
  readonly consecutiveFailures: number
  readonly refreshTokenExpiresAt?: EpochSeconds
  /** True while a rotated refresh token ought to be in its store and is not known to be. */
  readonly writeBackPending: boolean
  /** Since when the store has not held the newest refresh token, whether that is planned or not. Absent while it does. */
  readonly storeBehindSince?: EpochSeconds
  readonly suspended: boolean
  readonly info: CredentialInfo
}

/** What does not change from refresh to refresh: one series for joins, so that the others stay thin. */
export interface CredentialInfo {
  /** Empty for a spec that cannot be acted on. */
  readonly grant: Grant | ''
  /** Name of the provider object: the same as in the counters. */
  readonly provider: string
  readonly storeKind: string
  readonly store: string
  readonly targetSecret: string
  /** The output formats, joined by commas. */
  readonly format: string
}

/** The credentials as they are now. Called once per scrape; must not do anything but read memory. */
export type CredentialGaugeSource = () => Iterable<CredentialGaugeInput>

/** The work queue as it is now; read at each scrape. */
export interface WorkQueueGauges {
  /** Keys that are ready for work or in work. */
  depth(): number
  /** Seconds that the longest running work has taken; 0 when nothing runs. */
  longestRunningSeconds(): number
  /** Seconds that all running work has taken, summed. */
  unfinishedWorkSeconds(): number
}
