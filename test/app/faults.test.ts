import { describe, expect, it } from 'vitest'
import { failure, type FailureCode } from '../../src/domain/failures.ts'
import { aCredential, aProvider, aRotation } from '../support/builders.ts'
import { canary, observeOutput } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import { World } from '../support/world.ts'

const key = 'teams/ci/claude'

function storeDown(code: FailureCode = 'STORE_UNAVAILABLE'): ReturnType<typeof failure> {
  return failure(code, 'TokenStore ci/vault did not answer.')
}

describe('a store that fails after the refresh token was spent', () => {
  it('loses nothing: the access token goes out, the write-back is tried until it works', async () => {
    const world = new World()
    world.store.writeFault = storeDown()
    await begin(world)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.condition('RefreshTokenPersisted')).toMatchObject({ status: 'False', reason: 'StoreUnavailable' })
    expect(world.events.reasons()).toContain('RefreshTokenWriteBackFailed')
    expect(world.measured.counts.get('refreshTokenRotated gateway')).toBe(1)
    await world.clock.pass(900)
    expect(world.endpoint.requests).toBe(1)
    world.store.writeFault = undefined
    await world.clock.pass(301)
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
    expect(world.condition('RefreshTokenPersisted')).toMatchObject({ status: 'True', reason: 'WrittenBack' })
    expect(world.condition('Reconciling')).toBeUndefined()
    expect(world.measured.counts.get('refreshTokenRotated gateway')).toBe(1)
    expect(world.journal.kept.size).toBe(0)
  })

  it('loses nothing when the process ends in between', async () => {
    const world = new World()
    world.store.writeFault = storeDown()
    await begin(world)
    await world.restart()
    expect(world.endpoint.requests).toBe(1)
    world.store.writeFault = undefined
    await world.restart()
    await world.clock.pass(301)
    expect(world.endpoint.requests).toBe(1)
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.journal.kept.size).toBe(0)
  })

  it('brings the refresh token home even when the credential is deleted', async () => {
    const world = new World()
    world.store.writeFault = storeDown()
    await begin(world)
    world.resources.deleted('OAuthCredential', 'ci', 'claude')
    await world.clock.pass(1)
    world.store.writeFault = undefined
    await world.clock.pass(301)
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
  })

  it('takes a refused write for a stall that names the store, and goes on when it is allowed', async () => {
    const world = new World()
    world.store.writeFault = storeDown('STORE_FORBIDDEN')
    await begin(world)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'StoreDenied' })
    // What `kubectl get` shows: a valid token does not hide that somebody is waited for.
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'StoreDenied' })
    expect(world.condition('Ready')?.message).toMatch(/^The access token is valid until .* Grant the operator/)
    expect(world.events.reasons().filter((reason) => reason === 'TargetCreated')).toHaveLength(1)
    world.store.writeFault = undefined
    await world.clock.pass(61)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
  })
})

describe('a document that somebody else writes during the refresh', () => {
  it('keeps a new login of a human, and publishes a token of that one', async () => {
    const world = await World.withCredential()
    const login = world.endpoint.login()
    const before = world.endpoint.requests
    world.store.beforeWrite = () => {
      world.store.put(key, login)
      world.store.beforeWrite = undefined
    }
    await world.clock.pass(2400)
    expect(world.endpoint.requests - before).toBe(2)
    expect(world.endpoint.isLive(login)).toBe(false)
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.endpoint.reuses).toBe(0)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('rolls forward when the document came back with the token that was just spent', async () => {
    const world = await World.withCredential()
    const spent = world.store.tokens.get(key) ?? ''
    world.store.beforeWrite = () => {
      world.store.put(key, spent)
      world.store.beforeWrite = undefined
    }
    await world.clock.pass(2400)
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
    await world.clock.pass(2400)
    expect(world.endpoint.reuses).toBe(0)
  })
})

describe('an answer that never comes', () => {
  it('is told apart from a revoked grant, and told once', async () => {
    const world = await World.withCredential()
    world.endpoint.next = 'lost-answer'
    await world.clock.pass(2400)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'LostResponse' })
    expect(world.condition('Ready')?.status).toBe('True')
    await world.clock.pass(3500)
    expect(world.events.reasons().filter((reason) => reason === 'ReauthorizationRequired')).toHaveLength(1)
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'LostResponse' })
  })

  it('costs nothing where the server lets the same refresh token be used again for a while', async () => {
    const world = await World.withCredential()
    world.applyProvider({ rotation: aRotation({ reuseLeewaySeconds: 30 }) })
    world.endpoint.leewaySeconds = 30
    world.endpoint.now = () => world.clock.now()
    world.endpoint.next = 'lost-answer'
    await world.clock.pass(2400)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('costs nothing when the request had not reached the server', async () => {
    const world = await World.withCredential()
    world.endpoint.next = () => ({
      kind: 'lost',
      failure: failure('TOKEN_RESULT_UNKNOWN', 'The connection to OAuthProvider ci/gateway ended.'),
    })
    await world.clock.pass(2400)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
  })
})

