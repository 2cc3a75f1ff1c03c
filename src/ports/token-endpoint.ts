import type { Provider } from '../domain/provider.ts'
import type { Result } from '../domain/result.ts'
import type { Sensitive } from '../domain/sensitive.ts'
import type { TokenExchange } from '../domain/token-exchange.ts'

/** One refresh request, RFC 6749 §6. */
export interface RefreshRequest {
  readonly provider: Provider
  readonly refreshToken: Sensitive
  /** Absent: the scopes granted at login. */
  readonly scopes: readonly string[]
}

/**
 * The token endpoint of an authorization server.
 *
 * Guarantees: the request is written at most once; no redirect is followed; once a byte of it was
 * written, nothing but the response deadline ends the exchange; body size and time are bounded.
 *
 * Assumptions: the caller has made sure that nobody else presents this refresh token.
 *
 * Failures: in the exchange, never thrown. `not-sent` carries TOKEN_ENDPOINT_UNREACHABLE,
 * ENDPOINT_NOT_ALLOWED, CLIENT_SECRET_UNAVAILABLE, or what `beforeSend` returned; `lost` carries
 * TOKEN_RESULT_UNKNOWN.
 */
export interface TokenEndpoint {
  /**
   * Connects, calls `beforeSend` when the connection stands, and writes the request if that
   * succeeds. Not idempotent.
   */
  refresh(request: RefreshRequest, beforeSend: () => Promise<Result<void>>): Promise<TokenExchange>
}
