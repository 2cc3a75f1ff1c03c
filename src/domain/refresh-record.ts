import type { CredentialKey, RefreshTokenSource } from './credential.ts'
import type { EpochSeconds } from './time.ts'
import type { TokenRefusal } from './refusals.ts'
import { maybeStored, type SpentTokens, withSpent } from './spent-tokens.ts'
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
  /** Scheme, host and port that it is sent to. Absent in records of earlier versions: that of the record. */
  readonly origin?: string
}

/** The newest tokens that a token endpoint issued, whatever has become of them since. */
export interface RetainedTokens {
  /** Of the refresh token. */
  readonly fingerprint: string
  /** Where the refresh token belongs. */
  readonly source: RefreshTokenSource
  /** Its number, where the record has counted tokens of other places since. */
  readonly generation?: number
  /** Absent when the record could not be unsealed with the key at hand. */
  readonly tokens?: RotatedTokens
  /** As it is stored, while `tokens` is absent: then it is kept as it is. */
  readonly sealed?: string
  /** With `tokens`: what they are sealed with where they are stored. Written again only under another key. */
  readonly sealedWith?: string
}

/** The newest tokens of a place that was left, with what the record says of that place alone. */
export interface KeptTokens extends RetainedTokens {
  readonly origin?: string
  readonly storeWrittenAt?: EpochSeconds
  readonly stored?: readonly string[]
  /** Its store was seen to have it, or not to be meant to have it any more. */
  readonly isHome?: true
}

/** The refresh token that the authorization server refused last, until another one has a successor. */
export interface RefusedToken {
  readonly fingerprint: string
  readonly code: TokenRefusal
}

/**
 * What is known of a credential's refresh tokens apart from any one process. It is replaced by
 * compare-and-set only, so whoever has written an intent is the one who may present the token.
 */
export interface RefreshRecord extends SpentTokens {
  readonly uid: string
  readonly credential: CredentialKey
  /** Counts the intents. */
  readonly epoch: number
  /** Counts the refresh tokens that came one after the other, as the store documents do. */
  readonly generation: number
  readonly intent?: RefreshIntent
  /**
   * Intents that were replaced by one on another token before anybody knew what came of them, the latest
   * last, at most four. Once a later token has a successor they are spent.
   */
  readonly left?: readonly RefreshIntent[]
  readonly retained?: RetainedTokens
  /** Those of places that were left, one of each, the latest last, at most eight. */
  readonly kept?: readonly KeptTokens[]
  readonly refused?: RefusedToken
  /** Scheme, host and port that the retained tokens came from; before there are any, that the last one was sent to. */
  readonly origin?: string
  /** When the retained refresh token, or one before it, was last written into the store. */
  readonly storeWrittenAt?: EpochSeconds
  /** Opaque; what the compare-and-set compares. Empty for a record that was never written. */
  readonly version: string
}

const leftLimit = 4

/** All intents that nobody has settled, the latest last. */
export function intentsOf({ intent, left = [] }: Pick<RefreshRecord, 'intent' | 'left'>): readonly RefreshIntent[] {
  return intent === undefined ? left : [...left, intent]
}

/** The newest tokens of all places, that which the record faces last. */
export function newestIn({ retained, kept = [] }: Pick<RefreshRecord, 'retained' | 'kept'>): readonly KeptTokens[] {
  return retained === undefined ? kept : [...kept, retained]
}

/** True when this is the newest refresh token of some place. */
export function isNewestIn(record: Pick<RefreshRecord, 'retained' | 'kept'>, fingerprint: string): boolean {
  return newestIn(record).some((one) => one.fingerprint === fingerprint)
}

/** True when it was read with another key than its tokens are sealed with, as an older version of a document has one. */
export function isClosed({ retained }: RefreshRecord): boolean {
  return retained !== undefined && retained.tokens === undefined
}

/** The record of a credential that has none yet. */
export function newRecord(uid: string, credential: CredentialKey): RefreshRecord {
  return { uid, credential, epoch: 0, generation: 0, spent: [], version: '' }
}

/** The intent to present this token whose result nobody knows yet, the latest or one that was left for another token. */
export function intentOn(
  record: Pick<RefreshRecord, 'intent' | 'left'>,
  fingerprint: string | undefined,
): RefreshIntent | undefined {
  return intentsOf(record).findLast((one) => one.fingerprint === fingerprint)
}

/**
 * The intents of others that stand in the way of presenting this token, the latest last: that on it, and those that came
 * later on other tokens. Whoever has left an intent on a token may have found its successor in the store, and be at that.
 */
export function intentsInTheWay(
  record: Pick<RefreshRecord, 'intent' | 'left'>,
  fingerprint: string | undefined,
  journalId: string,
): readonly HeldIntent[] {
  const all = intentsOf(record)
  const own = all.findLastIndex((one) => one.fingerprint === fingerprint)
  if (own < 0) return []
  const held = all.slice(own).filter((one) => isHeld(one))
  return held.filter(({ holder }) => holder.journalId !== journalId)
}

/** An intent whose holder may be at it. */
export type HeldIntent = RefreshIntent & { readonly holder: RecordHolder }

