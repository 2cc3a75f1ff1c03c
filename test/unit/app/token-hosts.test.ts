import { describe, expect, it } from 'vitest'
import { TokenHosts, type Shown, type TurnRequest } from '../../../src/app/token-hosts.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import { aProvider } from '../../support/builders.ts'
import { memoryMetrics } from '../../support/memory-metrics.ts'
import { LogLines } from '../../support/memory-ports.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

const tenant = aProvider({ limits: { requestsPerSecond: 5, maxConcurrent: 2 } })

function clusterProvider(changes: Partial<Provider> = {}): Provider {
  const { namespace: _none, ...rest } = aProvider(changes)
  return { ...rest, kind: 'ClusterOAuthProvider' }
}

function providerIn(namespace: string, limits = tenant.limits): Provider {
  return aProvider({ namespace, limits })
}

interface Start {
  readonly key: string
  readonly atMs: number
}

/** Credentials that want tokens of the hosts of these providers, each until it has got one. */
class Crowd {
  readonly clock = new SimulatedClock()
  readonly measured = memoryMetrics()
  readonly log = new LogLines()
  readonly starts: Start[] = []
  readonly held = new Map<string, string>()
  readonly hosts: TokenHosts
  /** What the request of a credential shows; it takes `tookMs`. */
  answer: (key: string) => Shown = () => ({ sign: 'up' })
  tookMs: (key: string) => number = () => 100
  /** How long a credential takes to get ready for its request. */
  preparesMs: (key: string) => number = () => 0
  /** Those that end without a request although it is their turn. */
  readonly dropsOut = new Set<string>()
  readonly #requests = new Map<string, TurnRequest>()

  constructor(providers: readonly Provider[]) {
    const { clock, log: logger } = this
    const { metrics } = this.measured
    const resources = { providers: () => providers }
    this.hosts = new TokenHosts({ clock, metrics, logger, resources, wake: (key) => void this.#work(key) })
  }

  wants(key: string, provider: Provider, deadline = 0, namespace = provider.namespace ?? 'ci'): void {
    this.#requests.set(key, { key, uid: key, namespace, provider, deadline })
    void this.#work(key)
  }

  startedBy(prefix: string): readonly number[] {
    return this.starts.filter(({ key }) => key.startsWith(prefix)).map(({ atMs }) => atMs)
  }

  order(): readonly string[] {
    return this.starts.map(({ key }) => key)
  }

  async #work(key: string): Promise<void> {
    // A work queue begins it in a turn of its own.
    await Promise.resolve()
    await this.hosts.during(key, () => this.#reconcile(key))
  }

  async #reconcile(key: string): Promise<void> {
    const request = this.#requests.get(key)
    if (request === undefined || this.dropsOut.has(key)) return
    const wait = this.hosts.ask(request)
    if (wait !== undefined) return void this.held.set(key, wait.kind)
    this.held.delete(key)
    await this.#pass(this.preparesMs(key))
    const sent = await this.hosts.send(request, async (tell) => {
      this.starts.push({ key, atMs: this.clock.monotonicMs() })
      const shown = this.answer(key)
      await this.#pass(this.tookMs(key))
      tell(shown)
      return shown
    })
    if ('kind' in sent) this.held.set(key, sent.kind)
    else if (sent.sign === 'up' && sent.pause === undefined) this.#requests.delete(key)
  }

  async #pass(ms: number): Promise<void> {
    if (ms > 0) await new Promise<void>((resolve) => void this.clock.wakeAfter(ms, resolve))
  }
}

function most(starts: readonly number[], withinMs: number): number {
  return Math.max(0, ...starts.map((from) => starts.filter((at) => at >= from && at < from + withinMs).length))
}

