import { type Credential, isRefreshTokenAt, keyText, type RefreshTokenSource } from '../domain/credential.ts'
import type { PendingTokens } from '../domain/observed.ts'
import {
  armed,
  disarmed,
  intentOn,
  newRecord,
  refused,
  type RefreshIntent,
  type RefreshRecord,
  type RetainedTokens,
  unanswered,
  withIntentOn,
  withoutHolder,
  withoutRefusal,
} from '../domain/refresh-record.ts'
import { withOpened } from '../domain/opened-tokens.ts'
import { facing } from '../domain/record-places.ts'
import { isOvertaken, outdated, succeeded, type Succession } from '../domain/succession.ts'
import type { TokenRefusal } from '../domain/refusals.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Sensitive } from '../domain/sensitive.ts'
import type { EpochSeconds } from '../domain/time.ts'
import type { ClaimState } from '../domain/document-claim.ts'
import type { EngineDeps } from './deps.ts'

/** How often tokens follow a record that others keep changing. */
const commitTries = 4

/** The key that the store document carries for the record; absent: the operator's own. */
export function sealingKeyOf(claim: ClaimState | undefined): Sensitive | undefined {
  return claim?.kind === 'claimed' ? claim.claim.sealingKey : undefined
}

/** The record as it is now; an empty one when there is none. */
export async function readRecord(
  { uid, key }: Pick<Credential, 'uid' | 'key'>,
  sealingKey: Sensitive | undefined,
  deps: EngineDeps,
): Promise<Result<RefreshRecord>> {
  const read = await deps.records.read({ uid, credential: key }, sealingKey)
  return read.ok ? ok(read.value ?? newRecord(uid, key)) : read
}

export interface Arming {
  readonly record: RefreshRecord
  readonly intent: Omit<RefreshIntent, 'holder'>
  readonly origin: string
  /** Of the document. */
  readonly generation: number
  /** Of the token in the document, if that could be read. */
  readonly stored: string | undefined
  readonly sealingKey: Sensitive | undefined
}

/** Says in the record that this process is about to present a token. Whoever else wanted to cannot any more. */
export function arm(
  { record, intent, sealingKey, ...place }: Arming,
  deps: EngineDeps,
): Promise<Result<RefreshRecord>> {
  const next = armed(record, { ...intent, holder: deps.holders.self }, place)
  return deps.records.replace(next, sealingKey)
}

/** Takes an intent back: nothing was sent, or the answer says all. An earlier uncertainty about the token stays. */
export function disarm(
  record: RefreshRecord,
  before: RefreshIntent | undefined,
  sealingKey: Sensitive | undefined,
  deps: EngineDeps,
): Promise<RefreshRecord | undefined> {
  const next = disarmed(record)
  return lastly(before === undefined ? next : { ...next, intent: before }, sealingKey, deps)
}

/** What an answer says of the refresh token that was presented. */
interface Said {
  readonly fingerprint: string
  readonly code: TokenRefusal | undefined
  readonly isTaken: boolean
}

/** Says in the record that a token was refused. Without a code: it was taken, or the answer says nothing of the token itself. */
export function leaveRefused(
  record: RefreshRecord,
  { fingerprint, code, isTaken }: Said,
  sealingKey: Sensitive | undefined,
  deps: EngineDeps,
): Promise<RefreshRecord | undefined> {
  const known = isTaken ? withoutRefusal(record, fingerprint) : record
  return lastly(refused(known, fingerprint, code), sealingKey, deps)
}

/** Says in the record that a token was presented and nobody waits for the answer any more. */
export function leaveUnanswered(
  record: RefreshRecord,
  sealingKey: Sensitive | undefined,
  deps: EngineDeps,
): Promise<RefreshRecord | undefined> {
  return lastly(unanswered(record), sealingKey, deps)
}

/** A record that cannot be brought up to date now says too much rather than too little: the journal and the next look tell. */
async function lastly(
  next: RefreshRecord,
  sealingKey: Sensitive | undefined,
  deps: EngineDeps,
): Promise<RefreshRecord | undefined> {
  const written = await deps.records.replace(next, sealingKey)
  if (written.ok) return written.value
  const { uid, credential } = next
  deps.logger.warn({ credential: keyText(credential), uid, code: written.failure.code }, written.failure.message)
  return undefined
}

/** What a token endpoint issued, for which refresh token, and where that was. */
export type IssuedFor = Pick<PendingTokens, 'tokens' | 'presented' | 'source' | 'unannounced'>

/** Whose record, and how to open it. */
export interface RecordPlace {
  readonly credential: Pick<Credential, 'uid' | 'key'>
  readonly sealingKey: Sensitive | undefined
  /** As this process last saw it; absent: it is read first. */
  readonly record?: RefreshRecord
  /** What this process has open, where the record has to be read again. */
  readonly opened?: readonly RetainedTokens[]
}

/**
 * Puts issued tokens into the record. Compare-and-set; a record that others changed meanwhile is
 * followed, unless a successor of a later token is there: then that one stays, and is returned. An answer without
 * another refresh token leaves nothing to keep: only the intent to present the one there was is taken out.
 */
