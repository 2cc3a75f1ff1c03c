import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { ok } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { aClientCredential, aConfidentialClient, aCredential, aProvider } from '../support/builders.ts'
import { canary, observeOutput } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import { World } from '../support/world.ts'

const documentKey = 'teams/ci/claude'

async function aClientAtWork(changes: Partial<Provider> = {}): Promise<World> {
  const world = new World()
  world.applyProvider({ client: aConfidentialClient, ...changes })
  world.apply(aClientCredential())
  await world.start()
  return world
}

/** A human asks for a refresh now. */
async function requested(world: World): Promise<void> {
  await world.clock.pass(60)
  world.apply(aClientCredential({ refreshRequest: 'now', state: world.state() }))
  await world.clock.pass(1)
}

/** A process presents the refresh token and ends when it has the answer. */
async function answerInJournal({ journal, store, endpoint, clock }: World): Promise<void> {
  const { uid, key: credential, spec } = aCredential()
  const refreshToken = new Sensitive(store.tokens.get(documentKey) ?? '')
  const grant = { type: 'refresh_token', refreshToken } as const
  const request = { provider: aProvider(), grant, scopes: [] }
  const startedAt = clock.now()
  const exchange = await endpoint.request(request, () => Promise.resolve(ok(undefined)))
  if (exchange.kind !== 'answered') throw new Error('the server answers')
  const entry = { uid, credential, storeVersion: 'v2', refreshToken, source: spec.refreshToken, sends: 1, startedAt }
  await journal.answered({ ...entry, phase: 'answered', answer: exchange.answer })
}

function expectUntouched(world: World): void {
  expect(world.store).toMatchObject({ reads: 0, writes: 0, proofs: 0 })
  expect(world.journal.kept.size).toBe(0)
  expect(world.records.reads + world.records.replacements).toBe(0)
  expect(world.condition('RefreshTokenPersisted')).toBeUndefined()
  expect(world.bugs).toEqual([])
}

describe('a client that asks for itself', () => {
  it('has a token as soon as it is applied, and touches no store, journal or record', async () => {
    const world = await aClientAtWork()
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(world.events.reasons()).toEqual(['TargetCreated'])
    expect(world.state().grant).toBe('ClientCredentials')
    expectUntouched(world)
  })

  it('never lets its token expire over a day, and asks no more often than needed', async () => {
    const world = await aClientAtWork()
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      await world.clock.pass(60)
      expect(world.state().accessTokenExpiresAt).toBeGreaterThan(world.clock.now())
      expect(world.podToken()).toBe(world.newestAccessToken())
    }
    expect(world.endpoint.requests).toBeGreaterThanOrEqual(36)
    expect(world.endpoint.requests).toBeLessThanOrEqual(44)
    expectUntouched(world)
  })

  it('is asked for nothing by a restart', async () => {
    const world = await aClientAtWork()
    await world.restart()
    world.applyProvider({ client: aConfidentialClient })
    await world.clock.pass(600)
    expect(world.endpoint.requests).toBe(1)
  })

  it('asks again soon when an answer was lost, for nothing is spent', async () => {
    const world = await aClientAtWork()
    world.endpoint.next = 'lost-answer'
    await world.clock.pass(2400)
    expect(world.endpoint.requests).toBe(3)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.condition('Reconciling')).toBeUndefined()
    expectUntouched(world)
  })

  it('keeps a refresh token of an answer nowhere', async () => {
    const world = new World()
    world.applyProvider({ client: aConfidentialClient })
    const refreshToken = canary('rt')
    world.endpoint.next = () =>
      answer(200, { access_token: canary('at'), expires_in: 3600, refresh_token: refreshToken })
    world.apply(aClientCredential())
    await world.start()
    expect(world.condition('Ready')?.status).toBe('True')
    expect(JSON.stringify([...world.sink.published.values()].map((files) => [...files]))).not.toContain(refreshToken)
    observeOutput('log', world.log.lines.join('\n'))
    expectUntouched(world)
  })

  it('publishes the token at hand once the target can be written, and asks for no other', async () => {
    const world = await aClientAtWork()
    await world.clock.pass(1800)
    world.sink.fault = failure('TARGET_UNAVAILABLE', 'The target could not be written.')
    await world.clock.pass(600)
    const { requests } = world.endpoint
    world.sink.fault = undefined
    await world.clock.pass(300)
    expect(world.endpoint.requests).toBe(requests)
    expect(requests).toBe(2)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('asks when a human wants a refresh', async () => {
    const world = await aClientAtWork()
    await world.clock.pass(60)
    world.apply(aClientCredential({ refreshRequest: 'now', state: world.state() }))
    await world.clock.pass(1)
    expect(world.endpoint.requests).toBe(2)
    expect(world.state().handledRefreshRequest).toBe('now')
  })

  it('asks for nothing while it is suspended', async () => {
    const world = new World()
    world.applyProvider({ client: aConfidentialClient })
    world.apply(aClientCredential({ spec: { suspend: true } }))
    await world.start()
    await world.clock.pass(3600)
    expect(world.endpoint.requests).toBe(0)
  })

  const refusals = {
    invalid_client: 'CLIENT_REJECTED',
    unauthorized_client: 'CLIENT_REJECTED',
    invalid_scope: 'SCOPE_REJECTED',
    // Some servers say so of a client, and no login is lost by it.
    invalid_grant: 'CLIENT_REJECTED',
  } as const

  it.each(Object.entries(refusals))(
    'waits for a human after %s, and speaks of no refresh token',
    async (error, code) => {
      const world = await aClientAtWork()
      world.endpoint.next = () => answer(400, { error })
      await requested(world)
      expect(world.state().lastFailure?.code).toBe(code)
      const stalled = world.condition('Stalled')
      expect(stalled?.status).toBe('True')
      expect(stalled?.message).toContain('OAuthProvider ci/gateway')
      expect(stalled?.message).not.toMatch(/refresh token|log in/i)
      expect(world.events.reasons()).not.toContain('ReauthorizationRequired')
      await world.clock.pass(600)
      expect(world.condition('Ready')?.status).toBe('True')
      expect(world.condition('Stalled')).toBeUndefined()
    },
  )

  it.each([500, 503, 429])('is tried again after status %i, while its token lives', async (status) => {
    const world = await aClientAtWork()
    world.endpoint.next = () => answer(status, 'busy')
    await world.clock.pass(2400)
    expect(world.endpoint.requests).toBe(3)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.log.lines.join()).not.toMatch(/refresh token/i)
    expect(world.condition('Stalled')).toBeUndefined()
  })

  it('does not even ask with a client that cannot prove itself', async () => {
    const world = await aClientAtWork({ client: { id: 'ci', authentication: 'none' } })
    await world.clock.pass(10)
    expect(world.endpoint.requests).toBe(0)
    expect(world.state().lastFailure?.code).toBe('PROVIDER_INVALID')
    expect(world.condition('Stalled')?.message).toContain('spec.client.authentication is none')
    world.applyProvider({ generation: 2, client: aConfidentialClient })
    await world.clock.pass(1)
    expect(world.condition('Ready')?.status).toBe('True')
  })
})