describe('the budget of a token host', () => {
  it('is never exceeded in any second, whatever providers name it', async () => {
    const providers = ['a', 'b', 'c'].map((namespace) => providerIn(namespace))
    const crowd = new Crowd(providers)
    for (let index = 0; index < 90; index += 1) {
      for (const provider of providers) crowd.wants(`${provider.namespace}-${index}`, provider, index)
    }
    await crowd.clock.pass(30)
    expect(most(crowd.startedBy(''), 1000)).toBe(5)
    expect(crowd.starts.length).toBeGreaterThan(140)
  })

  it('is raised by no tenant beyond what a provider of the cluster allows', async () => {
    const cluster = clusterProvider({ limits: { requestsPerSecond: 3, maxConcurrent: 3 } })
    const greedy = providerIn('greedy', { requestsPerSecond: 1000, maxConcurrent: 500 })
    const crowd = new Crowd([cluster, greedy])
    for (let index = 0; index < 60; index += 1) crowd.wants(`greedy-${index}`, greedy)
    await crowd.clock.pass(10)
    expect(most(crowd.startedBy(''), 1000)).toBe(3)
  })

  it('is lowered for no tenant by another one, nor raised', async () => {
    const [modest, greedy] = [providerIn('modest'), providerIn('greedy', { requestsPerSecond: 50, maxConcurrent: 50 })]
    const miser = providerIn('miser', { requestsPerSecond: 1, maxConcurrent: 1 })
    const crowd = new Crowd([modest, greedy, miser])
    for (let index = 0; index < 100; index += 1) {
      for (const provider of [modest, greedy, miser]) crowd.wants(`${provider.namespace}-${index}`, provider)
    }
    await crowd.clock.pass(10)
    expect(most(crowd.startedBy('modest'), 1000)).toBe(5)
    expect(crowd.startedBy('modest').length).toBeGreaterThanOrEqual(45)
    expect(crowd.startedBy('miser').length).toBeGreaterThanOrEqual(9)
    expect(crowd.startedBy('greedy').length).toBe(100)
  })

  it('is another one for each host', async () => {
    const other = aProvider({ name: 'other', tokenEndpoint: 'https://other.example.com/token', limits: tenant.limits })
    const crowd = new Crowd([tenant, other])
    for (let index = 0; index < 20; index += 1) {
      crowd.wants(`one-${index}`, tenant)
      crowd.wants(`other-${index}`, other)
    }
    await crowd.clock.pass(1)
    expect(crowd.startedBy('one')).toHaveLength(crowd.startedBy('other').length)
    expect(most(crowd.startedBy('one'), 1000)).toBe(5)
  })
})

describe('whose turn it is', () => {
  it('goes round between namespaces, so that the only credential of one does not wait for a thousand of another', async () => {
    const cluster = clusterProvider({ limits: tenant.limits })
    const crowd = new Crowd([cluster])
    for (let index = 0; index < 1000; index += 1) crowd.wants(`many-${index}`, cluster, index, 'many')
    await crowd.clock.pass(20)
    const askedMs = crowd.clock.monotonicMs()
    crowd.wants('few', cluster, 10_000, 'few')
    await crowd.clock.pass(20)
    expect((crowd.startedBy('few')[0] ?? Infinity) - askedMs).toBeLessThan(4000)
  })

  it('is that of the token which ends first, within a namespace', async () => {
    const crowd = new Crowd([tenant])
    crowd.wants('now', tenant, 0)
    for (let index = 0; index < 50; index += 1) crowd.wants(`c-${index}`, tenant, 1000 - index)
    await crowd.clock.pass(60)
    // Those that asked while there was room are on their way already.
    const order = crowd.order().slice(12)
    expect(order).toEqual(order.toSorted((one, other) => Number(other.slice(2)) - Number(one.slice(2))))
  })

  it('is not held up by a namespace whose store is slow', async () => {
    const cluster = clusterProvider({ limits: tenant.limits })
    const crowd = new Crowd([cluster])
    crowd.preparesMs = (key) => (key.startsWith('slow') ? 30_000 : 0)
    for (let index = 0; index < 100; index += 1) crowd.wants(`slow-${index}`, cluster, 0, 'slow')
    await crowd.clock.pass(31)
    for (let index = 0; index < 100; index += 1) crowd.wants(`fast-${index}`, cluster, 1, 'fast')
    await crowd.clock.pass(60)
    expect(crowd.startedBy('fast').length).toBe(100)
  })

  it('passes to the next when a credential does not want it any more', async () => {
    const crowd = new Crowd([tenant])
    for (let index = 0; index < 40; index += 1) crowd.wants(`c-${index}`, tenant, index)
    for (let index = 12; index < 30; index += 1) crowd.dropsOut.add(`c-${index}`)
    await crowd.clock.pass(10)
    expect(crowd.starts).toHaveLength(22)
  })
})

