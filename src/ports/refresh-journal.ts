import type { EpochSeconds } from '../domain/time.ts'
import type { Result } from '../domain/result.ts'
import type { TokenAnswer } from '../domain/token-exchange.ts'

/** A refresh that was begun and is not settled. */
export type JournalEntry = SentEntry | AnsweredEntry

/** The request may have left; no answer is known. */
export interface SentEntry {
  readonly phase: 'sent'
  readonly uid: string
  readonly startedAt: EpochSeconds
  /** Version of the store document whose refresh token was sent. */
  readonly storeVersion: string
  /** How often this refresh token was sent without an answer, this time included. */
  readonly sends: number
}

/** The answer is here, and its refresh token is not yet known to be in the store. */
export interface AnsweredEntry {
  readonly phase: 'answered'
  readonly uid: string
  readonly startedAt: EpochSeconds
  readonly storeVersion: string
  readonly sends: number
  readonly answer: TokenAnswer
}

/**
 * What survives the process between sending a refresh token and having its successor in the store.
 *
 * Guarantees: when `sent` or `answered` returns ok, the entry survives the end of the process.
 * `pending` is answered from memory.
 *
 * Failures: JOURNAL_UNAVAILABLE.
 */
export interface RefreshJournal {
  /** The unsettled refresh of a credential, if there is one. */
  pending(uid: string): JournalEntry | undefined
  sent(entry: SentEntry): Promise<Result<void>>
  answered(entry: AnsweredEntry): Promise<Result<void>>
  /** Forgets the entry, if there is one. */
  settled(uid: string): Promise<Result<void>>
}
