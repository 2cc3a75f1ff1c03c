import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { failed } from '../../src/domain/result.ts'
import { aCredential, aStore } from '../support/builders.ts'
import { documentKey, type Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  day,
  down,
  expectAtWork,
  heir,
  hour,
  keptInRecordAlone,
  movedTo,
  newestOf,
  otherKey,
  twoDocuments,
} from '../support/two-documents.ts'

// What becomes of places that were left when their credential, their store or their key goes.

const base = aCredential()
const gone = failure('REFRESH_TOKEN_MISSING', 'There is no document.')
/** The store of the first document is away, and lacks its newest token. */
async function owing(): Promise<Replicas> {
  const world = twoDocuments()
  await world.leader()
  await world.clock.pass(beforeDue)
  world.store.writeFault = down
  await world.clock.pass(afterDue)
  world.store.unreachable.add(documentKey)
  world.store.writeFault = undefined
  return world
}

describe('a credential that is gone', () => {
  it.each(['before', 'after'])(
    'leaves the only copy of a token to its heir, though its store went, %s it had moved',
    async (when) => {
      const world = await owing()
      const resources = world.replicas.map(({ operator }) => operator.resources)
      if (when === 'before') for (const one of resources) one.deleted('TokenStore', 'ci', 'vault')
      world.apply(movedTo(otherKey))
      await world.clock.pass(hour)
      world.delete(base)
      world.sink.published.clear()
      await world.clock.pass(1)
      for (const one of resources) one.deleted('TokenStore', 'ci', 'vault')
      await world.clock.pass(300)
      world.store.unreachable.delete(documentKey)
      for (const one of resources) one.upserted('TokenStore', { type: 'store', store: aStore() })
      world.apply(heir(documentKey))
      await world.clock.pass(2 * hour)
      expect(world.endpoint.reuses).toBe(0)
      expectAtWork(world)
    },
  )

  it('has an heir that brings home what it could not, wherever that has gone since', async () => {
    const world = twoDocuments(true)
    await world.leader()
    await world.clock.pass(beforeDue)
    world.store.writeFault = down
    await world.clock.pass(afterDue)
    world.replicas[0]?.loseItsPod()
    world.delete(base)
    world.sink.published.clear()
    world.apply(heir(documentKey))
    await world.leader()
    await world.clock.pass(hour)
    world.apply(heir(otherKey))
    world.store.writeFault = undefined
    await world.clock.pass(2 * hour)
    expect(world.endpoint.reuses).toBe(0)
    expect(world.storeIsLive()).toBe(true)
  })

  it('leaves no record where its document goes with it', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(beforeDue)
    world.store.tokens.delete(documentKey)
    world.delete(base)
    await world.clock.pass(60)
    expect(world.record()).toBeUndefined()
  })

  it('leaves the only copy to its heir, where its store went before it', async () => {
    const world = await owing()
    const [first] = world.replicas
    first?.loseItsPod()
    await world.leader()
    await world.clock.pass(60)
    for (const { operator } of world.replicas) operator.resources.deleted('TokenStore', 'ci', 'vault')
    world.delete(base)
    world.sink.published.clear()
    await world.clock.pass(300)
    world.store.unreachable.delete(documentKey)
    for (const { operator } of world.replicas) {
      operator.resources.upserted('TokenStore', { type: 'store', store: aStore() })
    }
    world.apply(heir(documentKey))
    await world.clock.pass(2 * hour)
    expect(world.endpoint.reuses).toBe(0)
    expectAtWork(world)
  })

  it('leaves the only copy to its heir, where its status tells of the time before that', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(beforeDue)
    world.store.writeFault = down
    world.status.fault = failure('KUBERNETES_UNAVAILABLE', 'The status could not be written.')
    await world.clock.pass(afterDue)
    world.replicas[0]?.loseItsPod()
    world.store.writeFault = undefined
    world.status.fault = undefined
    world.store.unreachable.add(documentKey)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
    const { operator } = await world.leader()
    operator.resources.deleted('TokenStore', 'ci', 'vault')
    world.delete(base)
    world.sink.published.clear()
    await world.clock.pass(300)
    world.store.unreachable.delete(documentKey)
    operator.resources.upserted('TokenStore', { type: 'store', store: aStore() })
    world.apply(heir(documentKey))
    await world.clock.pass(2 * hour)
    expect(world.endpoint.reuses).toBe(0)
    expectAtWork(world)
  })

  it('brings home what it owes, with a finalizer, too', async () => {
    const world = await owing()
    const newest = newestOf(world)
    const moved = movedTo(otherKey, { finalized: true })
    world.sink.cleansUp = true
    world.apply(moved)
    await world.clock.pass(hour)
    world.apply({ ...moved, generation: moved.generation + 1, deleting: true })
    await world.clock.pass(5)
    world.delete(base)
    await world.clock.pass(60)
    world.store.unreachable.delete(documentKey)
    await world.clock.pass(day)
    expect(world.stored()).toBe(newest)
    expect(world.record()).toBeUndefined()
  })

  it('does so where its last process has done nothing for it', async () => {
    const world = await keptInRecordAlone()
    const newest = newestOf(world)
    const moved = movedTo(otherKey)
    world.apply(moved)
    world.store.unreachable.add(documentKey)
    const second = await world.leader()
    await world.clock.pass(afterDue + hour)
    second.loseItsPod()
    world.apply({ ...moved, generation: moved.generation + 1, spec: { ...moved.spec, suspend: true } })
    const last = await world.leader()
    await world.clock.pass(60)
    world.store.unreachable.delete(documentKey)
    world.delete(base)
    await world.clock.pass(60)
    const { reads } = last.records
    await world.clock.pass(day)
    expect(last.records.reads - reads).toBeLessThan(100)
    expect(world.stored()).toBe(newest)
  })

  it('owes nothing to a store that had its token, and is switched off', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(60)
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    world.apply(movedTo(otherKey, { refreshRequest: 'now' }))
    await world.clock.pass(hour)
    expect(world.record()?.kept?.[0]?.isHome).toBe(true)
    world.store.unreachable.add(documentKey)
    world.delete(base)
    await world.clock.pass(hour)
    expect(world.record()).toBeUndefined()
  })

  it('asks a store less and less that stays away, and does nothing else again', async () => {
    const world = await owing()
    world.sink.cleansUp = true
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    world.delete(base)
    await world.clock.pass(60)
    const { length } = world.audit.entries
    let reads = 0
    const read = world.store.read.bind(world.store)
    world.store.read = (location) => {
      if (location.key === documentKey) reads += 1
      return read(location)
    }
    await world.clock.pass(day)
    expect(reads).toBeLessThan(40)
    expect(world.audit.entries).toHaveLength(length)
  })

  it('brings home what it can, whatever else is away', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(beforeDue)
    world.apply(movedTo(otherKey))
    await world.clock.pass(1)
    world.store.writeFault = down
    await world.clock.pass(hour)
    world.store.unreachable.add(documentKey)
    world.store.put('teams/ci/third', world.endpoint.login())
    world.apply(movedTo('teams/ci/third'))
    await world.clock.pass(60)
    world.delete(base)
    await world.clock.pass(60)
    world.store.writeFault = undefined
    await world.clock.pass(2 * hour)
    expect(world.storeIsLive(otherKey)).toBe(true)
  })

  it('leaves no record to an heir at a place that it has left', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(60)
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    world.delete(base)
    world.sink.published.clear()
    world.apply(heir(documentKey))
    await world.clock.pass(day)
    expectAtWork(world)
    expect(world.record()).toBeUndefined()
  })
})

