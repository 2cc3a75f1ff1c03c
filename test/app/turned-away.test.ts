import { expect, it, vi } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { noState } from '../../src/domain/credential-state.ts'
import { newRecord } from '../../src/domain/refresh-record.ts'
import { failure } from '../../src/domain/failures.ts'
import { aCredential, aStore } from '../support/builders.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'
import { beforeDue, hour, movedTo, otherKey, twoDocuments } from '../support/two-documents.ts'
import { comer, staleLeader } from '../support/newcomers.ts'

// Who has a token of the place in its record lists nothing once its intent stands. A process that has not heard of a
// newcomer arms for such a one after that one's last look, which leaves its record where it is.

const base = aCredential()

async function expectOnce(world: Replicas, { young, connect }: { young: Replica; connect: () => void }): Promise<void> {
  young.operator.begin()
  await world.clock.pass(5)
  expect([world.endpoint.requests, world.problem('ci/comer')]).toEqual([2, undefined])
  connect()
  await world.clock.pass(5)
  expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
  expect(world.storeIsLive()).toBe(true)
}

it('a newcomer at the document of one that has moved, and who has not heard of either, do not both present its token', async () => {
  const world = twoDocuments(false)
  const both = await staleLeader(world)
  const moved = movedTo(otherKey)
  both.young.sees({ ...moved, spec: { ...moved.spec, suspend: true } })
  both.young.sees(comer())
  await expectOnce(world, both)
})

it('a newcomer with another TokenStore for the document of one that is gone, and who has not heard of it, do not', async () => {
  const world = twoDocuments(false)
  const both = await staleLeader(world)
  both.young.operator.resources.deleted('OAuthCredential', 'ci', 'claude')
  both.young.operator.resources.upserted('TokenStore', { type: 'store', store: aStore({ name: 'vault2' }) })
  const store = { kind: 'TokenStore', name: 'vault2' } as const
  both.young.sees(comer({ refreshToken: { store, key: documentKey } }))
  await expectOnce(world, both)
})

it('an older one that moves to the document of a younger one, and who has not heard of it, do not', async () => {
  const world = twoDocuments(false)
  const both = await staleLeader(world)
  both.young.sees(comer({}, -60))
  await expectOnce(world, both)
})

it('who was turned away asks who has come, before it tries once more', async () => {
  const world = twoDocuments(false)
  const { young, connect } = await staleLeader(world)
  young.sees(comer({}, -60))
  // It ends before its answer is in the store.
  young.dieOf('endpoint.request')
  young.operator.begin()
  await world.clock.pass(5)
  expect(world.endpoint.requests).toBe(2)
  connect()
  await world.clock.pass(60)
  expect([world.bugs, world.endpoint.requests, world.endpoint.reuses]).toEqual([[], 2, 0])
})

it('two that come at once to a server that rotates do not, whatever was seen of the server before it', async () => {
  const unrotated = aCredential({ state: { ...noState, rotates: false } })
  const world = Replicas.withCredential(unrotated)
  world.records.put({ ...newRecord(unrotated.uid, unrotated.key), epoch: 1, origin: 'https://former.example' })
  let connect = (): void => {}
  world.endpoint.gate = new Promise((resolve) => (connect = resolve))
  await world.leader()
  await world.clock.pass(1)
  world.endpoint.gate = undefined
  const young = world.replica()
  young.seesAll()
  young.operator.resources.deleted('OAuthCredential', 'ci', 'claude')
  young.sees(comer())
  young.operator.begin()
  await world.clock.pass(5)
  expect([world.endpoint.requests, world.problem('ci/comer')]).toEqual([1, undefined])
  connect()
  await world.clock.pass(1)
  expect(world.endpoint.reuses).toBe(0)
})

