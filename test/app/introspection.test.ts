import { describe, expect, it, test } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { failed, ok } from '../../src/domain/result.ts'
import { epochSeconds, later, seconds } from '../../src/domain/time.ts'
import { aClientCredential, aConfidentialClient, aCredential } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import { World } from '../support/world.ts'

const key = 'teams/ci/claude'

/** A credential whose answers say nothing of the life of their access token, which is assumed to be ten minutes. */
async function begin(world: World, canBeAsked = true, accessTokenLifetimeSeconds = 600): Promise<void> {
  world.applyProvider({ accessTokenLifetimeSeconds, ...(canBeAsked && { introspection: {} }) })
  world.applyStore()
  world.store.put(key, world.endpoint.login())
  world.endpoint.next = () => answer(200, { access_token: canary('at'), refresh_token: canary('rt') })
  world.apply(aCredential())
  await world.start()
}

function lifeOf(world: World): number {
  const { accessTokenExpiresAt = 0, lastRefreshAt = 0 } = world.state()
  return Math.round(accessTokenExpiresAt - lastRefreshAt)
}

describe('an access token whose answer does not say how long it lives', () => {
  it('lives as long as its server tells, and is refreshed in time for that', async () => {
    const world = new World()
    world.endpoint.standing = ok({ active: true, expiresAt: later(world.clock.now(), seconds(7200)) })
    await begin(world)
    expect(lifeOf(world)).toBe(7200)
    expect(world.condition('Ready')?.status).toBe('True')
    await world.clock.pass(3600)
    expect(world.endpoint.requests).toBe(1)
    await world.clock.pass(1800)
    expect(world.endpoint.requests).toBe(2)
    expect(world.endpoint.introspections).toBe(1)
  })

  it('is not asked about where nobody says that the server can be asked', async () => {
    const world = new World()
    world.endpoint.standing = ok({ active: true, expiresAt: later(world.clock.now(), seconds(7200)) })
    await begin(world, false)
    expect(world.endpoint.introspections).toBe(0)
    expect(lifeOf(world)).toBe(600)
  })

  const useless = {
    'nothing, because the server cannot be asked now': failed(
      failure('TOKEN_ENDPOINT_UNREACHABLE', 'The introspection endpoint of OAuthProvider ci/gateway did not answer.'),
    ),
    'no time': ok({ active: true }),
    'that it is not active': ok({ active: false }),
    'a time in milliseconds': ok({ active: true, expiresAt: epochSeconds((new World().clock.now() + 3600) * 1000) }),
    'a time that no calendar has': ok({ active: true, expiresAt: epochSeconds(1e300) }),
    'a time that is over': ok({ active: true, expiresAt: later(new World().clock.now(), seconds(-60)) }),
  }
  test.each(Object.entries(useless))('lives as long as is assumed when it is told %s', async (_, standing) => {
    const world = new World()
    world.endpoint.standing = standing
    await begin(world)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.podToken()).not.toBeUndefined()
    expect(lifeOf(world)).toBe(600)
    expect(world.state().consecutiveFailures).toBe(0)
  })

  it.each([
    ['at the same server', 'https://login.example.com/token/v2', 2],
    ['at another server, which it does not belong to', 'https://elsewhere.example.com/token', 1],
  ])('is asked about again, when it is published again and its provider is %s', async (_, tokenEndpoint, times) => {
    const world = new World()
    world.endpoint.standing = failed(
      failure('TOKEN_ENDPOINT_UNREACHABLE', 'The introspection endpoint did not answer.'),
    )
    await begin(world, true, 7200)
    expect(world.endpoint.introspections).toBe(1)
    world.applyProvider({ tokenEndpoint, introspection: {}, accessTokenLifetimeSeconds: 7200, generation: 2 })
    world.sink.published.clear()
    await world.clock.pass(601)
    expect(world.endpoint.requests).toBe(1)
    expect(world.podToken()).not.toBeUndefined()
    expect(world.endpoint.introspections).toBe(times)
  })

  it('is asked about for a client that asks for itself as well', async () => {
    const world = new World()
    world.endpoint.standing = ok({ active: true, expiresAt: later(world.clock.now(), seconds(7200)) })
    world.applyProvider({ client: aConfidentialClient, introspection: {}, accessTokenLifetimeSeconds: 600 })
    world.endpoint.next = () => answer(200, { access_token: canary('at') })
    world.apply(aClientCredential())
    await world.start()
    expect(lifeOf(world)).toBe(7200)
  })
})

describe('an access token whose answer does say so', () => {
  it('is believed, and nobody is asked', async () => {
    const world = await World.withCredential()
    world.applyProvider({ introspection: {}, generation: 2 })
    await world.clock.pass(3600)
    expect(world.endpoint.requests).toBeGreaterThan(1)
    expect(world.endpoint.introspections).toBe(0)
  })
})