describe('refusals', () => {
  it('stops at once at a dead grant, presents it no more, and resumes by itself after a new login', async () => {
    const world = await World.withCredential()
    world.store.put(key, canary('rt'))
    await world.clock.pass(2400)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'ReauthorizationRequired' })
    const requests = world.endpoint.requests
    await world.clock.pass(3000)
    expect(world.endpoint.requests).toBe(requests)
    world.store.put(key, world.endpoint.login())
    await world.clock.pass(61)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.events.reasons()).toContain('Recovered')
  })

  it('does not present a dead grant again because of a restart', async () => {
    const world = await World.withCredential()
    world.store.put(key, canary('rt'))
    await world.clock.pass(2400)
    const requests = world.endpoint.requests
    for (let restarts = 0; restarts < 5; restarts += 1) {
      await world.restart()
      await world.clock.pass(61)
    }
    expect(world.endpoint.requests).toBe(requests)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'ReauthorizationRequired' })
  })

  it('keeps a refresh token that comes in an answer of no other use', async () => {
    const world = await World.withCredential()
    const rotated = world.endpoint.login()
    world.endpoint.next = () => answer(200, { token_type: 'Bearer', refresh_token: rotated })
    await world.clock.pass(2400)
    expect(world.store.tokens.get(key)).toBe(rotated)
    await world.clock.pass(2400)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  const answers: Record<string, [body: unknown, status: number, type: 'Stalled' | 'Reconciling', reason: string]> = {
    'a page of HTML': ['<html>sign in</html>', 200, 'Reconciling', 'RetryingAfterError'],
    'a gateway error': ['bad gateway', 502, 'Reconciling', 'RetryingAfterError'],
    'too many requests': [{ error: 'slow_down' }, 429, 'Reconciling', 'WaitingForRateLimit'],
    'a wrong client': [{ error: 'invalid_client' }, 401, 'Stalled', 'ClientRejected'],
    'a wrong scope': [{ error: 'invalid_scope' }, 400, 'Stalled', 'ScopeRejected'],
    'a dead refresh token': [{ error: 'invalid_grant' }, 400, 'Stalled', 'ReauthorizationRequired'],
    'a redirect': ['', 307, 'Stalled', 'ProviderMisconfigured'],
  }

  it.each(Object.entries(answers))('tells %s by its own reason', async (_, [body, status, type, reason]) => {
    const world = new World()
    world.endpoint.next = () => answer(status, body)
    await begin(world)
    expect(world.condition(type)).toMatchObject({ status: 'True', reason })
    expect(world.condition(type)?.message).toContain('gateway')
    const shown = type === 'Stalled' ? reason : 'RefreshFailed'
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: shown })
    expect(world.sink.published.size).toBe(0)
  })

  it('waits as long as the server asks', async () => {
    const world = await World.withCredential()
    const busy = answer(429, { error: 'slow_down' })
    world.endpoint.next = () =>
      busy.kind === 'answered' ? { kind: 'answered', answer: { ...busy.answer, retryAfter: '120' } } : busy
    await world.clock.pass(2400)
    const requests = world.endpoint.requests
    expect(requests).toBe(3)
  })
})

