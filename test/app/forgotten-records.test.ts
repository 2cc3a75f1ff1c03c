import { afterEach, describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { aCredential } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

/** An hour's token is refreshed once in this span. */
const oneRefresh = 2400

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs } of worlds) expect(bugs).toEqual([])
  worlds = []
})

async function aLeader(): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential()
  worlds.push(world)
  world.store.hasRoom = true
  return { world, first: await world.leader() }
}

describe('a record that somebody deleted', () => {
  /** After some refreshes the document of the first one comes back while no process runs. */
  async function aRollback(): Promise<Replicas> {
    const { world, first } = await aLeader()
    await world.clock.pass(oneRefresh)
    const [token, claim] = [world.stored(), world.store.claims.get(documentKey)]
    const mark = {
      generation: world.record()?.generation ?? 0,
      fingerprint: world.record()?.retained?.fingerprint ?? '',
    }
    await world.clock.pass(2 * oneRefresh)
    first.loseItsPod()
    world.records.delete(aCredential().uid)
    world.store.put(documentKey, token)
    if (claim !== undefined) world.store.claims.set(documentKey, { ...claim, mark })
    return world
  }

  it('does not let an older document of ours be presented: the status knows of newer ones', async () => {
    const world = await aRollback()
    await world.leader()
    await world.clock.pass(2 * oneRefresh)
    expect(world.endpoint.reuses).toBe(0)
    expect(world.problem()).toBe('STORE_ROLLED_BACK')
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
  })

  it('does not keep a new login from being used', async () => {
    const world = await aRollback()
    await world.leader()
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(3 * oneRefresh)
    expect(world.storeIsLive()).toBe(true)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('is made anew where the document holds the newest token', async () => {
    const { world, first } = await aLeader()
    await world.clock.pass(2 * oneRefresh)
    const { generation = 0 } = world.record() ?? {}
    first.loseItsPod()
    world.records.delete(aCredential().uid)
    await world.leader()
    await world.clock.pass(oneRefresh)
    expect(world.storeIsLive()).toBe(true)
    expect(world.record()?.generation).toBe(generation + 1)
  })
})

describe('a refused refresh token', () => {
  it('is not presented again by a process that knows nothing of it but the record', async () => {
    const { world, first } = await aLeader()
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    world.status.fault = failure('KUBERNETES_UNAVAILABLE', 'The status could not be written.')
    await world.clock.pass(oneRefresh)
    const { requests } = world.endpoint
    first.loseItsPod()
    world.status.fault = undefined
    await world.leader()
    await world.clock.pass(oneRefresh)
    expect(world.endpoint.requests).toBe(requests)
    expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
    expect(world.condition('Stalled')?.reason).toBe('ReauthorizationRequired')
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(120)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('is told as what the process before found out', async () => {
    const { world, first } = await aLeader()
    world.status.fault = failure('KUBERNETES_UNAVAILABLE', 'The status could not be written.')
    world.endpoint.next = 'lost-answer'
    await world.clock.pass(2 * oneRefresh)
    const { requests } = world.endpoint
    first.loseItsPod()
    world.status.fault = undefined
    await world.leader()
    await world.clock.pass(oneRefresh)
    expect(world.endpoint.requests).toBe(requests)
    expect(world.problem()).toBe('REFRESH_ANSWER_LOST')
  })
})

describe('a record that is damaged', () => {
  it('needs a human, and is told as that', async () => {
    const { world, first } = await aLeader()
    first.records.readFault = failure('REFRESH_RECORD_DAMAGED', 'The record of ci/claude holds no refresh record.')
    await first.stepDown()
    await first.lead()
    await world.clock.pass(oneRefresh)
    expect(world.endpoint.requests).toBe(1)
    expect(world.condition('Stalled')?.reason).toBe('RefreshRecordDamaged')
    first.records.readFault = undefined
    await world.clock.pass(120)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.endpoint.requests).toBe(2)
  })
})

describe('a refresh that another process is at', () => {
  it('is no failure, and is told once', async () => {
    const { world, first } = await aLeader()
    first.dieOf('records.replace')
    await world.clock.pass(oneRefresh)
    const before = world.events.events.length
    const second = await world.leader()
    await world.clock.pass(85)
    expect(world.problem()).toBe('REFRESH_UNDER_WAY')
    const at = world.state().lastFailure?.at
    await world.clock.pass(300)
    expect(world.state().lastFailure?.at).toBe(at)
    expect(world.events.events.length).toBe(before)
    expect(second.log.lines.filter((line) => line.includes('REFRESH_UNDER_WAY'))).toHaveLength(1)
    expect(second.log.lines.some((line) => line.includes('"level":"warn"'))).toBe(false)
  })
})
