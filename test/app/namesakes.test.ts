import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { aCredential } from '../support/builders.ts'
import { documentKey, type Replica, type Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  down,
  expectAtWork,
  hour,
  movedTo,
  otherKey,
  twoDocuments,
} from '../support/two-documents.ts'

// An object goes while its newest refresh token is not in the store yet, and another one of its name comes.

const nextUid = '6f1c0a52-0000-4000-8000-000000000009'

/** A leader that has the answer to the second refresh in the record, and cannot write the store. */
async function whileStoreIsDown(world: Replicas): Promise<Replica> {
  const leader = await world.leader()
  await world.clock.pass(beforeDue)
  world.store.writeFault = down
  await world.clock.pass(afterDue)
  expect(world.storeIsLive()).toBe(false)
  return leader
}

/** As whoever deletes a manifest and applies it once more. */
function replace(world: Replicas, key = documentKey, changes: Partial<Credential> = {}): void {
  world.delete(aCredential())
  world.sink.published.clear()
  world.apply(movedTo(key, { uid: nextUid, ...changes }))
}

/** Deletes the document, and returns what puts it back from a backup, with its claim or without. */
function takeAway({ store: { tokens, claims } }: Replicas): (how: { readonly withClaim: boolean }) => void {
  const [token, claim] = [tokens.get(documentKey), claims.get(documentKey)]
  tokens.delete(documentKey)
  claims.delete(documentKey)
  return ({ withClaim }) => {
    if (token !== undefined) tokens.set(documentKey, token)
    if (claim !== undefined && withClaim) claims.set(documentKey, claim)
  }
}

const waits = 'that had the name ci/claude before'

function expectTold(world: Replicas, problem: string): void {
  const told = world.state().conditions.find(({ message }) => message.includes(waits))
  expect(told?.message).toContain(problem)
  // It has not failed itself.
  expect(world.problem()).toBeUndefined()
}

