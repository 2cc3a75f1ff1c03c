import type { TextCodec } from '../text-codec.ts'
import type { FunctionName, TemplateValue } from './template.ts'

/** Applies a function to its arguments, the piped value last. Undefined when the value is none that it takes. */
export type TemplateFunction = (values: readonly TemplateValue[], codec: TextCodec) => TemplateValue | undefined

/**
 * As Sprig has them, but for b64dec: what it cannot decode is refused, where Sprig puts the text of
 * an error into the file.
 *
 * @see https://masterminds.github.io/sprig/
 */
export const templateFunctions: Readonly<Record<FunctionName, TemplateFunction>> = {
  b64enc: ([value], codec) => codec.toBase64(textOf(value)),
  b64dec: ([value], codec) => codec.fromBase64(textOf(value)),
  toJson: ([value]) => goJson(value ?? ''),
  quote: ([value]) => goQuote(textOf(value)),
  trim: ([value]) => textOf(value).replace(/^\p{White_Space}+|\p{White_Space}+$/gu, ''),
  upper: ([value]) => eachCharacter(textOf(value), (character) => character.toUpperCase()),
  lower: ([value]) => eachCharacter(textOf(value), smallLetter),
  sha256sum: ([value], codec) => codec.sha256(textOf(value)),
  default: ([fallback, value]) => (value === '' || value === 0 ? fallback : value),
}

export function textOf(value: TemplateValue | undefined): string {
  return String(value ?? '')
}

/** Go maps characters one to one, so those that become several stay as they are. */
function eachCharacter(text: string, change: (character: string) => string): string {
  return Array.from(text, (character) => {
    const changed = change(character)
    return Array.from(changed).length === 1 ? changed : character
  }).join('')
}

/** The one character of which JavaScript alone makes two. */
function smallLetter(character: string): string {
  return character === '\u0130' ? 'i' : character.toLowerCase()
}

/** encoding/json writes these as escapes, so that a document can stand in HTML. */
function goJson(value: TemplateValue): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${hexadecimal(character, 4)}`)
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/** `%q` of Go's fmt. */
function goQuote(text: string): string {
  return `"${Array.from(text, goEscaped).join('')}"`
}

function goEscaped(character: string): string {
  const short = shortEscapes[character]
  if (short !== undefined) return short
  if (/^[ \p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return `\\x${hexadecimal(character, 2)}`
  return code > 0xffff ? `\\U${hexadecimal(character, 8)}` : `\\u${hexadecimal(character, 4)}`
}

function hexadecimal(character: string, digits: number): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(digits, '0')
}
