/** So many at first. Each that is ready in time makes room for one more. */
const firstMost = 32
/** Slow stores and full queues let so many in all the same. */
const leastMost = 8
/**
 * Who is not ready to send by then finds a store, an API server or a machine that has too much to do already. Stores
 * that are merely far away are quicker, and a call that the others keep waiting for so long has not passed its deadline.
 */
const timelyMs = 5000

/**
 * Bounds how many credentials of a token host get ready for their requests at a time, by how long that takes. The
 * limits of the host say what it takes, not what stores, API server and this process can prepare: more than that
 * only wait for each other, until the deadlines of their calls have passed and everything begins again.
 *
 * Who is late is counted no longer, so that one store that hangs holds up nobody for longer than that.
 */
export class Preparing {
  /** By key, in the order in which they began. */
  readonly #sinceMs = new Map<string, number>()
  #most = firstMost
  #cutAtMs = -Infinity

  began(key: string, nowMs: number): void {
    this.#sinceMs.set(key, nowMs)
  }

  /** It is ready, or has given up. */
  ended(key: string, nowMs: number): void {
    this.#countLate(nowMs)
    // What is not made use of says nothing about more.
    const isUsed = 2 * this.#sinceMs.size >= this.#most
    if (this.#sinceMs.delete(key) && isUsed) this.#most += 1
  }

  hasRoom(nowMs: number): boolean {
    this.#countLate(nowMs)
    return this.#sinceMs.size < this.#most
  }

  /** When time alone makes room; Infinity while there is some. */
  get roomAtMs(): number {
    if (this.#sinceMs.size < this.#most) return Infinity
    const [first = Infinity] = this.#sinceMs.values()
    return first + timelyMs
  }

  #countLate(nowMs: number): void {
    for (const [key, sinceMs] of this.#sinceMs) {
      if (nowMs - sinceMs < timelyMs) return
      this.#sinceMs.delete(key)
      // Those that were let in before the last cut say nothing about what is let in since.
      if (sinceMs < this.#cutAtMs) continue
      this.#most = Math.max(leastMost, Math.floor(this.#most / 2))
      this.#cutAtMs = nowMs
    }
  }
}
