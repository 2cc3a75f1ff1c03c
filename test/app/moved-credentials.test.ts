import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { documentKey, type Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, down, movedTo, otherKey, twoDocuments } from '../support/two-documents.ts'

// Credentials whose manifests name another document than before, and perhaps the first one again.

const base = aCredential()

function expectAtWork(world: Replicas, key: string): void {
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.problem()).toBeUndefined()
  expect(world.storeIsLive(key)).toBe(true)
  expect(world.podToken()).toBe(world.newestAccessToken())
}

describe.each([true, false])('a credential that is moved, at documents that bear claims: %s', (hasRoom) => {
  it('goes on with the login that it left when it comes back', async () => {
    const world = twoDocuments(hasRoom)
    await world.leader()
    await world.clock.pass(beforeDue)
    const left = world.stored()
    world.apply(movedTo(otherKey))
    await world.clock.pass(3 * beforeDue)
    expectAtWork(world, otherKey)
    expect(world.stored()).toBe(left)
    world.apply(movedTo(documentKey))
    await world.clock.pass(beforeDue)
    expectAtWork(world, documentKey)
    expect(world.stored()).not.toBe(left)
  })

  it('comes back to what an intent was left for', async () => {
    const world = twoDocuments(hasRoom)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    first.dieOf('records.replace')
    await world.clock.pass(afterDue)
    first.loseItsPod()
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(3 * beforeDue)
    expectAtWork(world, otherKey)
    world.apply(movedTo(documentKey))
    await world.clock.pass(beforeDue)
    expectAtWork(world, documentKey)
  })

  it('leaves the answer that comes late where it belongs', async () => {
    const world = twoDocuments(hasRoom)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    first.dieOf('journal.answered')
    await world.clock.pass(afterDue)
    expect(world.storeIsLive()).toBe(false)
    world.apply(movedTo(otherKey))
    const second = await world.leader()
    await world.clock.pass(600)
    expectAtWork(world, otherKey)
    await second.stepDown()
    await first.restart()
    await first.lead()
    await world.clock.pass(beforeDue + afterDue)
    expect(world.storeIsLive()).toBe(true)
    expect(world.endpoint.reuses).toBe(0)
  })

  it.each(['by a process that does not lead', 'by one that leads'])(
    'brings it there over a token that was used up before, %s',
    async (who) => {
      const world = twoDocuments(hasRoom)
      const usedUp = world.stored()
      const first = await world.leader()
      await world.clock.pass(beforeDue)
      first.dieOf('journal.answered')
      await world.clock.pass(afterDue)
      world.apply(movedTo(otherKey))
      const second = await world.leader()
      await world.clock.pass(600)
      world.store.put(documentKey, usedUp)
      if (who === 'by one that leads') {
        await second.stepDown()
        world.store.readFault = failure('STORE_UNAVAILABLE', 'The store did not answer.')
      }
      await first.restart()
      world.store.readFault = undefined
      if (who === 'by one that leads') await first.lead()
      await world.clock.pass(beforeDue + afterDue)
      expect(world.storeIsLive()).toBe(true)
      expect(world.endpoint.reuses).toBe(0)
      expect(world.problem()).toBeUndefined()
    },
  )

  it('does not wait for a document that was taken away after it', async () => {
    const world = twoDocuments(hasRoom)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'The store did not answer.')
    await world.clock.pass(afterDue)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
    first.die()
    world.store.tokens.delete(documentKey)
    world.store.writeFault = undefined
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(600)
    expectAtWork(world, otherKey)
  })
})

/** A credential of another name, which is younger. */
function moving(key: string): Credential {
  const moved = movedTo(key)
  return {
    ...moved,
    uid: '6f1c0a52-0000-4000-8000-000000000009',
    key: { namespace: 'ci', name: 'moving' },
    createdAt: later(base.createdAt, seconds(60)),
    spec: { ...moved.spec, target: { ...base.spec.target, name: 'moving-token' } },
  }
}

describe.each([true, false])(
  'one that comes to the document of another that is gone, which bears a claim: %s',
  (hasRoom) => {
    it('goes on with the login there, whatever it has used elsewhere since', async () => {
      const world = twoDocuments(hasRoom)
      world.apply(moving(otherKey))
      const first = await world.leader()
      await world.clock.pass(10)
      world.apply(aCredential({ generation: 2, spec: { suspend: true } }))
      await world.clock.pass(3 * beforeDue)
      first.die()
      world.delete(base)
      world.apply(moving(documentKey))
      await world.leader()
      await world.clock.pass(600)
      expect(world.endpoint.reuses).toBe(0)
      expect(world.problem('ci/moving')).toBeUndefined()
      expect(world.podToken('moving-token')).toBe(world.newestAccessToken())
    })

    it('knows of the answer that another process has brought into a record since', async () => {
      const world = twoDocuments(hasRoom)
      const first = await world.leader()
      await world.clock.pass(beforeDue)
      first.dieOf('journal.answered')
      await world.clock.pass(afterDue)
      world.delete(base)
      const left = world.record()
      if (left === undefined) throw new Error('a record was expected')
      await world.records.remove(left)
      world.apply(moving(otherKey))
      await world.leader()
      await world.clock.pass(beforeDue)
      world.store.writeFault = down
      await first.restart()
      world.store.writeFault = undefined
      expect(world.record()).toBeDefined()
      world.apply(moving(documentKey))
      await world.clock.pass(beforeDue + afterDue)
      expect([world.endpoint.reuses, world.problem('ci/moving')]).toEqual([0, undefined])
      expect(world.storeIsLive()).toBe(true)
    })
  },
)
