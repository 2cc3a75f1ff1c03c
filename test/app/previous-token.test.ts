import { describe, expect, test } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { aCredential } from '../support/builders.ts'
import { World } from '../support/world.ts'

const key = 'previous_access_token'
const target = { ...aCredential().spec.target, previous: { key } }
const spec = { ...aCredential().spec, target }

function previousToken(world: World): string | undefined {
  return world.sink.published.get('claude-token')?.get(key)
}

/** A world whose credential keeps the access token before, after its first refresh of a token that was published. */
async function afterRefresh(): Promise<World> {
  const world = await World.withCredential({ spec })
  await world.clock.pass(2500)
  return world
}

describe('the previous access token', () => {
  test('is there from the second token on, until it is over', async () => {
    const world = await World.withCredential({ spec })
    expect(previousToken(world)).toBe('')
    expect(world.state().previousExpiresAt).toBeUndefined()
    await world.clock.pass(2500)
    const [first, second] = world.endpoint.issuedAccessTokens
    expect([world.podToken(), previousToken(world)]).toEqual([second, first])
    const endsAt = world.state().previousExpiresAt
    await world.clock.pass(Number(endsAt) - world.clock.now() - 1)
    expect(previousToken(world)).toBe(first)
    await world.clock.pass(1.1)
    expect([world.podToken(), previousToken(world)]).toEqual([second, ''])
    expect(world.state().previousExpiresAt).toBeUndefined()
    expect(world.bugs).toEqual([])
  })

  test('is ended in time by a process that did not publish it', async () => {
    const world = await afterRefresh()
    const endsAt = Number(world.state().previousExpiresAt)
    await world.restart()
    await world.clock.pass(endsAt - world.clock.now() + 0.1)
    expect(previousToken(world)).toBe('')
    expect(world.sink.endings).toBe(1)
    expect(world.endpoint.requests).toBe(2)
  })

  test('is ended while the credential is suspended, too', async () => {
    const world = await afterRefresh()
    world.apply(aCredential({ spec: { ...spec, suspend: true }, generation: 2, state: world.state() }))
    await world.clock.pass(1200)
    expect(previousToken(world)).toBe('')
  })

  test('that cannot be taken out is tried again every minute, and holds no refresh up', async () => {
    const world = await afterRefresh()
    const endsAt = Number(world.state().previousExpiresAt)
    world.sink.fault = failure('TARGET_UNAVAILABLE', 'The target cannot be reached.')
    await world.clock.pass(endsAt - world.clock.now() + 130)
    expect(world.sink.endings).toBe(3)
    expect(world.condition('Ready')).toMatchObject({ status: 'True' })
    world.sink.fault = undefined
    await world.clock.pass(61)
    expect(previousToken(world)).toBe('')
    expect(world.sink.endings).toBe(4)
  })

  test('is none once somebody has logged in again', async () => {
    const world = await World.withCredential({ spec })
    world.store.put('teams/ci/claude', world.endpoint.login())
    await world.clock.pass(2500)
    expect(world.endpoint.issuedAccessTokens).toHaveLength(2)
    expect(previousToken(world)).toBe('')
    await world.clock.pass(2500)
    expect(previousToken(world)).toBe(world.endpoint.issuedAccessTokens[1])
  })

  test('is none after another login that the server did not answer at first', async () => {
    const world = await World.withCredential({ spec })
    world.store.put('teams/ci/claude', world.endpoint.login())
    const lost = failure('TOKEN_RESULT_UNKNOWN', 'The connection to OAuthProvider gateway ended.')
    world.endpoint.next = () => ({ kind: 'lost', failure: lost })
    await world.clock.pass(3300)
    expect(world.podToken()).toBe(world.endpoint.issuedAccessTokens[1])
    expect(previousToken(world)).toBe('')
  })

  test('is none after another login whose first answer an earlier process received', async () => {
    const world = await World.withCredential({ spec })
    world.store.put('teams/ci/claude', world.endpoint.login())
    const isAnswered = () => world.journal.kept.get(aCredential().uid)?.phase === 'answered'
    world.records.beforeReplace = () => (isAnswered() ? new Promise(() => undefined) : undefined)
    await world.clock.pass(2500)
    expect(isAnswered()).toBe(true)
    world.records.beforeReplace = undefined
    await world.restart()
    await world.clock.pass(60)
    expect(world.endpoint.requests).toBe(2)
    expect(world.podToken()).toBe(world.endpoint.issuedAccessTokens[1])
    expect(previousToken(world)).toBe('')
  })

  test('is none once the provider names another client', async () => {
    const world = await World.withCredential({ spec })
    world.applyProvider({ generation: 2, client: { id: 'another', authentication: 'none' } })
    await world.clock.pass(2500)
    expect(world.endpoint.issuedAccessTokens).toHaveLength(2)
    expect(previousToken(world)).toBe('')
  })

  test('is none of the server before, though it was published once more since the provider names another', async () => {
    const world = await World.withCredential({ spec })
    world.applyProvider({ generation: 2, client: { id: 'another', authentication: 'none' } })
    const labelled = { ...spec, target: { ...target, labels: { team: 'ci' } } }
    world.apply(aCredential({ spec: labelled, generation: 2, state: world.state() }))
    await world.clock.pass(1)
    expect(world.sink.found('claude-token')?.labels).toEqual({ team: 'ci' })
    await world.clock.pass(2500)
    expect(world.endpoint.issuedAccessTokens).toHaveLength(2)
    expect(previousToken(world)).toBe('')
    await world.clock.pass(2500)
    expect(previousToken(world)).toBe(world.endpoint.issuedAccessTokens[1])
  })

  test('is none after a refusal', async () => {
    const world = await World.withCredential({ spec })
    const revoked = world.store.tokens.get('teams/ci/claude') ?? ''
    world.store.put('teams/ci/claude', 'nobody-knows-this')
    await world.clock.pass(2500)
    expect(world.condition('Stalled')).toMatchObject({ status: 'True' })
    world.store.put('teams/ci/claude', revoked)
    await world.clock.pass(100)
    expect(world.endpoint.issuedAccessTokens).toHaveLength(2)
    expect(previousToken(world)).toBe('')
  })

  test('is never there where a refresh ends it, and the condition says why', async () => {
    const world = await afterRefresh()
    expect(world.condition('PreviousTokenKept')).toBeUndefined()
    const rotation = { mode: 'Detect', reuseLeewaySeconds: 0, leewayKind: 'SameToken' } as const
    world.applyProvider({ generation: 2, rotation: { ...rotation, revokesPreviousAccessToken: true } })
    await world.clock.pass(1)
    expect(previousToken(world)).toBe('')
    expect(world.condition('PreviousTokenKept')).toMatchObject({ status: 'False', reason: 'EndedByRefresh' })
    expect(world.condition('PreviousTokenKept')?.message).toContain(
      'rotation.revokesPreviousAccessToken of OAuthProvider',
    )
    expect(world.condition('PreviousTokenKept')?.message).toContain('spec.target.previous')
    expect(world.condition('Ready')).toMatchObject({ status: 'True' })
    await world.clock.pass(4000)
    expect(world.endpoint.issuedAccessTokens.length).toBeGreaterThan(2)
    expect(previousToken(world)).toBe('')
  })

  test('is gone with its key once the spec asks for it no more', async () => {
    const world = await afterRefresh()
    world.apply(aCredential({ generation: 2, state: world.state() }))
    await world.clock.pass(1)
    expect([...(world.sink.published.get('claude-token')?.keys() ?? [])]).toEqual(['access_token'])
    expect(world.state().previousExpiresAt).toBeUndefined()
  })
})
