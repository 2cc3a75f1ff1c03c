import type { AnsweredEntry, ArmedEntry, JournalEntry, SentEntry } from '../domain/journal-entry.ts'
import type { Result } from '../domain/result.ts'

export type { AnsweredEntry, ArmedEntry, JournalEntry, SentEntry } from '../domain/journal-entry.ts'

/**
 * What survives the process between sending a refresh token and having its successor in the store.
 *
 * Guarantees: when `armed`, `sent` or `answered` returns ok, the entry survives the end of the process.
 * `pending` and `entries` are answered from memory.
 *
 * Failures: JOURNAL_UNAVAILABLE.
 */
export interface RefreshJournal {
  /** The unsettled refresh of a credential, if there is one. */
  pending(uid: string): JournalEntry | undefined
  /** All unsettled refreshes. */
  entries(): Iterable<JournalEntry>
  armed(entry: ArmedEntry): Promise<Result<void>>
  sent(entry: SentEntry): Promise<Result<void>>
  answered(entry: AnsweredEntry): Promise<Result<void>>
  /** Forgets the entry, if there is one. */
  settled(uid: string): Promise<Result<void>>
}
