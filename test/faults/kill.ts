import { setTimeout as sleep } from 'node:timers/promises'
import type { Bundle } from './bundle.ts'
import { Chance } from './chance.ts'
import { FaultBed, type OperatorPod } from './fault-bed.ts'
import type { Life } from './life.ts'
import { Oracle } from './oracle.ts'
import type { FamilyToken, Leeway } from './refresh-families.ts'
import { commonFigures, gaps, spread, type SuiteResult } from './report.ts'
import { SlowRelay } from './slow-relay.ts'
import { startAwsPlace, startVaultPlace, type StorePlace } from './store-places.ts'
import { StrictServer } from './strict-server.ts'
import { becomes } from './waiting.ts'

export interface KillOptions {
  readonly bundle: Bundle
  /**
   * aws: every successor is written into the store at once, and refreshes come when they are asked for, because AWS
   * takes few writes. aws-paced: they come every second or two, and the records hold what the store does not get yet.
   */
  readonly store: 'vault' | 'aws' | 'aws-paced'
  readonly runs: number
  readonly seed: number
  /** Credentials. */
  readonly size: number
  /** Share of the kills that take the Pod, with its journal. */
  readonly podsLost: number
  /** No further run begins after so many minutes. */
  readonly minutes: number
  /** Of the server; the provider is told of it. Losses are violations then. */
  readonly leeway?: Leeway
}

const requestGroups = 5
/** After the recovery. The SDK of AWS takes its time to load. */
const longestLifeMs = { vault: 1500, aws: 2500, 'aws-paced': 4000 } as const

/** Later than this after the last byte, a refresh token has no excuse for being nowhere. */
const longestGapMs = 2000

/**
 * Kills the operator at random instants and starts it again, in the same Pod or in a new one, while its credentials
 * are refreshed every second or two.
 */
export async function killAtRandom(options: KillOptions): Promise<SuiteResult> {
  const run = await KillRun.start(options)
  try {
    return await run.go()
  } finally {
    await run.stop()
  }
}

interface Scene {
  readonly bed: FaultBed
  readonly oracle: Oracle
  /** Before the store. */
  readonly relay: SlowRelay
  readonly pod: OperatorPod
}

class KillRun {
  readonly #options: KillOptions
  readonly #bed: FaultBed
  readonly #server: StrictServer
  readonly #oracle: Oracle
  readonly #chance: Chance
  readonly #relay: SlowRelay
  readonly #recoveryMs: number[] = []
  #pod: OperatorPod
  #kills = 0
  #podsLost = 0
  #loginsToGoOn = 0
  /** For each credential its newest token at the last kill, and for how many kills it has been that one. */
  readonly #still = new Map<string, { token: FamilyToken; kills: number }>()
  /** Kills that met at least one credential whose newest token was not in the store. */
  #meetings = 0
  #behind: readonly string[] = []
  /** Lost ones are logged in again at the next kill, so that what the operator does with a lost one is seen as well. */
  #lost: readonly string[] = []

  private constructor(options: KillOptions, { bed, oracle, relay, pod }: Scene) {
    this.#options = options
    this.#bed = bed
    this.#server = bed.options.server
    this.#oracle = oracle
    this.#relay = relay
    this.#chance = new Chance(options.seed + 1)
    this.#pod = pod
  }

  static async start(options: KillOptions): Promise<KillRun> {
    const chance = new Chance(options.seed)
    const server = await StrictServer.start({
      lifetime: () => (options.store === 'aws' ? 3600 : chance.happens(0.5) ? 2 : 3),
      delays: () => ({ beforeMs: chance.between(0, 10), afterMs: chance.between(0, 5) }),
      ...(options.leeway && { leeway: options.leeway }),
    })
    const store = await startPlace(options.store)
    const names = Array.from({ length: options.size }, (_, index) => `credential-${index}`)
    const rotation = options.leeway && { reuseLeeway: `${options.leeway.seconds}s`, ...leewayKind(options.leeway) }
    const relay = await SlowRelay.start(store.address, () => chance.between(0, 25))
    const { bundle } = options
    const place = { store, storeAddress: relay.address }
    const bed = await FaultBed.start({ bundle, server, names, ...place, ...(rotation && { rotation }) })
    const oracle = new Oracle(bed)
    return new KillRun(options, { bed, oracle, relay, pod: await bed.newPod() })
  }

