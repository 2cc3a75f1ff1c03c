import type { Provider } from '../domain/provider.ts'
import type { Result } from '../domain/result.ts'
import type { Sensitive } from '../domain/sensitive.ts'
import type { EpochSeconds } from '../domain/time.ts'
import type { TokenAnswer, TokenExchange } from '../domain/token-exchange.ts'

/** What entitles the client to an access token: RFC 6749 §6, or itself, §4.4. */
export type Grant =
  { readonly type: 'refresh_token'; readonly refreshToken: Sensitive } | { readonly type: 'client_credentials' }

/** One request for an access token. */
export interface TokenRequest {
  readonly provider: Provider
  readonly grant: Grant
  /** Empty: the scopes granted at login, or those that the server gives this client. */
  readonly scopes: readonly string[]
}

/** What a server says of a token that it issued. */
export interface TokenStanding {
  readonly active: boolean
  /** Absent when the server does not say. */
  readonly expiresAt?: EpochSeconds
}

/**
 * The token endpoint of an authorization server, and what goes with it.
 *
 * Guarantees: the request is written at most once; no redirect is followed; once a byte of it was
 * written, nothing but the response deadline ends the exchange; body size and time are bounded.
 *
 * Assumptions: of a grant with a refresh token, the caller has made sure that nobody else presents it.
 *
 * Failures: in the exchange, never thrown. `not-sent` carries TOKEN_ENDPOINT_UNREACHABLE,
 * ENDPOINT_NOT_ALLOWED, PROVIDER_INVALID, CLIENT_SECRET_UNAVAILABLE, or what `beforeSend` returned; `lost`
 * carries TOKEN_RESULT_UNKNOWN.
 */
export interface TokenEndpoint {
  /**
   * Connects, calls `beforeSend` when the connection stands, and writes the request if that
   * succeeds. `answered` is called once, with what the exchange settles with when it is `answered`: as soon as its last
   * byte was read, before anything else is done. It must not throw. Not idempotent.
   */
  request(
    request: TokenRequest,
    beforeSend: () => Promise<Result<void>>,
    answered?: (answer: TokenAnswer) => void,
  ): Promise<TokenExchange>
  /**
   * Asks the server about an access token of its own (RFC 7662), where the provider says that it can be asked.
   * Changes nothing. Failures: TOKEN_ENDPOINT_UNREACHABLE, ENDPOINT_NOT_ALLOWED, PROVIDER_INVALID,
   * CLIENT_SECRET_UNAVAILABLE, CLIENT_REJECTED; all of them leave the access token as good as it was.
   */
  introspect(provider: Provider, accessToken: Sensitive): Promise<Result<TokenStanding>>
  /**
   * Asks the server to end an access token of its own (RFC 7009), never a refresh token; the server may
   * end that one too (§2.1). Idempotent: a token that the
   * server does not know is over. Failures: those of {@link TokenEndpoint.introspect}; TOKEN_ENDPOINT_UNREACHABLE says
   * how long to wait where the server does.
   */
  revoke(provider: Provider, accessToken: Sensitive): Promise<Result<void>>
  /**
   * Since when, as far as this process has seen, the client proves itself with the secret, key or certificate that
   * is in its Secret now; read again for this, at most every ten seconds for each provider. Undefined when the
   * server has refused that one already, or it cannot be read.
   */
  clientSince(provider: Provider): Promise<EpochSeconds | undefined>
}
