import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { documentKey, Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  day,
  down,
  expectAtWork,
  hour,
  keptInRecordAlone,
  movedTo,
  newestOf,
  nextRequest,
  otherKey,
  refusesWrites,
  twoDocuments,
} from '../support/two-documents.ts'

// What is owed to a document that its credential has left, and what that may cost the next one.

const base = aCredential()
describe('what the record alone has when its credential is moved', () => {
  it('goes into the store of the place that was left, before the other document is used', async () => {
    const world = await keptInRecordAlone()
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(600)
    expectAtWork(world)
    expect([world.storeIsLive(), world.storeIsLive(otherKey)]).toEqual([true, true])
    world.apply(movedTo(documentKey))
    await world.clock.pass(beforeDue)
    expectAtWork(world)
  })

  it('waits in the record for a store that does not answer, and holds up nobody', async () => {
    const world = await keptInRecordAlone()
    const newest = newestOf(world)
    world.apply(movedTo(otherKey))
    world.store.unreachable.add(documentKey)
    await world.leader()
    await world.clock.pass(afterDue)
    expectAtWork(world)
    await world.clock.pass(hour)
    expectAtWork(world)
    const condition = world.condition('RefreshTokenPersisted')
    expect(condition?.status).toBe('False')
    expect(condition?.message).toContain('A document that was named before')
    world.store.unreachable.delete(documentKey)
    await world.clock.pass(hour)
    expect(world.stored()).toBe(newest)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
  })

  it('is there for whoever comes back, however long that store has not answered', async () => {
    const world = await keptInRecordAlone()
    world.apply(movedTo(otherKey))
    world.store.unreachable.add(documentKey)
    await world.leader()
    await world.clock.pass(3 * day)
    expectAtWork(world)
    world.store.unreachable.delete(documentKey)
    world.apply(movedTo(documentKey))
    await world.clock.pass(hour)
    expectAtWork(world)
    expect([world.storeIsLive(), world.storeIsLive(otherKey)]).toEqual([true, true])
  })

  it.each(['STORE_FORBIDDEN', 'STORE_UNAVAILABLE'] as const)(
    'holds up nobody where it cannot be put: %s',
    async (code) => {
      const world = await keptInRecordAlone()
      refusesWrites(world, documentKey, failure(code, 'The document cannot be written.'))
      world.apply(movedTo(otherKey))
      await world.leader()
      await world.clock.pass(6 * hour)
      expectAtWork(world)
    },
  )

  it.each(['has just come near its end', 'is over'])(
    'is looked for once more where the access token %s',
    async (when) => {
      const world = await keptInRecordAlone()
      const newest = newestOf(world)
      const expiresAt = world.state().accessTokenExpiresAt ?? 0
      await world.clock.pass(when === 'is over' ? 4 * hour : expiresAt - world.clock.now() - 600)
      world.apply(movedTo(otherKey))
      world.store.unreachable.add(documentKey)
      await world.leader()
      await world.clock.pass(2)
      world.store.unreachable.delete(documentKey)
      await world.clock.pass(hour)
      expect(world.stored()).toBe(newest)
      expectAtWork(world)
    },
  )

  it.each([true, false])(
    'is put there once the store answers, as long as it is kept, with claims: %s',
    async (hasRoom) => {
      const world = await keptInRecordAlone(hasRoom)
      const newest = newestOf(world)
      world.apply(movedTo(otherKey))
      world.store.unreachable.add(documentKey)
      await world.leader()
      world.endpoint.next = 'lost-answer'
      await nextRequest(world)
      world.store.unreachable.delete(documentKey)
      await world.clock.pass(2 * hour)
      expect(world.stored()).toBe(newest)
    },
  )

  it('is not put there without end', async () => {
    const world = await keptInRecordAlone(false)
    const { store } = world
    const usedUp = world.stored()
    const writeBack = store.writeBack.bind(store)
    let writes = 0
    store.writeBack = async (location, from, tokens) => {
      const result = await writeBack(location, from, tokens)
      if (location.key !== documentKey) return result
      writes += 1
      if (writes > 100) throw new Error('the document is written without end')
      store.put(documentKey, usedUp)
      return result
    }
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(4 * hour)
    expect(writes).toBeLessThan(50)
    expectAtWork(world)
  })

  it('is opened with the key that this process has, where the document lost it', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(beforeDue)
    const usedUp = world.stored()
    await world.clock.pass(3 * afterDue)
    const newest = world.stored()
    world.store.put(documentKey, usedUp)
    world.apply(movedTo(otherKey))
    await world.clock.pass(3 * hour)
    expect(world.stored()).toBe(newest)
  })
})

