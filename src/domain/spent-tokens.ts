// Which used-up refresh tokens a record remembers: a store that shows one of them is behind, and nobody has logged in.

/** As many as there are between two looks at a store, and some more. */
export const spentLimit = 64
/** Whoever does not know which token the store holds keeps as many of the latest. */
export const storedLimit = 32

export interface SpentTokens {
  /** Fingerprints of refresh tokens that were replaced by others, the latest last, at most {@link spentLimit}. */
  readonly spent: readonly string[]
  /**
   * Fingerprints of which the store holds one, as far as is known. However many tokens come later, these stay in
   * `spent`: a store that is written now and then, or cannot be for a day, must not look as if a human had logged in
   * there. Absent: one of the latest {@link storedLimit} in `spent`, or the newest token.
   */
  readonly stored?: readonly string[]
  /** The same of stores at places that were left. */
  readonly kept?: readonly { readonly stored?: readonly string[] }[]
}

/** What the store may hold while nobody can look: writes whose answers were lost may have been carried out. */
export function maybeStored({ stored, spent }: SpentTokens, newest: string | undefined): readonly string[] {
  const before = stored ?? spent.slice(-storedLimit)
  const all = newest === undefined ? before : [...before, newest]
  return [...new Set(all)].slice(0, storedLimit + 1)
}

/** The used-up tokens with more of them: the latest, and of those that the store may hold all. `newest` is not one of them. */
export function withSpent(
  { spent, stored = [], kept = [] }: SpentTokens,
  more: readonly string[],
  newest: string | undefined,
): readonly string[] {
  const added = new Set(more)
  const before = spent.filter((fingerprint) => !added.has(fingerprint))
  const all = [...before, ...added].filter((fingerprint) => fingerprint !== newest)
  let over = all.length - spentLimit
  if (over <= 0) return all
  const anywhere = new Set([stored, ...kept.map((one) => one.stored ?? [])].flat())
  return all.filter((fingerprint) => anywhere.has(fingerprint) || (over -= 1) < 0)
}
