import { setTimeout as sleep } from 'node:timers/promises'
import type { Bundle } from './bundle.ts'
import { Chance } from './chance.ts'
import { FaultBed, type OperatorPod } from './fault-bed.ts'
import type { Life } from './life.ts'
import { Oracle } from './oracle.ts'
import { commonFigures, spread, type SuiteResult } from './report.ts'
import { startVaultPlace } from './store-places.ts'
import { StrictServer } from './strict-server.ts'
import { becomes } from './waiting.ts'

export interface PauseOptions {
  readonly bundle: Bundle
  readonly runs: number
  readonly seed: number
  readonly size: number
  readonly minutes: number
  /** Seconds that the leader stands still, at least and at most. */
  readonly seconds: readonly [number, number]
}

/** Where the leader stops itself; undefined: at a random instant, from outside. */
const instants: readonly (string | undefined)[] = [
  undefined,
  'record-arm:before',
  'record-arm:after',
  undefined,
  'journal-sent:after',
  'intent:after',
  undefined,
  'write-request:after',
  'journal-answered:before',
  undefined,
  'journal-answered:after',
  'record-commit:before',
  'store-write:before',
]

const leads = 'This process leads.'

/**
 * Two replicas, of which the leader is stopped (SIGSTOP) for longer than its Lease and then goes on, while the
 * other one has taken over.
 */
export async function pauseTheLeader(options: PauseOptions): Promise<SuiteResult> {
  const chance = new Chance(options.seed)
  const server = await StrictServer.start({
    lifetime: () => 3,
    delays: () => ({ beforeMs: chance.between(0, 20), afterMs: chance.between(0, 10) }),
  })
  const store = await startVaultPlace()
  const names = Array.from({ length: options.size }, (_, index) => `credential-${index}`)
  const bed = await FaultBed.start({ bundle: options.bundle, server, store, names })
  const oracle = new Oracle(bed)
  try {
    return await new PauseRun(options, bed, oracle, chance).go()
  } finally {
    await bed.stop()
    await Promise.all([server.stop(), store.stop()])
  }
}

class PauseRun {
  readonly #options: PauseOptions
  readonly #bed: FaultBed
  readonly #oracle: Oracle
  readonly #chance: Chance
  readonly #takeoversMs: number[] = []
  #runs = 0
  #unreached = 0
  #byTheOther = 0
  #held = 0

  constructor(options: PauseOptions, bed: FaultBed, oracle: Oracle, chance: Chance) {
    this.#options = options
    this.#bed = bed
    this.#oracle = oracle
    this.#chance = chance
  }

  async go(): Promise<SuiteResult> {
    const begunMs = performance.now()
    const pods = [await this.#bed.newPod(), await this.#bed.newPod()] as const
    while (this.#runs < this.#options.runs && performance.now() - begunMs < this.#options.minutes * 60_000) {
      await this.#one(pods, instants[this.#runs % instants.length])
      this.#runs += 1
    }
    const leaks = this.#bed.leaks()
    if (leaks > 0) this.#oracle.violated(`${leaks} log lines hold a token`)
    if (this.#oracle.losses.length > 0)
      this.#oracle.violated(`${this.#oracle.losses.length} refresh tokens were lost though nothing died`)
    return { suite: 'SIGSTOP of the leader', figures: this.#figures(), violations: this.#oracle.violations }
  }

  #figures(): SuiteResult['figures'] {
    return {
      pauses: this.#runs,
      'in which the instant was not reached': this.#unreached,
      'refreshes by the other one during pauses': this.#byTheOther,
      'credentials that waited for the stopped one': this.#held,
      'until the other one refreshed': spread(this.#takeoversMs),
      ...commonFigures(this.#bed.options.server, this.#oracle),
    }
  }

  async #one([first, second]: readonly [OperatorPod, OperatorPod], instant: string | undefined): Promise<void> {
    await this.#bed.forgetLease()
    const leader = this.#begin(first, instant)
    if (!(await becomes(() => this.#bed.hasLogged(first, leads, leader), 20_000)))
      this.#oracle.violated(`nobody led within 20 s:\n${this.#bed.logTail()}`)
    const standby = this.#begin(second)
    if (instant === undefined) {
      await sleep(this.#chance.between(1000, 4000))
      leader.pause()
    }
    if (await becomes(() => leader.isStopped, 20_000)) await this.#stand(leader, instant ?? 'a random instant')
    else this.#unreached += 1
    await this.#refreshedAgain(instant ?? 'a random instant')
    // Both at once: nothing may be under way that the stock would take for lost.
    for (const life of [leader, standby]) if ((await life.end()) !== 0) this.#oracle.violated('did not end cleanly')
    const { lost, behind } = await this.#oracle.takeStock(false)
    if (behind.length > 0) this.#oracle.violated(`not in the store after a clean end: ${behind.join(', ')}`)
    for (const name of lost) await this.#bed.options.store.write(name, this.#families.logIn(name))
  }

  async #stand(leader: Life, instant: string): Promise<void> {
    const [least, most] = this.#options.seconds
    const seconds = this.#chance.between(least, most)
    await this.#bed.options.server.idle()
    const before = this.#depths()
    const begunMs = performance.now()
    const moved = await becomes(() => this.#movedSince(before).length > 0, seconds * 1000)
    if (moved) this.#takeoversMs.push(performance.now() - begunMs)
    await sleep(Math.max(0, begunMs + seconds * 1000 - performance.now()))
    const byTheOther = this.#movedSince(before).length
    if (moved) this.#held += this.#bed.options.names.length - byTheOther
    this.#byTheOther += this.#rotations(begunMs)
    leader.resume()
    console.log(
      `pause ${this.#runs + 1}: ${seconds.toFixed(0)} s at ${instant}, the other one refreshed ${byTheOther} of ${this.#bed.options.names.length}, ${this.#oracle.violations.length} violations`,
    )
  }

  /** Every credential is refreshed after the pause, too. */
  async #refreshedAgain(instant: string): Promise<void> {
    const before = this.#depths()
    const all = (): boolean => this.#movedSince(before).length === this.#bed.options.names.length
    if (await becomes(all, 60_000)) return
    const moved = new Set(this.#movedSince(before))
    const rest = this.#bed.options.names.filter((name) => !moved.has(name))
    const statuses = await this.#bed.statuses()
    const causes = rest.map((name) => `${name} (${statuses.get(name)?.lastFailure?.code ?? 'no failure'})`)
    this.#oracle.violated(`not refreshed within 60 s of a pause at ${instant}: ${causes.join(', ')}`)
  }

  #begin(pod: OperatorPod, instant?: string): Life {
    const hit = String(1 + Math.floor(this.#chance.between(0, this.#options.size)))
    const failpoint = instant && { FAULTS_POINT: instant, FAULTS_HIT: hit, FAULTS_SIGNAL: 'SIGSTOP' }
    const life = this.#bed.live({ pod, ...(failpoint && { failpoint }) })
    this.#oracle.follow(life, pod)
    return life
  }

  get #families() {
    return this.#bed.options.server.families
  }

  #depths(): ReadonlyMap<string, number> {
    return new Map(this.#bed.options.names.map((name) => [name, this.#families.current(name).newest.depth]))
  }

  #movedSince(depths: ReadonlyMap<string, number>): readonly string[] {
    return [...depths]
      .filter(([name, depth]) => this.#families.current(name).newest.depth > depth)
      .map(([name]) => name)
  }

  #rotations(sinceMs: number): number {
    return this.#families.presentations.filter(({ atMs, verdict }) => atMs > sinceMs && verdict === 'rotated').length
  }
}
