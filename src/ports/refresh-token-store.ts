import type { DocumentClaim } from '../domain/document-claim.ts'
import type { StoreDocument, StoredRefreshToken, TokensToStore } from '../domain/tokens.ts'
import type { Result } from '../domain/result.ts'
import type { TokenStore } from '../domain/token-store.ts'

export type { StoreDocument, StoredRefreshToken } from '../domain/tokens.ts'

/** Where one refresh token is. */
export interface RefreshTokenLocation {
  readonly store: TokenStore
  /** The credential's namespace: where a `kubernetes` store finds its Secret. */
  readonly namespace: string
  readonly key: string
  /** JSON pointer; absent: found by the document's known shape. */
  readonly property?: string
}

/**
 * The system of record of tokens: Vault, AWS Secrets Manager, a Secret, a file.
 *
 * Guarantees: reads are never served from a cache. A write replaces the refresh token, the access
 * token and the expiry fields where the document has them, keeps every other field, and takes
 * place only if the document is still the one that was read. Nothing is ever deleted.
 *
 * Failures: STORE_UNAVAILABLE, STORE_THROTTLED, STORE_FORBIDDEN, STORE_LOGIN_REJECTED,
 * CLIENT_SECRET_UNAVAILABLE, ENDPOINT_NOT_ALLOWED; reading also REFRESH_TOKEN_MISSING and
 * REFRESH_TOKEN_MALFORMED; writing also STORE_CONFLICT (another document is there, nothing was
 * written) and STORE_WRITE_UNKNOWN (written or not; read it back).
 */
export interface RefreshTokenStore {
  /**
   * The document as it is, for who looks for something else in it than a refresh token. REFRESH_TOKEN_MISSING when
   * there is none, REFRESH_TOKEN_MALFORMED when it is no text; whether it could be written is not asked.
   */
  readDocument(location: RefreshTokenLocation): Promise<Result<StoreDocument>>
  read(location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>>
  /**
   * Compare-and-set on `base`. Without an access token only the refresh token is replaced. Writing the same tokens over the same base twice succeeds twice and
   * leaves one new version.
   */
  writeBack(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    tokens: TokensToStore,
  ): Promise<Result<StoredRefreshToken>>
  /**
   * Proves without changing anything that a write-back over `base` would be carried out now: it is
   * still the document that is there, the login may write it, and the store takes writes.
   *
   * Failures: those of writing, and STORE_UNFIT for a place that loses documents by itself.
   */
  proveWritable(location: RefreshTokenLocation, base: StoredRefreshToken): Promise<Result<void>>
  /** Puts a claim into a document that has room for one. Compare-and-set on `base`, as a write-back. */
  claim(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    claim: DocumentClaim,
  ): Promise<Result<StoredRefreshToken>>
}
