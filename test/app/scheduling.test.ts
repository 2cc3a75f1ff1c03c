import { describe, expect, it } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { timeText } from '../../src/domain/time-text.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { World } from '../support/world.ts'

const key = 'teams/ci/claude'
const hour = 3600
const day = 86_400

async function worldWith(
  provider: Partial<Provider>,
  lifetimeSeconds: number,
  told: (world: World) => Readonly<Record<string, unknown>> = () => ({}),
): Promise<World> {
  const world = new World()
  world.endpoint.lifetimeSeconds = lifetimeSeconds
  world.endpoint.told = () => told(world)
  world.store.put(key, world.endpoint.login())
  world.applyProvider(provider)
  world.applyStore()
  world.apply(aCredential())
  await world.start()
  return world
}

function events(world: World, reason: string): number {
  return world.events.reasons().filter((one) => one === reason).length
}

describe('a refresh token that dies when it is not used', () => {
  it('is used in time though the access token lives long', async () => {
    const world = await worldWith({ refreshTokenLifetime: { idleSeconds: hour } }, 30 * day)
    await world.clock.pass(4 * hour)
    // Every twenty minutes, or up to a tenth sooner.
    expect(world.state().refreshes).toBeGreaterThanOrEqual(13)
    expect(world.state().refreshes).toBeLessThanOrEqual(14)
    expect(world.condition('RefreshTokenExpiring')).toBeUndefined()
  })

  it('is used in time when only the answers tell of it', async () => {
    const world = await worldWith({}, 30 * day, () => ({ refresh_token_expires_in: hour }))
    await world.clock.pass(4 * hour)
    expect(world.state().refreshes).toBeGreaterThanOrEqual(13)
    const { refreshTokenExpiresAt, lastRefreshAt } = world.state()
    expect(refreshTokenExpiresAt).toBe((lastRefreshAt ?? 0) + hour)
  })

  it('is told of when nothing uses it: a suspended credential costs the login', async () => {
    const world = await worldWith({ refreshTokenLifetime: { idleSeconds: hour } }, 8 * hour)
    world.apply(aCredential({ generation: 2, spec: { suspend: true } }))
    await world.clock.pass(0.7 * hour)
    expect(world.condition('RefreshTokenExpiring')).toBeUndefined()
    await world.clock.pass(0.3 * hour)
    expect(world.condition('RefreshTokenExpiring')).toMatchObject({ status: 'True', reason: 'NotUsed' })
    expect(events(world, 'RefreshTokenExpiring')).toBe(1)
  })
})

