/** One guard of the production source, and the patch that takes it away. */
export interface Guard {
  readonly name: string
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** A seed that misses it, where hundreds of others do not: it is played first. */
  readonly seed?: number
  /** A file of tests that misses it, where the simulation cannot: without it somebody waits longer, and no rule is broken. */
  readonly test?: string
}

/** `file` is below src. */
export function guard(name: string, file: string, find: string, replace: string): Guard {
  return { name, file: `src/${file}`, find, replace }
}

/** A guard for which several things have to go wrong in one order. */
export function rareGuard(seed: number, ...patch: Parameters<typeof guard>): Guard {
  return { ...guard(...patch), seed }
}

/** A guard that no rule of the simulation needs, and a test does. */
export function testedGuard(test: string, ...patch: Parameters<typeof guard>): Guard {
  return { ...guard(...patch), test }
}
