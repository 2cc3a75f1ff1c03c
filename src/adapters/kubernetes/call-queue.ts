/** Lets a bounded number of calls through at a time, first come, first served. */
export class CallQueue {
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
  #inFlight = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Resolves true when the caller may go on and has to {@link CallQueue.leave}; false when `signal` was aborted first. */
  async enter(signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted === true) return false
    if (this.#inFlight < this.#limit) {
      this.#inFlight += 1
      return true
    }
    return this.#wait(signal)
  }

  leave(): void {
    // A waiting call takes the place over, so that nobody overtakes it.
    const [next] = this.#waiting
    if (next === undefined) this.#inFlight -= 1
    else next()
  }

  #wait(signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (admitted: boolean): void => {
        this.#waiting.delete(admit)
        signal?.removeEventListener('abort', giveUp)
        resolve(admitted)
      }
      const admit = (): void => end(true)
      const giveUp = (): void => end(false)
      this.#waiting.add(admit)
      signal?.addEventListener('abort', giveUp, { once: true })
    })
  }
}
