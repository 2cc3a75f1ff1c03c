/** A JSON value. Objects are maps, so that no member name (`__proto__`) means anything. */
export type JsonValue = string | number | boolean | null | JsonObject | readonly JsonValue[]
export type JsonObject = ReadonlyMap<string, JsonValue>

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map
}

export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** How the reading of a text came to its end: the value was whole, the text stopped inside it, or it is no JSON. */
export type Ending = 'whole' | 'cut' | 'broken'

/** What could be read. Strings and numbers that are not whole are left out. */
export interface LenientJson {
  readonly value: JsonValue | undefined
  readonly ending: Ending
  /** Index behind what was read. */
  readonly end: number
}

interface Cursor {
  readonly text: string
  at: number
  ending: Ending
}

// Token answers are flat; whoever nests deeper than this is no token endpoint.
const maxDepth = 64

/** Below it the engine copies by itself. */
const shortest = 13

const quote = 0x22
const backslash = 0x5c
const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * Reads as much of a JSON text as can be read, from `start` on. Everything that arrived whole before
 * the text stops or breaks is in the value. Equal to `JSON.parse` for text that is valid; what
 * follows a whole value is not looked at. Never throws; takes time linear in the text.
 */
export function readLenientJson(text: string, start = 0): LenientJson {
  const cursor: Cursor = { text, at: start, ending: 'whole' }
  const value = readValue(cursor, 0)
  return { value, ending: cursor.ending, end: cursor.at }
}

/** Undefined when there is no whole value; then `cursor.ending` says why. */
function readValue(cursor: Cursor, depth: number): JsonValue | undefined {
  skipSpace(cursor)
  if (depth > maxDepth) return stop(cursor, 'broken')
  switch (cursor.text[cursor.at]) {
    case undefined:
      return stop(cursor, 'cut')
    case '{':
      return readObject(cursor, depth)
    case '[':
      return readArray(cursor, depth)
    case '"':
      return readString(cursor)
    default:
      return readLiteral(cursor)
  }
}

function readObject(cursor: Cursor, depth: number): JsonObject {
  const members = new Map<string, JsonValue>()
  cursor.at++
  if (take(cursor, '}')) return members
  do {
    const key = readKey(cursor)
    if (key === undefined) return members
    const value = readValue(cursor, depth + 1)
    if (value !== undefined) members.set(key, value)
    if (cursor.ending !== 'whole') return members
  } while (take(cursor, ','))
  expect(cursor, '}')
  return members
}

function readArray(cursor: Cursor, depth: number): readonly JsonValue[] {
  const items: JsonValue[] = []
  cursor.at++
  if (take(cursor, ']')) return items
  do {
    const value = readValue(cursor, depth + 1)
    if (value !== undefined) items.push(value)
    if (cursor.ending !== 'whole') return items
  } while (take(cursor, ','))
  expect(cursor, ']')
  return items
}

function readKey(cursor: Cursor): string | undefined {
  skipSpace(cursor)
  const next = cursor.text[cursor.at]
  if (next !== '"') return stop(cursor, next === undefined ? 'cut' : 'broken')
  const key = readString(cursor)
  if (key === undefined || !expect(cursor, ':')) return undefined
  return key
}

function readString(cursor: Cursor): string | undefined {
  const { text } = cursor
  let value = ''
  let from = ++cursor.at
  for (; cursor.at < text.length; cursor.at++) {
    const unit = text.charCodeAt(cursor.at)
    if (unit === quote) return apart(value + text.slice(from, cursor.at++))
    if (unit === backslash) {
      value += text.slice(from, cursor.at)
      const character = readEscape(cursor)
      if (character === undefined) return undefined
      value += character
      from = cursor.at + 1
    }
  }
  return stop(cursor, 'cut')
}

/** A text of its own: a part of the answer keeps all of it in memory, for as long as the token lives. */
function apart(text: string): string {
  return text.length < shortest ? text : (JSON.parse(JSON.stringify(text)) as string)
}

/** Leaves the cursor on the last character of the escape sequence. */
function readEscape(cursor: Cursor): string | undefined {
  const letter = cursor.text[++cursor.at]
  if (letter === undefined) return stop(cursor, 'cut')
  if (letter !== 'u') return escapes[letter] ?? letter
  const digits = cursor.text.slice(cursor.at + 1, cursor.at + 5)
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) return stop(cursor, digits.length < 4 ? 'cut' : 'broken')
  cursor.at += 4
  return String.fromCharCode(Number.parseInt(digits, 16))
}

/** A number, `true`, `false` or `null`. At the very end of the text nobody knows whether it goes on. */
function readLiteral(cursor: Cursor): JsonValue | undefined {
  const start = cursor.at
  while (cursor.at < cursor.text.length && isLiteral(cursor.text.charCodeAt(cursor.at))) cursor.at++
  if (cursor.at === cursor.text.length) return stop(cursor, 'cut')
  const word = cursor.text.slice(start, cursor.at)
  if (word === 'null') return null
  if (word === 'true' || word === 'false') return word === 'true'
  const number = word === '' ? Number.NaN : Number(word)
  return Number.isNaN(number) ? stop(cursor, 'broken') : number
}

/** Letters, digits, plus, minus and point. */
function isLiteral(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || isLetter(unit) || unit === 0x2b || unit === 0x2d || unit === 0x2e
}

function isLetter(unit: number): boolean {
  return (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a)
}

function skipSpace(cursor: Cursor): void {
  while (isSpace(cursor.text.charCodeAt(cursor.at))) cursor.at++
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
}

function take(cursor: Cursor, character: string): boolean {
  skipSpace(cursor)
  if (cursor.text[cursor.at] !== character) return false
  cursor.at++
  return true
}

function expect(cursor: Cursor, character: string): boolean {
  if (take(cursor, character)) return true
  stop(cursor, cursor.at >= cursor.text.length ? 'cut' : 'broken')
  return false
}

function stop(cursor: Cursor, ending: Ending): undefined {
  cursor.ending = ending
  return undefined
}
