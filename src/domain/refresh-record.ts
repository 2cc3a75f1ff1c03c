import type { CredentialKey, RefreshTokenSource } from './credential.ts'
import type { EpochSeconds } from './time.ts'
import type { RotatedTokens } from './tokens.ts'

/** A process, for as long as its journal lives: one that is started again with the same journal is the same holder. */
export interface RecordHolder {
  /** Random, made with the journal and kept beside it. */
  readonly journalId: string
  /** Absent outside of a cluster. */
  readonly pod?: { readonly name: string; readonly uid: string }
}

/** That a refresh token is about to be presented, or was, and nobody knows yet with what result. */
export interface RefreshIntent {
  /** Who may present it. Absent once nobody is at it any more, and the result is still unknown. */
  readonly holder?: RecordHolder
  /** Of the refresh token. */
  readonly fingerprint: string
  /** Where it was read, and where its successor belongs. */
  readonly source: RefreshTokenSource
  /** When it was first presented: a server's leeway counts from its first use. */
  readonly startedAt: EpochSeconds
  /** How often it may have been presented without an answer, this time included. */
  readonly sends: number
}

/** The newest tokens that a token endpoint issued, whatever has become of them since. */
export interface RetainedTokens {
  /** Of the refresh token. */
  readonly fingerprint: string
  /** Where the refresh token belongs. */
  readonly source: RefreshTokenSource
  /** Absent when the record could not be unsealed with the key at hand. */
  readonly tokens?: RotatedTokens
  /** As it is stored; kept as it is while `tokens` is absent. */
  readonly sealed?: string
}

/**
 * What is known of a credential's refresh tokens apart from any one process. It is replaced by
 * compare-and-set only, so whoever has written an intent is the one who may present the token.
 */
export interface RefreshRecord {
  readonly uid: string
  readonly credential: CredentialKey
  /** Counts the intents. */
  readonly epoch: number
  readonly intent?: RefreshIntent
  readonly retained?: RetainedTokens
  /** Fingerprints of refresh tokens that were replaced by others, the latest last, at most {@link spentLimit}. */
  readonly spent: readonly string[]
  /** Scheme, host and port that the refresh tokens were sent to. */
  readonly origin?: string
  /** When the retained refresh token, or one before it, was last written into the store. */
  readonly storeWrittenAt?: EpochSeconds
  /** Opaque; what the compare-and-set compares. Empty for a record that was never written. */
  readonly version: string
}

export const spentLimit = 64
