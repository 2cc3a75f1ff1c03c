const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * A value that must never be printed: a token, a client secret, a store document.
 *
 * Every implicit way to text (template strings, JSON, console, error causes) yields `[redacted]`.
 * Only {@link Sensitive.reveal} gives the value, and only adapters and the pure functions that
 * parse or render token documents may call it (held by lint).
 */
export class Sensitive<T = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  reveal(): T {
    return this.#value
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [inspect](): string {
    return '[redacted]'
  }
}

/** True when both hold the same text. Compares values without revealing either to the caller. */
export function sameSecret(a: Sensitive, b: Sensitive): boolean {
  return a.reveal() === b.reveal()
}
