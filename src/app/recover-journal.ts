import { type Credential, type CredentialSpec, isRefreshTokenAt, isSameSource, scopesOf } from '../domain/credential.ts'
import type { AnsweredEntry, JournalEntry } from '../domain/journal-entry.ts'
import { readKeptAnswer } from '../domain/kept-answer.ts'
import {
  intentOn,
  refused,
  type RefreshIntent,
  type RefreshRecord,
  withIntentOn,
  withoutHolder,
} from '../domain/refresh-record.ts'
import type { Observed, PendingTokens } from '../domain/observed.ts'
import { facing } from '../domain/record-places.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { mayRotate, wasAnnounced } from '../domain/rotation.ts'
import type { TokenAnswerContext } from '../domain/token-answer-tokens.ts'
import { refusalIn, settlesNothing, type TokenAnswerReading } from '../domain/token-exchange.ts'
import type { RotatedTokens } from '../domain/tokens.ts'
import { auditRecovered } from './audit.ts'
import type { EngineDeps } from './deps.ts'
import { type IssuedFor, readRecord } from './execute-record.ts'
import { bringIn, type Recovered } from './late-tokens.ts'
import { RecoveryLog } from './recovery-log.ts'
import { unknownProvider } from './unknown-provider.ts'

/**
 * Brings what the local journal holds into the records, where the replica that leads finds it: a
 * process that ended in the middle of a refresh may have been the only one that knew its answer, and
 * may not lead when it is started again.
 *
 * Resolves with true when nothing of it is left. Idempotent; stops as soon as this process acts itself.
 */
export async function recoverJournal(deps: EngineDeps, log: RecoveryLog): Promise<boolean> {
  let complete = true
  const entries = Array.from(deps.journal.entries())
  log.keepOnly(new Set(entries.map(({ uid }) => uid)))
  for (const entry of entries) {
    if (!deps.mayBegin()) return true
    const recovered = await recover(entry, deps, log)
    // Whoever acts by now may have begun the next refresh.
    if (deps.journal.pending(entry.uid) !== entry) continue
    if (recovered.ok && looksAtNoRecord(entry, deps)) continue
    const result = recovered.ok ? await settle(entry, recovered.value, deps) : recovered
    if (result.ok) {
      log.recovered(entry.uid)
      account(entry, deps)
      continue
    }
    complete = false
    log.failed(entry.uid, result.failure)
  }
  return complete
}

/** As {@link recoverJournal}, of one entry that no engine looks after. It is settled with that, as a rule. Resolves with the record. */
export async function recoverEntry(entry: JournalEntry, deps: EngineDeps): Promise<Result<RefreshRecord>> {
  const recovered = await recover(entry, deps, new RecoveryLog(deps.logger))
  // For what is gone nobody presents what has come. What moved is at another token by now, and keeps what it has used up.
  if (deps.resources.credentialByUid(entry.uid) === undefined) deps.tokenOwners.forget(entry.uid)
  if (!recovered.ok) return recovered
  if (deps.journal.pending(entry.uid) !== entry) return ok(recovered.value.record)
  const { record, missing } = recovered.value
  const settled = await settle(entry, recovered.value, deps)
  if (settled.ok) account(entry, deps)
  return settled.ok || missing !== undefined ? ok(record) : settled
}

/** What the store of a place that was left lacks, the journal keeps. */
function settle({ uid }: JournalEntry, { missing }: Recovered, { journal }: EngineDeps): Promise<Result<void>> {
  return missing === undefined ? journal.settled(uid) : Promise.resolve(failed(missing))
}

/** What the process knows beside its journal. */
interface AtHand {
  readonly spec: CredentialSpec | undefined
  readonly isAtAnswer: boolean
  readonly pending: PendingTokens | undefined
}

/** True while the answer is in memory alone: the journal could not take it, and knows of the request only. */
export function isHeldAlone({ recorded, persisted, source }: PendingTokens, entry: JournalEntry): boolean {
  return !recorded && !persisted && isSameSource(source, entry.source)
}

/**
 * Brings into the record what the journal has of a token that the credential does not use now. Call it where nothing else
 * is done for that one: whose record says that somebody is at the token keeps its heir waiting. `isAtAnswer`: an answer in
 * there is in the hands of this process. Resolves with the record, where anything was to be done and could be.
 */
export async function recoverElsewhere(
  { uid }: Pick<Credential, 'uid'>,
  { spec, isAtAnswer, pending }: AtHand,
  deps: EngineDeps,
): Promise<RefreshRecord | undefined> {
  const entry = deps.journal.pending(uid)
  if (entry === undefined || (entry.phase === 'answered' && isAtAnswer)) return undefined
  if (pending !== undefined && isHeldAlone(pending, entry)) return undefined
  if (spec !== undefined && isRefreshTokenAt(spec, entry.source)) return undefined
  const recovered = await recoverEntry(entry, deps)
  if (recovered.ok) return recovered.value
  deps.logger.warn({ uid, code: recovered.failure.code }, recovered.failure.message)
  return undefined
}

/** Takes an intent of this process out of the record that the journal alone knows not to have led to anything: an heir would wait for it. */
export function takeBackArmed({ uid }: Pick<Credential, 'uid'>, deps: EngineDeps): Promise<Result<unknown>> {
  const entry = deps.journal.pending(uid)
  return entry?.phase === 'armed' ? recoverEntry(entry, deps) : Promise.resolve(ok(undefined))
}

/** What an answer brought is told by whoever has brought it home: the process that received it has ended. */
function account(entry: JournalEntry, deps: EngineDeps): void {
  const reading = entry.phase === 'answered' ? readingOf(entry, deps) : undefined
  if (entry.phase === 'answered' && reading !== undefined) auditRecovered(entry, reading, deps)
}

