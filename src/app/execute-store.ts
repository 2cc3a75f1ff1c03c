import type { RefreshTokenSource } from '../domain/credential.ts'
import type { DocumentClaim, TokenMark } from '../domain/document-claim.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { Observed, PendingTokens } from '../domain/observed.ts'
import { isFailure, storeFailure, usableReferents } from '../domain/referents.ts'
import type { AnsweredEntry } from '../domain/journal-entry.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { sameSecret } from '../domain/sensitive.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import type { JournaledAnswer, Outcome, RecordLook, WriteBackOutcome } from '../domain/step.ts'
import { readTokenAnswer } from '../domain/token-answer.ts'
import { settlesNothing, type TokenAnswerReading } from '../domain/token-exchange.ts'
import { storeText, type TokenStore } from '../domain/token-store.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { RefreshTokenLocation, RefreshTokenStore } from '../ports/refresh-token-store.ts'
import type { Deps } from './deps.ts'
import { commit, readRecord, type RecordPlace, sealingKeyOf, withStoreWrite } from './execute-record.ts'

/** Calls to one store at a time. */
const storeLimit = { perSecond: 1000, concurrent: 32 }
/** How often a write-back follows a document that others keep changing. */
const writeBackTries = 3

/** Whose tokens go into a store. */
export type StoreSubject = Pick<Observed, 'credential' | 'state' | 'record' | 'claim'>

interface OpenStore {
  readonly store: RefreshTokenStore
  readonly config: TokenStore
  readonly location: RefreshTokenLocation
}

/** Reads the refresh token as it is now. */
export async function readRefreshToken(observed: Observed, deps: Deps): Promise<Result<StoredRefreshToken>> {
  const usable = usableReferents(observed)
  if (isFailure(usable)) return failed(usable)
  const open = openStore(observed, deps, observed.credential.spec.refreshToken)
  if (isStoreFailure(open)) return failed(open)
  return read(open, observed, deps)
}

/** Whether the store would take a write-back over this document. Changes nothing. */
export async function proveWritable(stored: StoredRefreshToken, observed: Observed, deps: Deps): Promise<Result<void>> {
  const open = openStore(observed, deps, observed.credential.spec.refreshToken)
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
  const open = openStore(observed, deps, observed.credential.spec.refreshToken)
  if (isStoreFailure(open)) return failed(open)
  return limited(open, observed, deps, () => open.store.claim(open.location, stored, claim))
}

/** Reads the journal's answer again, and beside it what the store and the record hold now. */
export async function readJournaledAnswer(observed: Observed, deps: Deps): Promise<Result<JournaledAnswer>> {
  const usable = usableReferents(observed)
  if (isFailure(usable)) return failed(usable)
  const { journal: entry, credential } = observed
  if (entry?.phase !== 'answered') throw new Error('no answer is journaled for this credential')
  const open = openStore(observed, deps, entry.source)
  if (isStoreFailure(open)) return failed(open)
  const stored = await read(open, observed, deps)
  if (!stored.ok) return stored
  const record = await readRecord(credential, entry.sealingKey ?? sealingKeyOf(stored.value.claim), deps)
  if (!record.ok) return record
  const { answer, startedAt } = entry
  const reading = readTokenAnswer(answer, { provider: usable.provider, startedAt, scopes: credential.spec.scopes })
  await restoreUncertainty(entry, reading, deps)
  const storeBehind = record.value.spent.includes(deps.records.fingerprint(stored.value.refreshToken))
  return ok({ reading, entry, stored: stored.value, record: record.value, storeBehind })
}

/** Reads the record, and what stands where its newest refresh token belongs. */
export async function lookAtRecord(observed: Observed, deps: Deps): Promise<Result<RecordLook>> {
  const { credential } = observed
  const sealed = await readRecord(credential, undefined, deps)
  if (!sealed.ok) return sealed
  const { retained } = sealed.value
  if (retained === undefined) return ok({ record: sealed.value, storeBehind: false })
  const open = openStore(observed, deps, retained.source)
  if (isStoreFailure(open)) return failed(open)
  const stored = await read(open, observed, deps)
  if (!stored.ok) return stored
  const record = await readRecord(credential, sealingKeyOf(stored.value.claim), deps)
  if (!record.ok) return record
  const storeBehind = record.value.spent.includes(deps.records.fingerprint(stored.value.refreshToken))
  return ok({ record: record.value, stored: stored.value, storeBehind })
}

/** An answer that settled nothing, in a process that ended before it could say so, leaves a request without an answer. */
async function restoreUncertainty(entry: AnsweredEntry, reading: TokenAnswerReading, deps: Deps): Promise<void> {
  if (!settlesNothing(reading)) return
  const { answer: _useless, ...request } = entry
  const result = await deps.journal.sent({ ...request, phase: 'sent' })
  if (!result.ok) deps.logger.warn({ uid: entry.uid, code: result.failure.code }, result.failure.message)
}

/**
 * Puts a rotated refresh token into the record and, unless that has to wait, into the store, at the
 * same time: the first of the two that succeeds is the end of the danger.
 */
export async function writeBack(
  pending: PendingTokens,
  observed: StoreSubject,
  deps: Deps,
): Promise<Omit<Extract<Outcome, { kind: 'write-back' }>, 'kind' | 'pending'>> {
  const waits = pending.storeWriteDueAt !== undefined && deps.clock.now() < pending.storeWriteDueAt
  const left = pending.persisted ? ({ kind: 'kept' } as const) : ({ kind: 'paced' } as const)
  const known = pending.recorded ? observed.record : undefined
  const [committed, written] = await Promise.all([
    known === undefined ? commit(pending, recordPlace(pending, observed), deps) : ok(known),
    pending.persisted || waits ? left : store(pending, observed, deps),
  ])
  if (committed.ok && isOvertakenBy(committed.value, pending, deps))
    return { written: { kind: 'overtaken' }, committed }
  if (committed.ok) {
    const isStored = written.kind === 'written'
    return { written, committed: isStored ? ok(withStoreWrite(committed.value, deps.clock.now())) : committed }
  }
  // Without the record the store does not wait.
  return { written: written.kind === 'paced' ? await store(pending, observed, deps) : written, committed }
}

