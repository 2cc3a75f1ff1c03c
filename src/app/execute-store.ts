import { type Credential, type RefreshTokenSource, refreshTokenSpec } from '../domain/credential.ts'
import type { DocumentClaim } from '../domain/document-claim.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'
import { isFailure, storeFailure, usableReferents } from '../domain/referents.ts'
import { isGivenUp, isTakenAway } from '../domain/place-left.ts'
import { type RefreshRecord } from '../domain/refresh-record.ts'
import { awaitsDocument, isRefusal } from '../domain/refusals.ts'
import { failed, type Result } from '../domain/result.ts'
import { rememberedFailure } from '../domain/settle.ts'
import type { StoreHolds } from '../domain/step.ts'
import { storeText, type TokenStore } from '../domain/token-store.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { RefreshTokenLocation, RefreshTokenStore } from '../ports/refresh-token-store.ts'
import type { Deps, EngineDeps } from './deps.ts'

/** Calls to one store at a time. */
const storeLimit = { perSecond: 1000, concurrent: 32 }

/** Whose tokens go into a store. */
export type StoreSubject = Pick<Observed, 'state' | 'record' | 'opened'> & {
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
