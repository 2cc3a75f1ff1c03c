import type { ResponseForm } from './provider.ts'
import { Sensitive } from './sensitive.ts'
import { readLenientJson } from './token-answer-json.ts'
import { refreshTokenMembers, tokenText } from './token-answer-tokens.ts'

/** A text with more of them is no token answer. */
const mostMentions = 16

/**
 * The only refresh token that a text names, wherever it stands: behind a syntax error, or deeper than anybody
 * has told us. Undefined when there are several, or when none has arrived whole. Takes time linear in the text.
 */
export function salvagedRefreshToken(text: string, response: ResponseForm): Sensitive | undefined {
  const found = new Set(namesOf(response).flatMap((name) => valuesOf(text, name)))
  const [only] = found
  return found.size === 1 && only !== undefined ? new Sensitive(only) : undefined
}

function namesOf({ refreshToken: pointer }: ResponseForm): readonly string[] {
  const last = pointer?.split('/').at(-1) ?? ''
  return /^[A-Za-z]\w*$/.test(last) ? [last, ...refreshTokenMembers] : refreshTokenMembers
}

/** Each value ends at the first quote that is not escaped, and there is one in every further mention: nothing is read twice. */
function valuesOf(text: string, name: string): readonly string[] {
  const mention = `"${name}"`
  const values: string[] = []
  let at = text.indexOf(mention)
  for (let mentions = 0; at >= 0 && mentions < mostMentions; mentions++) {
    const value = valueBehind(text, at + mention.length)
    if (value !== undefined) values.push(value)
    at = text.indexOf(mention, at + mention.length)
  }
  return values
}

const colonAndQuote = /\s{0,16}:\s{0,16}(?=")/y
const colon = /\s{0,16}:/y

/** A text with a colon behind it is the name of the next member. */
function valueBehind(text: string, at: number): string | undefined {
  const from = endOf(colonAndQuote, text, at)
  if (from === undefined) return undefined
  const { value, end } = readLenientJson(text, from)
  return endOf(colon, text, end) === undefined ? tokenText(value) : undefined
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}
