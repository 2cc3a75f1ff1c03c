/** A word of an action, with its index in the template. */
export type Word =
  | { readonly type: 'field' | 'name'; readonly text: string; readonly at: number }
  | { readonly type: 'literal'; readonly value: string | number; readonly at: number }
  | { readonly type: 'pipe'; readonly at: number }

/** What was wrong at an index. */
export interface Objection {
  readonly ok: false
  readonly message: string
  readonly at: number
}

export type Words = { readonly ok: true; readonly words: readonly Word[] } | Objection

type Reading = { readonly ok: true; readonly word?: Word; readonly end: number } | Objection

/** The words of the action that is `template.slice(start, end)`. Strings are those of Go: `"…"` with escapes, or between backquotes without. */
export function wordsOf(template: string, start: number, end: number): Words {
  const words: Word[] = []
  let at = start
  while (at < end) {
    const reading = readWord(template, at, end)
    if (!reading.ok) return reading
    if (reading.word !== undefined) words.push(reading.word)
    at = reading.end
  }
  return { ok: true, words }
}

/** The index after the string that begins at `at`; undefined when it does not end before `end`. */
export function stringEnd(template: string, at: number, end: number): number | undefined {
  const pattern = template[at] === '`' ? /`[^`]*`/y : /"(?:[^"\\\n]|\\[^\n])*"/y
  pattern.lastIndex = at
  return pattern.test(template) && pattern.lastIndex <= end ? pattern.lastIndex : undefined
}

function readWord(template: string, at: number, end: number): Reading {
  const character = template.charAt(at)
  if (/[ \t\r\n]/.test(character)) return { ok: true, end: at + 1 }
  if (character === '|') return { ok: true, word: { type: 'pipe', at }, end: at + 1 }
  if (character === '"' || character === '`') return readString(template, at, end)
  const pattern = /[.A-Za-z0-9_$+-]+/y
  pattern.lastIndex = at
  return readPlain(pattern.exec(template)?.[0] ?? character, at)
}

function readPlain(text: string, at: number): Reading {
  const end = at + text.length
  if (/^\.[A-Za-z_][A-Za-z0-9_]*$/.test(text))
    return { ok: true, word: { type: 'field', text: text.slice(1), at }, end }
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return { ok: true, word: { type: 'name', text, at }, end }
  if (/^-?(0|[1-9][0-9]{0,14})$/.test(text)) {
    return { ok: true, word: { type: 'literal', value: Number(text), at }, end }
  }
  return { ok: false, message: unsupported(text), at }
}

function readString(template: string, at: number, end: number): Reading {
  const last = stringEnd(template, at, end)
  if (last === undefined) return { ok: false, message: 'a string does not end', at }
  const inner = template.slice(at + 1, last - 1)
  const value = template[at] === '`' ? inner.replaceAll('\r', '') : unescaped(inner)
  return value === undefined
    ? { ok: false, message: 'a string has an escape that is not supported', at }
    : { ok: true, word: { type: 'literal', value, at }, end: last }
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

/** Escapes for single bytes above 0x7F, octal ones and those of eight digits are not in the subset. */
function unescaped(inner: string): string | undefined {
  let known = true
  const text = inner.replace(
    /\\(?:u([0-9a-fA-F]{4})|x([0-7][0-9a-fA-F])|(.))/gsu,
    (_whole, unit?: string, byte?: string, letter?: string) => {
      const code = unit ?? byte
      const value = code === undefined ? escapes[letter ?? ''] : String.fromCharCode(Number.parseInt(code, 16))
      known &&= value !== undefined && !/[\ud800-\udfff]/.test(value)
      return value ?? ''
    },
  )
  return known ? text : undefined
}

function unsupported(text: string): string {
  if (text === '(' || text === ')') return 'parentheses are not supported; use a pipeline'
  if (text.startsWith('$')) return 'variables are not supported'
  if (text === '.') return 'a dot has to be followed by the name of a field'
  if (/^\.[A-Za-z_]/.test(text)) return 'fields have no fields of their own'
  if (/^[-+.0-9]/.test(text)) return 'numbers are decimal integers of at most 15 digits'
  return 'this character is not supported in an action'
}
