import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import type { Violations } from './violations.ts'
import type { Point, Service, Verdict } from './wire.ts'

/** A fault that waits for its moment. */
export interface Strike {
  readonly fault: string
  readonly matches: (point: Point) => boolean
  /** How many moments to let pass. */
  skip: number
  readonly act: (point: Point) => Verdict
}

interface Outage {
  readonly untilMs: number
  /** Share of the calls that take effect although nobody hears of it. */
  readonly ambiguous: number
}

/** Does what faults ask for at the moments that calls pass. */
export class Gremlin {
  readonly counts = new Map<string, number>()
  #strikes: Strike[] = []
  readonly #outages = new Map<Service, Outage>()
  /** Processes that reach nothing, and until when. */
  readonly #partitions = new Map<Process, number>()
  readonly #random: Random
  readonly #scheduler: Scheduler
  readonly #violations: Violations

  constructor(random: Random, scheduler: Scheduler, violations: Violations) {
    this.#random = random
    this.#scheduler = scheduler
    this.#violations = violations
  }

  await(strike: Strike): void {
    this.#strikes.push(strike)
  }

  count(fault: string): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1)
    this.#violations.note(() => `FAULT ${fault}`)
  }

  breakDown(service: Service, durationMs: number, ambiguous: number): void {
    this.#outages.set(service, { untilMs: this.#scheduler.nowMs + durationMs, ambiguous })
  }

  /** One process is cut off from everything but its own disk. */
  cutOff(process: Process, durationMs: number): void {
    this.#partitions.set(process, this.#scheduler.nowMs + durationMs)
  }

  /** Nothing strikes any more. */
  rest(): void {
    this.#strikes = []
    this.#outages.clear()
    this.#partitions.clear()
  }

  readonly meddle = (point: Point): Verdict => {
    const struck = this.#strikes.length === 0 ? 'pass' : this.#strike(point)
    if (struck !== 'pass') return struck
    return this.#isCutOff(point) ? 'fail' : this.#outage(point)
  }

  #strike(point: Point): Verdict {
    for (const [index, strike] of this.#strikes.entries()) {
      if (!strike.matches(point)) continue
      strike.skip -= 1
      if (strike.skip >= 0) continue
      this.#strikes.splice(index, 1)
      this.count(strike.fault)
      this.#violations.note(
        () => `  at ${point.process.name} ${point.service}.${point.operation} ${point.phase} ${point.about}`,
      )
      return strike.act(point)
    }
    return 'pass'
  }

  #isCutOff({ process, service, phase, operation }: Point): boolean {
    const untilMs = this.#partitions.get(process)
    if (untilMs === undefined || untilMs < this.#scheduler.nowMs || service === 'journal') return false
    return service === 'server' ? phase === 'request' || operation === 'answer' : phase === 'effect'
  }

  #outage({ service, phase, operation }: Point): Verdict {
    const outage = this.#outages.get(service)
    if (outage === undefined) return 'pass'
    if (outage.untilMs <= this.#scheduler.nowMs) {
      this.#outages.delete(service)
      return 'pass'
    }
    if (service === 'server') return operation === 'connect' || operation === 'serve' ? 'fail' : 'pass'
    if (phase !== 'effect') return 'pass'
    return this.#random.chance(outage.ambiguous) ? 'ambiguous' : 'fail'
  }
}
