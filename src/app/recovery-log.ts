import type { Failure } from '../domain/failures.ts'
import type { Logger } from '../ports/logger.ts'

/**
 * Tells what keeps a journal's entry from where the replica that leads finds it: when that begins, when its cause
 * changes and when it is over, and not at every try.
 */
export class RecoveryLog {
  readonly #logger: Logger
  /** The cause of each entry that is held up, by UID of its credential. */
  readonly #held = new Map<string, string>()

  constructor(logger: Logger) {
    this.#logger = logger
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
