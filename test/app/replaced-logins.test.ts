import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { later, minutes } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

const away = failure('STORE_UNAVAILABLE', 'TokenStore ci/vault did not answer.')

async function aLeader(lifetimeSeconds = 3600): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential()
  world.store.hasRoom = true
  world.endpoint.lifetimeSeconds = lifetimeSeconds
  return { world, first: await world.leader() }
}

/** Its refresh token, asked for before it is due, is found dead. */
async function refuse(world: Replicas): Promise<void> {
  world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
  world.apply(aCredential({ refreshRequest: 'now' }))
  await world.clock.pass(30)
  expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
}

/** Puts another login into the store, and lets the next two answers be lost. */
function logInInVain(world: Replicas): string {
  const login = world.endpoint.login()
  world.store.put(documentKey, login)
  const until = world.endpoint.requests + 2
  const lose = () => {
    if (world.endpoint.requests < until) world.endpoint.next = lose
    return { kind: 'lost' as const, failure: failure('TOKEN_RESULT_UNKNOWN', 'The connection ended.') }
  }
  world.endpoint.next = lose
  return login
}

describe('a token that the record retains, of the login that has taken the place of one', () => {
  /** The target holds a token of the login before, and the process that was to write it is gone with its Pod. */
  async function unpublished(): Promise<Replicas> {
    const { world, first } = await aLeader()
    await world.clock.pass(600)
    world.store.writeFault = away
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(60)
    world.store.put(documentKey, world.endpoint.login())
    world.store.writeFault = undefined
    world.sink.fault = failure('TARGET_UNAVAILABLE', 'The API server did not answer.')
    await world.clock.pass(120)
    expect(world.state().loginReplacedAt).toBeDefined()
    first.loseItsPod()
    world.sink.fault = undefined
    return world
  }

  it('is published by the next process, and nothing is sent', async () => {
    const world = await unpublished()
    const { requests } = world.endpoint
    await world.leader()
    await world.clock.pass(400)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.endpoint.requests).toBe(requests)
    expect(world.state().loginReplacedAt).toBeUndefined()
  })

  it('reaches the target although the store takes nothing', async () => {
    const world = await unpublished()
    world.store.writableFault = away
    await world.leader()
    await world.clock.pass(400)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })
})

