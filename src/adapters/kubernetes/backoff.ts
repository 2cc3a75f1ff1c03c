/** 1 s, as client-go's reflector nearly does. */
const firstMs = 1_000
const mostMs = 30_000

/**
 * Exponential backoff with full jitter: uniform between 0 and a ceiling that doubles from 1 s to 30 s.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  readonly #random: () => number
  #failures = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** Milliseconds to wait after another failure, at least as long as the server asked for. */
  next(retryAfterSeconds = 0): number {
    const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures, 16))
    this.#failures += 1
    const announcedMs = retryAfterSeconds * 1000
    // What was announced is a lower bound; the jitter on top keeps those apart that were turned away together.
    return announcedMs + this.#random() * ceiling
  }

  reset(): void {
    this.#failures = 0
  }
}