it('two that have swapped their documents do not turn each other away for ever', async () => {
  const other = (key: string, generation: number): Credential => ({
    ...comer({ refreshToken: { ...base.spec.refreshToken, key } }),
    generation,
  })
  const world = twoDocuments(false)
  world.apply(other(otherKey, 1))
  const leader = await world.leader()
  await world.clock.pass(beforeDue)
  world.apply(movedTo(otherKey))
  world.apply(other(documentKey, 2))
  await world.clock.pass(12 * hour)
  expect([world.problem(), world.problem('ci/comer')]).toEqual([undefined, undefined])
  const list = vi.spyOn(leader.records, 'list')
  const write = vi.spyOn(world.status, 'write')
  const { requests } = world.endpoint
  await world.clock.pass(6 * hour)
  expect([world.endpoint.reuses, world.endpoint.requests - requests > 8]).toEqual([0, true])
  expect(list).not.toHaveBeenCalled()
  expect(write.mock.calls.filter(([{ state }]) => state.lastFailure !== undefined)).toEqual([])
})

it('one that a newcomer at its former place turns away writes its store no sooner for that', async () => {
  const world = twoDocuments(false)
  const backend = { type: 'awsSecretsManager', region: 'eu-central-1', minimumWriteIntervalSeconds: 6 * hour } as const
  world.applyStore({ backend })
  await world.leader()
  await world.clock.pass(hour)
  world.apply(movedTo(otherKey))
  await world.clock.pass(60)
  const write = vi.spyOn(world.store, 'writeBack')
  world.apply(comer())
  await world.clock.pass(60)
  expect(world.problem('ci/comer')).toBeUndefined()
  await world.clock.pass(4 * hour)
  const writes = write.mock.calls.filter(([{ key }]) => key === otherKey)
  expect([world.endpoint.reuses, writes]).toEqual([0, []])
})

function comerAfter(): Credential {
  const one = comer()
  const spec = { ...one.spec, target: { ...one.spec.target, name: 'next-token' } }
  return { ...one, uid: '6f1c0a52-0000-4000-8000-00000000000a', key: { ...one.key, name: 'next' }, spec }
}

it('newcomers one after the other at its former place make it fail at no refresh', async () => {
  const world = twoDocuments(false)
  const leader = await world.leader()
  await world.clock.pass(hour)
  const moved = movedTo(otherKey)
  world.apply(moved)
  await world.clock.pass(60)
  world.apply(comer())
  await world.clock.pass(60)
  expect([world.problem(), world.problem('ci/comer')]).toEqual([undefined, undefined])
  // A pre-flight that comes to nothing.
  world.store.writableFault = failure('STORE_UNAVAILABLE', 'The store takes nothing.')
  world.apply({ ...moved, refreshRequest: 'now' })
  await world.clock.pass(1)
  expect(world.problem()).toBe('STORE_UNAVAILABLE')
  world.store.writableFault = undefined
  world.delete(comer())
  await world.clock.pass(0.1)
  world.apply(comerAfter())
  await world.clock.pass(0.5)
  expect(world.problem('ci/next')).toBeUndefined()
  const list = vi.spyOn(leader.records, 'list')
  const write = vi.spyOn(world.status, 'write')
  await world.clock.pass(hour)
  const failures = write.mock.calls.flatMap(([{ state }]) => state.lastFailure?.code ?? [])
  expect([
    world.endpoint.reuses,
    list.mock.calls.length,
    failures.filter((code) => code !== 'STORE_UNAVAILABLE'),
  ]).toEqual([0, 0, []])
})

it('one that its own process turns away on its way lists nothing for that', async () => {
  const world = twoDocuments(false)
  const leader = await world.leader()
  await world.clock.pass(hour)
  const moved = movedTo(otherKey)
  world.apply(moved)
  await world.clock.pass(60)
  let connect = (): void => {}
  world.endpoint.gate = new Promise((resolve) => (connect = resolve))
  world.apply({ ...moved, refreshRequest: 'now' })
  await world.clock.pass(5)
  world.endpoint.gate = undefined
  world.apply(comer())
  await world.clock.pass(5)
  expect(world.problem('ci/comer')).toBeUndefined()
  const list = vi.spyOn(leader.records, 'list')
  connect()
  await world.clock.pass(300)
  expect([world.endpoint.reuses, world.problem(), list.mock.calls.length]).toEqual([0, undefined, 0])
})