describe('another grant', () => {
  it('leaves nothing behind of a login, and takes the place of its token at once', async () => {
    const world = await World.withCredential()
    world.applyProvider({ client: aConfidentialClient, generation: 2 })
    world.apply(aClientCredential({ generation: 2 }))
    await world.clock.pass(1)
    expect(world.endpoint.requests).toBe(2)
    expect(world.podToken()).toBe(world.newestAccessToken())
    const { grant, rotates, storeVersion, refreshTokenExpiresAt } = world.state()
    expect({ grant, rotates, storeVersion, refreshTokenExpiresAt }).toEqual({ grant: 'ClientCredentials' })
    expect(world.condition('RefreshTokenPersisted')).toBeUndefined()
    expect(world.endpoint.isLive(world.store.tokens.get(documentKey) ?? '')).toBe(true)
    expect(world.bugs).toEqual([])
  })

  it('brings a refresh token home first that was not in its store, and tells so until then', async () => {
    const world = await World.withCredential()
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'The store is away.')
    await world.clock.pass(2400)
    world.applyProvider({ client: aConfidentialClient, generation: 2 })
    world.apply(aClientCredential({ generation: 2 }))
    await world.clock.pass(30)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
    world.store.writeFault = undefined
    await world.clock.pass(600)
    expect(world.endpoint.isLive(world.store.tokens.get(documentKey) ?? '')).toBe(true)
    expect(world.condition('RefreshTokenPersisted')).toBeUndefined()
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.journal.kept.size).toBe(0)
    expect(world.endpoint.reuses).toBe(0)
    expect(world.bugs).toEqual([])
  })

  it('brings an answer home first that only the journal of an earlier process has', async () => {
    const world = await World.withCredential()
    await answerInJournal(world)
    world.apply(aClientCredential({ generation: 2, state: world.state() }))
    await world.restart()
    world.applyProvider({ client: aConfidentialClient, generation: 2 })
    await world.clock.pass(600)
    expect(world.endpoint.isLive(world.store.tokens.get(documentKey) ?? '')).toBe(true)
    expect(world.journal.kept.size).toBe(0)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.endpoint.reuses).toBe(0)
    expect(world.bugs).toEqual([])
  })

  it('forgets what was refused to the former one', async () => {
    const world = await World.withCredential()
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    await world.clock.pass(2400)
    expect(world.condition('Stalled')?.reason).toBe('ReauthorizationRequired')
    world.applyProvider({ client: aConfidentialClient, generation: 2 })
    world.endpoint.next = () => answer(503, 'busy')
    world.apply(aClientCredential({ generation: 2 }))
    await world.clock.pass(1)
    expect(world.condition('Stalled')).toBeUndefined()
    await world.clock.pass(60)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.state().consecutiveFailures).toBe(0)
  })

  it('goes back to the login, which is refreshed at once', async () => {
    const world = await aClientAtWork()
    world.store.put(documentKey, world.endpoint.login())
    world.applyStore()
    world.endpoint.next = 'lost-answer'
    await requested(world)
    expect(world.state().lastFailure?.code).toBe('TOKEN_RESULT_UNKNOWN')
    world.apply(aCredential({ generation: 2 }))
    await world.clock.pass(5)
    expect(world.state().grant).toBeUndefined()
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
    expect(world.endpoint.isLive(world.store.tokens.get(documentKey) ?? '')).toBe(true)
    expect(world.bugs).toEqual([])
  })
})