describe('Retry-After', () => {
  const pausing = (scope: 'client' | 'server'): Shown => ({ sign: 'up', pause: { scope, seconds: 60 } })

  it('of status 429 pauses the provider, and nobody else at the host', async () => {
    const [one, other] = [providerIn('one'), providerIn('other')]
    const crowd = new Crowd([one, other])
    crowd.answer = (key) => (key === 'one-0' ? pausing('client') : { sign: 'up' })
    crowd.wants('one-0', one)
    await crowd.clock.pass(0.2)
    for (let index = 1; index < 5; index += 1) crowd.wants(`one-${index}`, one)
    crowd.wants('other-0', other)
    await crowd.clock.pass(59)
    expect(crowd.order()).toEqual(['one-0', 'other-0'])
    expect([...crowd.held.values()]).toEqual(Array(4).fill('paused'))
    expect(crowd.measured.counts.get('throttled gateway')).toBe(1)
  })

  it('of status 503 pauses the whole host, if a provider of the cluster hears it', async () => {
    const [cluster, other] = [clusterProvider({ limits: tenant.limits }), providerIn('other')]
    const crowd = new Crowd([cluster, other])
    crowd.answer = (key) => (key === 'first' ? pausing('server') : { sign: 'up' })
    crowd.wants('first', cluster)
    await crowd.clock.pass(0.2)
    crowd.wants('other', other)
    crowd.wants('late', providerIn('late'))
    await crowd.clock.pass(59)
    expect(crowd.order()).toEqual(['first'])
    await crowd.clock.pass(10)
    expect(crowd.order()).toEqual(expect.arrayContaining(['other', 'late']))
  })

  it('that only a tenant hears pauses only that tenant', async () => {
    const [one, other] = [providerIn('one'), providerIn('other')]
    const crowd = new Crowd([one, other])
    crowd.answer = (key) => (key === 'one' ? pausing('server') : { sign: 'up' })
    crowd.wants('one', one)
    await crowd.clock.pass(0.2)
    crowd.wants('other', other)
    await crowd.clock.pass(1)
    expect(crowd.order()).toEqual(['one', 'other'])
  })

  it('is held a little longer, and those who waited come back slowly', async () => {
    const fast = aProvider({ limits: { requestsPerSecond: 50, maxConcurrent: 50 } })
    const crowd = new Crowd([fast])
    crowd.answer = (key) => (key === 'first' ? pausing('client') : { sign: 'up' })
    crowd.wants('first', fast)
    await crowd.clock.pass(0.2)
    for (let index = 0; index < 500; index += 1) crowd.wants(`c-${index}`, fast)
    await crowd.clock.pass(100)
    const starts = crowd.startedBy('c-')
    const firstMs = starts[0] ?? 0
    expect(firstMs).toBeGreaterThan(60_100)
    expect(firstMs).toBeLessThan(66_200)
    expect(starts.filter((at) => at < firstMs + 1000).length).toBeLessThanOrEqual(12)
    expect(starts).toHaveLength(500)
  })
})

describe('the circuit of a provider', () => {
  const down: Shown = { sign: 'down' }

  it('opens after five credentials in a row, and lets one at a time try', async () => {
    const crowd = new Crowd([tenant])
    crowd.answer = () => down
    for (let index = 0; index < 30; index += 1) crowd.wants(`c-${index}`, tenant, index)
    await crowd.clock.pass(9)
    const first = crowd.starts.length
    expect(first).toBeLessThanOrEqual(6)
    await crowd.clock.pass(291)
    // 10, 20, 40, 80 and 160 seconds apart, each a fifth longer at most.
    expect(crowd.starts.length - first).toBeGreaterThanOrEqual(4)
    expect(crowd.starts.length - first).toBeLessThanOrEqual(5)
    expect(new Set(crowd.order()).size).toBe(crowd.starts.length)
    expect(crowd.measured.counts.get('circuitOpened gateway')).toBe(1)
    expect([...crowd.hosts.gauges()]).toMatchObject([{ provider: 'gateway', circuit: 'open' }])
  })

  it('stays closed for the failures of one credential', async () => {
    const crowd = new Crowd([tenant])
    crowd.answer = (key) => (key === 'broken' ? down : { sign: 'up' })
    for (let attempts = 0; attempts < 20; attempts += 1) {
      crowd.wants('broken', tenant)
      await crowd.clock.pass(2)
    }
    expect(crowd.starts).toHaveLength(20)
  })

  it('is no matter of another provider whose own address is right', async () => {
    const [wrong, right] = [providerIn('wrong'), providerIn('right')]
    const crowd = new Crowd([wrong, right])
    crowd.answer = (key) => (key.startsWith('wrong') ? { sign: 'unreached' } : { sign: 'up' })
    for (let index = 0; index < 20; index += 1) crowd.wants(`wrong-${index}`, wrong)
    await crowd.clock.pass(5)
    for (let index = 0; index < 20; index += 1) crowd.wants(`right-${index}`, right)
    await crowd.clock.pass(10)
    expect(crowd.startedBy('right')).toHaveLength(20)
    expect(crowd.startedBy('wrong').length).toBeLessThan(8)
  })

  it('opens at the first failure while another provider has found the host down, and closes with it', async () => {
    const [one, other] = [providerIn('one'), providerIn('other')]
    const crowd = new Crowd([one, other])
    let isDown = true
    crowd.answer = () => (isDown ? { sign: 'unreached' } : { sign: 'up' })
    for (let index = 0; index < 20; index += 1) crowd.wants(`one-${index}`, one)
    await crowd.clock.pass(5)
    for (let index = 0; index < 20; index += 1) crowd.wants(`other-${index}`, other)
    await crowd.clock.pass(4)
    expect(crowd.startedBy('other').length).toBeLessThanOrEqual(2)
    isDown = false
    await crowd.clock.pass(60)
    expect(new Set(crowd.startedBy('other')).size).toBeGreaterThanOrEqual(19)
  })

  it('is tried by the next credential when the one whose turn it was does not send', async () => {
    const crowd = new Crowd([tenant])
    crowd.answer = () => ({ sign: 'unreached' })
    for (let index = 0; index < 40; index += 1) crowd.wants(`c-${index}`, tenant, index)
    await crowd.clock.pass(2)
    for (const key of crowd.held.keys()) crowd.dropsOut.add(key)
    crowd.dropsOut.delete('c-39')
    crowd.answer = () => ({ sign: 'up' })
    await crowd.clock.pass(15)
    expect(crowd.order()).toContain('c-39')
  })
})

