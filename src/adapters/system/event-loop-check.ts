import type { Clock } from '../../ports/clock.ts'
import type { HealthCheck } from './health-check.ts'

const beatMs = 1_000
/** How many beats are looked back on. */
const beats = 30
/** One long stop, such as a suspended machine, does not count as more than this. */
const longestStopMs = 10_000
/** Time lost over those beats beyond which the process is not worth keeping. */
const mostLostMs = 15_000

/**
 * Notices a process that is alive and gets nothing done: garbage collection at the memory limit, or
 * a loop. A heartbeat each second measures how late it comes; unwell when the last thirty were fifteen
 * seconds late together. A process that is blocked altogether answers no probe, which says the same.
 */
export class EventLoopCheck implements HealthCheck {
  readonly name = 'event-loop'
  readonly #clock: Clock
  #lateMs: readonly number[] = []
  #cancel: (() => void) | undefined

  /** The clock's timers should not keep the process alive. */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(): void {
    this.#expect(this.#clock.monotonicMs() + beatMs)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  problem(): string | undefined {
    const lostMs = this.#lateMs.reduce((sum, late) => sum + late, 0)
    if (lostMs < mostLostMs) return undefined
    return `the last ${beats} heartbeats were ${Math.round(lostMs / 1000)} s late`
  }

  #expect(atMs: number): void {
    this.#cancel = this.#clock.wakeAfter(beatMs, () => {
      const nowMs = this.#clock.monotonicMs()
      const late = Math.min(longestStopMs, Math.max(0, nowMs - atMs))
      this.#lateMs = [...this.#lateMs.slice(1 - beats), late]
      this.#expect(nowMs + beatMs)
    })
  }
}
