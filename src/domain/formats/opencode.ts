import { renderedJson, type Format } from './format.ts'

/** The only provider for which opencode sends the token of an entry of the type `oauth`. */
const oauthProvider = 'openai'

/**
 * The logins of opencode, with one in it. For any provider but openai it sends what an entry of the type
 * `api` holds, and nothing for `oauth`; and an `oauth` entry that lacks one of its four members is dropped.
 */
export const opencode: Format = {
  key: 'auth.json',
  readerMarginSeconds: 0,
  parameters: { name: 'required' },
  render: ({ text, token: { expiresAt }, output: { name = '' } }) =>
    renderedJson({
      [name]:
        name === oauthProvider
          ? { type: 'oauth', refresh: '', access: text, expires: Math.floor(expiresAt * 1000) }
          : { type: 'api', key: text },
    }),
}
