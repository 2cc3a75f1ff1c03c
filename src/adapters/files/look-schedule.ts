import type { Clock } from '../../ports/clock.ts'

export interface LookScheduleOptions {
  readonly clock: Clock
  /** Returns in how many milliseconds to look again, whatever happens. */
  readonly look: () => Promise<number>
}

/** A save is several calls, each of which is noticed: looked at is what is there once they have ended. */
const settleMs = 50
/** Where something changes all the time, it is looked at this late nevertheless. */
const latestMs = 1000

/** Looks soon after something was noticed, and regularly because notifications get lost. One look at a time. */
export class LookSchedule {
  readonly #options: LookScheduleOptions
  #cancel: () => void = () => undefined
  #looking: Promise<void> | undefined
  /** When the first thing was noticed that the next look is for. */
  #noticedAtMs: number | undefined
  #stopped = false

  constructor(options: LookScheduleOptions) {
    this.#options = options
  }

  start(): void {
    this.#plan(0)
  }

  /** Something may have changed. */
  notice(): void {
    const now = this.#options.clock.monotonicMs()
    this.#noticedAtMs ??= now
    if (this.#looking === undefined) this.#plan(Math.min(settleMs, Math.max(this.#noticedAtMs + latestMs - now, 0)))
  }

  /** Resolves when a look that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#looking
  }

  #plan(delayMs: number): void {
    this.#cancel()
    if (this.#stopped) return
    this.#cancel = this.#options.clock.wakeAfter(delayMs, () => {
      this.#looking = this.#look()
    })
  }

  async #look(): Promise<void> {
    this.#noticedAtMs = undefined
    const againMs = await this.#options.look()
    this.#looking = undefined
    // What was noticed meanwhile came perhaps too late for this look.
    this.#plan(this.#noticedAtMs === undefined ? againMs : settleMs)
  }
}
