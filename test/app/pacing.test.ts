import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { spentLimit } from '../../src/domain/spent-tokens.ts'
import { aClientCredential, aConfidentialClient, aCredential } from '../support/builders.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

const minimumWriteIntervalSeconds = 900
const aws = { type: 'awsSecretsManager', minimumWriteIntervalSeconds } as const

/** Tokens of five minutes over a store that bears a write every quarter of an hour. */
async function fiveMinuteTokens(): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential()
  world.endpoint.lifetimeSeconds = 300
  world.applyStore({ backend: aws })
  const first = await world.leader()
  return { world, first }
}

/** To the middle of a span in which the store is behind. */
async function fallBehind(world: Replicas): Promise<void> {
  for (let passed = 0; passed < 3600 && world.storeIsLive(); passed += 10) await world.clock.pass(10)
  expect(world.storeIsLive()).toBe(false)
  expect(world.condition('RefreshTokenPersisted')).toMatchObject({ status: 'False', reason: 'WritePaced' })
}

function expectFresh(world: Replicas): void {
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.state().accessTokenExpiresAt).toBeGreaterThan(world.clock.now())
  expect(world.condition('Stalled')).toBeUndefined()
}

describe('a store that bears a hundred writes a day', () => {
  it('gets at most 96, and the pod a fresh token all the time', async () => {
    const { world } = await fiveMinuteTokens()
    for (let minute = 0; minute < 24 * 60; minute += 5) {
      await world.clock.pass(300)
      expectFresh(world)
    }
    expect(world.endpoint.requests).toBeGreaterThan(288)
    expect(world.store.writes).toBeLessThanOrEqual(96)
    expect(world.store.writes).toBeGreaterThanOrEqual(72)
  })

  it.each(['the process goes on', 'another process takes over'])(
    'may be written once in a day of tokens that live for a minute: %s',
    async (course) => {
      const world = Replicas.withCredential()
      world.endpoint.lifetimeSeconds = 60
      world.applyStore({ backend: { ...aws, minimumWriteIntervalSeconds: 86_400 } })
      let leader = await world.leader()
      await world.clock.pass(3600)
      const { writes } = world.store
      for (let hour = 0; hour < 8; hour += 1) {
        await world.clock.pass(3600)
        expectFresh(world)
        if (course === 'the process goes on') continue
        leader.loseItsPod()
        leader = await world.leader()
        await world.clock.pass(120)
      }
      expect(world.store.writes).toBeLessThanOrEqual(writes + 1)
      expect(world.endpoint.requests).toBeGreaterThan(5 * spentLimit)
      await leader.shutDown()
      expect(world.storeIsLive()).toBe(true)
    },
  )

  it('is not news, and no trouble', async () => {
    const { world } = await fiveMinuteTokens()
    await world.clock.pass(3 * 3600)
    expect(world.events.reasons()).toEqual(['RefreshTokenRotated', 'TargetCreated'])
    expect(world.condition('Reconciling')).toBeUndefined()
  })

  it('is brought up to date at the end of the process', async () => {
    const { world, first } = await fiveMinuteTokens()
    await fallBehind(world)
    await first.shutDown()
    expect(world.storeIsLive()).toBe(true)
    const second = await world.leader()
    await world.clock.pass(600)
    expectFresh(world)
    expect(second.journal.kept.size).toBe(0)
  })

  it('is brought up to date by the next process, from the record', async () => {
    const { world, first } = await fiveMinuteTokens()
    await fallBehind(world)
    const { requests } = world.endpoint
    first.loseItsPod()
    await world.leader()
    expect(world.endpoint.requests).toBeLessThanOrEqual(requests + 1)
    await world.clock.pass(minimumWriteIntervalSeconds + 300)
    expectFresh(world)
    expect(world.store.writes).toBeGreaterThanOrEqual(2)
    await world.clock.pass(3600)
    expectFresh(world)
  })

  it('keeps its distance of writes over a restart', async () => {
    const { world, first } = await fiveMinuteTokens()
    for (let turn = 0; turn < 48; turn += 1) {
      await world.clock.pass(1800)
      await first.restart()
      await first.lead()
    }
    expect(world.store.writes).toBeLessThanOrEqual(100)
    expectFresh(world)
  })

  it('is written at once when the record cannot be', async () => {
    const { world, first } = await fiveMinuteTokens()
    await fallBehind(world)
    first.records.afterReplace = ({ intent }) => {
      if (intent?.holder === undefined) return
      first.records.replaceFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be written.')
      first.records.afterReplace = undefined
    }
    const { requests } = world.endpoint
    for (let passed = 0; passed < 300 && world.endpoint.requests === requests; passed += 1) await world.clock.pass(1)
    expect(world.storeIsLive()).toBe(true)
    first.records.replaceFault = undefined
    await world.clock.pass(600)
    expectFresh(world)
  })

  it('is written at once when the credential is suspended', async () => {
    const { world } = await fiveMinuteTokens()
    await fallBehind(world)
    const [credential] = world.manifests.credentials
    if (credential === undefined) expect.fail('there is no credential')
    world.apply({ ...credential, generation: 2, spec: { ...credential.spec, suspend: true } })
    await world.clock.pass(1)
    expect(world.storeIsLive()).toBe(true)
  })

  it.each(['the process that brought it', 'the next one'])(
    'is written at once when the credential names another document, by %s',
    async (who) => {
      const { world, first } = await fiveMinuteTokens()
      await fallBehind(world)
      const anotherKey = 'teams/ci/another'
      world.store.put(anotherKey, world.endpoint.login())
      if (who === 'the next one') first.loseItsPod()
      const { refreshToken } = aCredential().spec
      world.apply(aCredential({ generation: 2, spec: { refreshToken: { ...refreshToken, key: anotherKey } } }))
      if (who === 'the next one') await world.leader()
      await world.clock.pass(600)
      expectFresh(world)
      expect(world.storeIsLive()).toBe(true)
    },
  )

  it('is written at once when the credential takes no token from there any more', async () => {
    const { world } = await fiveMinuteTokens()
    await fallBehind(world)
    world.applyProvider({ client: aConfidentialClient })
    world.apply(aClientCredential({ generation: 2 }))
    await world.clock.pass(5)
    expect(world.storeIsLive()).toBe(true)
  })

  it('is written at once when the credential is deleted, and the record goes', async () => {
    const { world } = await fiveMinuteTokens()
    await fallBehind(world)
    world.delete(aCredential())
    await world.clock.pass(1)
    expect(world.storeIsLive()).toBe(true)
    expect(world.record()).toBeUndefined()
  })

  it('takes a new login while it is behind, and that one is used', async () => {
    const { world } = await fiveMinuteTokens()
    await fallBehind(world)
    const login = world.endpoint.login()
    world.store.put(documentKey, login)
    await world.clock.pass(minimumWriteIntervalSeconds * 3)
    expect(world.endpoint.isLive(login)).toBe(false)
    expectFresh(world)
  })
})