/** True while its holder may be at it. */
export function isHeld(intent: RefreshIntent): intent is HeldIntent {
  return intent.holder !== undefined
}

export interface ArmedAt {
  readonly origin: string
  /** Of the document. */
  readonly generation: number
  /** Of the token in the store; absent when nobody can tell now. */
  readonly stored?: string | undefined
}

/**
 * An intent to present a token. An intent on another token that nobody settled may have used that one up, or
 * not: it is kept for the case that the store goes back to it. `generation` is the document's: a record that
 * was restored from a backup knows of fewer tokens.
 */
export function armed(
  record: RefreshRecord,
  intent: RefreshIntent,
  { origin, generation, stored: known }: ArmedAt,
): RefreshRecord {
  const stored = known === undefined ? maybeStored(record, record.retained?.fingerprint) : [known]
  const all = leftFor(record, intent)
  // Who is kept no longer counts as used up, as the safe side of what is not known; the newest tokens never do.
  const dropped = fingerprintsOf(all.slice(0, -leftLimit)).filter((one) => !isNewestIn(record, one))
  return {
    ...withLeft(record, all.slice(-leftLimit)),
    epoch: record.epoch + 1,
    generation: Math.max(record.generation, generation),
    intent: { ...intent, origin },
    // The newest tokens stay where they came from while another login is tried somewhere else.
    ...(isNewestOrFirst(record, intent) && { origin }),
    stored,
    spent: withSpent({ ...record, stored }, dropped, intent.fingerprint),
  }
}

function isNewestOrFirst({ retained }: RefreshRecord, { fingerprint }: RefreshIntent): boolean {
  return retained === undefined || retained.fingerprint === fingerprint
}

/** What is left once this intent stands. A process presents one token at a time, so it is not at its own earlier ones any more. */
function leftFor({ intent: before, left = [] }: RefreshRecord, intent: RefreshIntent): readonly RefreshIntent[] {
  const all = [...left.filter(({ fingerprint }) => fingerprint !== before?.fingerprint), ...(before ? [before] : [])]
  const others = all.filter(({ fingerprint }) => fingerprint !== intent.fingerprint)
  return others.map((one) => unlessHeldBy(one, intent.holder?.journalId))
}

function unlessHeldBy(intent: RefreshIntent, journalId: string | undefined): RefreshIntent {
  const { holder, ...unheld } = intent
  return holder === undefined || holder.journalId !== journalId ? intent : unheld
}

/** The record without this process as a holder: what came of its intents is as unknown as it was. The same when it holds none. */
export function withoutHolder(record: RefreshRecord, journalId: string): RefreshRecord {
  const { intent, left = [] } = record
  if (![...left, intent].some((one) => one?.holder?.journalId === journalId)) return record
  const known = withLeft(
    record,
    left.map((one) => unlessHeldBy(one, journalId)),
  )
  return intent === undefined ? known : { ...known, intent: unlessHeldBy(intent, journalId) }
}

export function withLeft(record: RefreshRecord, left: readonly RefreshIntent[]): RefreshRecord {
  const { left: _before, ...rest } = record
  return left.length === 0 ? rest : { ...rest, left }
}

export function fingerprintsOf(intents: readonly RefreshIntent[]): readonly string[] {
  return intents.map(({ fingerprint }) => fingerprint)
}

/** Nothing was sent, or the answer says all there is to know. */
export function disarmed(record: RefreshRecord): RefreshRecord {
  const { intent: _over, ...rest } = record
  return rest
}

/** The record with another intent in the place of the one on this token, or with none. */
export function withIntentOn(
  record: RefreshRecord,
  fingerprint: string,
  next: RefreshIntent | undefined,
): RefreshRecord {
  if (record.intent?.fingerprint === fingerprint) {
    return next === undefined ? disarmed(record) : { ...record, intent: next }
  }
  const left = record.left ?? []
  return withLeft(
    record,
    left.flatMap((one) => (one.fingerprint === fingerprint ? (next ?? []) : one)),
  )
}

/**
 * The authorization server refused the token: nobody presents it as if nothing had happened. One refusal is remembered,
 * so a token that was refused before counts as spent from then on: it is put over nothing either.
 */
export function refused(record: RefreshRecord, fingerprint: string, code: TokenRefusal | undefined): RefreshRecord {
  const known = withIntentOn(record, fingerprint, undefined)
  if (code === undefined) return known
  const before = record.refused?.fingerprint
  const dead = before === undefined || before === fingerprint ? [] : [before]
  return { ...known, refused: { fingerprint, code }, spent: withSpent(known, dead, undefined) }
}

/** The server has taken the token: an earlier refusal of it is over. */
export function withoutRefusal(record: RefreshRecord, fingerprint: string): RefreshRecord {
  if (record.refused?.fingerprint !== fingerprint) return record
  const { refused: _over, ...rest } = record
  return rest
}

/** Sent, and no answer came: nobody is at it any more. */
export function unanswered(record: RefreshRecord): RefreshRecord {
  if (record.intent === undefined) return record
  const { holder: _left, ...intent } = record.intent
  return { ...record, intent }
}