  async go(): Promise<SuiteResult> {
    const { runs, minutes, store } = this.#options
    const begunMs = performance.now()
    await this.#firstRefreshes()
    while (this.#kills < runs && performance.now() - begunMs < minutes * 60_000) {
      await this.#oneLife()
      if (this.#kills % 10 === 0) this.#progress(begunMs)
      if (this.#kills % 125 === 0) await this.#recoverAll()
    }
    await this.#recoverAll({ cleanly: true })
    const leaks = this.#bed.leaks()
    if (leaks > 0) this.#oracle.violated(`${leaks} log lines hold a token`)
    this.#judgeLosses()
    return {
      suite: `kill -9 with ${store}${this.#options.leeway === undefined ? '' : ', the server has a leeway'}`,
      figures: this.#figures(),
      violations: this.#oracle.violations,
    }
  }

  async stop(): Promise<void> {
    await this.#bed.stop()
    await Promise.all([this.#relay.stop(), this.#server.stop(), this.#bed.options.store.stop()])
  }

  async #firstRefreshes(): Promise<void> {
    const life = this.#begin()
    const all = await becomes(() => this.#haveMoved(this.#depths(() => 0)), 60_000)
    if (!all) throw new Error(`the first refreshes did not come: ${await this.#troubles()}\n${this.#bed.logTail()}`)
    await this.#end(life, false)
  }

  /** From start to kill. */
  async #oneLife(): Promise<void> {
    const life = this.#begin()
    // A third of them are killed while they start and recover.
    if (this.#chance.happens(1 / 3)) await sleep(this.#chance.between(0, 1200))
    else {
      await this.#recover()
      if (this.#isOnRequest) await this.#requestWhenLeading(life)
      await sleep(this.#chance.between(0, longestLifeMs[this.#options.store]))
    }
    await this.#end(life, this.#chance.happens(this.#options.podsLost))
    this.#kills += 1
  }

  async #requestWhenLeading(life: Life): Promise<void> {
    const leads = (): boolean => this.#bed.hasLogged(this.#pod, 'This process leads.', life)
    if (!(await becomes(leads, 20_000))) this.#oracle.violated('nobody led within 20 s')
    // A credential takes such a request every ten seconds only.
    const { names } = this.#bed.options
    await this.#bed.requestRefreshes(names.filter((_, index) => index % requestGroups === this.#kills % requestGroups))
  }

  #begin(): Life {
    const life = this.#bed.live({ pod: this.#pod })
    this.#oracle.follow(life, this.#pod)
    return life
  }

  async #end(life: Life, podLost: boolean): Promise<void> {
    if (life.isOver) this.#oracle.violated(`the operator ended by itself: ${await life.ended}`)
    await life.kill()
    if (podLost) {
      this.#podsLost += 1
      await this.#bed.losePod(this.#pod)
      this.#pod = await this.#bed.newPod()
    }
    for (const name of this.#lost) await this.#logInAgain(name)
    await this.#freeWaiting()
    const { lost, behind } = await this.#oracle.takeStock(podLost)
    this.#lost = lost
    this.#behind = behind
    if (lost.length + behind.length > 0) this.#meetings += 1
  }

  async #logInAgain(name: string): Promise<void> {
    await this.#bed.options.store.write(name, this.#server.families.logIn(name))
  }

  /**
   * After a Pod was lost, a new one waits more than a minute before it presents what the lost one may have presented.
   * Somebody logs in again for most of these, so that the next kills meet refreshes again.
   */
  async #freeWaiting(): Promise<void> {
    const patience = this.#isOnRequest ? 5 * requestGroups : 5
    for (const name of this.#bed.options.names) {
      const { newest: token } = this.#server.families.current(name)
      const known = this.#still.get(name)
      const kills = known?.token === token ? known.kills + 1 : 0
      this.#still.set(name, { token, kills })
      if (kills < patience || !this.#chance.happens(0.3)) continue
      await this.#logInAgain(name)
      this.#loginsToGoOn += 1
    }
  }

  /** Waits until what was only in a journal or record is in the store. */
  async #recover(): Promise<void> {
    const begunMs = performance.now()
    const waiting = new Set(this.#behind)
    const done = await becomes(async () => {
      for (const name of waiting) if (await this.#isInStore(name)) waiting.delete(name)
      return waiting.size === 0
    }, 45_000)
    if (!done) {
      this.#oracle.violated(`not in the store 45 s after a restart: ${[...waiting].join(', ')}`)
      console.log(await this.#troubles(), this.#bed.logTail())
    } else if (this.#behind.length > 0) this.#recoveryMs.push(performance.now() - begunMs)
    this.#behind = []
  }

  async #isInStore(name: string): Promise<boolean> {
    const inStore = await this.#bed.options.store.read(name)
    const { families } = this.#server
    const family = families.current(name)
    if (this.#options.store === 'aws-paced' && (await this.#oracle.isRetained(family))) return true
    return family.lost !== undefined || families.live(family).some(({ value }) => value === inStore)
  }

  /** Lets one process live until every credential has been refreshed twice more. */
  async #recoverAll({ cleanly = false } = {}): Promise<void> {
    for (const name of this.#lost) await this.#logInAgain(name)
    this.#lost = []
    const life = this.#begin()
    for (let turn = 0; turn < 2; turn += 1) {
      const before = this.#depths((name) => this.#server.families.current(name).newest.depth)
      if (this.#isOnRequest) await this.#bed.requestRefreshes(this.#bed.options.names)
      const all = await becomes(() => this.#haveMoved(before), 180_000)
      if (!all) this.#oracle.violated(`not refreshed within 180 s: ${await this.#troubles(before)}`)
    }
    if (!cleanly) return this.#end(life, false)
    const code = await life.end()
    if (code !== 0) this.#oracle.violated(`SIGTERM ended it with ${code}`)
    const { lost, behind } = await this.#oracle.takeStock(false)
    if (lost.length + behind.length > 0)
      this.#oracle.violated(`not in the store after a clean end: ${[...lost, ...behind].join(', ')}`)
  }

  get #isOnRequest(): boolean {
    return this.#options.store === 'aws'
  }

  #depths(depth: (name: string) => number): ReadonlyMap<string, number> {
    return new Map(this.#bed.options.names.map((name) => [name, depth(name)]))
  }

  #haveMoved(beyond: ReadonlyMap<string, number>): boolean {
    return [...beyond].every(([name, depth]) => this.#server.families.current(name).newest.depth > depth)
  }

  async #troubles(beyond: ReadonlyMap<string, number> = this.#depths(() => 0)): Promise<string> {
    const statuses = await this.#bed.statuses()
    return [...beyond]
      .filter(([name, depth]) => this.#server.families.current(name).newest.depth <= depth)
      .map(([name]) => `${name} (${statuses.get(name)?.lastFailure?.code ?? 'no failure'})`)
      .join(', ')
  }

  #judgeLosses(): void {
    const { losses } = this.#oracle
    if (this.#options.leeway !== undefined && losses.length > 0)
      this.#oracle.violated(`${losses.length} refresh tokens were lost although the server has a leeway`)
    for (const { name, window, gapMs = 0 } of losses)
      if (gapMs > longestGapMs) this.#oracle.violated(`${name} was lost ${gapMs.toFixed(0)} ms into ${window}`)
  }

  #progress(begunMs: number): void {
    const seconds = Math.round((performance.now() - begunMs) / 1000)
    const { losses, violations } = this.#oracle
    const { rotated } = this.#server.families.counts()
    console.log(
      `${this.#options.store}: ${this.#kills} kills in ${seconds} s, ${rotated} refreshes, ${this.#meetings} met a refresh under way, ${losses.length} lost in W1-W3, ${violations.length} violations`,
    )
  }

  #figures(): SuiteResult['figures'] {
    return {
      kills: this.#kills,
      'Pods lost': this.#podsLost,
      'logins so that waiting credentials go on': this.#loginsToGoOn,
      'kills that met a refresh under way': this.#meetings,
      ...commonFigures(this.#server, this.#oracle),
      'age of answers lost in W2': spread(gaps(this.#oracle, 'W2')),
      'age of answers lost in W3': spread(gaps(this.#oracle, 'W3')),
      'until everything was in the store again': spread(this.#recoveryMs),
    }
  }
}

function startPlace(store: KillOptions['store']): Promise<StorePlace> {
  if (store === 'vault') return startVaultPlace()
  return store === 'aws' ? startAwsPlace('0s') : startAwsPlace()
}

function leewayKind({ kind }: Leeway): object {
  return kind === 'SameToken' ? {} : { leewayKind: kind }
}
