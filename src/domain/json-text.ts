/**
 * A JSON text with the place of every value in it, so that one value can be replaced and all other
 * characters stay what they are: numbers beyond 2^53, key order, escapes, indentation.
 */
export type JsonNode = JsonObject | JsonArray | JsonString | JsonScalar

interface Span {
  /** Index of the first character, in UTF-16 units. */
  readonly start: number
  /** Index behind the last character. */
  readonly end: number
}

export interface JsonObject extends Span {
  readonly kind: 'object'
  /** In the order of the text; a name that occurs twice is here twice. */
  readonly members: readonly JsonMember[]
}

export interface JsonMember {
  readonly name: string
  readonly value: JsonNode
}

export interface JsonArray extends Span {
  readonly kind: 'array'
  readonly items: readonly JsonNode[]
}

export interface JsonString extends Span {
  readonly kind: 'string'
  readonly value: string
}

/** `true`, `false`, `null`, or a number as it is written. */
export interface JsonScalar extends Span {
  readonly kind: 'number' | 'literal'
  readonly text: string
}

/** Deeper texts are not parsed, so that no text can exhaust the stack. */
const deepest = 64

const blank = /[ \t\n\r]*/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const literal = /true|false|null/y

/** Undefined when the text is not JSON (RFC 8259) or is nested too deeply. A byte order mark before it is skipped. */
export function parseJsonText(text: string): JsonNode | undefined {
  const start = skipBlank(text, text.startsWith('\uFEFF') ? 1 : 0)
  const node = parseValue(text, start, 0)
  return node !== undefined && skipBlank(text, node.end) === text.length ? node : undefined
}

function parseValue(text: string, at: number, depth: number): JsonNode | undefined {
  if (depth > deepest) return undefined
  if (text[at] === '{') return parseObject(text, at, depth)
  if (text[at] === '[') return parseArray(text, at, depth)
  return text[at] === '"' ? parseString(text, at) : parseScalar(text, at)
}

function parseObject(text: string, start: number, depth: number): JsonObject | undefined {
  const members: JsonMember[] = []
  let at = skipBlank(text, start + 1)
  if (text[at] === '}') return { kind: 'object', start, end: at + 1, members }
  for (;;) {
    const name = parseString(text, at)
    if (name === undefined) return undefined
    at = skipBlank(text, name.end)
    if (text[at] !== ':') return undefined
    const value = parseValue(text, skipBlank(text, at + 1), depth + 1)
    if (value === undefined) return undefined
    members.push({ name: name.value, value })
    at = skipBlank(text, value.end)
    if (text[at] === '}') return { kind: 'object', start, end: at + 1, members }
    if (text[at] !== ',') return undefined
    at = skipBlank(text, at + 1)
  }
}

function parseArray(text: string, start: number, depth: number): JsonArray | undefined {
  const items: JsonNode[] = []
  let at = skipBlank(text, start + 1)
  if (text[at] === ']') return { kind: 'array', start, end: at + 1, items }
  for (;;) {
    const item = parseValue(text, at, depth + 1)
    if (item === undefined) return undefined
    items.push(item)
    at = skipBlank(text, item.end)
    if (text[at] === ']') return { kind: 'array', start, end: at + 1, items }
    if (text[at] !== ',') return undefined
    at = skipBlank(text, at + 1)
  }
}

function parseString(text: string, start: number): JsonString | undefined {
  if (text[start] !== '"') return undefined
  let end = start + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  if (text[end] !== '"') return undefined
  const value = unquote(text.slice(start, end + 1))
  return value === undefined ? undefined : { kind: 'string', start, end: end + 1, value }
}

function unquote(quoted: string): string | undefined {
  try {
    const value: unknown = JSON.parse(quoted)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function parseScalar(text: string, start: number): JsonScalar | undefined {
  const digits = matchAt(number, text, start)
  if (digits !== undefined) return { kind: 'number', start, end: start + digits.length, text: digits }
  const word = matchAt(literal, text, start)
  return word === undefined ? undefined : { kind: 'literal', start, end: start + word.length, text: word }
}

function skipBlank(text: string, at: number): number {
  return at + (matchAt(blank, text, at) ?? '').length
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** Replaces one range of a text. */
export interface Edit extends Span {
  readonly text: string
}

/** Applies edits that do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const fromTheEnd = edits.toSorted((a, b) => b.start - a.start)
  return fromTheEnd.reduce((edited, { start, end, text: by }) => edited.slice(0, start) + by + edited.slice(end), text)
}

/** Turns edits of a string's content into edits of the JSON text that holds the string. */
export function liftEdit(outerText: string, holder: JsonString, edit: Edit): Edit {
  const start = rawIndex(outerText, holder, edit.start)
  const end = rawIndex(outerText, holder, edit.end)
  return { start, end, text: JSON.stringify(edit.text).slice(1, -1) }
}

/** Where the character at `index` of the string's content is written. */
function rawIndex(outerText: string, holder: JsonString, index: number): number {
  let raw = holder.start + 1
  for (let seen = 0; seen < index; seen += 1) {
    if (outerText[raw] !== '\\') raw += 1
    else raw += outerText[raw + 1] === 'u' ? 6 : 2
  }
  return raw
}