describe('a place that was left and does not answer', () => {
  it('is asked now and then, and not all the time', async () => {
    const world = await keptInRecordAlone()
    let reads = 0
    const read = world.store.read.bind(world.store)
    world.store.read = (location) => {
      if (location.key === documentKey) reads += 1
      return read(location)
    }
    world.store.unreachable.add(documentKey)
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(afterDue)
    for (let passed = 0; passed < hour; passed += 10) {
      world.apply(movedTo(otherKey))
      await world.clock.pass(10)
    }
    expectAtWork(world)
    expect(reads).toBeGreaterThan(3)
    expect(reads).toBeLessThan(20)
  })

  it.each([true, false])(
    'gives its newest token to whoever comes there once its credential is gone',
    async (hasRoom) => {
      const world = await keptInRecordAlone(hasRoom)
      const newest = newestOf(world)
      world.apply(movedTo(otherKey))
      const takesWrites = refusesWrites(world, documentKey, down)
      await world.leader()
      await world.clock.pass(hour)
      world.delete(base)
      await world.clock.pass(hour)
      takesWrites()
      expect(world.record()?.kept?.[0]?.tokens?.refreshToken?.reveal()).toBe(newest)
      world.sink.published.clear()
      const uid = '6f1c0a52-0000-4000-8000-000000000010'
      world.apply(movedTo(documentKey, { uid, createdAt: later(base.createdAt, seconds(7200)) }))
      await world.clock.pass(hour)
      expectAtWork(world)
      expect(world.storeIsLive()).toBe(true)
    },
  )

  it('does not keep a token from pods that have none', async () => {
    const world = await keptInRecordAlone()
    world.endpoint.lifetimeSeconds = day
    const [leader] = [await world.leader()]
    await world.clock.pass(hour)
    world.endpoint.rotates = false
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    expectAtWork(world)
    world.store.unreachable.add(documentKey)
    leader.die()
    world.sink.published.clear()
    await world.leader()
    await world.clock.pass(hour)
    expect(world.podToken()).toBeDefined()
  })

  it.each(['knows it from the status', 'has its tokens'])('is given up by a process that %s', async (what) => {
    const world = twoDocuments()
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    refusesWrites(world, documentKey, down)
    await world.clock.pass(afterDue)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
    if (what === 'knows it from the status') first.loseItsPod()
    world.store.unreachable.add(documentKey)
    world.apply(movedTo(otherKey))
    if (what === 'knows it from the status') await world.leader()
    await world.clock.pass(6 * hour)
    expectAtWork(world)
  })

  it.each(['is gone', 'does not answer'])('holds up no heir, when the document %s', async (what) => {
    const world = twoDocuments()
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    first.dieOf('journal.answered')
    await world.clock.pass(afterDue)
    world.apply(movedTo(otherKey))
    const second = await world.leader()
    await world.clock.pass(hour)
    if (what === 'is gone') world.store.tokens.delete(documentKey)
    else world.store.unreachable.add(documentKey)
    second.die()
    world.delete(base)
    world.sink.published.clear()
    const uid = '6f1c0a52-0000-4000-8000-000000000009'
    world.apply(movedTo(otherKey, { uid, createdAt: later(base.createdAt, seconds(60)) }))
    await first.restart()
    await first.lead()
    await world.clock.pass(6 * hour)
    expectAtWork(world)
  })
})