it('pods do not wait for stores that take a minute to say nothing', async () => {
  const world = twoDocuments()
  await world.leader()
  const places = Array.from({ length: 5 }, (_, index) => `teams/ci/p${index}`)
  for (const place of places) world.store.put(place, world.endpoint.login())
  const writeBack = world.store.writeBack.bind(world.store)
  let hangs = false
  world.store.writeBack = async (location, from, tokens) => {
    if (!places.includes(location.key)) return writeBack(location, from, tokens)
    if (hangs) await new Promise<void>((resolve) => void world.clock.wakeAfter(20_000, resolve))
    return failed(hangs ? { ...down, code: 'STORE_WRITE_UNKNOWN' } : down)
  }
  for (const place of places) {
    world.apply(movedTo(place))
    await world.clock.pass(2 * hour)
  }
  hangs = true
  world.apply(movedTo(otherKey))
  const { requests } = world.endpoint
  await world.clock.pass(60)
  expect(world.endpoint.requests).toBeGreaterThan(requests)
  await world.clock.pass(6 * hour)
  expect(world.endpoint.requests).toBeGreaterThan(requests + 5)
})

describe('what is told of a store that was left', () => {
  it('is nothing where it had its token, and is switched off', async () => {
    const world = twoDocuments()
    const first = await world.leader()
    await world.clock.pass(60)
    world.apply(movedTo(otherKey))
    await world.clock.pass(2 * hour)
    expect(world.record()?.kept?.[0]?.isHome).toBe(true)
    world.store.unreachable.add(documentKey)
    first.loseItsPod()
    await world.leader()
    await world.clock.pass(day)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
  })

  it('is that its document has lost the key', async () => {
    const world = twoDocuments(true)
    const first = await world.leader()
    const usedUp = world.stored()
    await world.clock.pass(beforeDue + afterDue + 60)
    first.loseItsPod()
    world.store.put(documentKey, usedUp)
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(4 * hour)
    expect(world.record()?.kept?.[0]?.isHome).toBeUndefined()
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
  })

  it('is looked at again once its TokenStore is back', async () => {
    const world = await owing()
    const newest = newestOf(world)
    world.apply(movedTo(otherKey))
    await world.clock.pass(60)
    world.store.unreachable.delete(documentKey)
    const read = world.store.read.bind(world.store)
    world.store.read = (location) => (location.key === documentKey ? Promise.resolve(failed(gone)) : read(location))
    await world.clock.pass(2 * hour)
    world.store.read = read
    await world.clock.pass(2 * hour)
    expect(world.stored()).toBe(newest)
  })
})
