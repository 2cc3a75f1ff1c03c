import { type Ending, isJsonObject, type JsonObject, type JsonValue, readLenientJson } from './token-answer-json.ts'
import type { TokenAnswer } from './token-exchange.ts'

/** The members of an answer, whatever notation it came in. */
export interface AnswerBody {
  readonly members: JsonObject
  /** `cut` also when the transport lost the end and the notation does not tell. */
  readonly ending: Ending
  readonly looks: 'object' | 'form' | 'page' | 'empty' | 'other'
}

const nothing: JsonObject = new Map<string, JsonValue>()

/**
 * Reads the body of an answer without asking more of it than it needs. JSON is known by its first
 * character, not by its content type; form encoding is what GitHub sends to clients that it does not
 * know. JSON tells by itself where it ends, so a whole object is whole even if the connection broke
 * after it.
 */
export function readAnswerBody({ body, complete }: TokenAnswer): AnswerBody {
  const text = body.reveal()
  const start = firstCharacter(text)
  const atEnd: Ending = complete ? 'broken' : 'cut'
  if (start === text.length) return { members: nothing, ending: atEnd, looks: 'empty' }
  if (text[start] === '<') return { members: nothing, ending: atEnd, looks: 'page' }
  if (looksLikeForm(text))
    return { members: readForm(text, complete), ending: complete ? 'whole' : 'cut', looks: 'form' }
  return readObjectFrom(text, start, atEnd)
}

/** Some servers put a guard or an array bracket before the object. That is not OAuth, but the tokens in it are real. */
function readObjectFrom(text: string, start: number, atEnd: Ending): AnswerBody {
  const brace = text.indexOf('{', start)
  if (brace < 0) return { members: nothing, ending: atEnd, looks: 'other' }
  const { value, ending, end } = readLenientJson(text, brace)
  const members = isJsonObject(value) ? value : nothing
  const isAlone = brace === start && !goesOn(text, end)
  return { members, ending: ending === 'whole' && !isAlone ? 'broken' : ending, looks: 'object' }
}

/** Comments of proxies behind an object are passed over; more JSON may be the half of the answer with the refresh token. */
function goesOn(text: string, end: number): boolean {
  return /^\s{0,64}[",{[]/.test(text.slice(end, end + 65))
}

function firstCharacter(text: string): number {
  const start = text.search(/[^\s\u{feff}]/u)
  return start < 0 ? text.length : start
}

function looksLikeForm(text: string): boolean {
  return /^[\w.-]{1,64}=/.test(text)
}

function readForm(text: string, complete: boolean): JsonObject {
  const pairs = text.trim().split('&')
  // Of a form that stops early nobody knows whether its last value is whole.
  if (!complete) pairs.pop()
  const members = new Map<string, JsonValue>()
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decode(pair.slice(0, Math.max(0, equals)))
    const value = decode(pair.slice(equals + 1))
    if (name !== undefined && value !== undefined) members.set(name, value)
  }
  return members
}

/** Undefined when an escape sequence is damaged: then the value is not what the server meant. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
