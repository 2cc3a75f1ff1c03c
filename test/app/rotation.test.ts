import { describe, expect, it } from 'vitest'
import type { Rotation } from '../../src/domain/provider.ts'
import { aRotation } from '../support/builders.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

const untilDue = 2400

async function aLeader(rotation: Partial<Rotation>, rotates: boolean): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential()
  world.store.hasRoom = true
  world.endpoint.rotates = rotates
  world.applyProvider({ rotation: aRotation(rotation) })
  const first = await world.leader()
  return { world, first }
}

/** What a refresh costs that looks at everything a successor needs. */
function costs({ store, sink }: Replicas, { records }: Replica): Record<string, number> {
  const { reads, replacements } = records
  const { proofs, claimWrites, writes } = store
  return { reads, replacements, proofs, claimWrites, writes, rehearsals: sink.rehearsals }
}

const nothing = { reads: 0, replacements: 0, proofs: 0, claimWrites: 0, writes: 0, rehearsals: 0 }

function expectHealthy(world: Replicas): void {
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.storeIsLive()).toBe(true)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.condition('Ready')?.status).toBe('True')
  expect(world.condition('Stalled')).toBeUndefined()
}

describe('a server that does not rotate', () => {
  it('costs no record, proof, rehearsal or claim where it says so', async () => {
    const { world, first } = await aLeader({ mode: 'Never' }, false)
    await world.clock.pass(24 * 3600)
    expect(world.endpoint.requests).toBeGreaterThan(30)
    expect(costs(world, first)).toEqual(nothing)
    expect(world.record()).toBeUndefined()
    expect(world.store.claims.size).toBe(0)
    expectHealthy(world)
  })

  it('costs them once where it is found out', async () => {
    const { world, first } = await aLeader({}, false)
    const once = costs(world, first)
    expect(once).toEqual({
      ...nothing,
      reads: 1,
      replacements: 2,
      proofs: once['proofs'],
      claimWrites: 1,
      rehearsals: 1,
    })
    await world.clock.pass(24 * 3600)
    expect(world.endpoint.requests).toBeGreaterThan(30)
    expect(costs(world, first)).toEqual(once)
    expect(world.record()?.intent).toBeUndefined()
    expectHealthy(world)
  })

  it('costs them once in each process to come', async () => {
    const { world, first } = await aLeader({}, false)
    await first.shutDown()
    const second = await world.leader()
    await world.clock.pass(24 * 3600)
    const { reads, replacements } = costs(world, second)
    expect({ reads, replacements }).toEqual({ reads: 1, replacements: 2 })
    expectHealthy(world)
  })

  it('costs them every time where it is said to rotate', async () => {
    const { world, first } = await aLeader({ mode: 'Always' }, false)
    const before = costs(world, first)
    await world.clock.pass(untilDue)
    expect(costs(world, first)).toMatchObject({
      replacements: (before['replacements'] ?? 0) + 2,
      rehearsals: (before['rehearsals'] ?? 0) + 1,
      writes: 0,
    })
    expectHealthy(world)
  })

  it('and begins to after years is believed, and nothing is lost', async () => {
    const { world, first } = await aLeader({}, false)
    await world.clock.pass(12 * 3600)
    world.endpoint.rotates = true
    await world.clock.pass(untilDue)
    expectHealthy(world)
    expect(world.state().rotates).toBe(true)
    expect(world.record()?.retained?.tokens?.refreshToken?.reveal()).toBe(world.stored())
    const before = costs(world, first)
    await world.clock.pass(untilDue)
    expect(costs(world, first)).toMatchObject({ rehearsals: (before['rehearsals'] ?? 0) + 1 })
    await world.clock.pass(12 * 3600)
    expectHealthy(world)
  })

  it.each(['journal.answered', 'records.replace', 'store.writeBack'])(
    'and begins to after years loses nothing to a death after %s',
    async (call) => {
      const { world, first } = await aLeader({}, false)
      await world.clock.pass(12 * 3600)
      world.endpoint.rotates = true
      first.dieOf(call)
      await world.clock.pass(untilDue)
      expect(first.isDead).toBe(true)
      await first.restart()
      await first.lead()
      await world.clock.pass(untilDue + 900)
      expectHealthy(world)
    },
  )

  it('and rotates although it is said not to loses nothing', async () => {
    const { world } = await aLeader({ mode: 'Never' }, true)
    await world.clock.pass(12 * 3600)
    expectHealthy(world)
  })

  it('and rotated before it was said not to loses nothing, whoever logs in', async () => {
    const { world } = await aLeader({ mode: 'Always' }, true)
    await world.clock.pass(untilDue)
    world.applyProvider({ rotation: aRotation({ mode: 'Never' }), generation: 2 })
    await world.clock.pass(untilDue)
    expectHealthy(world)
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(3 * untilDue)
    expectHealthy(world)
    expect(world.endpoint.requests).toBeLessThanOrEqual(7)
  })

  it.each(['journal.answered', 'records.replace', 'store.writeBack'])(
    'and rotated before it was said not to loses nothing to a death after %s',
    async (call) => {
      const { world, first } = await aLeader({ mode: 'Always' }, true)
      world.applyProvider({ rotation: aRotation({ mode: 'Never' }), generation: 2 })
      world.store.put(documentKey, world.endpoint.login())
      first.dieOf(call)
      await world.clock.pass(untilDue)
      expect(first.isDead).toBe(true)
      await first.restart()
      await first.lead()
      await world.clock.pass(untilDue + 900)
      expectHealthy(world)
    },
  )

  it('has its lost answers told apart all the same', async () => {
    const { world } = await aLeader({ mode: 'Never' }, false)
    world.endpoint.next = 'lost-answer'
    await world.clock.pass(untilDue + 60)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(3)
  })
})