/** True for an answer that an engine has to bring home itself: for a server that is not known to rotate it looks at no record. */
function looksAtNoRecord({ phase, credential: key, source }: JournalEntry, { resources }: EngineDeps): boolean {
  const indexed = resources.credential(key)
  if (phase !== 'answered' || indexed?.type !== 'credential') return false
  // What belongs to a place that was left is not its engine's any more.
  if (!isRefreshTokenAt(indexed.credential.spec, source)) return false
  const provider = resources.provider(indexed.credential)
  return provider.kind === 'found' && !mayRotate(indexed.credential, provider.value)
}

async function recover(entry: JournalEntry, deps: EngineDeps, log: RecoveryLog): Promise<Result<Recovered>> {
  const reading = entry.phase === 'answered' ? readingOf(entry, deps) : undefined
  const tokens = reading && tokensOf(reading)
  if (entry.phase === 'answered' && tokens?.refreshToken !== undefined) {
    const issued = { tokens, presented: entry.refreshToken, source: entry.source, ...announcementOf(entry, deps) }
    return bringIn(issued, entry, { credential: subjectOf(entry), sealingKey: entry.sealingKey }, deps)
  }
  const settled = await settleRecord({ entry, reading }, deps, log)
  return settled.ok ? ok({ record: settled.value }) : settled
}

/** Says in the record how far the process got, where there is nothing to keep. */
async function settleRecord(
  { entry, reading }: ReadEntry,
  deps: EngineDeps,
  log: RecoveryLog,
): Promise<Result<RefreshRecord>> {
  const read = await readRecord(subjectOf(entry), entry.sealingKey, deps)
  if (!read.ok) return read
  deps.leftRecords.noteRead(read.value, undefined)
  const record = facing(read.value, entry.source)
  const intent = ownIntent(record, entry, deps)
  const settled = intent === undefined ? record : withoutProcess(record, intent, { entry, reading })
  // The journal knows of one request: whatever else the record says of this process was left for it.
  const next = withoutHolder(settled, deps.holders.self.journalId)
  if (next === record && (log.hasFenced(entry) || !mayBeOnItsWay(record, entry, deps))) return ok(record)
  // Where nothing changes, another version is put there: what was sent for the one before is refused.
  const replaced = await deps.records.replace(next, entry.sealingKey)
  if (replaced.ok) log.fenced(entry)
  return replaced
}

/**
 * True while the intent may still arrive in a record that does not show it: the process that wrote it has ended, or
 * waits no longer, and what it sent has not. Nobody could tell of it then that nothing was presented.
 */
function mayBeOnItsWay(
  { version }: RefreshRecord,
  { phase, uid, credential }: JournalEntry,
  deps: EngineDeps,
): boolean {
  if (phase !== 'armed') return false
  // A credential that is gone gets no record any more.
  return version !== '' || deps.resources.credential(credential)?.credential.uid === uid
}

/** The intent by which this process, or the one before it with the same journal, presents this token, as the record says. */
function ownIntent(
  record: RefreshRecord,
  { refreshToken }: JournalEntry,
  { records, holders }: EngineDeps,
): RefreshIntent | undefined {
  const intent = intentOn(record, records.fingerprint(refreshToken))
  return intent?.holder?.journalId === holders.self.journalId ? intent : undefined
}

interface ReadEntry {
  readonly entry: JournalEntry
  /** Absent when there was no answer, or it settles nothing. */
  readonly reading: TokenAnswerReading | undefined
}

/** What the record says once it is known how far the process got. */
function withoutProcess(
  record: RefreshRecord,
  { holder: _gone, ...intent }: RefreshIntent,
  { entry, reading }: ReadEntry,
): RefreshRecord {
  const { fingerprint } = intent
  if (reading !== undefined) return refused(record, fingerprint, refusalIn(reading, entry.sends))
  if (entry.phase !== 'armed') return withIntentOn(record, fingerprint, intent)
  return withIntentOn(record, fingerprint, entry.sends === 1 ? undefined : { ...intent, sends: entry.sends - 1 })
}

/** Undefined when the answer settles nothing. */
function readingOf(entry: AnsweredEntry, deps: EngineDeps): TokenAnswerReading | undefined {
  const reading = readKeptAnswer(entry, contextOf(entry, deps))
  return settlesNothing(reading) ? undefined : reading
}

function tokensOf(reading: TokenAnswerReading): RotatedTokens {
  if (reading.kind === 'issued') return reading.tokens
  return reading.refreshToken === undefined ? {} : { refreshToken: reading.refreshToken }
}

function announcementOf(entry: AnsweredEntry, { resources }: EngineDeps): Pick<IssuedFor, 'unannounced'> {
  const indexed = resources.credential(entry.credential)
  const provider: Observed['provider'] =
    indexed?.type === 'credential' ? resources.provider(indexed.credential) : { kind: 'missing' }
  return wasAnnounced(entry, provider) ? {} : { unannounced: true }
}

/** What the answer is read against: the credential and its provider as they are now, if they are still there. */
function contextOf(
  { credential: key }: AnsweredEntry,
  deps: EngineDeps,
): Pick<TokenAnswerContext, 'provider' | 'scopes'> {
  const indexed = deps.resources.credential(key)
  if (indexed?.type !== 'credential') return { provider: unknownProvider, scopes: [] }
  const provider = deps.resources.provider(indexed.credential)
  return {
    provider: provider.kind === 'found' ? provider.value : unknownProvider,
    scopes: scopesOf(indexed.credential.spec),
  }
}

function subjectOf({ uid, credential: key }: JournalEntry): Pick<Credential, 'uid' | 'key'> {
  return { uid, key }
}
