import { epochSeconds, type EpochSeconds, seconds } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Metrics } from '../ports/metrics.ts'
import { WakeHeap } from './wake-heap.ts'

/** When a key is to be worked on again; undefined: when it changes. */
export type Requeue = EpochSeconds | undefined

export interface WorkQueueOptions {
  readonly clock: Clock
  readonly metrics: Metrics
  /** Works on one key. A rejection is a bug and ends the process. */
  readonly work: (key: string) => Promise<Requeue>
  readonly onBug: (bug: unknown) => void
}

/** How many keys are begun before other work of the process gets a turn: a millisecond or two. */
const keysPerTurn = 50
/** No timer is longer, so that a clock that jumped, or a machine that slept, is noticed. */
const longestSleepMs = 30_000
/** Wall clock and steady clock part by less than this while nobody sets the one and nothing stops the other. */
const largestDriftSeconds = 2

/**
 * Keys to be worked on, soonest first; those of the same time in the order in which they were added.
 *
 * Guarantees: one worker per key; a key that is added while it is worked on is worked on again
 * afterwards; adding a key twice works on it once. Nothing is lost: every run ends in a requeue time
 * or waits for a change.
 *
 * How many keys are in flight is bounded where it matters, per token host and per store, not here.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #wakes = new WakeHeap()
  readonly #running = new Map<string, { readonly sinceMs: number }>()
  readonly #again = new Set<string>()
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity
  #stopped = true
  /** Wall time less steady time, in seconds, when the planned times were last known to be right. */
  #clockOffset: number
  /** Whoever waits for the end of everything that runs. */
  readonly #idle: (() => void)[] = []

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#clockOffset = this.#offset()
  }

  start(): void {
    this.#stopped = false
    this.#arm()
  }

  /** Works on `key` as soon as possible. */
  add(key: string): void {
    this.addAt(key, this.#options.clock.now())
  }

  /** Works on `key` at `at`, or earlier when it is already planned earlier. */
  addAt(key: string, at: EpochSeconds): void {
    this.#options.metrics.queueAdded()
    if (this.#running.has(key)) {
      this.#again.add(key)
      return
    }
    const planned = this.#wakes.at(key)
    if (planned !== undefined && planned <= at) return
    this.#wakes.set(key, at)
    this.#arm()
  }

  /** Starts nothing new and resolves when everything that runs has ended. */
  async drain(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    if (this.#running.size === 0) return
    await new Promise<void>((resolve) => void this.#idle.push(resolve))
  }

  /** Keys in work, which includes those that wait for room at their store, or to start their request. */
  depth(): number {
    return this.#running.size
  }

  /** Seconds that all running work has taken, summed. */
  unfinishedSeconds(): number {
    const nowMs = this.#options.clock.monotonicMs()
    let sum = 0
    for (const { sinceMs } of this.#running.values()) sum += nowMs - sinceMs
    return sum / 1000
  }

  /** Seconds that the longest running work has taken; 0 when nothing runs. */
  longestRunningSeconds(): number {
    const nowMs = this.#options.clock.monotonicMs()
    let longest = 0
    for (const { sinceMs } of this.#running.values()) longest = Math.max(longest, nowMs - sinceMs)
    return longest / 1000
  }

  #arm(): void {
    const at = this.#wakes.earliest()
    if (this.#stopped || at === undefined || at >= this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = at
    const delayMs = Math.min(longestSleepMs, Math.max(0, Math.ceil((at - this.#options.clock.now()) * 1000)))
    this.#cancelTimer = this.#options.clock.wakeAfter(delayMs, () => this.#wake())
  }

  #wake(): void {
    this.#timerAt = Infinity
    this.#cancelTimer = undefined
    if (this.#stopped) return
    this.#noticeJump()
    const now = this.#options.clock.now()
    for (let begun = 0; begun < keysPerTurn; begun += 1) {
      const at = this.#wakes.earliest()
      const key = this.#wakes.take(now)
      if (key === undefined) break
      this.#options.metrics.queueWaited(seconds(Math.max(0, now - (at ?? now))))
      this.#begin(key)
    }
    this.#arm()
  }

  /** After the wall clock was set, or the machine slept, no planned time means what it meant: every key is looked at. */
  #noticeJump(): void {
    const offset = this.#offset()
    if (Math.abs(offset - this.#clockOffset) < largestDriftSeconds) return
    this.#clockOffset = offset
    const now = this.#options.clock.now()
    for (const key of this.#wakes.keys()) this.#wakes.set(key, now)
  }

  #offset(): number {
    const { clock } = this.#options
    return clock.now() - clock.monotonicMs() / 1000
  }

  #begin(key: string): void {
    this.#running.set(key, { sinceMs: this.#options.clock.monotonicMs() })
    this.#options.work(key).then(
      (requeue) => this.#end(key, requeue),
      (bug: unknown) => this.#options.onBug(bug),
    )
  }

  #end(key: string, requeue: Requeue): void {
    this.#running.delete(key)
    const again = this.#again.delete(key) ? this.#options.clock.now() : undefined
    const at = again ?? requeue
    if (at !== undefined) this.#wakes.set(key, epochSeconds(at))
    this.#arm()
    if (this.#stopped && this.#running.size === 0) for (const tell of this.#idle.splice(0)) tell()
  }
}
