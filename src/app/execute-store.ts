import { type Credential, keyText, type RefreshTokenSource, refreshTokenSpec, scopesOf } from '../domain/credential.ts'
import type { DocumentClaim } from '../domain/document-claim.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'
import { isFailure, storeFailure, usableReferents } from '../domain/referents.ts'
import type { AnsweredEntry } from '../domain/journal-entry.ts'
import { readKeptAnswer } from '../domain/kept-answer.ts'
import { isGivenUp, isTakenAway } from '../domain/place-left.ts'
import { facing } from '../domain/record-places.ts'
import { intentOn, refused, type RefreshRecord } from '../domain/refresh-record.ts'
import { awaitsDocument, isRefusal } from '../domain/refusals.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { rememberedFailure } from '../domain/settle.ts'
import type { JournaledAnswer, StoreHolds } from '../domain/step.ts'
import type { TokenAnswerContext } from '../domain/token-answer-tokens.ts'
import { refusalIn, settlesNothing, type TokenAnswerReading } from '../domain/token-exchange.ts'
import { storeText, type TokenStore } from '../domain/token-store.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { RefreshTokenLocation, RefreshTokenStore } from '../ports/refresh-token-store.ts'
import type { Deps, EngineDeps } from './deps.ts'
import { readRecord, sealingKeyOf } from './execute-record.ts'
import { unknownProvider } from './unknown-provider.ts'

/** Calls to one store at a time. */
const storeLimit = { perSecond: 1000, concurrent: 32 }

/** Whose tokens go into a store. */
export type StoreSubject = Pick<Observed, 'state' | 'record'> & {
  readonly credential: Pick<Credential, 'key' | 'uid'>
  /** True for a look that nobody's access token waits for. */
  readonly isLook?: boolean
}

export interface OpenStore {
  readonly store: RefreshTokenStore
  readonly config: TokenStore
  readonly location: RefreshTokenLocation
}

/** Reads the refresh token as it is now. */
export async function readRefreshToken(observed: Observed, deps: Deps): Promise<Result<StoredRefreshToken>> {
  const usable = usableReferents(observed)
  if (isFailure(usable)) return failed(usable)
  const open = openStore(observed, deps, refreshTokenSpec(observed.credential).refreshToken)
  if (isStoreFailure(open)) return failed(open)
  return readOpen(open, asLook(observed), deps)
}

/**
 * Who waits for a human does not go before those that can be refreshed, although its access token is over for long;
 * nor does who looks again at a document that it has published.
 */
export function asLook(observed: Observed): StoreSubject {
  const { credential, state, record, look } = observed
  const isLook = look !== undefined || isAwaiting(rememberedFailure(state))
  return { credential, state, isLook, ...(record && { record }) }
}

function isAwaiting(last: Failure | undefined): boolean {
  return last !== undefined && (isRefusal(last) || awaitsDocument(last))
}

/** Whether the store would take a write-back over this document. Changes nothing. */
export async function proveWritable(stored: StoredRefreshToken, observed: Observed, deps: Deps): Promise<Result<void>> {
  const open = openStore(observed, deps, refreshTokenSpec(observed.credential).refreshToken)
  if (isStoreFailure(open)) return failed(open)
  return limited(open, observed, deps, () => open.store.proveWritable(open.location, stored))
}

/** Puts a claim into the document. */
export async function claimDocument(
  stored: StoredRefreshToken,
  claim: DocumentClaim,
  observed: Observed,
  deps: Deps,
): Promise<Result<StoredRefreshToken>> {
  const open = openStore(observed, deps, refreshTokenSpec(observed.credential).refreshToken)
  if (isStoreFailure(open)) return failed(open)
  return limited(open, observed, deps, () => open.store.claim(open.location, stored, claim))
}

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
  const reading = readKeptAnswer(entry, { provider: answering.value, scopes: scopesOf(credential.spec) })
  const known = await heeded(record.value, { entry, reading }, deps)
  if (!known.ok) return known
  const faced = facing(record.value, entry.source)
  const storeHolds = standingOf(deps.records.fingerprint(stored.value.refreshToken), faced)
  return ok({ reading, entry, stored: stored.value, record: known.value, storeHolds })
}

