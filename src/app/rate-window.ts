import type { RequestLimits } from '../domain/provider.ts'

const windowMs = 1000

/** Counts requests, so that no more of them are started in any second, or are under way, than limits allow. */
export class RateWindow {
  /** When the requests of the last second were started, in order. */
  readonly #starts: number[] = []
  #running = 0

  get running(): number {
    return this.#running
  }

  /** Milliseconds until another request may be started as far as the rate goes; 0: now. */
  waitMs({ requestsPerSecond }: RequestLimits, nowMs: number): number {
    const kept = this.#starts.findIndex((at) => at > nowMs - windowMs)
    if (kept !== 0) this.#starts.splice(0, kept < 0 ? this.#starts.length : kept)
    const blocking = this.#starts[this.#starts.length - requestsPerSecond]
    return blocking === undefined ? 0 : blocking + windowMs - nowMs
  }

  isFull({ maxConcurrent }: RequestLimits): boolean {
    return this.#running >= maxConcurrent
  }

  begin(nowMs: number): void {
    this.#starts.push(nowMs)
    this.#running += 1
  }

  end(): void {
    this.#running -= 1
  }
}