describe('what a credential refers to', () => {
  it('stalls with the name of what is missing, and resumes when it is created', async () => {
    const world = new World()
    world.store.put(key, world.endpoint.login())
    world.apply(aCredential())
    await world.start()
    await world.clock.pass(6)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'ProviderNotFound' })
    expect(world.condition('Stalled')?.message).toContain('OAuthProvider ci/gateway')
    world.applyProvider()
    await world.clock.pass(1)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'StoreNotFound' })
    world.applyStore()
    await world.clock.pass(1)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Stalled')).toBeUndefined()
  })

  it('is waited for a moment, because it may be applied together with the credential and seen after it', async () => {
    const world = new World()
    world.store.put(key, world.endpoint.login())
    world.apply(aCredential())
    await world.start()
    await world.clock.pass(2)
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'Pending' })
    world.applyStore()
    await world.clock.pass(1)
    world.applyProvider()
    await world.clock.pass(0)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.events.reasons()).not.toContain('Stalled')
  })

  it('tries a refused client again as soon as the provider is corrected', async () => {
    const world = await World.withCredential()
    world.endpoint.next = () => answer(401, { error: 'invalid_client' })
    await world.clock.pass(2300)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'ClientRejected' })
    world.applyProvider({ ...aProvider(), generation: 2 })
    await world.clock.pass(1)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.state().refreshes).toBe(2)
  })

  it('says what is wrong with a credential that cannot be acted on, and touches nothing', async () => {
    const world = new World()
    const { key: name, uid, generation, state } = aCredential()
    const problems = [{ field: 'spec.target.name', message: 'must be a DNS subdomain' }]
    world.resources.upserted('OAuthCredential', {
      type: 'invalid-credential',
      credential: { key: name, uid, generation, deleting: false, finalized: false, problems, state },
    })
    await world.start()
    expect(world.condition('Stalled')).toMatchObject({ reason: 'InvalidSpec' })
    expect(world.condition('Stalled')?.message).toContain('spec.target.name: must be a DNS subdomain')
    expect(world.sink.observations).toBe(0)
    observeOutput('condition', JSON.stringify(world.state()))
  })

  it('looks for a missing document again, and begins when it is there', async () => {
    const world = new World()
    world.applyProvider()
    world.applyStore()
    world.apply(aCredential())
    await world.start()
    expect(world.condition('Stalled')).toMatchObject({ reason: 'SeedMissing' })
    world.store.put(key, world.endpoint.login())
    await world.clock.pass(61)
    expect(world.condition('Ready')?.status).toBe('True')
  })
})

describe('the world outside', () => {
  it('is not hammered by ten thousand credentials of one server after an outage', async () => {
    const world = new World()
    world.applyProvider({ limits: { requestsPerSecond: 50, maxConcurrent: 10 } })
    world.applyStore()
    for (let index = 0; index < 500; index += 1) {
      const name = `c-${index}`
      world.store.put(name, world.endpoint.login())
      const { spec } = aCredential()
      world.apply(
        aCredential({
          key: { namespace: 'ci', name },
          uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
          spec: {
            refreshToken: { ...spec.refreshToken, key: name },
            target: { ...spec.target, name },
          },
        }),
      )
    }
    await world.start()
    await world.clock.pass(2)
    expect(world.endpoint.requests).toBeLessThanOrEqual(50 + 2 * 50 + 10)
    await world.clock.pass(20)
    expect(world.endpoint.requests).toBe(500)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('comes back to the schedule after the wall clock jumped', async () => {
    const world = await World.withCredential()
    world.clock.jump(86_400)
    await world.clock.pass(60)
    expect(world.endpoint.requests).toBe(2)
    world.clock.jump(-2 * 86_400)
    await world.clock.pass(60)
    expect(world.endpoint.requests).toBe(3)
    expect(world.podToken()).toBe(world.newestAccessToken())
    await world.clock.pass(600)
    expect(world.endpoint.requests).toBe(3)
    expect(world.bugs).toEqual([])
  })
})

async function begin(world: World): Promise<void> {
  world.store.put(key, world.endpoint.login())
  world.applyProvider()
  world.applyStore()
  world.apply(aCredential())
  await world.start()
}
