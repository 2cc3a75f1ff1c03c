import type { AnsweredEntry } from './journal-entry.ts'
import { providerText } from './provider.ts'
import { readTokenAnswer } from './token-answer.ts'
import type { TokenAnswerContext } from './token-answer-tokens.ts'
import type { TokenAnswerReading } from './token-exchange.ts'

/** What an answer is read against that waited. */
type KeptContext = Pick<TokenAnswerContext, 'provider' | 'scopes'>

/**
 * Reads an answer that waited in the journal: as its provider described it when it was asked, for by now that may be
 * another one, or gone. Where that finds no refresh token, and the same provider says by now where one is, a human has
 * corrected the description, and that one is taken.
 */
export function readKeptAnswer(
  {
    answer,
    response,
    provider: asked,
    startedAt,
  }: Pick<AnsweredEntry, 'answer' | 'response' | 'provider' | 'startedAt'>,
  { provider, scopes }: KeptContext,
): TokenAnswerReading {
  const read = (form: KeptContext['provider']): TokenAnswerReading =>
    readTokenAnswer(answer, { provider: form, startedAt, scopes })
  if (response === undefined) return read(provider)
  const then = read({ ...provider, response })
  if (hasRefreshToken(then) || asked !== providerText(provider)) return then
  const now = read(provider)
  return hasRefreshToken(now) ? now : then
}

function hasRefreshToken(reading: TokenAnswerReading): boolean {
  const found = reading.kind === 'issued' ? reading.tokens.refreshToken : reading.refreshToken
  return found !== undefined
}
