/** One guard of the production source, and the patch that takes it away. */
export interface Guard {
  readonly name: string
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
}

/** `file` is below src. */
export function guard(name: string, file: string, find: string, replace: string): Guard {
  return { name, file: `src/${file}`, find, replace }
}
