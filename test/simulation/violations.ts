/** How many events of the story are told with a violation. */
const toldEvents = 40

/** Collects what happens, in words, and what of it must never happen. */
export class Violations {
  readonly #tracing: boolean
  readonly #events: string[] = []
  readonly #where: () => string
  found: string | undefined

  constructor(where: () => string, tracing: boolean) {
    this.#where = where
    this.#tracing = tracing
  }

  /** Words are made only when somebody reads them. */
  note(words: () => string): void {
    if (this.#tracing) this.#events.push(`${this.#where()} ${words()}`)
  }

  add(what: string): void {
    if (this.found !== undefined) return
    this.found = `${this.#where()} ${what}`
    this.#events.push(`${this.#where()} VIOLATION: ${what}`)
  }

  /** The last events, oldest first. */
  story(all = false): string {
    return (all ? this.#events : this.#events.slice(-toldEvents - 1)).join('\n')
  }
}
