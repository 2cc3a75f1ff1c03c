import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { endOfTime, epochSeconds } from '../../src/domain/time.ts'
import type { StoreBackend } from '../../src/domain/token-store.ts'
import { aCredential, aStaticCredential, aStore } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { World } from '../support/world.ts'

const documentKey = 'teams/ci/claude'
const day = 86_400

/** Puts a token into the store, as a human does, and returns it. */
function keep(world: World, lifeSeconds?: number): string {
  const token = canary('at')
  const expiry = lifeSeconds === undefined ? {} : { expires_at: Math.floor(world.clock.now() + lifeSeconds) }
  world.store.put(documentKey, JSON.stringify({ access_token: token, ...expiry }))
  return token
}

/** Days in which nothing happens. */
async function sleep(world: World, seconds: number): Promise<void> {
  world.clock.jump(seconds)
  await world.clock.pass(120)
}

async function aTokenAtWork(lifeSeconds?: number, backend: StoreBackend = { type: 'kubernetes' }) {
  const world = new World()
  const token = keep(world, lifeSeconds)
  world.applyStore({ backend })
  world.apply(aStaticCredential())
  await world.start()
  return { world, token }
}

function expectOnlyRead(world: World): void {
  expect(world.store).toMatchObject({ writes: 0, proofs: 0, claimWrites: 0 })
  expect(world.endpoint.requests).toBe(0)
  expect(world.journal.kept.size).toBe(0)
  expect(world.records.reads + world.records.replacements).toBe(0)
  expect(world.bugs).toEqual([])
}

