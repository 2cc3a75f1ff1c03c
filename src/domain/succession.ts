import { isSameSource } from './credential.ts'
import {
  disarmed,
  withLeft,
  fingerprintsOf,
  intentOn,
  type RefreshRecord,
  type RetainedTokens,
  type RefreshIntent,
} from './refresh-record.ts'
import { withoutKept } from './record-places.ts'
import { withSpent } from './spent-tokens.ts'

// How a record goes on with the tokens of an answer.

/** What an answer brought, and what it replaced. */
export interface Succession {
  /** Of the refresh token that was presented. */
  readonly presented: string
  readonly retained: RetainedTokens
  /** There never was an intent to present it, so that none tells nothing. */
  readonly unannounced?: boolean
}

/** The tokens of an answer become the newest of the place that the record faces, which is theirs; what they replace is spent. */
export function succeeded(record: RefreshRecord, { presented, retained }: Succession): RefreshRecord {
  const { over, later } = leftBy(record, { presented, retained })
  const replaced = [...fingerprintsOf(over), record.retained?.fingerprint, presented].filter(
    (spent) => spent !== undefined,
  )
  // Whoever presents another token by now is not disturbed by a late answer.
  const base = record.intent?.fingerprint === presented ? disarmed(record) : record
  // A token that was left at another place is used up like any other where somebody has put it here.
  const { refused: known, ...rest } = withoutKept(withLeft(base, later), [presented, retained.fingerprint])
  // Who got the tokens late may find that their refresh token was presented since, and what came of it.
  const isOfNewest = known?.fingerprint === retained.fingerprint && presented !== retained.fingerprint
  return {
    ...rest,
    ...(isOfNewest && { refused: known }),
    generation: record.generation + (isCounted(record, { presented, retained }) ? 0 : 1),
    retained,
    ...originOf(record, presented),
    spent: withSpent(record, replaced, retained.fingerprint),
  }
}

/** Where the token was sent, which an intent knows of a place that had no tokens yet. */
function originOf(record: RefreshRecord, presented: string): Pick<RefreshRecord, 'origin'> {
  const { origin } = intentOn(record, presented) ?? {}
  return origin === undefined ? {} : { origin }
}

/** Which of the intents that were left are over with these tokens, and which came later. */
function leftBy(
  { left = [], retained: kept }: RefreshRecord,
  { presented, retained }: Succession,
): { readonly over: readonly RefreshIntent[]; readonly later: readonly RefreshIntent[] } {
  // A commit that is made once more says nothing new.
  if (kept?.fingerprint === retained.fingerprint) return { over: [], later: left }
  const at = left.findIndex(({ fingerprint }) => fingerprint === presented)
  const before = at < 0 ? left : left.slice(0, at + 1)
  // What was left at another place is not over with that.
  const over = before.filter(({ source }) => isSameSource(source, retained.source))
  return { over, later: left.filter((one) => !over.includes(one)) }
}

/**
 * True when these tokens are kept already, or are presented by a process that has read their number in the document.
 * Those that come after an intent on another token are older than what that brings, and take its number from nobody.
 */
function isCounted(record: RefreshRecord, { presented, retained: { fingerprint } }: Succession): boolean {
  const { retained: kept, intent, left = [] } = record
  if (kept?.fingerprint === fingerprint || intent?.fingerprint === fingerprint) return true
  const isAfterAnother = intent !== undefined && intent.fingerprint !== presented
  return isAfterAnother || left.some((one) => one.fingerprint === presented)
}

/**
 * True when the tokens of an answer come too late: their refresh token was used up by another process, or
 * other ones of their place are kept, and nobody is at the token that was presented, nor at its successor. The record
 * faces their place.
 */
export function isOvertaken(record: RefreshRecord, succession: Succession): boolean {
  const { retained: kept, spent, intent } = record
  const { presented, retained, unannounced } = succession
  if (spent.includes(retained.fingerprint)) return true
  if (kept?.fingerprint === retained.fingerprint) return false
  if (unannounced && (intent === undefined || !isSameSource(intent.source, retained.source))) return false
  if (kept === undefined || isReplaced(kept, spent, succession)) return false
  return [presented, retained.fingerprint].every((one) => intentOn(record, one) === undefined)
}

/** True when what is kept is older than the tokens of an answer, or the same. */
function isReplaced(kept: RetainedTokens, spent: readonly string[], { presented, retained }: Succession): boolean {
  return [presented, retained.fingerprint, ...spent].includes(kept.fingerprint)
}

/** All that an answer which comes too late adds to the record. */
export function outdated(record: RefreshRecord, { presented }: Succession): RefreshRecord {
  const left = (record.left ?? []).filter(({ fingerprint }) => fingerprint !== presented)
  return { ...withLeft(record, left), spent: withSpent(record, [presented], undefined) }
}