/** An answer that has nowhere to go any more holds up nobody. */
async function giveUp({ uid, credential, source: { key } }: AnsweredEntry, deps: Deps): Promise<Result<never>> {
  const settled = await deps.journal.settled(uid)
  if (!settled.ok) return settled
  const what = `The document "${key}", which OAuthCredential ${keyText(credential)} named before, was taken away, and what came for it goes with it.`
  return failed(failure('STORE_CONFLICT', what))
}

/** What the answer is read against. A credential that has another grant by now may have no provider left. */
function answeringProvider(observed: Observed): Result<TokenAnswerContext['provider']> {
  const { credential, provider } = observed
  if (credential.spec.grant !== 'RefreshToken') return ok(provider.kind === 'found' ? provider.value : unknownProvider)
  const usable = usableReferents(observed)
  return isFailure(usable) ? failed(usable) : ok(usable.provider)
}

/** True when the credential has left the place, or is gone, and somebody has taken the place away. */
export function isGivenUpBy(
  { uid, key }: Pick<Credential, 'uid' | 'key'>,
  source: RefreshTokenSource,
  cause: Failure,
  { resources, watches }: Pick<EngineDeps, 'resources' | 'watches'>,
): boolean {
  const indexed = resources.credentialByUid(uid)
  // Of a namespace that is not watched nobody knows what is gone.
  if (indexed === undefined) return watches(key.namespace) && isTakenAway(cause)
  return indexed.type === 'credential' && isGivenUp(indexed.credential.spec, source, cause)
}

/** What a document holds, to the record of whoever uses it. */
export function standingOf(fingerprint: string, { retained, spent }: RefreshRecord): StoreHolds {
  if (spent.includes(fingerprint)) return 'spent'
  return retained?.fingerprint === fingerprint ? 'newest' : 'another'
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

export function readOpen(
  { store, config, location }: OpenStore,
  observed: StoreSubject,
  deps: Deps,
): Promise<Result<StoredRefreshToken>> {
  return limited({ config }, observed, deps, () => store.read(location))
}

export function limited<T>(
  { config }: Pick<OpenStore, 'config'>,
  observed: StoreSubject,
  deps: Deps,
  call: () => Promise<T>,
): Promise<T> {
  return deps.limiter.run(storeText(config), storeLimit, deadline(observed), call)
}

/** Opens the place of a refresh token, which may be another one than the spec names by now. */
export function openStore(
  { credential }: Pick<StoreSubject, 'credential'>,
  deps: Pick<EngineDeps, 'resources' | 'stores' | 'usesFinalizers'>,
  source: RefreshTokenSource,
): OpenStore | Failure {
  const { namespace } = credential.key
  const referent = deps.resources.storeOf(source.store, namespace)
  if (referent.kind !== 'found') return storeFailure(source.store, namespace, referent)
  const config = referent.value
  const store = deps.stores[config.backend.type]
  if (store === undefined) {
    const what = `${storeText(config)} is of the type ${config.backend.type}, which does not exist ${deps.usesFinalizers ? 'in' : 'without'} a cluster.`
    return failure('STORE_INVALID', what)
  }
  const { key, property } = source
  const location = { store: config, namespace, key, ...(property !== undefined && { property }) }
  return { store, config, location }
}

export function isStoreFailure(value: OpenStore | Failure): value is Failure {
  return 'code' in value
}

/** Whose access token ends first goes first. */
function deadline({ state, isLook = false }: StoreSubject): number {
  return isLook ? Number.MAX_VALUE : (state.accessTokenExpiresAt ?? 0)
}
