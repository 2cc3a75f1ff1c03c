import { refused, renderedJson, type Format } from './format.ts'

/** The scope without which the CLI ignores the file. */
const inferenceScope = 'user:inference'

/**
 * The credentials file of Claude Code.
 *
 * There is no `refreshToken`, not even an empty-looking one: without it the CLI has no expiry margin
 * and never refreshes by itself; with it, it spends the value near expiry and then overwrites the
 * file. When the server did not say what was granted, the file claims the scope that the CLI asks
 * for. When it did say so and the scope is not among them, the file would be a lie: refused.
 */
export const claudeCode: Format = {
  key: '.credentials.json',
  readerMarginSeconds: 0,
  render: ({ text, token }) => {
    const scopes = token.scopes.length === 0 ? [inferenceScope] : token.scopes
    if (!scopes.includes(inferenceScope)) return refused(`the granted scopes lack ${inferenceScope}`)
    const expiresAt = Math.floor(token.expiresAt * 1000)
    return renderedJson({ claudeAiOauth: { accessToken: text, expiresAt, scopes } })
  },
}
