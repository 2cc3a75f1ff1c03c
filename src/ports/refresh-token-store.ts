import type { IssuedTokens } from '../domain/tokens.ts'
import type { Result } from '../domain/result.ts'
import type { Sensitive } from '../domain/sensitive.ts'
import type { TokenStore } from '../domain/token-store.ts'

/** Where one refresh token is. */
export interface RefreshTokenLocation {
  readonly store: TokenStore
  /** The credential's namespace: where a `kubernetes` store finds its Secret. */
  readonly namespace: string
  readonly key: string
  /** JSON pointer; absent: found by the document's known shape. */
  readonly property?: string
}

/** A refresh token as read, with what a compare-and-set needs. */
export interface StoredRefreshToken {
  readonly refreshToken: Sensitive
  /** Opaque; differs whenever the document differs. Safe to publish. */
  readonly version: string
  /** The whole document as text, so that a write-back keeps every field that is not ours. */
  readonly document: Sensitive
}

/**
 * The system of record of refresh tokens: Vault, AWS Secrets Manager, a Secret, a file.
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
  read(location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>>
  /**
   * Compare-and-set on `base`. Writing the same tokens over the same base twice succeeds twice and
   * leaves one new version.
   */
  writeBack(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    tokens: IssuedTokens,
  ): Promise<Result<StoredRefreshToken>>
}