describe.each([true, false])('a namesake, at a document with room for a claim: %s', (hasRoom) => {
  it('is told once what is wrong with the store, and goes on with the newest token when it is back', async () => {
    const world = twoDocuments(hasRoom)
    await whileStoreIsDown(world)
    replace(world)
    await world.clock.pass(600)
    expectTold(world, 'The store did not answer')
    const { writes } = world.status
    const events = world.events.events.length
    await world.clock.pass(600)
    expect(world.status.writes).toBe(writes)
    expect(world.events.events).toHaveLength(events)
    world.store.writeFault = undefined
    await world.clock.pass(900)
    expectAtWork(world)
    expect(world.storeIsLive()).toBe(true)
  })

  it.each([true, false])(
    'goes on with the newest token when an old document is put back, with its claim: %s',
    async (withClaim) => {
      const world = twoDocuments(hasRoom)
      await whileStoreIsDown(world)
      const putBack = takeAway(world)
      world.store.writeFault = undefined
      replace(world)
      await world.clock.pass(600)
      expectTold(world, 'Log in once')
      expect(world.condition('Stalled')?.reason).toBe('SeedMissing')
      putBack({ withClaim })
      await world.clock.pass(300)
      expectAtWork(world)
      expect(world.storeIsLive()).toBe(true)
    },
  )

  it('goes on with the login of a human where its document was deleted', async () => {
    const world = twoDocuments(hasRoom)
    await whileStoreIsDown(world)
    takeAway(world)
    world.store.writeFault = undefined
    replace(world)
    await world.clock.pass(600)
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(300)
    expectAtWork(world)
  })

  it('does not present a used-up token where the record was deleted, too', async () => {
    const world = twoDocuments(hasRoom)
    await whileStoreIsDown(world)
    const putBack = takeAway(world)
    world.records.delete(aCredential().uid)
    world.store.writeFault = undefined
    replace(world)
    await world.clock.pass(600)
    putBack({ withClaim: true })
    await world.clock.pass(hour)
    expectAtWork(world)
  })

  it('waits at another document where the first one was deleted, and whoever comes there goes on with the newest token', async () => {
    const world = twoDocuments(hasRoom)
    await whileStoreIsDown(world)
    const putBack = takeAway(world)
    world.store.writeFault = undefined
    replace(world, otherKey)
    await world.clock.pass(600)
    expectTold(world, 'Log in once')
    putBack({ withClaim: false })
    const name = 'ci/other'
    const other = aCredential({ uid: `${nextUid.slice(0, -1)}8`, key: { namespace: 'ci', name: 'other' } })
    world.apply({ ...other, spec: { ...other.spec, target: { ...other.spec.target, name: 'other-token' } } })
    await world.clock.pass(hour)
    expectAtWork(world)
    expect(world.problem(name)).toBeUndefined()
    expect(world.storeIsLive(documentKey)).toBe(true)
  })

  it('waits at another document for the store of the first one, and is told', async () => {
    const world = twoDocuments(hasRoom)
    await whileStoreIsDown(world)
    replace(world, otherKey)
    await world.clock.pass(600)
    expectTold(world, 'The store did not answer')
    world.store.writeFault = undefined
    await world.clock.pass(900)
    expectAtWork(world)
    expect(world.storeIsLive(documentKey)).toBe(true)
  })

  it('waits while nothing but a process has the newest token, and is told', async () => {
    const world = twoDocuments(hasRoom)
    const leader = await world.leader()
    await world.clock.pass(beforeDue)
    world.store.writeFault = down
    leader.records.afterReplace = () => {
      leader.records.replaceFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be written.')
    }
    await world.clock.pass(afterDue)
    leader.records.afterReplace = undefined
    expect(world.storeIsLive()).toBe(false)
    const putBack = takeAway(world)
    replace(world, otherKey)
    await world.clock.pass(1200)
    expectTold(world, 'The store did not answer')
    leader.records.replaceFault = undefined
    putBack({ withClaim: false })
    world.store.writeFault = undefined
    await world.clock.pass(900)
    expectAtWork(world)
  })

  it('that is suspended leaves the store to its predecessor', async () => {
    const world = twoDocuments(hasRoom)
    await whileStoreIsDown(world)
    const { spec } = aCredential()
    replace(world, documentKey, { spec: { ...spec, suspend: true } })
    await world.clock.pass(600)
    world.store.writeFault = undefined
    await world.clock.pass(900)
    expect(world.storeIsLive()).toBe(true)
    expect(world.state().conditions.filter(({ message }) => message.includes(waits))).toEqual([])
  })

  it('is told nothing by an error of the operator, and begins all the same', async () => {
    const world = twoDocuments(hasRoom)
    const leader = await whileStoreIsDown(world)
    replace(world)
    const write = world.status.write.bind(world.status)
    world.status.write = () => {
      throw new Error('an error of the operator')
    }
    await world.clock.pass(300)
    world.status.write = write
    world.store.writeFault = undefined
    await world.clock.pass(900)
    // Counted, and nothing else came of it.
    expect(new Set(world.bugs.splice(0))).toEqual(new Set(['of one credential']))
    expectAtWork(world)
    expect(leader.log.lines.some((line) => line.includes('is not told'))).toBe(true)
  })

  it('that is deleted itself is not held up where its predecessor ends at once', async () => {
    const world = twoDocuments(hasRoom)
    await world.leader()
    await world.clock.pass(600)
    const name = 'ci/claude'
    world.status.finalized.add(name)
    world.apply(movedTo(documentKey, { uid: nextUid, finalized: true, deleting: true }))
    await world.clock.pass(60)
    expect(world.status.finalized.has(name)).toBe(false)
  })

  it('that is deleted itself is not held up', async () => {
    const world = twoDocuments(hasRoom)
    await whileStoreIsDown(world)
    const name = 'ci/claude'
    world.status.finalized.add(name)
    replace(world, documentKey, { finalized: true, deleting: true })
    await world.clock.pass(60)
    expect(world.status.finalized.has(name)).toBe(false)
  })

  it('goes on with its token where the leader let it go at once, which had led before', async () => {
    const world = twoDocuments(hasRoom)
    world.sink.cleansUp = true
    const finalized = { finalized: true }
    world.apply(movedTo(documentKey, finalized))
    const leader = await world.leader()
    await world.clock.pass(600)
    await leader.stepDown()
    world.apply(movedTo(documentKey, { ...finalized, deleting: true }))
    await leader.lead()
    await world.clock.pass(60)
    replace(world, documentKey, finalized)
    await world.clock.pass(hour)
    expectAtWork(world)
  })
})