describe('a login whose first answers are lost', () => {
  it('is not taken for the refused one whose token repairs the target meanwhile', async () => {
    const world = Replicas.withCredential()
    world.endpoint.lifetimeSeconds = 1200
    world.applyStore({ backend: { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 3600 } })
    await world.leader()
    for (let passed = 0; passed < 7200 && world.storeIsLive(); passed += 10) await world.clock.pass(10)
    await refuse(world)
    const login = logInInVain(world)
    for (let passed = 0; passed < 200 && world.problem() !== 'TOKEN_RESULT_UNKNOWN'; passed += 1) {
      await world.clock.pass(1)
    }
    world.sink.published.delete('claude-token')
    for (let passed = 0; passed < 700 && !world.sink.published.has('claude-token'); passed += 1) {
      await world.clock.pass(1)
    }
    expect(world.problem()).not.toBe('REFRESH_TOKEN_REJECTED')
    await world.clock.pass(7200)
    expect(world.endpoint.isLive(login)).toBe(false)
    expect(world.problem()).toBeUndefined()
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('is presented again soon, and not when the token of the dead one is nearly over', async () => {
    const { world } = await aLeader(86_400)
    await world.clock.pass(600)
    await refuse(world)
    const login = logInInVain(world)
    await world.clock.pass(3600)
    expect(world.endpoint.isLive(login)).toBe(false)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('is not kept waiting by a clock that ran ahead when it was found', async () => {
    const { world, first } = await aLeader(86_400)
    await world.clock.pass(600)
    await refuse(world)
    const login = logInInVain(world)
    for (let passed = 0; passed < 200 && world.problem() !== 'TOKEN_RESULT_UNKNOWN'; passed += 1) {
      await world.clock.pass(1)
    }
    await first.stepDown()
    const state = world.state()
    expect(state.loginReplacedAt).toBeDefined()
    world.status.states.set('ci/claude', { ...state, loginReplacedAt: later(world.clock.now(), minutes(600)) })
    await world.leader()
    await world.clock.pass(3600)
    expect(world.endpoint.isLive(login)).toBe(false)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })
})

describe('a refresh that is due since a login was replaced', () => {
  it('stays due since then for as long as it waits', async () => {
    const { world, first } = await aLeader()
    const other = { key: { namespace: 'ci', name: 'other' }, uid: 'other' }
    const spec = { ...aCredential().spec, target: { ...aCredential().spec.target, name: 'other' } }
    const place = { store: { kind: 'TokenStore', name: 'vault' }, key: 'other' } as const
    world.store.put('other', world.endpoint.login())
    world.apply(aCredential({ ...other, spec: { ...spec, refreshToken: place } }))
    await world.clock.pass(600)
    world.store.writeFault = away
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(60)
    world.store.put(documentKey, world.endpoint.login())
    world.endpoint.next = () => pausedFor('7200')
    world.apply(aCredential({ ...other, spec: { ...spec, refreshToken: place }, refreshRequest: 'now' }))
    await world.clock.pass(1)
    world.store.writeFault = undefined
    await world.clock.pass(900)
    const dueAt = (): number | undefined =>
      [...first.operator.gauges()].find(({ name }) => name === 'claude')?.nextRefreshAt
    const before = dueAt()
    await world.clock.pass(3000)
    expect(world.state().loginReplacedAt).toBeDefined()
    expect(before).toBe(world.state().loginReplacedAt)
    expect(dueAt()).toBe(before)
  })

  function pausedFor(retryAfter: string): ReturnType<typeof answer> {
    const throttled = answer(429, { error: 'too_many_requests' })
    return throttled.kind === 'answered' ? { ...throttled, answer: { ...throttled.answer, retryAfter } } : throttled
  }
})

describe('a token in the record that is over', () => {
  it('is published no more, however long the provider wants to be left alone', async () => {
    const { world, first } = await aLeader(60)
    world.applyProvider({ minimumRefreshIntervalSeconds: 600 })
    first.after('store.writeBack', () => first.die())
    await world.clock.pass(700)
    first.loseItsPod()
    await world.clock.pass(65)
    const read = world.store.read.bind(world.store)
    let reads = 0
    world.store.read = (...asked) => {
      reads += 1
      // Without an end, nothing here would come to one.
      if (reads > 100) throw new Error('the store is read again and again')
      return read(...asked)
    }
    await world.leader()
    await world.clock.pass(30)
    expect(world.bugs).toEqual([])
    expect(reads).toBeLessThan(10)
  })
})

describe('a login that takes the place of a refused one', () => {
  it('is used, where the refused one was just about to be put back', async () => {
    const world = Replicas.withCredential()
    const usedUp = world.stored()
    await world.leader()
    await world.clock.pass(600)
    await refuse(world)
    const login = world.endpoint.login()
    world.store.beforeWrite = () => {
      world.store.beforeWrite = undefined
      world.store.put(documentKey, login)
    }
    world.store.put(documentKey, usedUp)
    await world.clock.pass(600)
    expect(world.store.beforeWrite).toBeUndefined()
    expect(world.problem()).toBeUndefined()
    // Once, for the one that was refused.
    expect(world.events.reasons().filter((reason) => reason === 'ReauthorizationRequired')).toHaveLength(1)
    expect(world.stored()).not.toBe(login)
    expect(world.storeIsLive()).toBe(true)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('is used although an older document was told of meanwhile, and nobody could be asked at first', async () => {
    const { world, first } = await aLeader()
    const older = world.stored()
    await world.clock.pass(2400)
    await refuse(world)
    first.loseItsPod()
    world.store.put(documentKey, older)
    await world.leader()
    await world.clock.pass(60)
    expect(world.problem()).toBe('STORE_ROLLED_BACK')
    world.store.put(documentKey, world.endpoint.login())
    world.endpoint.next = () => ({ kind: 'not-sent', failure: failure('TOKEN_ENDPOINT_UNREACHABLE', 'No connection.') })
    await world.clock.pass(120)
    expect(world.endpoint.next).toBeUndefined()
    expect(world.endpoint.issuedAccessTokens).toHaveLength(3)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('of an owner leaves nothing due for the one that was refused', async () => {
    const { world } = await aLeader()
    await world.clock.pass(600)
    await refuse(world)
    const older = aCredential({ key: { namespace: 'ci', name: 'older' }, uid: '6f1c0a52-0000-4000-8000-000000000002' })
    const target = { ...older.spec.target, name: 'older-token' }
    world.apply({ ...older, createdAt: later(older.createdAt, minutes(-1)), spec: { ...older.spec, target } })
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(7200)
    expect(world.problem('ci/older')).toBeUndefined()
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    expect(world.state().loginReplacedAt).toBeUndefined()
  })
})
