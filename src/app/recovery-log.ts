import type { Failure } from '../domain/failures.ts'
import type { JournalEntry } from '../domain/journal-entry.ts'
import type { Logger } from '../ports/logger.ts'

/**
 * What has been done for the entries of a journal, and told of them. What keeps an entry from where the replica that
 * leads finds it is told when that begins, when its cause changes and when it is over, and not at every try.
 */
export class RecoveryLog {
  readonly #logger: Logger
  /** The cause of each entry that is held up, by UID of its credential. */
  readonly #held = new Map<string, string>()
  readonly #fenced = new WeakSet<JournalEntry>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** The record is another one since this entry was looked at: nothing that was sent before can change it. */
  fenced(entry: JournalEntry): void {
    this.#fenced.add(entry)
  }

  hasFenced(entry: JournalEntry): boolean {
    return this.#fenced.has(entry)
  }

  failed(uid: string, { code, message }: Failure): void {
    if (this.#held.get(uid) === code) return
    this.#held.set(uid, code)
    this.#logger.warn({ uid, code }, message)
  }

  recovered(uid: string): void {
    if (this.#held.delete(uid)) this.#logger.info({ uid }, 'what the journal holds has reached its record')
  }

  /** Entries of others than these are nobody's trouble any more. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#held.keys()) if (!uids.has(uid)) this.#held.delete(uid)
  }
}
