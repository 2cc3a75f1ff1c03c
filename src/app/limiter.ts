import type { Clock } from '../ports/clock.ts'
import { WakeHeap } from './wake-heap.ts'

/** What one store takes. */
export interface Limit {
  readonly perSecond: number
  readonly concurrent: number
}

/** It goes through all lanes. */
const forgetEveryMs = 60_000

interface Lane {
  limit: Limit
  running: number
  /** Tokens of the bucket; refilled by time, at most one second's worth. */
  tokens: number
  refilledAtMs: number
  readonly waiting: WakeHeap
  readonly starts: Map<string, () => void>
  timer: (() => void) | undefined
}

/**
 * Bounds rate and concurrency per store over all credentials, with one and the same limit for each. Whoever
 * waits is let in by deadline, not by arrival: after an outage the tokens that expire first go first. Token hosts
 * have budgets of their own, see token-hosts.ts.
 */
export class Limiter {
  readonly #clock: Clock
  readonly #lanes = new Map<string, Lane>()
  #tickets = 0
  #opened = false
  #forgotAtMs = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `work` when the lane has room. `deadline` only orders those who wait. */
  async run<T>(name: string, limit: Limit, deadline: number, work: () => Promise<T>): Promise<T> {
    const lane = this.#lane(name, limit)
    await this.#enter(lane, deadline)
    try {
      return await work()
    } finally {
      lane.running -= 1
      this.#admit(lane)
      this.#forgetIdle(name, lane)
    }
  }

  /** Lets everybody in at once, for good: whoever waits is to find out that there is nothing left to do. */
  open(): void {
    this.#opened = true
    for (const lane of this.#lanes.values()) this.#admit(lane)
  }

  #lane(name: string, limit: Limit): Lane {
    const known = this.#lanes.get(name)
    if (known !== undefined) {
      known.limit = limit
      return known
    }
    const lane: Lane = {
      limit,
      running: 0,
      tokens: burst(limit),
      refilledAtMs: this.#clock.monotonicMs(),
      waiting: new WakeHeap(),
      starts: new Map(),
      timer: undefined,
    }
    this.#forgetIdleOnes()
    this.#lanes.set(name, lane)
    return lane
  }

  /** Those whose last visitor left before the bucket was full again. */
  #forgetIdleOnes(): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#forgotAtMs + forgetEveryMs) return
    this.#forgotAtMs = nowMs
    for (const [name, lane] of this.#lanes) {
      this.#refill(lane)
      this.#forgetIdle(name, lane)
    }
  }

  #enter(lane: Lane, deadline: number): Promise<void> {
    return new Promise((resolve) => {
      this.#tickets += 1
      const ticket = String(this.#tickets)
      lane.starts.set(ticket, resolve)
      lane.waiting.set(ticket, deadline)
      this.#admit(lane)
    })
  }

  #admit(lane: Lane): void {
    this.#refill(lane)
    while (this.#opened || (lane.running < lane.limit.concurrent && lane.tokens >= 1)) {
      const ticket = lane.waiting.take(Infinity)
      if (ticket === undefined) return
      lane.running += 1
      lane.tokens -= 1
      lane.starts.get(ticket)?.()
      lane.starts.delete(ticket)
    }
    this.#wakeForTokens(lane)
  }

  #refill(lane: Lane): void {
    const nowMs = this.#clock.monotonicMs()
    const gained = ((nowMs - lane.refilledAtMs) / 1000) * lane.limit.perSecond
    lane.tokens = Math.min(burst(lane.limit), lane.tokens + gained)
    lane.refilledAtMs = nowMs
  }

  #wakeForTokens(lane: Lane): void {
    if (lane.timer !== undefined || lane.starts.size === 0 || lane.tokens >= 1) return
    const waitMs = ((1 - lane.tokens) / lane.limit.perSecond) * 1000
    lane.timer = this.#clock.wakeAfter(Math.ceil(waitMs), () => {
      lane.timer = undefined
      this.#admit(lane)
    })
  }

  /** A lane with a full bucket and nobody in it is the same as none. */
  #forgetIdle(name: string, lane: Lane): void {
    if (lane.running === 0 && lane.starts.size === 0 && lane.tokens >= burst(lane.limit)) this.#lanes.delete(name)
  }
}

function burst({ perSecond }: Limit): number {
  return Math.max(1, perSecond)
}
