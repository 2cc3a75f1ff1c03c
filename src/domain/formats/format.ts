import type { FormatOutput, FormatParameter } from '../output-format.ts'
import type { TextCodec } from '../text-codec.ts'
import type { AccessToken } from '../tokens.ts'

/** The content of one file, or the reason why this format cannot carry this token. */
export type Rendering =
  | { readonly ok: true; readonly content: string }
  /** `problem` is a clause without a period. It never holds the token or a part of it. */
  | { readonly ok: false; readonly problem: string }

/** What a format makes its file of. The reader sends `text` unchanged, and nothing else. */
export interface FormatInput {
  /** The bare token, printable ASCII without blanks at its ends. */
  readonly text: string
  readonly token: AccessToken
  readonly output: FormatOutput
  readonly codec: TextCodec
}

/** One form in which programs read an access token. docs/formats.md has a section for each. */
export interface Format {
  /** The data key of an output that names none: the file name that its reader looks for. */
  readonly key: string
  /** How early, in seconds, the reader treats the token in this file as dead. */
  readonly readerMarginSeconds: number
  /** The parameters that an output of this format has to name, or may. All others are not for it. */
  readonly parameters?: Readonly<Partial<Record<FormatParameter, 'required' | 'optional'>>>
  /** The reader compares the host alone, so that a port would keep it from ever finding the token. */
  readonly hostWithoutPort?: true
  /** A parameter that gets a file of its own beside the token, under its own name. */
  readonly beside?: FormatParameter
  /** The file says nothing of how the token is sent, so that one which is bound to a key may be in it too. */
  readonly anyTokenType?: true
  /** Pure. Refuses what the reader would not read back unchanged. Parameters are as the schema lets them through. */
  render(input: FormatInput): Rendering
}

export function rendered(content: string): Rendering {
  return { ok: true, content }
}

export function refused(problem: string): Rendering {
  return { ok: false, problem }
}

/** JSON without whitespace and without a newline at the end. */
export function renderedJson(document: Readonly<Record<string, unknown>>): Rendering {
  return rendered(JSON.stringify(document))
}