export async function commit(issued: IssuedFor, place: RecordPlace, deps: EngineDeps): Promise<Result<RefreshRecord>> {
  if (issued.tokens.refreshToken === undefined) return takeOut(issued, place, deps)
  const succession = successionOf(issued, deps)
  const written = await follow({ ...place, source: issued.source }, deps, (record, before) =>
    followed(record, before, succession),
  )
  if (written.ok) tellOwners(succession, { issued, place, record: written.value }, deps)
  return written
}

/** What came late for a place that was left is presented by whoever is there by now; what it came for is used up. */
function tellOwners(
  { presented, retained }: Succession,
  {
    issued,
    place,
    record,
  }: { readonly issued: IssuedFor; readonly place: RecordPlace; readonly record: RefreshRecord },
  deps: EngineDeps,
): void {
  const isNewest = record.retained?.fingerprint === retained.fingerprint
  if (isNewest && !hasLeft(place.credential, issued, deps)) {
    deps.tokenOwners.replaced(presented, retained, place.credential)
  } else if (retained.fingerprint !== presented) {
    deps.tokenOwners.usedUp(presented, place.credential)
  }
}

function hasLeft({ uid }: Pick<Credential, 'uid'>, { source }: IssuedFor, { resources }: EngineDeps): boolean {
  const indexed = resources.credentialByUid(uid)
  return indexed?.type === 'credential' && !isRefreshTokenAt(indexed.credential.spec, source)
}

/**
 * The intent of this process to present the token, which nobody else could tell to be over. It is at one token at a time,
 * so whatever else the record says of it was left for this one.
 */
function takeOut(
  { presented, source }: Pick<IssuedFor, 'presented' | 'source'>,
  place: RecordPlace,
  deps: EngineDeps,
): Promise<Result<RefreshRecord>> {
  const fingerprint = deps.records.fingerprint(presented)
  const { journalId } = deps.holders.self
  return follow({ ...place, source }, deps, (record) => {
    const isOwn = intentOn(record, fingerprint)?.holder?.journalId === journalId
    return withoutHolder(isOwn ? withIntentOn(record, fingerprint, undefined) : record, journalId)
  })
}

interface Followed extends RecordPlace {
  /** The place whose document has the sealing key. */
  readonly source: RefreshTokenSource
}

/** Replaces a record, and the one that others have put in its place meanwhile. What does not change is not written. */
async function follow(
  { credential, sealingKey, record: known, opened, source }: Followed,
  deps: EngineDeps,
  change: (record: RefreshRecord, before: RefreshRecord) => RefreshRecord,
): Promise<Result<RefreshRecord>> {
  let record = known
  for (let tries = 1; ; tries += 1) {
    const current = record === undefined ? await readRecord(credential, sealingKey, deps) : ok(record)
    if (!current.ok) return current
    if (record === undefined) deps.leftRecords.noteRead(current.value, known)
    const whole = withOpened(current.value, opened)
    const faced = facing(whole, source)
    const next = change(faced, whole)
    if (next === faced) return ok(faced)
    const written = await deps.records.replace(next, sealingKey)
    if (!written.ok) deps.leftRecords.lastHad(current.value)
    if (written.ok || written.failure.code !== 'REFRESH_RECORD_CONFLICT' || tries === commitTries) return written
    record = undefined
  }
}

/** Whether the record, as it is known, has other tokens than these by now. Without a refresh token nothing is late. */
export function comesTooLate(issued: IssuedFor, record: RefreshRecord, deps: Pick<EngineDeps, 'records'>): boolean {
  if (issued.tokens.refreshToken === undefined) return false
  return isOvertaken(facing(record, issued.source), successionOf(issued, deps))
}

function successionOf(
  { tokens, presented, source, unannounced }: IssuedFor,
  { records }: Pick<EngineDeps, 'records'>,
): Succession {
  const { refreshToken } = tokens
  if (refreshToken === undefined) throw new Error('only a rotated refresh token goes into a record')
  return {
    presented: records.fingerprint(presented),
    retained: { fingerprint: records.fingerprint(refreshToken), source, tokens },
    ...(unannounced && { unannounced }),
  }
}

/** `before`: as it was read. A refusal in it is of a token that was presented since, where these come late. */
function followed(record: RefreshRecord, before: RefreshRecord, succession: Succession): RefreshRecord {
  if (isKept(record, succession)) return record
  if (isOvertaken(record, succession)) return outdated(record, succession)
  const next = succeeded(record, succession)
  const { refused: known, left = [] } = before
  const isLate = record !== before || left.some(({ fingerprint }) => fingerprint === succession.presented)
  return !isLate || known === undefined || known.fingerprint === succession.presented
    ? next
    : { ...next, refused: known }
}

/** True when a commit that is made once more would change nothing. */
function isKept({ retained: kept, intent, spent }: RefreshRecord, { presented, retained }: Succession): boolean {
  const isSame = kept?.tokens !== undefined && kept.fingerprint === retained.fingerprint
  return isSame && intent?.fingerprint !== presented && spent.includes(presented)
}

/** The record with a write of the store in it, when it was and which token: it is stored with the next change. */
export function withStoreWrite(record: RefreshRecord, source: RefreshTokenSource, at: EpochSeconds): RefreshRecord {
  const faced = facing(record, source)
  const { retained } = faced
  return { ...faced, storeWrittenAt: at, ...(retained && { stored: [retained.fingerprint] }) }
}
