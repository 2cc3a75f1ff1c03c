import { renderedJson, type Format } from './format.ts'

/**
 * The answer of a token endpoint as RFC 6749 §5.1 names its fields, without the refresh token.
 * `expires_in` counts from the issue of the token, not from now; `expires_at` is in epoch seconds
 * and is what a reader of a file should use.
 */
export const oauth2Json: Format = {
  key: 'token.json',
  /** OAuth client libraries keep 10 s (Go's oauth2) to a minute. */
  readerMarginSeconds: 60,
  anyTokenType: true,
  render: ({ text, token: { tokenType, issuedAt, expiresAt, scopes } }) =>
    renderedJson({
      access_token: text,
      token_type: tokenType,
      expires_in: Math.max(0, Math.floor(expiresAt - issuedAt)),
      expires_at: Math.floor(expiresAt),
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    }),
}
