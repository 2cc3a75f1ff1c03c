import { describe, expect, it } from 'vitest'
import { aCredential, aRotation, aStore } from '../support/builders.ts'
import { documentKey, type Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  down,
  expectAtWork,
  heir,
  heirUid,
  hour,
  keptInRecordAlone,
  movedTo,
  newestOf,
  otherKey,
  refusesWrites,
  twoDocuments,
} from '../support/two-documents.ts'

// Credentials that leave one document after the other, come back, or go, while something is owed to what they have left.

const base = aCredential()
const third = 'teams/ci/third'

function threeDocuments(): Replicas {
  const world = twoDocuments()
  world.store.put(third, world.endpoint.login())
  return world
}

describe('one reconcile', () => {
  it('looks once at each of two places that were left', async () => {
    const world = threeDocuments()
    await world.leader()
    await world.clock.pass(60)
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    const read = world.store.read.bind(world.store)
    let reads = 0
    world.store.read = (location) => {
      reads += 1
      if (reads > 500) throw new Error('the stores are read without end')
      return read(location)
    }
    world.apply(movedTo(third))
    await world.clock.pass(2 * hour)
    expect(reads).toBeLessThan(100)
    expectAtWork(world)
  })

  it('sets a finalizer once, and looks once at a place that was left', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(60)
    let set = 0
    const setFinalizer = world.status.setFinalizer.bind(world.status)
    world.status.setFinalizer = (credential, present) => {
      set += 1
      if (set > 300) throw new Error('the finalizer is set without end')
      return setFinalizer(credential, present)
    }
    world.sink.needsCleanup = () => true
    world.apply(movedTo(otherKey))
    await world.clock.pass(2 * hour)
    expect(set).toBeLessThan(50)
  })
})

it('a place that does not answer keeps no other one from its token', async () => {
  const world = threeDocuments()
  await world.leader()
  await world.clock.pass(60)
  world.apply(movedTo(otherKey))
  world.store.unreachable.add(documentKey)
  await world.clock.pass(beforeDue)
  const takesWrites = refusesWrites(world, otherKey)
  await world.clock.pass(afterDue)
  world.apply(movedTo(third))
  await world.clock.pass(60)
  takesWrites()
  await world.clock.pass(6 * hour)
  expect(world.storeIsLive(otherKey)).toBe(true)
})

it('a token is kept whose store is behind, however many places come after its own', async () => {
  const world = twoDocuments()
  await world.leader()
  const places = Array.from({ length: 12 }, (_, index) => `teams/ci/p${index}`)
  for (const place of places) world.store.put(place, world.endpoint.login())
  await world.clock.pass(beforeDue)
  const takesWrites = refusesWrites(world, documentKey)
  await world.clock.pass(afterDue)
  for (const place of places) {
    world.apply(movedTo(place))
    await world.clock.pass(2 * hour)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
  }
  takesWrites()
  world.apply(movedTo(documentKey))
  await world.clock.pass(2 * hour)
  expectAtWork(world)
})

it.each([false, true])(
  'the successor of an unannounced request is kept, with an intent elsewhere: %s',
  async (isOpen) => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(60)
    if (isOpen) world.endpoint.next = 'lost-answer'
    world.apply(movedTo(otherKey))
    await world.clock.pass(1)
    world.applyProvider({ generation: 2, rotation: aRotation({ mode: 'Never' }) })
    world.store.put(documentKey, world.endpoint.login())
    world.apply(movedTo(documentKey))
    await world.clock.pass(2 * hour)
    expect(world.storeIsLive()).toBe(true)
    expectAtWork(world)
  },
)

it.each([false, true])(
  'a token goes to its own server when its credential comes back, its answer late: %s',
  async (isLate) => {
    const world = twoDocuments()
    const first = world.replica()
    if (isLate) first.dieOf('journal.answered')
    await first.lead()
    await world.clock.pass(60)
    if (!isLate) await first.stepDown()
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(600)
    if (isLate) await first.restart()
    await world.clock.pass(600)
    expect(world.storeIsLive()).toBe(true)
    const token = world.stored()
    const sentTo: string[] = []
    const request = world.endpoint.request.bind(world.endpoint)
    world.endpoint.request = (asked, ...more) => {
      const { grant, provider } = asked
      if (grant.type === 'refresh_token' && grant.refreshToken.reveal() === token)
        sentTo.push(provider.tokenEndpoint ?? '')
      return request(asked, ...more)
    }
    world.applyProvider({ generation: 2, tokenEndpoint: 'https://elsewhere.example.org/token' })
    world.apply(movedTo(documentKey))
    await world.clock.pass(2 * hour)
    expect([world.problem(), sentTo]).toEqual(['TOKEN_ORIGIN_CHANGED', []])
  },
)

describe('the record of a late answer', () => {
  it('is not written again and again by a process that does not lead', async () => {
    const world = twoDocuments()
    const first = world.replica()
    first.dieOf('journal.answered')
    await first.lead()
    await world.clock.pass(60)
    world.apply(movedTo(otherKey))
    world.store.unreachable.add(documentKey)
    await world.leader()
    await world.clock.pass(hour)
    await first.restart()
    const before = first.records.replacements
    for (let look = 0; look < 100; look += 1) {
      await first.operator.recoverJournal()
      await world.clock.pass(5)
    }
    expect(first.records.replacements - before).toBeLessThan(10)
  })

  it('goes on saying that the token of the next place was refused', async () => {
    const world = twoDocuments()
    const first = world.replica()
    first.dieOf('journal.answered')
    await first.lead()
    await world.clock.pass(60)
    world.store.put(otherKey, 'a dead token')
    world.apply(movedTo(otherKey))
    world.store.unreachable.add(documentKey)
    await world.leader()
    await world.clock.pass(hour)
    await first.restart()
    expect(world.record()?.refused).toBeDefined()
  })
})

