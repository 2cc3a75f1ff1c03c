import type { Random } from './random.ts'
import type { Process } from './process.ts'
import type { Scheduler } from './scheduler.ts'

export type Service = 'store' | 'records' | 'journal' | 'pods' | 'target' | 'status' | 'server'

/** Where a call stands: it is about to leave, it takes effect, its answer is about to arrive. */
export type Phase = 'request' | 'effect' | 'answer'

/** One point of one call, at which a fault may strike. */
export interface Point {
  readonly process: Process
  readonly service: Service
  readonly operation: string
  readonly phase: Phase
  /** UID of the credential, or the place of its refresh token. */
  readonly about: string
}

/** What a fault does to a call at one point. */
export type Verdict = 'pass' | 'fail' | 'ambiguous' | 'stale' | 'duplicate' | 'slow' | 'cut' | 'garbled'

export type Meddler = (point: Point) => Verdict

/** One call of a port. Its phases are apart in time, so that calls of all processes interleave. */
export interface Call<T> {
  readonly service: Service
  readonly operation: string
  readonly about: string
  /** What the other side does; `stale`: it answers from what it knew earlier. */
  readonly effect: (stale: boolean) => T
  /** What the caller hears when nothing took place, or nobody could tell. */
  readonly unavailable: (ambiguous: boolean) => T
}

/** How long a request, or an answer, is under way: mostly this, in milliseconds, now and then much longer. */
const typicalMs: Readonly<Record<Service, number>> = {
  store: 20,
  records: 8,
  journal: 0.2,
  pods: 8,
  target: 8,
  status: 8,
  server: 80,
}
/** No call of an adapter waits longer for its answer. */
const longestCallMs = 10_000

/** Carries the calls of processes to the models of what is outside of them. */
export class Wire {
  readonly #random: Random
  readonly #scheduler: Scheduler
  readonly #meddle: Meddler
  /** All calls take this many times as long. */
  slowness = 1

  constructor(random: Random, scheduler: Scheduler, meddle: Meddler) {
    this.#random = random
    this.#scheduler = scheduler
    this.#meddle = meddle
  }

  /** Never settles for a process that has ended: whatever it would have done next is not done. */
  call<T>(process: Process, call: Call<T>): Promise<T> {
    return new Promise((resolve) => {
      const { service, operation, about } = call
      const at = (phase: Phase): Point => ({ process, phase, service, operation, about })
      const verdict = this.#meddle(at('request'))
      if (!process.alive) return
      const delay = verdict === 'slow' ? this.#random.between(1000, longestCallMs) : this.delay(call.service)
      // What a process does to its own disk, it does itself; a request that has left arrives without it.
      const doer = call.service === 'journal' ? process : undefined
      this.#scheduler.after(delay, () => this.#arrive(call, at, resolve), doer)
    })
  }

  get nowMs(): number {
    return this.#scheduler.nowMs
  }

  delay(service: Service): number {
    const typical = typicalMs[service] * this.slowness
    if (service !== 'journal' && this.#random.chance(0.02)) return Math.min(longestCallMs, typical * 100)
    return typical * (0.2 + this.#random.next())
  }

  #arrive<T>(call: Call<T>, at: (phase: Phase) => Point, resolve: (value: T) => void): void {
    const verdict = this.#meddle(at('effect'))
    const answer = this.#carryOut(call, verdict)
    const point = at('answer')
    this.#scheduler.after(
      this.delay(call.service),
      () => {
        this.#meddle(point)
        if (point.process.paused) this.#scheduler.after(0, () => resolve(answer), point.process)
        else if (point.process.alive) resolve(answer)
      },
      point.process,
    )
  }

  #carryOut<T>({ effect, unavailable }: Call<T>, verdict: Verdict): T {
    if (verdict === 'fail') return unavailable(false)
    const answer = effect(verdict === 'stale')
    if (verdict === 'ambiguous') return unavailable(true)
    if (verdict === 'duplicate') this.#scheduler.after(this.#random.between(0, 30_000), () => effect(false))
    return answer
  }
}
