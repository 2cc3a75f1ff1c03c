import { expect, it } from 'vitest'
import { systemTextCodec } from '../../src/adapters/system/text-codec.ts'
import { Operator } from '../../src/app/operator.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { TargetHandler, TargetSight } from '../../src/ports/target-watch.ts'
import { aCredential, aProvider, aStore, type CredentialChanges } from '../support/builders.ts'
import { World } from '../support/world.ts'

/** What the watch of targets tells, by the hand of a test; undefined while nobody watches. */
interface Watched {
  readonly world: World
  readonly operator: Operator
  handler: TargetHandler | undefined
}

async function watching(changes: CredentialChanges = {}): Promise<Watched> {
  const world = new World()
  const { clock, store, endpoint, journal, records, holders, sink, status, events, log, measured, bugs } = world
  const outside = { clock, journal, records, holders, sink, status, events, logger: log, metrics: measured.metrics }
  const watched: { handler: TargetHandler | undefined } = { handler: undefined }
  const operator = new Operator(
    {
      ...outside,
      installation: { id: 'cluster-1' },
      seesAllCredentials: true,
      watches: () => true,
      newSealingKey: () => new Sensitive('key'),
      textCodec: systemTextCodec,
      stores: { kubernetes: store },
      tokenEndpoint: endpoint,
      usesFinalizers: true,
      mayBegin: () => true,
      targetWatch: {
        start: (handler) => {
          watched.handler = handler
          return () => Promise.resolve(void (watched.handler = undefined))
        },
      },
    },
    (bug) => bugs.push(bug),
  )
  store.put('teams/ci/claude', endpoint.login())
  operator.resources.replaced('OAuthProvider', [{ type: 'provider', provider: aProvider() }])
  operator.resources.replaced('TokenStore', [{ type: 'store', store: aStore() }])
  operator.resources.replaced('OAuthCredential', [{ type: 'credential', credential: aCredential(changes) }])
  operator.begin()
  await clock.pass(1)
  return Object.assign(watched, { world, operator })
}

function sight(changes: Partial<TargetSight> = {}): TargetSight {
  const { key, uid, spec } = aCredential()
  const whole = { credentialUid: uid, keys: ['access_token'], hasOwnerReference: true }
  return { namespace: key.namespace, name: spec.target.name, ...whole, ...changes }
}

it('a target that is gone is back at once, from the token at hand', async () => {
  const { world, handler } = await watching()
  const token = world.podToken()
  world.sink.published.clear()
  handler?.deleted('ci', 'claude-token')
  await world.clock.pass(0.1)
  expect(world.podToken()).toBe(token)
  expect(world.endpoint.requests).toBe(1)
})

it.each([
  ['a key that was changed', { keys: [] }],
  ['an owner reference that is gone', { hasOwnerReference: false }],
  ['a label that is gone', { credentialUid: undefined }],
  ['a label of somebody else', { credentialUid: 'other' }],
] as const)('a target with %s is looked at once', async (_what, changes) => {
  const { world, handler } = await watching()
  const before = world.sink.observations
  handler?.upserted(sight(changes))
  handler?.upserted(sight(changes))
  await world.clock.pass(0.1)
  expect(world.sink.observations).toBe(before + 1)
})

it('a target without the key of its previous token is looked at once', async () => {
  const target = { ...aCredential().spec.target, previous: { key: 'previous-token' } }
  const { world, handler } = await watching({ spec: { target } })
  const before = world.sink.observations
  handler?.upserted(sight({ keys: ['access_token', 'previous-token'] }))
  await world.clock.pass(0.1)
  expect(world.sink.observations).toBe(before)
  handler?.upserted(sight())
  await world.clock.pass(0.1)
  expect(world.sink.observations).toBe(before + 1)
})

it('what a write of our own looks like leads to no look', async () => {
  const { world, handler } = await watching()
  const before = world.sink.observations
  for (let write = 0; write < 100; write += 1) handler?.upserted(sight({ keys: ['access_token', 'theirs'] }))
  handler?.replaced(undefined, [sight()])
  handler?.upserted(sight({ name: 'another', keys: [] }))
  handler?.deleted('ci', 'another')
  await world.clock.pass(60)
  expect(world.sink.observations).toBe(before)
})

it.each([
  ['that is not among them', undefined, []],
  ['of its namespace that is not among them', 'ci', []],
  ['that is damaged', undefined, [sight({ keys: [] })]],
] as const)('of a first list of targets, one %s is looked at', async (_what, namespace, sights) => {
  const { world, handler } = await watching()
  const before = world.sink.observations
  handler?.replaced(namespace, sights)
  await world.clock.pass(0.1)
  expect(world.sink.observations).toBe(before + 1)
})

it.each([
  ['of another namespace', {}, 'other'],
  ['that is merged into a Secret of others', { creationPolicy: 'Merge' }, undefined],
] as const)('a list without a target %s says nothing', async (_what, target, namespace) => {
  const { world, handler } = await watching({ spec: { target: { ...aCredential().spec.target, ...target } } })
  const before = world.sink.observations
  handler?.replaced(namespace, [])
  handler?.deleted(namespace ?? 'ci', 'claude-token')
  await world.clock.pass(60)
  expect(world.sink.observations).toBe(before)
})

it('a target that is put back by two in turns is looked at ever more seldom, and at once again after a quiet time', async () => {
  const { world, handler } = await watching()
  const before = world.sink.observations
  for (let moment = 0; moment < 600; moment += 1) {
    handler?.upserted(sight({ keys: [] }))
    await world.clock.pass(0.1)
  }
  const looks = world.sink.observations - before
  expect(looks).toBeGreaterThan(3)
  expect(looks).toBeLessThan(9)
  await world.clock.pass(1300)
  const quiet = world.sink.observations
  handler?.upserted(sight({ keys: [] }))
  await world.clock.pass(0.1)
  expect(world.sink.observations).toBe(quiet + 1)
})

it('nobody is watched by an operator that does not act', async () => {
  const watched = await watching()
  expect(watched.handler).toBeDefined()
  await watched.operator.end({ flush: false })
  expect(watched.handler).toBeUndefined()
  watched.operator.begin()
  expect(watched.handler).toBeDefined()
  expect(watched.world.bugs).toEqual([])
})

it('what says whose a target is comes back with the next look, from the token at hand', async () => {
  const world = await World.withCredential()
  const { publications } = world.sink
  world.sink.unmarked.add('claude-token')
  await world.clock.pass(601)
  expect([...world.sink.unmarked]).toEqual([])
  expect(world.sink.publications).toBe(publications + 1)
  expect(world.endpoint.requests).toBe(1)
})

it('no refresh is made for it, where no token is at hand', async () => {
  const world = await World.withCredential()
  await world.restart()
  world.sink.unmarked.add('claude-token')
  await world.clock.pass(1200)
  expect(world.endpoint.requests).toBe(1)
  await world.clock.pass(2400)
  expect(world.endpoint.requests).toBe(2)
  expect([...world.sink.unmarked]).toEqual([])
})
