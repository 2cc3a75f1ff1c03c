import { renderedJson, type Format } from './format.ts'

/** A login of LLxprt Code until 0.8; newer ones read no such file. `expiry` is in seconds. */
export const llxprt: Format = {
  /** The reader looks for its provider's name. */
  key: 'anthropic.json',
  readerMarginSeconds: 30,
  render: ({ text, token: { expiresAt } }) =>
    renderedJson({ access_token: text, token_type: 'Bearer', expiry: Math.floor(expiresAt) }),
}
