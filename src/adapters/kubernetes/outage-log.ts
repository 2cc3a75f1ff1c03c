import type { Logger } from '../../ports/logger.ts'

/**
 * Tells about an outage when it begins, when its cause changes and when it is over, and not once per
 * attempt. One attempt that fails for a passing reason is not worth a line.
 */
export class OutageLog {
  readonly #logger: Logger
  readonly #resource: string
  #cause: string | undefined
  #failures = 0

  constructor(logger: Logger, resource: string) {
    this.#logger = logger
    this.#resource = resource
  }

  /** `remedy` is given when only a human can end the outage. */
  failed(cause: string, remedy?: string): void {
    this.#failures += 1
    if (this.#cause === cause || (remedy === undefined && this.#failures === 1)) return
    this.#cause = cause
    const fields = { resource: this.#resource, cause }
    this.#logger.warn(
      fields,
      `Watching ${this.#resource} is interrupted. ${remedy ?? 'It is tried again with backoff.'}`,
    )
  }

  recovered(): void {
    this.#failures = 0
    if (this.#cause === undefined) return
    this.#cause = undefined
    this.#logger.info({ resource: this.#resource }, `Watching ${this.#resource} goes on.`)
  }
}
