import { systemTextCodec } from '../../../src/adapters/system/text-codec.ts'
import { describe, expect, it } from 'vitest'
import { Operator } from '../../../src/app/operator.ts'
import { epochSeconds, type EpochSeconds } from '../../../src/domain/time.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { aCredential, aProvider, aStore } from '../../support/builders.ts'
import { World } from '../../support/world.ts'

/** An operator over the ports of a world, which has not begun yet. */
function operatorIn(world: World): Operator {
  const { clock, store, endpoint, journal, records, holders, sink, status, events, log, measured, bugs } = world
  const outside = { clock, journal, records, holders, sink, status, events, logger: log, metrics: measured.metrics }
  const place = {
    installation: { id: 'cluster-1' },
    seesAllCredentials: true,
    watches: () => true,
    newSealingKey: () => new Sensitive('key'),
    textCodec: systemTextCodec,
  }
  const parts = { ...outside, ...place }
  const operator = new Operator(
    { ...parts, stores: { kubernetes: store }, tokenEndpoint: endpoint, usesFinalizers: true, mayBegin: () => true },
    (bug) => bugs.push(bug),
  )
  operator.resources.replaced('OAuthProvider', [{ type: 'provider', provider: aProvider() }])
  operator.resources.replaced('TokenStore', [{ type: 'store', store: aStore() }])
  return operator
}

function credentialEnding(name: string, at: EpochSeconds | undefined): ReturnType<typeof aCredential> {
  const { spec, state } = aCredential()
  return aCredential({
    key: { namespace: 'ci', name },
    uid: name,
    spec: {
      target: { ...spec.target, name: `${name}-token` },
      refreshToken: { ...spec.refreshToken, key: `teams/ci/${name}` },
    },
    state: { ...state, ...(at && { accessTokenExpiresAt: at, lastRefreshAt: epochSeconds(at - 3600) }) },
  })
}

describe('an operator that begins after an outage', () => {
  it('refreshes first what was never published, and then what ends first', async () => {
    const world = new World()
    const operator = operatorIn(world)
    const now = world.clock.now()
    const ends = { last: now + 300, expired: now - 60, never: undefined, soon: now + 5 }
    const credentials = Object.entries(ends).map(([name, at]) =>
      credentialEnding(name, at === undefined ? at : epochSeconds(at)),
    )
    for (const { spec } of credentials) world.store.put(spec.refreshToken.key, world.endpoint.login())
    operator.resources.replaced(
      'OAuthCredential',
      credentials.map((credential) => ({ type: 'credential', credential })),
    )
    operator.begin()
    await world.clock.pass(1)
    expect([...world.sink.published.keys()]).toEqual(['never-token', 'expired-token', 'soon-token', 'last-token'])
    expect(world.bugs).toEqual([])
  })
})

describe('an operator that begins again', () => {
  it('keeps to the limits of token hosts as in its first term', async () => {
    const world = new World()
    const operator = operatorIn(world)
    const provider = aProvider({ limits: { requestsPerSecond: 2, maxConcurrent: 1 } })
    operator.resources.replaced('OAuthProvider', [{ type: 'provider', provider }])
    const credentials = Array.from({ length: 20 }, (_, index) => credentialEnding(`c-${index}`, undefined))
    for (let index = 0; index < 20; index += 1) world.store.put(`teams/ci/c-${index}`, world.endpoint.login())
    operator.resources.replaced(
      'OAuthCredential',
      credentials.map((credential) => ({ type: 'credential', credential })),
    )
    operator.begin()
    await world.clock.pass(0.5)
    await operator.end({ flush: true })
    const before = world.endpoint.requests
    operator.begin()
    await world.clock.pass(1.9)
    expect(world.endpoint.requests - before).toBe(4)
    expect(world.bugs).toEqual([])
  })
})

describe('an operator that is ended twice at a time', () => {
  it('ends once, and tells both: the Lease may get lost while the process ends', async () => {
    const world = new World()
    const operator = operatorIn(world)
    world.store.put('teams/ci/a', world.endpoint.login())
    operator.resources.replaced('OAuthCredential', [
      { type: 'credential', credential: credentialEnding('a', undefined) },
    ])
    const { promise, resolve } = Promise.withResolvers<void>()
    world.endpoint.gate = promise
    operator.begin()
    await world.clock.pass(1)
    const ended: string[] = []
    const leaving = operator.end({ flush: true }).then(() => ended.push('leaving'))
    const lost = operator.end({ flush: false }).then(() => ended.push('lost'))
    await world.clock.pass(1)
    expect(ended).toEqual([])
    resolve()
    await world.clock.pass(1)
    expect(ended).toEqual(['leaving', 'lost'])
    await Promise.all([leaving, lost])
    expect(world.bugs).toEqual([])
  })
})