describe('a static token', () => {
  it('is published as soon as it is applied, and nothing is written into the store', async () => {
    const { world, token } = await aTokenAtWork(365 * day)
    expect(world.podToken()).toBe(token)
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(world.condition('RefreshTokenPersisted')).toBeUndefined()
    expect(world.state().grant).toBe('StaticToken')
    expect(world.events.reasons()).toEqual(['TargetCreated'])
    await world.clock.pass(3600)
    expectOnlyRead(world)
  })

  it('ends when the manifest says, where neither the document nor the token does', async () => {
    const { world } = await aTokenAtWork()
    expect(world.state().accessTokenExpiresAt).toBe(endOfTime)
    const expiresAt = epochSeconds(world.clock.now() + 60 * day)
    const { accessToken } = aStaticCredential().spec
    world.apply(aStaticCredential({ generation: 2, spec: { accessToken: { ...accessToken, expiresAt } } }))
    await world.clock.pass(30)
    expect(world.state().accessTokenExpiresAt).toBe(expiresAt)
    await sleep(world, 59.5 * day)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'StaticTokenExpired' })
    keep(world, 90 * day)
    await world.clock.pass(120)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.state().accessTokenExpiresAt).toBeGreaterThan(expiresAt)
    expectOnlyRead(world)
  })

  it('costs nothing but reads while nothing changes', async () => {
    const { world } = await aTokenAtWork(365 * day)
    await world.clock.pass(20)
    const { writes } = world.status
    const { publications, observations } = world.sink
    await world.clock.pass(3600)
    expect(world.status.writes).toBe(writes)
    expect(world.sink.publications).toBe(publications)
    expect(world.sink.observations - observations).toBeLessThanOrEqual(7)
    expect(world.store.reads).toBeGreaterThan(3600 / 16)
    expect(world.store.reads).toBeLessThan(3600 / 11)
    expect(world.log.lines.filter((line) => line.includes('"warn"'))).toEqual([])
  })

  it('without a known expiry is ready without end', async () => {
    const { world } = await aTokenAtWork()
    await world.clock.pass(3600)
    expect(world.state().accessTokenExpiresAt).toBe(endOfTime)
    expect(world.condition('Ready')?.message).toBe('The access token is valid, and has no known expiry.')
  })

  it('that is replaced in the store is in the target seconds later', async () => {
    const { world } = await aTokenAtWork(365 * day)
    await world.clock.pass(1000)
    const next = keep(world, 365 * day)
    await world.clock.pass(15)
    expect(world.podToken()).toBe(next)
    expect(world.state().refreshes).toBe(2)
    expectOnlyRead(world)
  })

  it('at AWS Secrets Manager is looked at every five minutes', async () => {
    const world = new World()
    keep(world, 365 * day)
    world.applyStore({ backend: { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 900 } })
    world.apply(aStaticCredential())
    await world.start()
    await world.clock.pass(3000)
    expect(world.store.reads).toBeGreaterThanOrEqual(10)
    expect(world.store.reads).toBeLessThanOrEqual(13)
    const next = keep(world, 365 * day)
    await world.clock.pass(300)
    expect(world.podToken()).toBe(next)
  })

  it('is not published again because its document changed beside it', async () => {
    const { world, token } = await aTokenAtWork()
    await world.clock.pass(100)
    const { publications } = world.sink
    world.store.put(documentKey, JSON.stringify({ access_token: token, note: 'by hand' }))
    await world.clock.pass(60)
    expect(world.sink.publications).toBe(publications)
    expect(world.state().storeVersion).toBe('v2')
  })

  it('is not published again by a restart, and a target that is gone is made again from the store', async () => {
    const { world, token } = await aTokenAtWork(365 * day)
    await world.restart()
    await world.clock.pass(60)
    expect(world.sink.publications).toBe(1)
    world.sink.published.clear()
    await world.clock.pass(660)
    expect(world.podToken()).toBe(token)
  })

  it('that changed while nobody looked is published by the next process', async () => {
    const { world } = await aTokenAtWork(365 * day)
    world.sink.fault = failure('TARGET_UNAVAILABLE', 'The target is away.')
    const next = keep(world, 365 * day)
    await world.clock.pass(60)
    await world.restart()
    world.sink.fault = undefined
    await world.clock.pass(600)
    expect(world.podToken()).toBe(next)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Reconciling')).toBeUndefined()
  })

  it('is warned of a week before its end, and waits for a human from a day before, each told once', async () => {
    const { world } = await aTokenAtWork(60 * day)
    await sleep(world, 52.9 * day)
    expect(world.condition('Ready')?.reason).toBe('TokenValid')
    await sleep(world, 0.2 * day)
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenExpiring' })
    expect(world.condition('Ready')?.message).toContain('replace it in its store')
    expect(world.condition('Stalled')).toBeUndefined()
    await world.restart()
    await sleep(world, 6 * day)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Stalled')).toMatchObject({ reason: 'StaticTokenExpired' })
    const { writes } = world.status
    await sleep(world, 0.5 * day)
    expect(world.status.writes).toBe(writes)
    await sleep(world, 0.5 * day)
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'StaticTokenExpired' })
    expect(world.condition('Stalled')?.message).toMatch(
      /has the expiry 20\d\d-.* and cannot be refreshed\. Get a new token/,
    )
    expect(world.events.reasons()).toEqual(['TargetCreated', 'TokenExpiring', 'Stalled'])
    expect(world.state().consecutiveFailures).toBe(1)
  })

  it('that ended is followed by the next one seconds after somebody put it there', async () => {
    const { world } = await aTokenAtWork(3600)
    await world.clock.pass(5000)
    expect(world.condition('Stalled')?.reason).toBe('StaticTokenExpired')
    const next = keep(world, day)
    await world.clock.pass(16)
    expect(world.podToken()).toBe(next)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(world.state().lastFailure).toBeUndefined()
    expect(world.events.reasons().at(-1)).toBe('Recovered')
  })

  it('that is over when it is first seen is never published', async () => {
    const { world } = await aTokenAtWork(-60)
    await world.clock.pass(600)
    expect(world.podToken()).toBeUndefined()
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'StaticTokenExpired' })
    expect(world.condition('Stalled')?.message).toContain(`in the document "${documentKey}" of TokenStore ci/vault`)
    expect(world.state().consecutiveFailures).toBe(1)
    const next = keep(world, day)
    await world.clock.pass(16)
    expect(world.podToken()).toBe(next)
  })

  it.each([
    ['nothing', undefined, 'STATIC_TOKEN_MISSING'],
    ['no token', '{"password":"x"}', 'STATIC_TOKEN_MALFORMED'],
  ])('that is %s is looked for, told once, and published when it is there', async (_, text, code) => {
    const world = new World()
    if (text !== undefined) world.store.put(documentKey, text)
    world.applyStore()
    world.apply(aStaticCredential())
    await world.start()
    await world.clock.pass(1200)
    expect(world.state().lastFailure?.code).toBe(code)
    expect(world.state().consecutiveFailures).toBe(1)
    expect(world.condition('Stalled')?.message).not.toMatch(/refresh token|log in/i)
    expect(world.events.reasons()).toEqual(['Stalled'])
    const token = keep(world)
    await world.clock.pass(16)
    expect(world.podToken()).toBe(token)
  })

  it('stays in the target while the store is away', async () => {
    const { world, token } = await aTokenAtWork(365 * day)
    world.store.readFault = failure('STORE_UNAVAILABLE', 'The store is away.')
    await world.clock.pass(1800)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Reconciling')?.reason).toBe('RetryingAfterError')
    expect(world.podToken()).toBe(token)
    world.store.readFault = undefined
    await world.clock.pass(400)
    expect(world.condition('Reconciling')).toBeUndefined()
  })

  it('needs no more than to be read', async () => {
    const { world } = await aTokenAtWork(365 * day)
    world.store.readFault = failure('STORE_FORBIDDEN', 'Reading the document was denied.')
    await world.clock.pass(120)
    expect(world.condition('Stalled')?.message).toMatch(/Grant the operator read on this key/)
  })

  it('is read at once when somebody asks for it', async () => {
    const { world } = await aTokenAtWork(365 * day)
    await world.clock.pass(61)
    const { reads } = world.store
    world.apply(aStaticCredential({ refreshRequest: 'now', state: world.state() }))
    await world.clock.pass(0.1)
    expect(world.store.reads).toBe(reads + 1)
    expect(world.state().handledRefreshRequest).toBe('now')
  })

  it('is not even read while it is suspended', async () => {
    const world = new World()
    keep(world)
    world.applyStore()
    world.apply(aStaticCredential({ spec: { suspend: true } }))
    await world.start()
    await world.clock.pass(3600)
    expect(world.store.reads).toBe(0)
  })

  it('is never a refresh token that another credential uses, even where nothing says what it is', async () => {
    const world = await World.withCredential()
    const target = { ...aCredential().spec.target, name: 'thief' }
    const key = { namespace: 'ci', name: 'thief' }
    world.apply(aStaticCredential({ key, uid: 'thief', spec: { target } }))
    await world.clock.pass(30)
    expect(world.sink.published.has('thief')).toBe(false)
    expect(world.state('ci/thief').lastFailure?.code).toBe('STATIC_TOKEN_MALFORMED')
  })

  it('of a cluster store is published where its owner allows it, and only there', async () => {
    const world = new World()
    keep(world)
    const { namespace: _, ...store } = aStore({ kind: 'ClusterTokenStore' })
    const access = { namespaceSelector: { matchLabels: {}, matchExpressions: [] }, keys: ['**'] }
    const apply = (generation: number, staticTokens: 'Allow' | 'Deny'): void => {
      const entry = { ...access, namespacedProviders: 'Allow' as const, staticTokens }
      world.resources.upserted('ClusterTokenStore', { type: 'store', store: { ...store, generation, access: [entry] } })
    }
    world.resources.upserted('Namespace', { type: 'namespace', name: 'ci', labels: {} })
    apply(1, 'Deny')
    const accessToken = { store: { kind: 'ClusterTokenStore', name: 'vault' }, key: documentKey } as const
    world.apply(aStaticCredential({ spec: { accessToken } }))
    await world.start()
    await world.clock.pass(30)
    expect(world.store.reads).toBe(0)
    expect(world.condition('Stalled')?.reason).toBe('StoreAccessNotGranted')
    apply(2, 'Allow')
    await world.clock.pass(1)
    expect(world.condition('Ready')?.status).toBe('True')
  })
})