describe('a login that ends at a fixed time', () => {
  const loginEnd = (world: World): Readonly<Record<string, unknown>> => ({
    refresh_token_expires_in: 1_800_000_000 + 5 * day - world.clock.now(),
  })

  it('is told of once, a fifth of its life before, with the date and what to do', async () => {
    const world = await worldWith({}, 2 * hour, loginEnd)
    await world.clock.pass(4 * day - 4 * hour)
    expect(world.condition('RefreshTokenExpiring')).toBeUndefined()
    await world.clock.pass(6 * hour)
    const told = world.condition('RefreshTokenExpiring')
    expect(told).toMatchObject({ status: 'True', reason: 'LoginEnding' })
    expect(told?.message).toContain(timeText(epochSeconds(1_800_000_000 + 5 * day)))
    expect(told?.message).toContain('Log in again')
    await world.clock.pass(0.5 * day)
    expect(events(world, 'RefreshTokenExpiring')).toBe(1)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('is not hurried towards: it costs no more refreshes than the access token needs', async () => {
    const world = await worldWith({}, 1.5 * day, loginEnd)
    await world.clock.pass(4.8 * day)
    expect(world.state().refreshes).toBeLessThanOrEqual(7)
  })

  it('is over, and told no more, once another login is in the store and was used', async () => {
    const world = await worldWith({ refreshTokenLifetime: { absoluteSeconds: 5 * day } }, 2 * hour)
    await world.clock.pass(4.5 * day)
    expect(world.condition('RefreshTokenExpiring')).toMatchObject({ reason: 'LoginEnding' })
    const end = world.state().refreshTokenExpiresAt ?? 0
    world.store.put(key, world.endpoint.login())
    await world.clock.pass(2 * hour)
    expect(world.condition('RefreshTokenExpiring')).toBeUndefined()
    expect((world.state().refreshTokenExpiresAt ?? 0) - end).toBeGreaterThan(4 * day)
  })

  it('keeps its end over a restart', async () => {
    const world = await worldWith({ refreshTokenLifetime: { absoluteSeconds: 30 * day } }, hour)
    await world.clock.pass(day)
    const end = world.state().refreshTokenExpiresAt
    await world.restart()
    await world.clock.pass(2 * hour)
    expect(Math.abs((world.state().refreshTokenExpiresAt ?? 0) - (end ?? 0))).toBeLessThan(1)
  })
})

describe('a provider that wants time between two refreshes', () => {
  const slow: Partial<Provider> = { minimumRefreshIntervalSeconds: 900 }
  const { target } = aCredential().spec

  it('gets it from somebody who asks for a refresh, who is told until when', async () => {
    const world = await worldWith(slow, hour)
    await world.clock.pass(100)
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(5)
    expect(world.endpoint.requests).toBe(1)
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    const until = timeText(epochSeconds(1_800_000_901))
    expect(world.condition('Ready')?.message).toContain(
      `begins at ${until}. OAuthProvider ci/gateway wants 900 s between two refreshes.`,
    )
    expect(world.state().handledRefreshRequest).toBeUndefined()
    await world.clock.pass(800)
    expect(world.endpoint.requests).toBe(2)
    expect(world.state().handledRefreshRequest).toBe('now')
    expect(world.condition('Ready')?.message).not.toContain('wants')
    expect(world.events.reasons()).not.toContain('RefreshFailed')
  })

  it('gets it from a new spec, which is not called done until it is', async () => {
    const world = await worldWith(slow, hour)
    await world.clock.pass(100)
    await world.restart() // which leaves no access token at hand that could be published otherwise
    const outputs = [{ format: 'header' as const }]
    world.apply(aCredential({ generation: 2, state: world.state(), spec: { target: { ...target, outputs } } }))
    await world.clock.pass(5)
    expect(world.endpoint.requests).toBe(1)
    expect(world.state().observedGeneration).toBe(2)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Reconciling')).toMatchObject({ status: 'True', reason: 'TargetOutdated' })
    await world.clock.pass(800)
    expect(world.endpoint.requests).toBe(2)
    expect(world.condition('Reconciling')).toBeUndefined()
    expect(world.events.reasons()).not.toContain('RefreshFailed')
    expect(world.events.reasons()).not.toContain('Recovered')
  })

  it('gets it over restarts, and whatever the spec changes', async () => {
    const world = await worldWith(slow, 600)
    const requests: number[] = []
    for (let minute = 0; minute < 120; minute += 1) {
      await world.clock.pass(60)
      if (minute % 7 === 3) await world.restart()
      if (minute % 5 === 1)
        world.apply(aCredential({ generation: minute + 2, state: world.state(), refreshRequest: `at ${minute}` }))
      requests.push(world.endpoint.requests)
    }
    // 7200 s, at most one in 900.
    expect(requests.at(-1)).toBeLessThanOrEqual(9)
    expect(requests.at(-1)).toBeGreaterThanOrEqual(7)
  })
})

describe('a restart', () => {
  it.each<[string, Partial<Provider>, number]>([
    ['of a token that lives an hour', {}, hour],
    ['of one that is kept alive', { refreshTokenLifetime: { idleSeconds: day } }, 30 * day],
    ['of one that is refreshed late', { rotation: aRotation({ revokesPreviousAccessToken: true }) }, hour],
  ])('makes no refresh that is not due: %s', async (_, provider, lifetime) => {
    const world = await worldWith(provider, lifetime)
    const straight = await worldWith(provider, lifetime)
    for (let restarts = 0; restarts < 20; restarts += 1) {
      await world.clock.pass(1800)
      await straight.clock.pass(1800)
      await world.restart()
    }
    expect(world.state().refreshes).toBe(straight.state().refreshes)
  })
})

describe('a server whose refresh kills the access token before', () => {
  it('is asked late, and the pod has the new one in the same moment', async () => {
    const world = await worldWith({ rotation: aRotation({ revokesPreviousAccessToken: true }) }, hour)
    await world.clock.pass(0.8 * hour - 1)
    expect(world.endpoint.requests).toBe(1)
    await world.clock.pass(0.1 * hour + 1)
    expect(world.endpoint.requests).toBe(2)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })
})

describe('a refusal of a token that stays the same', () => {
  it('is confirmed after a minute, and the credential goes on when it was an outage', async () => {
    const world = await worldWith({ rotation: aRotation({ mode: 'Never' }) }, hour)
    world.endpoint.rotates = false
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    while (world.endpoint.requests < 2) await world.clock.pass(10)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'ReauthorizationRequired' })
    const { requests } = world.endpoint
    await world.clock.pass(80)
    expect(world.endpoint.requests).toBe(requests + 1)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('is not confirmed where refresh tokens rotate, for more than a day', async () => {
    const world = await worldWith({}, hour)
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    await world.clock.pass(2400)
    const { requests } = world.endpoint
    await world.clock.pass(1.2 * day)
    expect(world.endpoint.requests).toBe(requests)
    expect(events(world, 'ReauthorizationRequired')).toBe(1)
  })
})

describe('a clock that is set back', () => {
  it('does not put the look at a target off for hours', async () => {
    const world = await World.withCredential()
    world.endpoint.lifetimeSeconds = 86_400
    await world.clock.pass(6 * 3600)
    const { requests } = world.endpoint
    world.clock.jump(-4 * 3600)
    await world.clock.pass(60)
    world.sink.published.delete('claude-token')
    await world.clock.pass(900)
    expect(world.endpoint.requests).toBe(requests)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })
})
