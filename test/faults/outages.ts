import { setTimeout as sleep } from 'node:timers/promises'
import type { Bundle } from './bundle.ts'
import { FaultBed, type OperatorPod } from './fault-bed.ts'
import type { Life } from './life.ts'
import { Oracle } from './oracle.ts'
import { commonFigures, type SuiteResult } from './report.ts'
import { startVaultPlace, type VaultPlace } from './store-places.ts'
import { StrictServer } from './strict-server.ts'
import { becomes } from './waiting.ts'

export interface OutageOptions {
  readonly bundle: Bundle
  readonly size: number
  /** Seconds of each outage. */
  readonly seconds: number
  /** Only outages whose name holds this. */
  readonly only?: string
}

interface Outage {
  readonly name: string
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
  /** What happens to the operator meanwhile; default: nothing. */
  readonly kill?: 'restart' | 'new Pod'
  /** True when people have allowed the record to be the only place. */
  readonly spends?: boolean
}

/** What was begun when the outage began may still be finished. */
const graceMs = 1500
/** Backoff, a Lease, a login, and the wait for a Pod that is gone. */
const backWithinMs = 150_000
/** After this, the log of the test tells what each credential waits for. */
const slowMs = 30_000

/**
 * Takes the store, the API server's etcd, or both away while refreshes are due. Nothing may be spent whose successor
 * could not be kept, and everything goes on by itself afterwards.
 */
export async function outages(options: OutageOptions): Promise<readonly SuiteResult[]> {
  const results: SuiteResult[] = []
  for (const refresh of [{}, { storeOutage: 'RecordOnly' }]) {
    const run = await OutageRun.start(options, refresh)
    try {
      results.push(await run.go())
    } finally {
      await run.stop()
    }
  }
  return results
}

class OutageRun {
  readonly #options: OutageOptions
  readonly #bed: FaultBed
  readonly #store: VaultPlace
  readonly #oracle: Oracle
  readonly #refresh: { readonly storeOutage?: string }
  readonly #figures: Record<string, string | number> = {}
  #pod: OperatorPod
  #life: Life

  private constructor(
    options: OutageOptions,
    parts: { bed: FaultBed; store: VaultPlace; oracle: Oracle; pod: OperatorPod; refresh: object },
  ) {
    this.#options = options
    this.#bed = parts.bed
    this.#store = parts.store
    this.#oracle = parts.oracle
    this.#pod = parts.pod
    this.#refresh = parts.refresh
    this.#life = this.#begin()
  }

  static async start(options: OutageOptions, refresh: object): Promise<OutageRun> {
    const server = await StrictServer.start({
      lifetime: () => 6,
    })
    const store = await startVaultPlace()
    const names = Array.from({ length: options.size }, (_, index) => `credential-${index}`)
    const bed = await FaultBed.start({ bundle: options.bundle, server, store, names, refresh })
    const oracle = new Oracle(bed)
    return new OutageRun(options, { bed, store, oracle, refresh, pod: await bed.newPod() })
  }