/** True when the record keeps other tokens than these. */
function isOvertakenBy({ retained }: RefreshRecord, { tokens }: PendingTokens, { records }: Deps): boolean {
  return tokens.refreshToken !== undefined && retained?.fingerprint !== records.fingerprint(tokens.refreshToken)
}

function recordPlace({ base }: PendingTokens, { credential, claim, record }: StoreSubject): RecordPlace {
  return { credential, sealingKey: sealingKeyOf(base.claim ?? claim), ...(record && { record }) }
}

/**
 * Compare-and-set against the document that was read; one that changed in other fields is followed,
 * and so is one with a token that was replaced before; a refresh token that somebody else put there stays.
 */
async function store(pending: PendingTokens, observed: StoreSubject, deps: Deps): Promise<WriteBackOutcome> {
  const open = openStore(observed, deps, pending.source)
  if (isStoreFailure(open)) return writeBackFailed(open, 'kubernetes', deps)
  let base: StoredRefreshToken | undefined = pending.base.version === '' ? undefined : pending.base
  for (let tries = 0; ; tries += 1) {
    const outcome = base === undefined ? undefined : await tryStore(base, pending, { open, observed, deps })
    if (outcome?.ok === true) return { kind: 'written', stored: outcome.value }
    if (outcome?.ok === false && (!isToBeReadBack(outcome.failure) || tries >= writeBackTries)) {
      return writeBackFailed(outcome.failure, open.config.backend.type, deps)
    }
    const current = await read(open, observed, deps)
    if (!current.ok) return writeBackFailed(current.failure, open.config.backend.type, deps)
    const verdict = judge(current.value, pending, { spent: observed.record?.spent ?? [], deps })
    if (verdict === 'spent') return writeBackFailed(replacedBefore(open), open.config.backend.type, deps)
    if (verdict !== 'ours-to-write') return { kind: verdict, stored: current.value }
    base = current.value
  }
}

function tryStore(
  base: StoredRefreshToken,
  { tokens }: PendingTokens,
  { open, observed, deps }: { readonly open: OpenStore; readonly observed: StoreSubject; readonly deps: Deps },
): Promise<Result<StoredRefreshToken>> {
  const mark = markOf(tokens, observed, deps)
  return limited(open, observed, deps, () =>
    open.store.writeBack(open.location, base, { ...tokens, ...(mark && { mark }) }),
  )
}

/** What the document's claim is to say of the token. While the record does not have it yet, it will be the next generation. */
function markOf(
  { refreshToken }: PendingTokens['tokens'],
  { record }: StoreSubject,
  { records }: Deps,
): TokenMark | undefined {
  if (refreshToken === undefined) return undefined
  const fingerprint = records.fingerprint(refreshToken)
  const generation = record?.generation ?? 0
  return { fingerprint, generation: record?.retained?.fingerprint === fingerprint ? generation : generation + 1 }
}

function isToBeReadBack({ code }: Failure): boolean {
  return code === 'STORE_CONFLICT' || code === 'STORE_WRITE_UNKNOWN'
}

function judge(
  current: StoredRefreshToken,
  { presented, tokens, recorded }: PendingTokens,
  { spent, deps }: { readonly spent: RefreshRecord['spent']; readonly deps: Deps },
): 'written' | 'superseded' | 'ours-to-write' | 'spent' {
  if (tokens.refreshToken !== undefined && sameSecret(current.refreshToken, tokens.refreshToken)) return 'written'
  if (sameSecret(current.refreshToken, presented)) return 'ours-to-write'
  if (!spent.includes(deps.records.fingerprint(current.refreshToken))) return 'superseded'
  // Only what the record says to be the newest goes over a token that was replaced by another process's.
  return recorded ? 'ours-to-write' : 'spent'
}

function replacedBefore({ location: { key }, config }: OpenStore): Failure {
  const what = `The document "${key}" of ${storeText(config)} holds a refresh token that was replaced before.`
  return failure('STORE_CONFLICT', what)
}

function writeBackFailed(
  cause: Failure,
  type: TokenStore['backend']['type'],
  deps: Deps,
): Extract<WriteBackOutcome, { kind: 'failed' }> {
  deps.metrics.writeBackFailed(type, cause.code)
  return { kind: 'failed', failure: cause }
}

function read(
  { store, config, location }: OpenStore,
  observed: StoreSubject,
  deps: Deps,
): Promise<Result<StoredRefreshToken>> {
  return limited({ config }, observed, deps, () => store.read(location))
}

function limited<T>(
  { config }: Pick<OpenStore, 'config'>,
  observed: StoreSubject,
  deps: Deps,
  call: () => Promise<T>,
): Promise<T> {
  return deps.limiter.run(storeText(config), storeLimit, deadline(observed), call)
}

/** Opens the place of a refresh token, which may be another one than the spec names by now. */
function openStore({ credential }: StoreSubject, deps: Deps, source: RefreshTokenSource): OpenStore | Failure {
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

function isStoreFailure(value: OpenStore | Failure): value is Failure {
  return 'code' in value
}

/** Whose access token ends first goes first. */
function deadline({ state, credential }: StoreSubject): number {
  return state.accessTokenExpiresAt ?? credential.createdAt
}