describe('a machine that has too much to do', () => {
  /** One call after the other takes `callMs`: who has a turn makes three, and gives up when one takes ten seconds. */
  function overloaded(count: number, callMs: number): Crowd {
    const provider = providerIn('busy', { requestsPerSecond: 1000, maxConcurrent: 256 })
    const crowd = new Crowd([provider])
    let freeAtMs = 0
    crowd.preparesMs = () => {
      freeAtMs = Math.max(freeAtMs, crowd.clock.monotonicMs()) + 3 * callMs
      return freeAtMs - crowd.clock.monotonicMs()
    }
    for (let index = 0; index < count; index += 1) crowd.wants(`c-${index}`, provider, index)
    return crowd
  }

  it('gets no more of them ready than it is done with in seconds', async () => {
    const crowd = overloaded(2000, 50)
    const waits: number[] = []
    const prepares = crowd.preparesMs
    crowd.preparesMs = (key) => {
      const ms = prepares(key)
      waits.push(ms)
      return ms
    }
    await crowd.clock.pass(120)
    // Each of the three calls has half of its deadline left.
    expect(Math.max(...waits) / 3).toBeLessThan(5000)
    // All the same it is never idle.
    expect(crowd.starts.length).toBeGreaterThan(0.9 * (120 / 0.15))
  })

  it('is no reason to let fewer in than a host takes, where they are ready soon', async () => {
    const crowd = overloaded(2000, 0.1)
    await crowd.clock.pass(3)
    expect(crowd.starts.length).toBe(2000)
  })

  it('lets those of another store through while one hangs', async () => {
    const provider = providerIn('hung', { requestsPerSecond: 100, maxConcurrent: 50 })
    const crowd = new Crowd([provider])
    crowd.preparesMs = (key) => (key.startsWith('hung') ? 30_000 : 10)
    for (let index = 0; index < 500; index += 1) crowd.wants(`hung-${index}`, provider, 0, 'one')
    await crowd.clock.pass(1)
    for (let index = 0; index < 20; index += 1) crowd.wants(`fine-${index}`, provider, 0, 'other')
    await crowd.clock.pass(10)
    expect(crowd.startedBy('fine')).toHaveLength(20)
  })
})

describe('a host whose providers come and go', () => {
  it('forgets those that nobody uses any more', async () => {
    const providers = Array.from({ length: 50 }, (_, index) => providerIn(`preview-${index}`))
    const crowd = new Crowd(providers)
    for (const [index, provider] of providers.entries()) {
      crowd.wants(`c-${index}`, provider)
      await crowd.clock.pass(600)
    }
    expect(crowd.starts).toHaveLength(50)
    expect([...crowd.hosts.gauges()].length).toBeLessThan(3)
  })
})

describe('the end of an engine', () => {
  it('lets everybody in who is ready, so that nobody waits for ever', async () => {
    const slow = aProvider({ limits: { requestsPerSecond: 1, maxConcurrent: 1 } })
    const crowd = new Crowd([slow])
    for (let index = 0; index < 3; index += 1) crowd.wants(`c-${index}`, slow)
    await crowd.clock.pass(0)
    crowd.hosts.open()
    await crowd.clock.pass(0.001)
    expect(crowd.starts).toHaveLength(3)
  })

  it('gives nobody a turn who asks only then: nothing is read for a request that is not to be made', async () => {
    const crowd = new Crowd([tenant])
    crowd.hosts.open()
    crowd.wants('late', tenant)
    await crowd.clock.pass(60)
    expect([crowd.starts, crowd.held.get('late')]).toEqual([[], 'busy'])
  })
})
