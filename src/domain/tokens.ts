import type { ClaimState, TokenMark } from './document-claim.ts'
import type { Sensitive } from './sensitive.ts'
import type { EpochSeconds } from './time.ts'

/** What a token endpoint issued, after parsing. @see RFC 6749 §5.1 */
export interface IssuedTokens {
  readonly accessToken: AccessToken
  /** Absent when the answer has none: the old one stays valid (RFC 6749 §6). */
  readonly refreshToken?: Sensitive
  /** From `refresh_token_expires_in`, counted from the start of the request. */
  readonly refreshTokenExpiresAt?: EpochSeconds
  /** True when the answer says that the newest refresh token does not end by time. */
  readonly refreshTokenNeverExpires?: true
}

/**
 * Tokens on their way into the store. An answer that could not be understood whole may still carry
 * a rotated refresh token, which then travels without an access token.
 */
export type RotatedTokens = Omit<IssuedTokens, 'accessToken'> & { readonly accessToken?: AccessToken }

/** Tokens for a document, and what its claim is to say of them. */
export type TokensToStore = RotatedTokens & { readonly mark?: TokenMark }

/** An access token with what its readers need to know about it. */
export interface AccessToken {
  readonly value: Sensitive
  /** As on the wire; `Bearer` when the answer has none. */
  readonly tokenType: string
  /** Start of the request that issued it, or up to five seconds later where another token is of the same second, or a later one. */
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
  /** True when the answer did not say how long it lives, so that `expiresAt` is what the provider assumes. */
  readonly lifetimeAssumed?: true
  /** Scheme, host and port of who issued it, in the process that asked for it, as long as `lifetimeAssumed`. */
  readonly issuedBy?: string
  /** Who issued it to whom, as it was when it was issued; absent where this process did not ask for it. */
  readonly mark?: string
  readonly scopes: readonly string[]
  readonly idToken?: Sensitive
}

/** True when a token was issued after the one that was published last. A status keeps whole seconds, rounded down. */
export function isLaterThan(accessToken: AccessToken | undefined, lastRefreshAt: EpochSeconds | undefined): boolean {
  return accessToken !== undefined && Math.floor(accessToken.issuedAt) > (lastRefreshAt ?? 0)
}

/** What a store holds under a key. */
export interface StoreDocument {
  readonly text: Sensitive
  /** Opaque; differs whenever the document differs. Safe to publish. */
  readonly version: string
}

/** An access token as a store holds it. */
export interface StoredAccessToken {
  /** Issued, as far as anybody knows, when it was first read. */
  readonly accessToken: AccessToken
  readonly version: string
}

/** A refresh token as read, with what a compare-and-set needs. */
export interface StoredRefreshToken {
  readonly refreshToken: Sensitive
  /** Opaque; differs whenever the document differs. Safe to publish. */
  readonly version: string
  /** The whole document as text, so that a write-back keeps every field that is not ours. */
  readonly document: Sensitive
  /** Whether somebody refreshes this token; absent when the document has no room for a claim. */
  readonly claim?: ClaimState
}
