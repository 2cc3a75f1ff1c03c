import { renderedJson, type Format } from './format.ts'

/**
 * The OAuth credentials of Gemini CLI.
 *
 * `expiry_date` is left out on purpose: with it the CLI refuses to start, and a running one dies, five
 * minutes before the token ends; without it, it sends the token until the server refuses it.
 */
export const geminiCli: Format = {
  key: 'oauth_creds.json',
  readerMarginSeconds: 0,
  render: ({ text, token: { scopes } }) =>
    renderedJson({
      access_token: text,
      token_type: 'Bearer',
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    }),
}