  async go(): Promise<SuiteResult> {
    await this.#refreshedAgain('the start')
    for (const outage of this.#outages().filter(({ name }) => name.includes(this.#options.only ?? '')))
      await this.#one(outage)
    if ((await this.#life.end()) !== 0) this.#oracle.violated('it did not end cleanly')
    const { lost, behind } = await this.#oracle.takeStock(false)
    if (lost.length + behind.length > 0)
      this.#oracle.violated(`not in the store after a clean end: ${[...lost, ...behind].join(', ')}`)
    if (this.#bed.leaks() > 0) this.#oracle.violated(`${this.#bed.leaks()} log lines hold a token`)
    const figures = { ...this.#figures, ...commonFigures(this.#bed.options.server, this.#oracle) }
    const { storeOutage = 'by default' } = this.#refresh
    return { suite: `outages, storeOutage ${storeOutage}`, figures, violations: this.#oracle.violations }
  }

  async stop(): Promise<void> {
    const { server } = this.#bed.options
    await this.#bed.stop()
    await Promise.all([server.stop(), this.#store.stop()])
  }

  #outages(): readonly Outage[] {
    const { vault } = this.#store
    const { cluster } = this.#bed
    const sealed = { begin: () => vault.seal(), end: () => vault.unseal() }
    const noEtcd = {
      begin: async () => cluster.etcd.pause(),
      end: async () => cluster.etcd.resume(),
    }
    const both = {
      begin: async () => {
        await vault.seal()
        cluster.etcd.pause()
      },
      end: async () => {
        cluster.etcd.resume()
        await vault.unseal()
      },
    }
    const spends = this.#refresh.storeOutage !== undefined
    return [
      { name: 'Vault sealed', ...sealed, spends },
      { name: 'Vault sealed, operator killed', ...sealed, spends, kill: 'restart' },
      { name: 'Vault sealed, Pod lost', ...sealed, spends, kill: 'new Pod' },
      { name: 'Vault stands still', begin: async () => vault.pause(), end: async () => vault.resume(), spends },
      { name: 'etcd stands still', ...noEtcd },
      { name: 'etcd stands still, operator killed', ...noEtcd, kill: 'restart' },
      { name: 'API server killed', begin: () => cluster.killApiServer(), end: () => cluster.startApiServer() },
      { name: 'Vault sealed and etcd stands still', ...both },
    ]
  }

  async #one({ name, begin, end, kill, spends = false }: Outage): Promise<void> {
    await begin()
    const begunMs = performance.now()
    await sleep((this.#options.seconds * 1000) / 2)
    if (kill !== undefined) await this.#replace(kill)
    await sleep((this.#options.seconds * 1000) / 2)
    const spent = this.#spentSince(begunMs + graceMs)
    if (spent > 0 && !spends) this.#oracle.violated(`${name}: ${spent} refresh tokens were spent meanwhile`)
    const late = spent === 0 ? 'nothing spent' : `${spent} spent`
    await end()
    const seconds = await this.#refreshedAgain(name)
    this.#figures[name] = `${late} in ${this.#options.seconds} s, all refreshed ${seconds} s after its end`
    console.log(`${name}: ${this.#figures[name]}`)
  }

  async #replace(kill: 'restart' | 'new Pod'): Promise<void> {
    await this.#life.kill()
    if (kill === 'new Pod') {
      await this.#bed.losePod(this.#pod)
      this.#pod = await this.#bed.newPod()
    }
    this.#life = this.#begin()
  }

  #begin(): Life {
    const life = this.#bed.live({ pod: this.#pod })
    this.#oracle.follow(life, this.#pod)
    return life
  }

  async #refreshedAgain(after: string): Promise<string> {
    const { families } = this.#bed.options.server
    const { names } = this.#bed.options
    const begunMs = performance.now()
    const before = new Map(names.map((name) => [name, families.current(name).newest.depth]))
    const waiting = (): readonly string[] =>
      names.filter((name) => families.current(name).newest.depth <= (before.get(name) ?? 0))
    const all = (): boolean => waiting().length === 0
    if (!(await becomes(all, slowMs))) console.log(`slow after ${after}: ${await this.#causes(waiting())}`)
    if (!(await becomes(all, backWithinMs)))
      this.#oracle.violated(`${after}: not refreshed afterwards: ${await this.#causes(waiting())}`)
    return ((performance.now() - begunMs) / 1000).toFixed(1)
  }

  async #causes(names: readonly string[]): Promise<string> {
    const statuses = await this.#bed.statuses()
    return names.map((name) => `${name} (${statuses.get(name)?.lastFailure?.code ?? 'no failure'})`).join(', ')
  }

  #spentSince(sinceMs: number): number {
    const { presentations } = this.#bed.options.server.families
    return presentations.filter(({ atMs }) => atMs > sinceMs).length
  }
}
