import { renderedJson, type Format } from './format.ts'

/**
 * The token file of VibeKit's authentication library.
 *
 * `expires_in` and `created_at` are left out on purpose. With them the reader refuses a token for
 * the whole last hour of its life, so one that lives an hour is never valid; without them it takes
 * the token that is there, reads the file again at each call, and so always has ours.
 */
export const vibekit: Format = {
  key: 'claude-oauth-token.json',
  readerMarginSeconds: 0,
  render: ({ text, token: { scopes } }) =>
    renderedJson({
      access_token: text,
      token_type: 'Bearer',
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    }),
}
