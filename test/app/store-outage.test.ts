import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { spentLimit } from '../../src/domain/spent-tokens.ts'
import { aCredential, aRefreshPolicy } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

const outageHours = 6

function down(): ReturnType<typeof failure> {
  return failure('STORE_UNAVAILABLE', 'TokenStore ci/vault did not answer.')
}

type Kind = 'takes no writes' | 'answers nothing'

function breakStore({ store }: Replicas, kind: Kind): void {
  store.writeFault = down()
  store.writableFault = down()
  store.readFault = kind === 'answers nothing' ? down() : undefined
}

function mendStore({ store }: Replicas): void {
  store.writeFault = undefined
  store.writableFault = undefined
  store.readFault = undefined
}

async function aLeader(storeOutage: 'Wait' | 'RecordOnly'): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential({ spec: { refresh: aRefreshPolicy({ storeOutage }) } })
  const first = await world.leader()
  await world.clock.pass(600)
  return { world, first }
}

function expectMended(world: Replicas): void {
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.storeIsLive()).toBe(true)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.condition('Ready')?.status).toBe('True')
  expect(world.condition('Reconciling')).toBeUndefined()
  expect(world.condition('Stalled')).toBeUndefined()
  expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
}

describe.each(['takes no writes', 'answers nothing'] as const)('a store that %s for hours', (kind) => {
  it('is waited for: nothing is spent, and the token runs out', async () => {
    const { world } = await aLeader('Wait')
    breakStore(world, kind)
    await world.clock.pass(outageHours * 3600)
    expect(world.endpoint.requests).toBe(1)
    expect(world.problem()).toBe('STORE_UNAVAILABLE')
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'TokenExpired' })
    mendStore(world)
    await world.clock.pass(301)
    expectMended(world)
    expect(world.endpoint.requests).toBe(2)
  })

  it('is gone without where the record is allowed to be enough: the pod has a fresh token all the time', async () => {
    const { world } = await aLeader('RecordOnly')
    breakStore(world, kind)
    for (let minute = 0; minute < outageHours * 60; minute += 1) {
      await world.clock.pass(60)
      expect(world.state().accessTokenExpiresAt).toBeGreaterThan(world.clock.now())
      expect(world.podToken()).toBe(world.newestAccessToken())
    }
    expect(world.storeIsLive()).toBe(false)
    // Each one is used as long as it lasts, because more depends on the record than there should.
    expect(world.endpoint.requests).toBeLessThanOrEqual(10)
    expect(world.condition('RefreshTokenPersisted')).toMatchObject({ status: 'False', reason: 'StoreUnavailable' })
    mendStore(world)
    await world.clock.pass(301)
    expectMended(world)
  })

  it('loses nothing when the process ends in the outage', async () => {
    const { world, first } = await aLeader('RecordOnly')
    breakStore(world, kind)
    await world.clock.pass(2 * 3600)
    first.loseItsPod()
    const second = await world.leader()
    await world.clock.pass(600)
    mendStore(world)
    await world.clock.pass(301)
    expect(second.isDead).toBe(false)
    expectMended(world)
  })

  it.each([false, true])(
    'and has what was used up hundreds of tokens ago; the process ends meanwhile: %s',
    async (ends) => {
      const { world, first } = await aLeader('RecordOnly')
      world.endpoint.lifetimeSeconds = 60
      await world.clock.pass(3600)
      breakStore(world, kind)
      const before = world.endpoint.requests
      await world.clock.pass(5 * 3600)
      expect(world.endpoint.requests - before).toBeGreaterThan(3 * spentLimit)
      if (ends) first.loseItsPod()
      if (ends) await world.leader()
      await world.clock.pass(600)
      mendStore(world)
      await world.clock.pass(301)
      expectMended(world)
    },
  )

  it('is left to a human who logged in anew meanwhile', async () => {
    const { world } = await aLeader('RecordOnly')
    breakStore(world, kind)
    await world.clock.pass(2 * 3600)
    const login = world.endpoint.login()
    world.store.put(documentKey, login)
    await world.clock.pass(600)
    mendStore(world)
    await world.clock.pass(3600)
    expect(world.endpoint.isLive(login)).toBe(false)
    expect(world.endpoint.reuses).toBe(0)
    expect(world.storeIsLive()).toBe(true)
    expect(world.condition('Ready')?.status).toBe('True')
  })
})

describe('a record that is allowed to be enough', () => {
  it('is not while the access token has long to live', async () => {
    const { world } = await aLeader('RecordOnly')
    breakStore(world, 'takes no writes')
    await world.clock.pass(2200)
    expect(world.endpoint.requests).toBe(1)
    await world.clock.pass(600)
    expect(world.endpoint.requests).toBe(2)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('is not when the record cannot be written either', async () => {
    const { world, first } = await aLeader('RecordOnly')
    breakStore(world, 'takes no writes')
    first.records.replaceFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be written.')
    await world.clock.pass(2 * 3600)
    expect(world.endpoint.requests).toBe(1)
  })
})

describe('where the record is allowed to be enough, and the store takes nothing', () => {
  it('a token that was refused is not presented again', async () => {
    const { world } = await aLeader('RecordOnly')
    breakStore(world, 'takes no writes')
    await world.clock.pass(3 * 3600)
    const { requests } = world.endpoint
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    await world.clock.pass(2 * 3600)
    expect(world.endpoint.requests).toBe(requests + 1)
    expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
  })

  it('nothing is refreshed for an object that is gone', async () => {
    const { world } = await aLeader('RecordOnly')
    breakStore(world, 'takes no writes')
    await world.clock.pass(3 * 3600)
    const { requests } = world.endpoint
    world.delete(aCredential())
    world.sink.published.clear()
    await world.clock.pass(3 * 3600)
    expect(world.endpoint.requests).toBe(requests)
    expect(world.sink.published.size).toBe(0)
    mendStore(world)
    await world.clock.pass(600)
    expect(world.storeIsLive()).toBe(true)
  })
})
