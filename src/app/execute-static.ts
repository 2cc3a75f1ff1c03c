import { findAccessToken } from '../domain/token-document-access.ts'
import { keyText, sourceOf } from '../domain/credential.ts'
import { failure } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'
import { isFailure, usableStore } from '../domain/referents.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { asStaticTokenFailure } from '../domain/static-token.ts'
import { storeText } from '../domain/token-store.ts'
import type { StoreDocument, StoredAccessToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'
import { isStoreFailure, limited, openStore, type OpenStore } from './execute-store.ts'

/** Reads the access token that somebody else keeps in a store. Nothing is ever written there. */
export async function readAccessToken(observed: Observed, deps: Deps): Promise<Result<StoredAccessToken>> {
  const store = usableStore(observed)
  if (isFailure(store)) return failed(store)
  const source = sourceOf(observed.credential.spec)
  if (source === undefined) throw new Error('a static token is in a store')
  const open = openStore(observed, deps, source)
  if (isStoreFailure(open)) return failed(open)
  const document = await limited(open, observed, deps, () => open.store.readDocument(open.location))
  return document.ok ? tokenIn(document.value, open, deps) : failed(asStaticTokenFailure(document.failure))
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
