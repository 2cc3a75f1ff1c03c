import { renderedJson, type Format } from './format.ts'

/**
 * Qwen Code insists on a refresh token that is not empty. It posts what it finds near the expiry or after
 * a 401, and the answer makes it delete the file; so this is nothing that could ever be one.
 */
const placeholder = 'kept-by-the-operator'

/** The OAuth credentials of Qwen Code. The host is that of the model's API. */
export const qwenCode: Format = {
  key: 'oauth_creds.json',
  readerMarginSeconds: 30,
  parameters: { host: 'optional' },
  render: ({ text, token: { expiresAt }, output: { host } }) =>
    renderedJson({
      access_token: text,
      refresh_token: placeholder,
      token_type: 'Bearer',
      ...(host !== undefined && { resource_url: host }),
      expiry_date: Math.floor(expiresAt * 1000),
    }),
}
