import type { HeldIntent, RefreshIntent, RefreshRecord } from '../domain/refresh-record.ts'

/**
 * After this an intent that nobody has changed stands for nothing on the wire any more: the time
 * between intent and request, the longest answer, and a margin for clocks that run apart.
 */
export const intentOverMs = 90_000

/** A process that is alive settles an intent in two minutes at most; one that starts again does so at once. */
export const holderSilentMs = 600_000

/** More than the intents of one record, all of which may be watched. */
const marksKept = 8

/** For how long intents in the records of other credentials have not changed, on the steady clock of this process. */
export class IntentWatches {
  readonly #seen = new Map<string, Map<string, number>>()

  /** Begins anew with each term of the lead: what others did in between nobody here has watched. */
  begin(): void {
    this.#seen.clear()
  }

  /** Nothing for an intent that is looked at for the first time, or is another one than at the last look. `record` is the whole one. */
  unchangedMs(record: RefreshRecord, intent: HeldIntent, nowMs: number): number {
    const seen = this.#seen.get(record.uid) ?? new Map<string, number>()
    this.#seen.set(record.uid, seen)
    forgetLeft(seen, record.intent)
    const mark = markOf(record, intent)
    const sinceMs = seen.get(mark) ?? nowMs
    // Put in again, so that the first one is that which was not looked at for the longest time.
    seen.delete(mark)
    seen.set(mark, sinceMs)
    if (seen.size > marksKept) seen.delete([...seen.keys()][0] ?? mark)
    return nowMs - sinceMs
  }

  forget(uid: string): void {
    this.#seen.delete(uid)
  }
}

/**
 * The latest intent may stand for something new with each write of its record. One that was left stays as it is while its
 * credential goes on with another token, perhaps for ever: whoever comes back to it makes it the latest.
 */
function markOf({ version, intent: latest }: RefreshRecord, intent: HeldIntent): string {
  const { holder, fingerprint, startedAt, sends } = intent
  if (fingerprint === latest?.fingerprint) return `record ${version}`
  return `${leftMark(fingerprint)}${holder.journalId} ${startedAt} ${sends}`
}

/** An intent that is the latest again stands for something new, and so it does when it is left once more. */
function forgetLeft(seen: Map<string, number>, latest: RefreshIntent | undefined): void {
  if (latest === undefined) return
  const again = [...seen.keys()].filter((mark) => mark.startsWith(leftMark(latest.fingerprint)))
  for (const mark of again) seen.delete(mark)
}

function leftMark(fingerprint: string): string {
  return `left ${fingerprint} `
}
