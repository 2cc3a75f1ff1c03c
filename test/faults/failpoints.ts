import type { Bundle } from './bundle.ts'
import { FaultBed, type OperatorPod } from './fault-bed.ts'
import type { Life } from './life.ts'
import { type Loss, Oracle } from './oracle.ts'
import { commonFigures, type SuiteResult } from './report.ts'
import { startAwsPlace, startVaultPlace } from './store-places.ts'
import { StrictServer } from './strict-server.ts'
import { becomes } from './waiting.ts'

export interface FailpointOptions {
  readonly bundle: Bundle
  readonly store: 'vault' | 'aws'
  /** False: where a new Pod would have to wait for the lost one, somebody logs in again instead. */
  readonly patient: boolean
  /** Only points whose name holds this. */
  readonly only?: string
}

type Windows = readonly Loss['window'][]

interface Point {
  readonly name: string
  /** In what a container that is started again may find its refresh token lost, and what a new Pod may. */
  readonly restart: Windows
  readonly newPod: Windows
}

const nothing = { restart: [], newPod: [] }
/** The request has left; the answer may come before the process has died. */
const inFlight: Omit<Point, 'name'> = { restart: ['W1', 'W2'], newPod: ['W1', 'W3'] }
const beforeJournal: Omit<Point, 'name'> = { restart: ['W2'], newPod: ['W3'] }
const beforeDurable: Omit<Point, 'name'> = { restart: [], newPod: ['W3'] }

const steps: readonly (readonly [step: string, before: Omit<Point, 'name'>, after: Omit<Point, 'name'>])[] = [
  ['store-read', nothing, nothing],
  ['record-read', nothing, nothing],
  ['store-claim', nothing, nothing],
  ['store-prove', nothing, nothing],
  ['rehearse', nothing, nothing],
  ['exchange', nothing, beforeJournal],
  ['intent', nothing, nothing],
  ['journal-armed', nothing, nothing],
  ['record-arm', nothing, nothing],
  ['journal-sent', nothing, nothing],
  ['server', inFlight, inFlight],
  ['journal-answered', beforeJournal, beforeDurable],
  ['record-commit', beforeDurable, nothing],
  ['store-write', beforeDurable, nothing],
  ['publish', nothing, nothing],
  ['status', nothing, nothing],
  ['journal-settled', nothing, nothing],
]

/** Steps of the first refresh of a process, or of a document, alone. */
const firstSteps: ReadonlySet<string> = new Set(['record-read', 'store-claim'])

/** AWS takes so few writes a day that the record holds what the document does not get yet. */
const pacedStep = 'store-write'

/** The server kills the operator: before it uses the token, and after, without an answer. */
const serverStep = 'server'

const points: readonly Point[] = [
  ...steps.flatMap(([step, before, after]) => [
    { name: `${step}:before`, ...before },
    { name: `${step}:after`, ...after },
  ]),
  { name: 'write-request:after', ...inFlight },
]

/** Kills the operator before and behind each step of a refresh, and starts it again in the same Pod or in a new one. */
export async function killAtPoints(options: FailpointOptions): Promise<SuiteResult> {
  const run = await FailpointRun.start(options)
  try {
    return await run.go()
  } finally {
    await run.stop()
  }
}

const name = 'only'
const reachedWithinMs = 20_000
/** A new Pod waits for the send window, the longest answer, and a margin. */
const takeoverWithinMs = 120_000

class FailpointRun {
  readonly #options: FailpointOptions
  readonly #bed: FaultBed
  readonly #oracle: Oracle
  #pod: OperatorPod
  #killer: { readonly when: 'before' | 'after'; readonly life: Life } | undefined
  #cases = 0
  readonly #unreached: string[] = []
  readonly #lost: string[] = []

  private constructor(options: FailpointOptions, bed: FaultBed, oracle: Oracle, pod: OperatorPod) {
    this.#options = options
    this.#bed = bed
    this.#oracle = oracle
    this.#pod = pod
  }

