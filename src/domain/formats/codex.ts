import { timeText } from '../time-text.ts'
import { renderedJson, type Format } from './format.ts'

/** Three parts of JSON, as the reader insists on; it sends nothing of them, so that nobody's identity need be in the file. */
const emptyIdToken = 'e30.e30.e30'

/**
 * The login file of Codex.
 *
 * `refresh_token` must be a string, and the empty one does no harm: near the expiry Codex posts it, is
 * refused, and goes on with the token it has. Without `last_refresh` it claims to be logged in and then
 * sends requests without a token. An `account_id` that is empty is fatal, so there is none unless somebody
 * named it.
 */
export const codex: Format = {
  key: 'auth.json',
  /** Five minutes before the `exp` of a JWT. */
  readerMarginSeconds: 300,
  parameters: { accountId: 'optional' },
  render: ({ text, token: { issuedAt }, output: { accountId } }) =>
    renderedJson({
      tokens: {
        id_token: emptyIdToken,
        access_token: text,
        refresh_token: '',
        ...(accountId !== undefined && { account_id: accountId }),
      },
      last_refresh: timeText(issuedAt),
    }),
}
