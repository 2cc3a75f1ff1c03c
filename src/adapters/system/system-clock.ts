import { epochSeconds, type EpochSeconds } from '../../domain/time.ts'
import type { Clock } from '../../ports/clock.ts'

/** setTimeout keeps its delay in 32 bits with a sign and fires at once when it is longer. */
const longestDelayMs = 2 ** 31 - 1

export interface SystemClockOptions {
  /** True: timers do not keep the process alive. */
  readonly unref?: boolean
}

/** The clock of the machine. */
export class SystemClock implements Clock {
  readonly #unref: boolean

  constructor({ unref = false }: SystemClockOptions = {}) {
    this.#unref = unref
  }

  now(): EpochSeconds {
    return epochSeconds(Date.now() / 1000)
  }

  monotonicMs(): number {
    return performance.now()
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    const timer = setTimeout(wake, Math.min(Math.max(0, delayMs), longestDelayMs))
    if (this.#unref) timer.unref()
    return () => clearTimeout(timer)
  }
}
