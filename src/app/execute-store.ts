import type { RefreshTokenSource } from '../domain/credential.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { Observed, PendingTokens } from '../domain/observed.ts'
import { isFailure, storeFailure, usableReferents } from '../domain/referents.ts'
import type { AnsweredEntry } from '../domain/journal-entry.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { sameSecret } from '../domain/sensitive.ts'
import type { JournaledAnswer, WriteBackOutcome } from '../domain/step.ts'
import { readTokenAnswer } from '../domain/token-answer.ts'
import { settlesNothing, type TokenAnswerReading } from '../domain/token-exchange.ts'
import { storeText, type TokenStore } from '../domain/token-store.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { RefreshTokenLocation, RefreshTokenStore } from '../ports/refresh-token-store.ts'
import type { Deps } from './deps.ts'

/** Calls to one store at a time. */
const storeLimit = { perSecond: 1000, concurrent: 32 }
/** How often a write-back follows a document that others keep changing. */
const writeBackTries = 3

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

/** Reads the journal's answer again, and beside it what the store holds now. */
export async function readJournaledAnswer(observed: Observed, deps: Deps): Promise<Result<JournaledAnswer>> {
  const usable = usableReferents(observed)
  if (isFailure(usable)) return failed(usable)
  const { journal: entry, credential } = observed
  if (entry?.phase !== 'answered') throw new Error('no answer is journaled for this credential')
  const open = openStore(observed, deps, entry.source)
  if (isStoreFailure(open)) return failed(open)
  const stored = await read(open, observed, deps)
  if (!stored.ok) return stored
  const { answer, startedAt } = entry
  const reading = readTokenAnswer(answer, { provider: usable.provider, startedAt, scopes: credential.spec.scopes })
  await restoreUncertainty(entry, reading, deps)
  return ok({ reading, entry, stored: stored.value })
}

/** An answer that settled nothing, in a process that ended before it could say so, leaves a request without an answer. */
async function restoreUncertainty(entry: AnsweredEntry, reading: TokenAnswerReading, deps: Deps): Promise<void> {
  if (!settlesNothing(reading)) return
  const { answer: _useless, ...request } = entry
  const result = await deps.journal.sent({ ...request, phase: 'sent' })
  if (!result.ok) deps.logger.warn({ uid: entry.uid, code: result.failure.code }, result.failure.message)
}

/**
 * Puts a rotated refresh token into the store. Compare-and-set against what was sent; a document that
 * changed in other fields is followed; a refresh token that somebody else put there stays.
 */
export async function writeBack(pending: PendingTokens, observed: Observed, deps: Deps): Promise<WriteBackOutcome> {
  const open = openStore(observed, deps, pending.source)
  if (isStoreFailure(open)) return writeBackFailed(open, 'kubernetes', deps)
  let base = pending.base
  for (let tries = 0; ; tries += 1) {
    const written = await deps.limiter.run(storeText(open.config), storeLimit, deadline(observed), () =>
      open.store.writeBack(open.location, base, pending.tokens),
    )
    if (written.ok) return { kind: 'written', stored: written.value }
    const { code } = written.failure
    const reread = code === 'STORE_CONFLICT' || code === 'STORE_WRITE_UNKNOWN'
    if (!reread || tries >= writeBackTries) return writeBackFailed(written.failure, open.config.backend.type, deps)
    const current = await read(open, observed, deps)
    if (!current.ok) return writeBackFailed(current.failure, open.config.backend.type, deps)
    const verdict = judge(current.value, pending)
    if (verdict !== 'ours-to-write') return { kind: verdict, stored: current.value }
    base = current.value
  }
}

function judge(
  current: StoredRefreshToken,
  { base, tokens }: PendingTokens,
): 'written' | 'superseded' | 'ours-to-write' {
  if (tokens.refreshToken !== undefined && sameSecret(current.refreshToken, tokens.refreshToken)) return 'written'
  return sameSecret(current.refreshToken, base.refreshToken) ? 'ours-to-write' : 'superseded'
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
  observed: Observed,
  deps: Deps,
): Promise<Result<StoredRefreshToken>> {
  return deps.limiter.run(storeText(config), storeLimit, deadline(observed), () => store.read(location))
}

/** Opens the place of a refresh token, which may be another one than the spec names by now. */
function openStore({ credential }: Observed, deps: Deps, source: RefreshTokenSource): OpenStore | Failure {
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
function deadline({ state, credential }: Observed): number {
  return state.accessTokenExpiresAt ?? credential.createdAt
}
