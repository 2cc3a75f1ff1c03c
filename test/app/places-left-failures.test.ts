import { newestIn } from '../../src/domain/refresh-record.ts'
import { describe, expect, it } from 'vitest'
import { type Failure, failure } from '../../src/domain/failures.ts'
import { failed } from '../../src/domain/result.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  down,
  expectAtWork,
  hour,
  keptInRecordAlone,
  movedTo,
  newestOf,
  nextRequest,
  otherKey,
  twoDocuments,
} from '../support/two-documents.ts'

// A place that was left fails in one way or another, while something else is wrong at the next one.

function readsOfLeft(world: Replicas, cause: (reads: number) => Failure): void {
  const { store } = world
  const read = store.read.bind(store)
  let reads = 0
  store.read = (location) => {
    if (location.key !== documentKey) return read(location)
    reads += 1
    return Promise.resolve(failed(cause(reads)))
  }
}

describe('where a refusal is remembered, a place that was left and does not answer', () => {
  it('does not keep a living login elsewhere from being used', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(beforeDue)
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    await world.clock.pass(afterDue)
    expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
    world.store.unreachable.add(documentKey)
    world.apply(movedTo(otherKey))
    await world.clock.pass(24 * hour)
    expectAtWork(world)
  })

  it('does not keep a new login at the place of the spec from being used', async () => {
    const world = twoDocuments()
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    world.store.put(otherKey, 'a dead token')
    world.apply(movedTo(otherKey))
    await world.clock.pass(2 * hour)
    expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
    world.store.unreachable.add(documentKey)
    first.loseItsPod()
    await world.leader()
    await world.clock.pass(60)
    world.store.put(otherKey, world.endpoint.login())
    await world.clock.pass(24 * hour)
    expectAtWork(world)
  })
})

it.each(['does not answer', 'answers'])(
  'a lost answer is asked for within the leeway, where the place that was left %s',
  async (what) => {
    const world = await keptInRecordAlone()
    world.applyProvider({ generation: 2, rotation: aRotation({ mode: 'Always', reuseLeewaySeconds: 60 }) })
    world.endpoint.leewaySeconds = 60
    if (what === 'does not answer') world.store.unreachable.add(documentKey)
    world.apply(movedTo(otherKey))
    await world.leader()
    world.endpoint.next = 'lost-answer'
    await nextRequest(world)
    await world.clock.pass(2 * hour)
    expectAtWork(world)
  },
)

it('a place is looked at again that its credential has come back to and left once more', async () => {
  const world = twoDocuments()
  const usedUp = world.stored()
  await world.leader()
  await world.clock.pass(1000)
  const newest = world.stored()
  world.store.writableFault = down
  world.apply(movedTo(otherKey))
  await world.clock.pass(1)
  expect(world.problem()).toBe('STORE_UNAVAILABLE')
  world.store.writableFault = undefined
  world.apply(movedTo(documentKey))
  await world.clock.pass(60)
  expect([world.endpoint.requests, world.stored()]).toEqual([1, newest])
  world.store.put(documentKey, usedUp)
  world.apply(movedTo(otherKey))
  await world.clock.pass(3 * hour)
  expectAtWork(world)
  expect(world.stored()).toBe(newest)
})

const throttled = failure('STORE_THROTTLED', 'The store wants to be left alone.')

it.each([
  ['is away', () => down],
  ['refuses', () => failure('STORE_FORBIDDEN', 'The document may not be read.')],
  ['throttles', () => throttled],
  ['throttles and says for how long', () => ({ ...throttled, retryAfterSeconds: 1800 })],
  ['fails now in one way and now in another', (reads: number) => (reads % 2 === 0 ? throttled : down)],
] as const)('pods have an access token all the while, where the place that was left %s', async (_what, cause) => {
  const world = await keptInRecordAlone()
  world.endpoint.lifetimeSeconds = 1200
  world.endpoint.rotates = false
  readsOfLeft(world, cause)
  world.apply(movedTo(otherKey))
  await world.leader()
  let withoutSeconds = 0
  for (let passed = 0; passed < 6 * hour; passed += 5) {
    await world.clock.pass(5)
    if ((world.state().accessTokenExpiresAt ?? 0) <= world.clock.now()) withoutSeconds += 5
  }
  expect(withoutSeconds).toBeLessThan(60)
})

it('a place that was left and answers is not given up because a record cannot be read', async () => {
  const world = twoDocuments()
  const first = await world.leader()
  const usedUp = world.stored()
  await world.clock.pass(beforeDue + afterDue)
  const newest = world.stored()
  world.store.put(documentKey, usedUp)
  first.records.readFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The API server did not answer.')
  world.apply(movedTo(otherKey))
  await world.clock.pass(2 * hour)
  first.records.readFault = undefined
  await world.clock.pass(2 * hour)
  expect(world.problem()).toBeUndefined()
  expect([world.stored(), newestOf(world)]).toContain(newest)
})

describe('an answer in the journal for a place that was left', () => {
  it('goes into the record where its store does not answer, and holds up no server that never rotates', async () => {
    const world = twoDocuments()
    const first = world.replica()
    first.dieOf('journal.answered')
    await first.lead()
    await world.clock.pass(60)
    world.applyProvider({ generation: 2, rotation: aRotation({ mode: 'Never' }) })
    world.endpoint.rotates = false
    world.apply(movedTo(otherKey))
    world.store.unreachable.add(documentKey)
    await first.restart()
    await first.lead()
    await world.clock.pass(12 * hour)
    expectAtWork(world)
  })

  it('goes into the record, and is kept by a process that does not watch its namespace any more', async () => {
    const world = twoDocuments()
    const first = world.replica()
    first.dieOf('journal.answered')
    await first.lead()
    await world.clock.pass(60)
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(hour)
    world.watchedNamespaces = ['elsewhere']
    first.seesAll = () => undefined
    await first.restart()
    await world.clock.pass(60)
    expect(first.journal.pending(aCredential().uid)).toBeDefined()
    const [newest] = newestIn(world.record() ?? {}).filter(({ source }) => source.key === documentKey)
    expect(world.endpoint.isLive(newest?.tokens?.refreshToken?.reveal() ?? '')).toBe(true)
  })
})