describe('a login that becomes a static token', () => {
  it('leaves its refresh token where it is, and its access token is replaced', async () => {
    const world = await World.withCredential()
    const refreshToken = world.store.tokens.get(documentKey) ?? ''
    const token = canary('at')
    world.store.put('other', JSON.stringify({ token }))
    const accessToken = { ...aCredential().spec.refreshToken, key: 'other' }
    world.apply(aStaticCredential({ generation: 2, spec: { accessToken } }))
    await world.clock.pass(1)
    expect(world.podToken()).toBe(token)
    expect(world.condition('RefreshTokenPersisted')).toBeUndefined()
    expect(world.state().rotates).toBeUndefined()
    await world.clock.pass(7200)
    expect(world.endpoint.requests).toBe(1)
    expect(world.store.tokens.get(documentKey)).toBe(refreshToken)
    world.apply(aCredential({ generation: 3 }))
    await world.clock.pass(5)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.endpoint.requests).toBe(2)
    expect(world.bugs).toEqual([])
  })

  it('brings a refresh token home first that was not in its store', async () => {
    const world = await World.withCredential()
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'The store is away.')
    await world.clock.pass(2400)
    const token = canary('at')
    world.store.put('other', JSON.stringify({ token }))
    const accessToken = { ...aCredential().spec.refreshToken, key: 'other' }
    world.apply(aStaticCredential({ generation: 2, spec: { accessToken } }))
    await world.clock.pass(30)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
    world.store.writeFault = undefined
    await world.clock.pass(600)
    expect(world.endpoint.isLive(world.store.tokens.get(documentKey) ?? '')).toBe(true)
    expect(world.condition('RefreshTokenPersisted')).toBeUndefined()
    expect(world.podToken()).toBe(token)
    expect(world.journal.kept.size).toBe(0)
    expect(world.bugs).toEqual([])
  })
})
