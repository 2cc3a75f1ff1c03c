import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import type { TokenExchange } from '../../src/domain/token-exchange.ts'
import { aCredential, type CredentialChanges } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { World } from '../support/world.ts'

/** The credential of this name. */
function named(name: string, changes: CredentialChanges = {}): Credential {
  const { spec } = aCredential()
  return aCredential({
    key: { namespace: 'ci', name },
    uid: name,
    ...changes,
    spec: {
      refreshToken: { store: { kind: 'TokenStore', name: 'vault' }, key: name },
      target: { ...spec.target, name },
      ...changes.spec,
    },
  })
}

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `c-${index}`)
}

/** So many credentials that nothing was ever published for, whose server answers all alike while `answers` says so. */
class Bed {
  readonly world = new World()
  answers: (() => TokenExchange) | undefined
  requests = 0

  constructor(count: number) {
    const { world } = this
    const serve = world.endpoint.request.bind(world.endpoint)
    world.endpoint.request = async (request, beforeSend) => {
      this.requests += 1
      if (this.answers === undefined) return serve(request, beforeSend)
      const may = await beforeSend()
      return may.ok ? this.answers() : { kind: 'not-sent', failure: may.failure }
    }
    world.applyProvider({ limits: { requestsPerSecond: 5, maxConcurrent: 2 } })
    world.applyStore()
    for (const name of names(count)) this.add(name)
  }

  add(name: string, changes: CredentialChanges = {}): void {
    this.world.store.put(name, this.world.endpoint.login())
    this.world.apply(named(name, changes))
  }

  /** Those of these names that say so in the condition `Reconciling`. */
  saying(reason: string, count: number): readonly string[] {
    return names(count).filter((name) => this.world.condition('Reconciling', `ci/${name}`)?.reason === reason)
  }
}

function throttled(): TokenExchange {
  const exchange = answer(429, { error: 'too_many_requests' })
  if (exchange.kind !== 'answered') throw new Error('it was answered')
  return { ...exchange, answer: { ...exchange.answer, retryAfter: '600' } }
}

describe('a server that answers "too many requests" to one credential', () => {
  it('is left alone by all of its client for as long as it asked', async () => {
    const bed = new Bed(40)
    bed.answers = throttled
    await bed.world.start()
    await bed.world.clock.pass(590)
    expect(bed.requests).toBeLessThanOrEqual(2)
    expect(bed.saying('TokenHostPaused', 40).length).toBeGreaterThanOrEqual(38)
    expect(bed.world.events.reasons().filter((reason) => reason === 'RefreshFailed').length).toBeLessThanOrEqual(2)
    bed.answers = undefined
    await bed.world.clock.pass(120)
    expect(bed.world.sink.published.size).toBe(40)
    expect(bed.saying('TokenHostPaused', 40)).toEqual([])
  })
})

describe('a server that fails all requests', () => {
  async function outage(count: number): Promise<Bed> {
    const bed = new Bed(count)
    bed.answers = () => answer(500, 'Internal Server Error')
    await bed.world.start()
    await bed.world.clock.pass(8)
    return bed
  }

  it('costs five credentials an answer, and no other one', async () => {
    const { world, ...bed } = await outage(40)
    const lost = names(40).filter((name) => world.state(`ci/${name}`).lastFailure !== undefined)
    expect(bed.requests).toBeGreaterThanOrEqual(5)
    expect(lost.length).toBeLessThanOrEqual(6)
    for (const name of lost) expect(world.state(`ci/${name}`).lastFailure?.code).toBe('TOKEN_ENDPOINT_UNAVAILABLE')
    expect(world.journal.kept.size).toBe(lost.length)
  })

  it('leaves what failed before known to those that wait', async () => {
    const { world } = await outage(40)
    const lost = names(40).filter((name) => world.state(`ci/${name}`).lastFailure !== undefined)
    const before = lost.map((name) => world.state(`ci/${name}`))
    await world.clock.pass(60)
    for (const [index, name] of lost.entries()) {
      const { lastFailure } = world.state(`ci/${name}`)
      expect(lastFailure?.code).toBe(before[index]?.lastFailure?.code)
    }
  })

  it('keeps nobody who waits from being deleted or suspended', async () => {
    const bed = await outage(40)
    const { world } = bed
    const [first = '', second = ''] = bed.saying('TokenHostUnavailable', 40)
    world.apply(named(first, { generation: 2, spec: { suspend: true } }))
    world.resources.deleted('OAuthCredential', 'ci', second)
    await world.clock.pass(0.1)
    expect(world.condition('Ready', `ci/${first}`)?.reason).toBe('Suspended')
    expect(world.condition('Reconciling', `ci/${first}`)).toBeUndefined()
    bed.answers = undefined
    await world.clock.pass(300)
    expect(world.sink.published.has(first)).toBe(false)
    expect(world.sink.published.has(second)).toBe(false)
    expect(world.sink.published.size).toBe(38)
  })

  it('is what a credential says when its access token is over', async () => {
    const bed = await outage(40)
    const [waiting = ''] = bed.saying('TokenHostUnavailable', 40)
    expect(bed.world.condition('Ready', `ci/${waiting}`)).toMatchObject({ status: 'False', reason: 'RefreshFailed' })
    expect(bed.world.condition('Ready', `ci/${waiting}`)?.message).toContain('failed several times in a row')
    expect(bed.world.condition('Stalled', `ci/${waiting}`)).toBeUndefined()
  })

  it('is found to be back without a storm, and without a refresh token presented twice in vain', async () => {
    const bed = await outage(40)
    bed.answers = undefined
    await bed.world.clock.pass(600)
    expect(bed.world.sink.published.size).toBe(40)
    expect(bed.world.endpoint.reuses).toBe(0)
    expect(bed.world.bugs).toEqual([])
  })

  it('holds up clients that ask for themselves just the same', async () => {
    const bed = await outage(40)
    const { world } = bed
    world.applyProvider({
      limits: { requestsPerSecond: 5, maxConcurrent: 2 },
      client: { id: 'ci', authentication: 'client_secret_basic', secretRef: { name: 'client', key: 'secret' } },
    })
    const { provider, refresh, target } = aCredential().spec
    const spec = { grant: 'ClientCredentials', provider, scopes: [], refresh, target, suspend: false } as const
    const machine = aCredential({ key: { namespace: 'ci', name: 'machine' }, uid: 'machine' })
    world.apply({ ...machine, spec: { ...spec, target: { ...target, name: 'machine' } } })
    const before = bed.requests
    await world.clock.pass(1)
    expect(world.condition('Reconciling', 'ci/machine')?.reason).toBe('TokenHostUnavailable')
    expect(bed.requests).toBe(before)
    bed.answers = undefined
    await world.clock.pass(300)
    expect(world.sink.published.has('machine')).toBe(true)
  })
})
