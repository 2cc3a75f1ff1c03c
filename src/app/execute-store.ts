import { type Failure, failure } from '../domain/failures.ts'
import type { Observed, PendingTokens } from '../domain/observed.ts'
import { isFailure, usableReferents } from '../domain/referents.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { sameSecret } from '../domain/sensitive.ts'
import type { JournaledAnswer, WriteBackOutcome } from '../domain/step.ts'
import { readTokenAnswer } from '../domain/token-answer.ts'
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
  const open = openStore(observed, deps)
  if (isStoreFailure(open)) return failed(open)
  return read(open, observed, deps)
}

/** Reads the journal's answer again, and beside it what the store holds now. */
export async function readJournaledAnswer(observed: Observed, deps: Deps): Promise<Result<JournaledAnswer>> {
  const usable = usableReferents(observed)
  if (isFailure(usable)) return failed(usable)
  const { journal: entry, credential } = observed
  if (entry?.phase !== 'answered') throw new Error('no answer is journaled for this credential')
  const stored = await readRefreshToken(observed, deps)
  if (!stored.ok) return stored
  const { answer, startedAt } = entry
  const reading = readTokenAnswer(answer, { provider: usable.provider, startedAt, scopes: credential.spec.scopes })
  return ok({ reading, entry, stored: stored.value })
}

/**
 * Puts a rotated refresh token into the store. Compare-and-set against what was sent; a document that
 * changed in other fields is followed; a refresh token that somebody else put there stays.
 */
export async function writeBack(pending: PendingTokens, observed: Observed, deps: Deps): Promise<WriteBackOutcome> {
  const open = openStore(observed, deps)
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

function openStore(observed: Observed, deps: Deps): OpenStore | Failure {
  const { credential } = observed
  if (observed.store.kind !== 'found') {
    const usable = usableReferents(observed)
    if (isFailure(usable)) return usable
    throw new Error('a store is both usable and not found')
  }
  const config = observed.store.value
  const store = deps.stores[config.backend.type]
  if (store === undefined) {
    const what = `${storeText(config)} is of the type ${config.backend.type}, which does not exist ${deps.usesFinalizers ? 'in' : 'without'} a cluster.`
    return failure('STORE_INVALID', what)
  }
  const { key, property } = credential.spec.refreshToken
  const location = {
    store: config,
    namespace: credential.key.namespace,
    key,
    ...(property !== undefined && { property }),
  }
  return { store, config, location }
}

function isStoreFailure(value: OpenStore | Failure): value is Failure {
  return 'code' in value
}

/** Whose access token ends first goes first. */
function deadline({ state, credential }: Observed): number {
  return state.accessTokenExpiresAt ?? credential.createdAt
}
