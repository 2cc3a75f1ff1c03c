import type { AnsweredEntry, JournalEntry, SentEntry } from '../domain/journal-entry.ts'
import type { Result } from '../domain/result.ts'

export type { AnsweredEntry, JournalEntry, SentEntry } from '../domain/journal-entry.ts'

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