describe('the access token of a place that was left', () => {
  /** What goes into the target from now on. */
  function published(world: Replicas): readonly string[] {
    const all: string[] = []
    const publish = world.sink.publish.bind(world.sink)
    world.sink.publish = (publication) => {
      all.push(publication.files.get('access_token')?.reveal() ?? '')
      return publish(publication)
    }
    return all
  }

  it('is not published for the next login where its own process could not', async () => {
    const world = twoDocuments()
    world.store.writeFault = down
    const first = world.replica()
    let writes = 0
    first.records.afterReplace = () => {
      writes += 1
      if (writes === 2) first.loseItsPod()
    }
    await first.lead()
    await world.clock.pass(60)
    world.store.writeFault = undefined
    const left = world.newestAccessToken()
    const all = published(world)
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(600)
    expect(all).not.toContain(left)
    expectAtWork(world)
  })

  it('is not published for the next login where the target is gone', async () => {
    const world = twoDocuments()
    world.endpoint.lifetimeSeconds = day
    const usedUp = world.stored()
    const first = await world.leader()
    await world.clock.pass(60)
    const left = world.newestAccessToken()
    world.endpoint.rotates = false
    world.apply(movedTo(otherKey))
    await world.clock.pass(hour)
    world.apply(movedTo(otherKey, { refreshRequest: 'now' }))
    await world.clock.pass(hour)
    expectAtWork(world)
    const all = published(world)
    first.die()
    world.store.put(documentKey, usedUp)
    world.sink.published.clear()
    await world.leader()
    await world.clock.pass(hour)
    expect(all).not.toContain(left)
  })
})

describe('one record for two places', () => {
  it('keeps a token that a server replaced which was said never to', async () => {
    const world = twoDocuments(false)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    world.applyProvider({ generation: 2, rotation: aRotation({ mode: 'Never' }) })
    world.endpoint.rotates = false
    world.apply(movedTo(otherKey))
    await world.clock.pass(2 * beforeDue)
    expectAtWork(world)
    world.endpoint.rotates = true
    world.store.writeFault = down
    await nextRequest(world)
    await world.clock.pass(60)
    first.loseItsPod()
    expect(world.record()?.retained?.source.key).toBe(otherKey)
    expect(world.endpoint.isLive(newestOf(world) ?? '')).toBe(true)
  })

  it.each([0, 1, 2, 3, 4, 5])(
    'loses and spends nothing under two leaders that see different manifests, %i',
    async (course) => {
      const world = twoDocuments(course % 2 === 0)
      world.endpoint.lifetimeSeconds = 600
      const one = await world.leader()
      await world.clock.pass(300)
      const two = await world.leader()
      for (let turn = 0; turn < 20; turn += 1) {
        const seen = movedTo((course + turn) % 3 === 0 ? documentKey : otherKey, { state: world.stateOf(base) })
        const who = (course * 7 + turn * 3) % 4
        if (who === 0) one.sees(seen)
        else if (who === 1) two.sees(seen)
        else world.apply({ ...seen, state: base.state })
        world.store.writeFault = (course * 5 + turn) % 5 === 0 ? down : undefined
        await world.clock.pass(97 + ((course * 31 + turn * 17) % 300))
      }
      world.store.writeFault = undefined
      world.apply(movedTo(documentKey))
      await world.clock.pass(hour)
      expectAtWork(world)
      expect([world.storeIsLive(), world.storeIsLive(otherKey)]).toEqual([true, true])
    },
  )
})

it.each([true, false])(
  'a write-back of tokens that are known to be used up by now ends, suspended: %s',
  async (suspend) => {
    const world = Replicas.withCredential()
    world.endpoint.lifetimeSeconds = 300
    world.applyStore({ backend: { type: 'awsSecretsManager', minimumWriteIntervalSeconds: day } })
    const first = await world.leader()
    for (let passed = 0; passed < hour && world.storeIsLive(); passed += 10) await world.clock.pass(10)
    const { endpoint } = world
    const request = endpoint.request.bind(endpoint)
    const refreshToken = new Sensitive('a token of nobody')
    endpoint.request = (asked, before, answered) =>
      request({ ...asked, grant: { type: 'refresh_token', refreshToken } }, before, answered)
    for (let passed = 0; passed < 900 && world.problem() === undefined; passed += 1) await world.clock.pass(1)
    world.store.put(documentKey, endpoint.login())
    await world.clock.pass(120)
    let writes = 0
    first.records.beforeReplace = () => {
      writes += 1
      if (writes > 200) throw new Error('the record is written without end')
    }
    if (suspend) world.apply(aCredential({ generation: 2, spec: { suspend } }))
    await world.clock.pass(suspend ? 60 : 90_000)
    expect(writes).toBeLessThan(100)
  },
)
