/**
 * A template of an output: text with actions between `{{` and `}}`, in the syntax of Go's
 * text/template and with the names of Sprig, of which this is a small subset. An action is a
 * pipeline of fields, literals and the functions of {@link functionArity}. There are no variables,
 * conditions, loops, parentheses or definitions, so a template ends after as many steps as it has
 * words.
 *
 * @see https://pkg.go.dev/text/template
 */
export interface Template {
  /** As it was written, to tell positions. */
  readonly text: string
  readonly parts: readonly TemplatePart[]
}

/** Text, or a pipeline: the value of each of its commands is the last argument of the next. */
export type TemplatePart = string | readonly Command[]

/** The first command of a pipeline is an operand or a call, those after it are calls. */
export type Command = Operand | Call

export interface Call {
  readonly type: 'call'
  readonly name: FunctionName
  readonly operands: readonly Operand[]
  /** Index in the text of the template. */
  readonly at: number
}

export type Operand =
  | { readonly type: 'field'; readonly name: FieldName; readonly at: number }
  | { readonly type: 'literal'; readonly value: TemplateValue; readonly at: number }

export type TemplateValue = string | number

/** Why a text is no template, or cannot be rendered. `message` is a clause without a period, with line and column. It never holds a value. */
export interface TemplateProblem {
  readonly ok: false
  readonly message: string
}

/** What a template may name with a dot. */
export const fieldNames = [
  'accessToken',
  'tokenType',
  'idToken',
  'scope',
  'expiresAt',
  'expiresAtUnix',
  'issuedAt',
  'issuedAtUnix',
] as const
export type FieldName = (typeof fieldNames)[number]

/** Every function, with the number of its arguments, the piped value among them. */
export const functionArity = {
  b64enc: 1,
  b64dec: 1,
  toJson: 1,
  quote: 1,
  trim: 1,
  upper: 1,
  lower: 1,
  sha256sum: 1,
  default: 2,
} as const
export type FunctionName = keyof typeof functionArity

export const templateLimits = {
  /** Characters of the template itself. */
  characters: 8192,
  /** Commands of all pipelines together. */
  commands: 128,
  /** Characters of what comes out, and of every value on the way. */
  output: 262_144,
} as const

/** Lines and columns are counted from 1, columns in UTF-16 units. */
export function problemAt(text: string, at: number, message: string): TemplateProblem {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  return { ok: false, message: `${message} (line ${line}, column ${at - before.lastIndexOf('\n')})` }
}
