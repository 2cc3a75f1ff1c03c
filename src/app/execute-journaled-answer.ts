import { keyText, scopesOf } from '../domain/credential.ts'
import { failure } from '../domain/failures.ts'
import type { AnsweredEntry } from '../domain/journal-entry.ts'
import { readKeptAnswer } from '../domain/kept-answer.ts'
import type { Observed } from '../domain/observed.ts'
import { facing } from '../domain/record-places.ts'
import { isFailure, usableReferents } from '../domain/referents.ts'
import { intentOn, refused, type RefreshRecord } from '../domain/refresh-record.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import type { JournaledAnswer } from '../domain/step.ts'
import type { TokenAnswerContext } from '../domain/token-answer-tokens.ts'
import { refusalIn, settlesNothing, type TokenAnswerReading } from '../domain/token-exchange.ts'
import { answeringServer } from './answering-server.ts'
import type { Deps } from './deps.ts'
import { readRecord, sealingKeyOf } from './execute-record.ts'
import { isGivenUpBy, isStoreFailure, openStore, readOpen, standingOf } from './execute-store.ts'
import { recoverEntry } from './recover-journal.ts'
import { unknownProvider } from './unknown-provider.ts'

/** Reads the journal's answer again, and beside it what the store and the record hold now. */
export async function readJournaledAnswer(observed: Observed, deps: Deps): Promise<Result<JournaledAnswer>> {
  const answering = answeringProvider(observed)
  if (!answering.ok) return answering
  const { journal: entry, credential } = observed
  if (entry?.phase !== 'answered') throw new Error('no answer is journaled for this credential')
  const open = openStore(observed, deps, entry.source)
  const stored = isStoreFailure(open) ? failed(open) : await readOpen(open, observed, deps)
  if (!stored.ok) return isGivenUpBy(credential, entry.source, stored.failure, deps) ? giveUp(entry, deps) : stored
  const record = await readRecord(credential, entry.sealingKey ?? sealingKeyOf(stored.value.claim), deps)
  if (!record.ok) return record
  deps.leftRecords.noteRead(record.value, observed.record)
  const reading = readKeptAnswer(entry, { provider: answering.value, scopes: scopesOf(credential.spec) })
  const known = await heeded(record.value, { entry, reading }, deps)
  if (!known.ok) return known
  const faced = facing(record.value, entry.source)
  const storeHolds = standingOf(deps.records.fingerprint(stored.value.refreshToken), faced)
  const by = answeringServer(entry.server, { reading, presented: entry.refreshToken }, deps)
  return ok({ reading, entry, ...by, stored: stored.value, record: known.value, storeHolds })
}

/** An answer that has nowhere to go but the record holds up nobody, once it is there: who took its place away may bring it back. */
async function giveUp(entry: AnsweredEntry, deps: Deps): Promise<Result<never>> {
  const recovered = await recoverEntry(entry, deps)
  if (!recovered.ok) return recovered
  const { credential, source } = entry
  const what = `The document "${source.key}", which OAuthCredential ${keyText(credential)} named before, was taken away. What came for it is in the operator's record.`
  return failed(failure('STORE_CONFLICT', what))
}

/** What the answer is read against. A credential that has another grant by now may have no provider left. */
function answeringProvider(observed: Observed): Result<TokenAnswerContext['provider']> {
  const { credential, provider } = observed
  if (credential.spec.grant !== 'RefreshToken') return ok(provider.kind === 'found' ? provider.value : unknownProvider)
  const usable = usableReferents(observed)
  return isFailure(usable) ? failed(usable) : ok(usable.provider)
}

/** True for an answer after which nothing of the request is left to know or to keep. */
function isRefusedAnswer(reading: TokenAnswerReading): boolean {
  return reading.kind === 'refused' && reading.refreshToken === undefined && !settlesNothing(reading)
}

interface JournaledReading {
  readonly entry: AnsweredEntry
  readonly reading: TokenAnswerReading
}

/** The record once an answer that brings no tokens is where the next attempt looks for it. */
async function heeded(record: RefreshRecord, journaled: JournaledReading, deps: Deps): Promise<Result<RefreshRecord>> {
  if (isRefusedAnswer(journaled.reading)) return takeBack(record, journaled, deps)
  if (!settlesNothing(journaled.reading)) return ok(record)
  const restored = await restoreUncertainty(journaled.entry, deps)
  return restored.ok ? ok(record) : restored
}

/** The intent of a request that was refused, which could not be taken out of the record when the answer came. */
async function takeBack(
  record: RefreshRecord,
  { entry, reading }: JournaledReading,
  deps: Deps,
): Promise<Result<RefreshRecord>> {
  const fingerprint = deps.records.fingerprint(entry.refreshToken)
  const isOwn = intentOn(record, fingerprint)?.holder?.journalId === deps.holders.self.journalId
  const known = refused(facing(record, entry.source), fingerprint, refusalIn(reading, entry.sends))
  return isOwn ? deps.records.replace(known, entry.sealingKey) : ok(record)
}

/**
 * An answer that settled nothing, in a process that ended before it could say so, leaves a request without an answer.
 * Until the journal says that, it keeps the answer: the record may name this process, and nobody else could tell why.
 */
function restoreUncertainty({ answer: _useless, ...request }: AnsweredEntry, { journal }: Deps): Promise<Result<void>> {
  return journal.sent({ ...request, phase: 'sent' })
}