  static async start(options: FailpointOptions): Promise<FailpointRun> {
    const server = await StrictServer.start({ lifetime: () => 2 })
    const store = options.store === 'vault' ? await startVaultPlace() : await startAwsPlace()
    const bed = await FaultBed.start({ bundle: options.bundle, server, store, names: [name] })
    const run = new FailpointRun(options, bed, new Oracle(bed), await bed.newPod())
    server.watch({ arrived: () => run.#killAtServer('before'), used: () => run.#killAtServer('after') })
    return run
  }

  async #killAtServer(when: 'before' | 'after'): Promise<void> {
    if (this.#killer?.when !== when) return
    const { life } = this.#killer
    this.#killer = undefined
    await life.kill()
  }

  async go(): Promise<SuiteResult> {
    for (const point of points.filter((each) => each.name.includes(this.#options.only ?? '')))
      for (const podLost of [false, true]) await this.#one(point, podLost)
    const leaks = this.#bed.leaks()
    if (leaks > 0) this.#oracle.violated(`${leaks} log lines hold a token`)
    return {
      suite: `kill -9 at each step with ${this.#options.store}`,
      figures: {
        'kills at a step': this.#cases,
        'not reached': this.#unreached.join(' ') || 'none',
        'lost at': this.#lost.join(' ') || 'none',
        ...commonFigures(this.#bed.options.server, this.#oracle),
      },
      violations: this.#oracle.violations,
    }
  }

  async stop(): Promise<void> {
    const { server, store } = this.#bed.options
    await this.#bed.stop()
    await Promise.all([server.stop(), store.stop()])
  }

  async #one(point: Point, podLost: boolean): Promise<void> {
    const title = `${point.name}, ${podLost ? 'new Pod' : 'restart'}`
    const reached = await this.#liveUntil(point)
    if (!reached) return void (podLost || this.#unreached.push(point.name))
    this.#cases += 1
    if (podLost) await this.#replacePod()
    const lossesBefore = this.#oracle.losses.length
    const { lost } = await this.#oracle.takeStock(podLost)
    const found = this.#oracle.losses.slice(lossesBefore).map(({ window }) => window)
    this.#judgeLosses(found, podLost ? point.newPod : point.restart, title)
    const took = await this.#recover(lost.length > 0, title)
    console.log(`${title}: ${found.length > 0 ? `lost in ${found.join()}` : 'kept'}, refreshed again ${took}`)
  }

  #judgeLosses(found: Windows, allowed: Windows, title: string): void {
    for (const window of found) {
      this.#lost.push(`${title}: ${window};`)
      if (!allowed.includes(window)) this.#oracle.violated(`${title}: the refresh token is lost in ${window}`)
    }
  }

  /** @returns false when the process did not come to the point. */
  async #liveUntil({ name: point }: Point): Promise<boolean> {
    const [step, when] = point.split(':') as [string, 'before' | 'after']
    if (firstSteps.has(step)) await this.#logInAgain()
    const isPaced = this.#options.store === 'aws' && step === pacedStep
    const hit = { FAULTS_POINT: point, FAULTS_HIT: firstSteps.has(step) || isPaced ? '1' : '2' }
    const failpoint = step === serverStep ? {} : hit
    const life = this.#begin(failpoint)
    if (step === serverStep) this.#killer = { when, life }
    const reached = isPaced ? await this.#endsAt(life) : await becomes(() => life.isOver, reachedWithinMs)
    this.#killer = undefined
    if (reached && (await life.ended) !== 'SIGKILL') this.#oracle.violated(`${point}: ended by ${await life.ended}`)
    await life.kill()
    return reached
  }

  /** A store that is written now and then gets what it lacks when the process is asked to end. */
  async #endsAt(life: Life): Promise<boolean> {
    const { families } = this.#bed.options.server
    const { depth } = families.current(name).newest
    await becomes(() => life.isOver || families.current(name).newest.depth > depth, reachedWithinMs)
    return (await life.end()) === 'SIGKILL'
  }

  #begin(failpoint?: Readonly<Record<string, string>>): Life {
    const life = this.#bed.live({ pod: this.#pod, ...(failpoint && { failpoint }) })
    this.#oracle.follow(life, this.#pod)
    return life
  }

  async #replacePod(): Promise<void> {
    await this.#bed.losePod(this.#pod)
    this.#pod = await this.#bed.newPod()
  }

  /** One more life, in which the credential is refreshed twice. @returns how long that took. */
  async #recover(lost: boolean, title: string): Promise<string> {
    const { families } = this.#bed.options.server
    const begunMs = performance.now()
    const life = this.#begin()
    if (lost) {
      // Long enough to see what the operator does with a refresh token whose successor is lost.
      await becomes(() => families.current(name).deadSinceMs !== undefined, 10_000)
      await this.#logInAgain()
    }
    const depth = families.current(name).newest.depth
    const moved = (): boolean => families.current(name).newest.depth >= depth + 2
    const soon = await becomes(moved, this.#options.patient ? takeoverWithinMs : 25_000)
    if (!soon && !this.#options.patient) await this.#logInAgain()
    const later = soon || (await becomes(() => families.current(name).newest.depth >= 2, 90_000))
    if (!later) this.#oracle.violated(`${title}: not refreshed again (${await this.#failure()})`)
    await this.#endQuietly(life, title)
    return `after ${((performance.now() - begunMs) / 1000).toFixed(1)} s${soon ? '' : ', with a new login'}`
  }

  /** A kill that met a refresh might lose a login that no point accounts for, and no later point would be reached. */
  async #endQuietly(life: Life, title: string): Promise<void> {
    const code = await life.end()
    const { lost } = await this.#oracle.takeStock(false)
    if (code !== 0) this.#oracle.violated(`${title}: ended by SIGTERM with ${code}`)
    if (lost.length > 0) this.#oracle.violated(`${title}: a refresh token is lost by SIGTERM`)
  }

  async #logInAgain(): Promise<void> {
    const { store, server } = this.#bed.options
    await store.write(name, server.families.logIn(name))
  }

  async #failure(): Promise<string> {
    const status = (await this.#bed.statuses()).get(name)
    return status?.lastFailure?.code ?? 'no failure'
  }
}