describe('what is told of a place that was left', () => {
  it('is told by the next leader, too', async () => {
    const world = await keptInRecordAlone()
    world.apply(movedTo(otherKey))
    world.store.unreachable.add(documentKey)
    const second = await world.leader()
    await world.clock.pass(afterDue + hour)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
    second.loseItsPod()
    await world.leader()
    let untrue = 0
    for (let passed = 0; passed < 900; passed += 1) {
      await world.clock.pass(1)
      if (world.condition('RefreshTokenPersisted')?.status !== 'False') untrue += 1
    }
    expect(untrue).toBe(0)
  })

  it('is over with its token', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(60)
    world.store.put(otherKey, world.stored())
    world.store.unreachable.add(documentKey)
    world.apply(movedTo(otherKey))
    await world.clock.pass(6 * hour)
    expectAtWork(world)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
  })
})

it.each([true, false])(
  'whoever comes back leaves the later login of another one there, with claims: %s',
  async (hasRoom) => {
    const world = twoDocuments(hasRoom)
    await world.leader()
    await world.clock.pass(beforeDue)
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    world.store.put(documentKey, world.endpoint.login())
    const key = { namespace: 'ci', name: 'another' }
    const target = { ...base.spec.target, name: 'another-token' }
    const { refreshToken } = base.spec
    const another = aCredential({ uid: heirUid, key, spec: { refreshToken, target } })
    world.apply(another)
    await world.clock.pass(600)
    const theirs = world.stored()
    expect(world.endpoint.isLive(theirs)).toBe(true)
    world.apply({ ...another, generation: 2, spec: { ...another.spec, suspend: true } })
    world.store.put(otherKey, world.endpoint.login())
    await world.clock.pass(hour)
    world.apply(movedTo(documentKey))
    world.delete(another)
    await world.clock.pass(2 * hour)
    expect(world.bugs).toEqual([])
    expect([world.endpoint.reuses, world.problem(), world.storeIsLive()]).toEqual([0, undefined, true])
    expect(world.endpoint.loginOf(world.stored())).toBe(world.endpoint.loginOf(theirs))
  },
)

describe('a credential that goes', () => {
  it('brings home what a store lacked that was away, and nothing of it is left', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(beforeDue)
    world.store.writeFault = down
    await world.clock.pass(afterDue)
    const newest = newestOf(world)
    world.store.unreachable.add(documentKey)
    world.store.writeFault = undefined
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    world.delete(base)
    await world.clock.pass(hour)
    world.store.unreachable.delete(documentKey)
    await world.clock.pass(24 * hour)
    expect(world.stored()).toBe(newest)
    expect(world.record()).toBeUndefined()
  })

  it.each([true, false])(
    'leaves word of who may have an answer for a place that it has left, with claims: %s',
    async (hasRoom) => {
      const world = twoDocuments(hasRoom)
      const first = await world.leader()
      await world.clock.pass(beforeDue)
      first.dieOf('journal.answered')
      await world.clock.pass(afterDue)
      world.apply(movedTo(otherKey))
      await world.leader()
      await world.clock.pass(hour)
      world.delete(base)
      await world.clock.pass(60)
      world.sink.published.clear()
      world.apply(heir(documentKey))
      await world.clock.pass(300)
      await first.restart()
      await world.clock.pass(hour)
      expect(world.endpoint.reuses).toBe(0)
    },
  )

  it('leaves no record once it is inherited, though it had been elsewhere before', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(60)
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    world.delete(base)
    world.sink.published.clear()
    world.apply(heir(otherKey))
    await world.clock.pass(24 * hour)
    expectAtWork(world)
    expect(world.record()).toBeUndefined()
  })

  it.each(['stays there', 'has left it'])(
    'gives its newest token to an heir that names the document by another store, where it %s',
    async (what) => {
      const world = await keptInRecordAlone()
      world.store.unreachable.add(documentKey)
      if (what === 'has left it') world.apply(movedTo(otherKey))
      const second = await world.leader()
      await world.clock.pass(2 * hour)
      world.delete(base)
      await world.clock.pass(60)
      second.loseItsPod()
      world.store.unreachable.delete(documentKey)
      const refreshToken = { ...base.spec.refreshToken, store: { kind: 'TokenStore', name: 'renamed' } as const }
      const target = { ...base.spec.target, name: 'renamed-token' }
      const key = { namespace: 'ci', name: 'renamed' }
      world.apply(aCredential({ ...heir(documentKey), key, spec: { refreshToken, target } }))
      const next = world.replica()
      next.operator.resources.upserted('TokenStore', { type: 'store', store: aStore({ name: 'renamed' }) })
      await next.lead()
      await world.clock.pass(hour)
      expect(world.problem('ci/renamed')).toBeUndefined()
      expect(world.storeIsLive()).toBe(true)
    },
  )
})
