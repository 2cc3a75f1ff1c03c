import type { FormatOutput } from '../credential.ts'
import type { AccessToken } from '../tokens.ts'

/** The content of one file, or the reason why this format cannot carry this token. */
export type Rendering =
  | { readonly ok: true; readonly content: string }
  /** `problem` is a clause without a period. It never holds the token or a part of it. */
  | { readonly ok: false; readonly problem: string }

/** One form in which programs read an access token. docs/formats.md has a section for each. */
export interface Format {
  /** The data key of an output that names none: the file name that its reader looks for. */
  readonly key: string
  /** How early, in seconds, the reader treats the token in this file as dead. */
  readonly readerMarginSeconds: number
  /** Pure. Refuses what the reader would not read back unchanged. */
  render(token: AccessToken, output: FormatOutput): Rendering
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
