import type { RefreshRecord } from '../domain/refresh-record.ts'

/**
 * After this an intent that nobody has changed stands for nothing on the wire any more: the time
 * between intent and request, the longest answer, and a margin for clocks that run apart.
 */
export const intentOverMs = 90_000

/** A process that is alive settles an intent in two minutes at most; one that starts again does so at once. */
export const holderSilentMs = 600_000

/** For how long the records of other credentials have not changed, on the steady clock of this process. */
export class RecordWatches {
  readonly #seen = new Map<string, { readonly version: string; readonly sinceMs: number }>()

  /** Nothing for a record that is looked at for the first time, or is another one than at the last look. */
  unchangedMs({ uid, version }: Pick<RefreshRecord, 'uid' | 'version'>, nowMs: number): number {
    const seen = this.#seen.get(uid)
    if (seen?.version === version) return nowMs - seen.sinceMs
    this.#seen.set(uid, { version, sinceMs: nowMs })
    return 0
  }

  forget(uid: string): void {
    this.#seen.delete(uid)
  }
}
