/** What was seen, by name, and since when it is not seen any more. */
interface Seen<T> {
  readonly value: T
  readonly missedAtMs?: number
}

/**
 * Believes that something is gone only when it stays gone. Editors save a file by emptying or moving
 * it first, and a deletion has consequences that putting it back does not undo: its target is removed.
 */
export class Vanishing<T> {
  readonly #graceMs: number
  #seen: ReadonlyMap<string, Seen<T>> = new Map()

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  /** What is there, and behind it what was there a moment ago. `now` is in milliseconds and never jumps. */
  settle(present: ReadonlyMap<string, T>, now: number): ReadonlyMap<string, T> {
    const seen = new Map<string, Seen<T>>()
    for (const [name, value] of present) seen.set(name, { value })
    for (const [name, { value, missedAtMs = now }] of this.#seen) {
      if (!present.has(name) && now - missedAtMs < this.#graceMs) seen.set(name, { value, missedAtMs })
    }
    this.#seen = seen
    return new Map([...seen].map(([name, { value }]) => [name, value]))
  }

  /** True while something is missing that is not yet believed to be gone. */
  isWaiting(): boolean {
    return [...this.#seen.values()].some(({ missedAtMs }) => missedAtMs !== undefined)
  }
}
