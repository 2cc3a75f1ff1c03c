import type { Operator } from '../../src/app/operator.ts'
import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Pod } from './pod.ts'
import type { Happening, Scheduler, Subject } from './scheduler.ts'
import type { LossCause, RefreshTokenFact, TokenLedger } from './token-ledger.ts'

/** Wall time at which every simulation begins. */
export const beginning = 1_800_000_000

/** No append to the journal takes longer, unless it fails. */
const journalTakesMs = 25

interface Pause {
  readonly fromMs: number
  toMs: number
}

/** One process of the operator, from its start to its end. It can be stopped and go on; once it has ended, nothing reaches it. */
export class Process implements Subject {
  readonly name: string
  readonly pod: Pod
  readonly bornMs: number
  alive = true
  paused = false
  /** What this process believes of the Lease. */
  leads = false
  /** Whether its engine may still begin to spend. */
  mayBegin = false
  /** Its engine has begun and has not ended. */
  acting = false
  operator: Operator | undefined
  /** Refresh tokens of answers that arrived here, and when. */
  readonly received = new Map<RefreshTokenFact, number>()
  /** Those of them that the journal could not take. */
  readonly unjournaled = new Set<RefreshTokenFact>()
  /** Refresh tokens of answers on their way here. */
  readonly awaited = new Set<RefreshTokenFact>()
  /** When it last noted, by credential, that it is about to send: its last fence was just before. */
  readonly fencedAtMs = new Map<string, number>()
  /** When the store last proved to it, by refresh token, that it holds what was read and takes a successor. */
  readonly provenAtMs = new Map<string, number>()
  readonly #pauses: Pause[] = []
  readonly #deferred: Happening[] = []
  readonly #scheduler: Scheduler

  constructor(name: string, pod: Pod, scheduler: Scheduler) {
    this.name = name
    this.pod = pod
    this.#scheduler = scheduler
    this.bornMs = scheduler.nowMs
  }

  defer(happening: Happening): void {
    this.#deferred.push(happening)
  }

  pause(): void {
    if (this.paused) return
    this.paused = true
    this.#pauses.push({ fromMs: this.#scheduler.nowMs, toMs: Infinity })
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    const last = this.#pauses.at(-1)
    if (last !== undefined) last.toMs = this.#scheduler.nowMs
    for (const happening of this.#deferred.splice(0)) this.#scheduler.again(happening)
  }

  /** True when it has been stopped for that long by now. */
  sleepsFor(atLeastMs: number): boolean {
    const last = this.#pauses.at(-1)
    return last?.toMs === Infinity && this.#scheduler.nowMs - last.fromMs >= atLeastMs
  }

  /** True when it was stopped for that long at a stretch, since then. */
  sleptSince(sinceMs: number, atLeastMs: number): boolean {
    const { nowMs } = this.#scheduler
    return this.#pauses.some(({ fromMs, toMs }) => Math.min(toMs, nowMs) - Math.max(fromMs, sinceMs) >= atLeastMs)
  }

  /** Its engine has ended, and has seen to it before that nothing is in its memory alone. */
  forget(ledger: TokenLedger): void {
    for (const token of this.received.keys()) ledger.dropped(token, 'memory', undefined)
    this.received.clear()
    this.unjournaled.clear()
  }

  /** Ends it, wherever it is. What only its memory, or the way to it, held is lost. */
  end(ledger: TokenLedger, cause: LossCause | undefined): void {
    this.alive = false
    this.leads = false
    this.mayBegin = false
    for (const token of this.awaited) ledger.dropped(token, 'flight', cause ?? 'W1')
    for (const [token, atMs] of this.received) {
      // A process that stood still between the last byte and its journal was in this window all the time.
      const isFresh = this.#scheduler.nowMs - atMs <= journalTakesMs || this.sleptSince(atMs, journalTakesMs)
      const isOnItsWay = isFresh || this.unjournaled.has(token)
      ledger.dropped(token, 'memory', isOnItsWay ? (cause ?? 'W2') : undefined)
    }
    this.awaited.clear()
    this.received.clear()
  }
}

/** The clocks of one process: the wall clock is its node's, and may be set; the steady one starts with it. */
export class ProcessClock implements Clock {
  readonly #process: Process
  readonly #scheduler: Scheduler

  constructor(process: Process, scheduler: Scheduler) {
    this.#process = process
    this.#scheduler = scheduler
  }

  now(): EpochSeconds {
    return epochSeconds(beginning + this.#process.pod.wallOffsetSeconds + this.#scheduler.nowMs / 1000)
  }

  monotonicMs(): number {
    return this.#scheduler.nowMs - this.#process.bornMs
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    const happening = this.#scheduler.after(delayMs, wake, this.#process)
    return () => {
      happening.fire = undefined
    }
  }
}
