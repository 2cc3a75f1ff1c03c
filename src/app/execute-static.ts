import { findAccessToken } from '../domain/token-document-access.ts'
import { keyText } from '../domain/credential.ts'
import { failure } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'
import { isFailure, usableStore } from '../domain/referents.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { asStaticTokenFailure } from '../domain/static-token.ts'
import { endOfTime, type EpochSeconds } from '../domain/time.ts'
import { storeText } from '../domain/token-store.ts'
import type { StoreDocument, StoredAccessToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'
import { asLook, isStoreFailure, limited, openStore, type OpenStore } from './execute-store.ts'

/** Reads the access token that somebody else keeps in a store. Nothing is ever written there. */
export async function readAccessToken(observed: Observed, deps: Deps): Promise<Result<StoredAccessToken>> {
  const store = usableStore(observed)
  if (isFailure(store)) return failed(store)
  const { spec } = observed.credential
  if (spec.grant !== 'StaticToken') throw new Error(`a credential of the grant ${spec.grant} has no static token`)
  const open = openStore(observed, deps, spec.accessToken)
  if (isStoreFailure(open)) return failed(open)
  const document = await limited(open, asLook(observed), deps, () => open.store.readDocument(open.location))
  if (!document.ok) return failed(asStaticTokenFailure(document.failure))
  const found = tokenIn(document.value, open, deps)
  return found.ok ? ok(endingAt(spec.accessToken.expiresAt, found.value)) : found
}

/** The end that the manifest tells counts where nothing else does: who replaces a token need not know of the manifest. */
function endingAt(declared: EpochSeconds | undefined, found: StoredAccessToken): StoredAccessToken {
  const { accessToken } = found
  if (declared === undefined || accessToken.expiresAt < endOfTime) return found
  return { ...found, accessToken: { ...accessToken, expiresAt: declared } }
}

function tokenIn({ text, version }: StoreDocument, open: OpenStore, deps: Deps): Result<StoredAccessToken> {
  const { key, property } = open.location
  const document = `The document "${key}" of ${storeText(open.config)}`
  const found = findAccessToken(text, property)
  if (!found.ok) {
    const code = found.problem === 'missing' ? 'STATIC_TOKEN_MISSING' : 'STATIC_TOKEN_MALFORMED'
    return failed(failure(code, `${document} ${found.detail}.`))
  }
  // A document that is nothing but a token does not say which kind of token it is.
  const user = deps.tokenOwners.ownerOf(deps.records.fingerprint(found.accessToken.value), '')
  if (user !== undefined) {
    const what = `${document} has a refresh token there, of OAuthCredential ${keyText(user)}, which is never published.`
    return failed(failure('STATIC_TOKEN_MALFORMED', what))
  }
  return ok({ accessToken: { ...found.accessToken, issuedAt: deps.clock.now() }, version })
}