describe('an answer that is lost', () => {
  async function loseAnswers(rotation: Partial<Rotation>, lost: number): Promise<Replicas> {
    const { world } = await aLeader(rotation, true)
    world.endpoint.leewaySeconds = 60
    let left = lost
    const serve = world.endpoint.request.bind(world.endpoint)
    world.endpoint.request = (request, beforeSend) => {
      if (left > 0) world.endpoint.next = 'lost-answer'
      left -= 1
      return serve(request, beforeSend)
    }
    return world
  }

  it('is had again within a leeway for the same token, as often as it takes', async () => {
    const world = await loseAnswers({ reuseLeewaySeconds: 60, leewayKind: 'SameToken' }, 4)
    await world.clock.pass(untilDue)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(6)
    expect(world.record()?.intent).toBeUndefined()
  })

  it('is had again once within a leeway of one generation', async () => {
    const world = await loseAnswers({ reuseLeewaySeconds: 60, leewayKind: 'PreviousGeneration' }, 1)
    await world.clock.pass(untilDue)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(3)
  })

  it('is not asked for twice within a leeway of one generation, before the access token is nearly over', async () => {
    const world = await loseAnswers({ reuseLeewaySeconds: 60, leewayKind: 'PreviousGeneration' }, 2)
    await world.clock.pass(untilDue)
    expect(world.endpoint.requests).toBe(3)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.record()?.intent).toMatchObject({ sends: 2 })
    await world.clock.pass(900)
    expect(world.endpoint.requests).toBe(4)
    expect(world.problem()).toBe('REFRESH_ANSWER_LOST')
  })

  it('is asked for once at once where no leeway is known, and the pod keeps its token', async () => {
    const world = await loseAnswers({}, 2)
    world.endpoint.leewaySeconds = 0
    await world.clock.pass(untilDue)
    expect(world.endpoint.requests).toBe(3)
    expect(world.podToken()).toBeDefined()
    expect(world.condition('Ready')?.status).toBe('True')
  })
})
