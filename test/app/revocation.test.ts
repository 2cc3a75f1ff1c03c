import { describe, expect, test } from 'vitest'
import { refreshTokenSpec, type RefreshTokenSpec } from '../../src/domain/credential.ts'
import { type FailureCode, failure } from '../../src/domain/failures.ts'
import { failed, type Result } from '../../src/domain/result.ts'
import { aCredential } from '../support/builders.ts'
import { World } from '../support/world.ts'

const spec = { ...refreshTokenSpec(aCredential()), revocationPolicy: 'WithTarget' } as const

function down(code: FailureCode = 'TOKEN_ENDPOINT_UNREACHABLE', retryAfterSeconds?: number): Result<void> {
  return failed(
    failure(code, 'The revocation endpoint of OAuthProvider ci/gateway could not be reached.', retryAfterSeconds),
  )
}

async function published(changes: Partial<RefreshTokenSpec> = {}): Promise<World> {
  return World.withCredential({ spec: { ...spec, ...changes }, finalized: true })
}

function remove(world: World, changes: Partial<RefreshTokenSpec> = {}): void {
  const state = world.status.states.get('ci/claude')
  world.status.finalized.add('ci/claude')
  const deleted = { deleting: true, finalized: true, generation: 2, spec: { ...spec, ...changes } as RefreshTokenSpec }
  world.apply(aCredential({ ...deleted, ...(state && { state }) }))
}

const isHeld = (world: World): boolean => world.status.finalized.has('ci/claude')

describe('the access token of a credential that is deleted', () => {
  test('is revoked before the object goes, and nothing else is', async () => {
    const world = await published()
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revoked).toEqual([world.newestAccessToken()])
    expect(world.events.events.at(-1)).toMatchObject({ severity: 'Normal', reason: 'AccessTokenRevoked' })
    expect(world.measured.counts.get('accessTokenRevoked gateway revoked')).toBe(1)
    expect(isHeld(world)).toBe(false)
    expect(world.endpoint.isLive(world.store.tokens.get('teams/ci/claude') ?? '')).toBe(true)
    expect(world.bugs).toEqual([])
  })

  test('gets a finalizer before it is published, where it is to be revoked', async () => {
    const world = await World.withCredential({ spec })
    expect(isHeld(world)).toBe(true)
    expect(isHeld(await World.withCredential())).toBe(false)
  })

  test('gets a finalizer while it is suspended, too, and loses it once nothing needs it any more', async () => {
    const world = await World.withCredential({})
    const suspended = { ...spec, suspend: true }
    world.apply(aCredential({ spec: suspended, generation: 2, state: world.state() }))
    await world.clock.pass(1)
    expect(isHeld(world)).toBe(true)
    const { revocationPolicy: _none, ...never } = spec
    world.status.finalizerFault = failure('KUBERNETES_UNAVAILABLE', 'The finalizers cannot be changed.')
    world.apply(aCredential({ spec: never, generation: 3, finalized: true, state: world.state() }))
    await world.clock.pass(1)
    expect(isHeld(world)).toBe(true)
    expect(world.condition('Reconciling')).toBeUndefined()
    world.status.finalizerFault = undefined
    await world.clock.pass(601)
    expect(isHeld(world)).toBe(false)
  })

  test('is taken from the target by a process that did not publish it', async () => {
    const world = await published()
    await world.restart()
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revoked).toEqual([world.newestAccessToken()])
  })

  test('is known to the process that published it when somebody has deleted the target first', async () => {
    const world = await published()
    world.sink.published.delete('claude-token')
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revoked).toEqual([world.newestAccessToken()])
  })

  test('that nobody has any more is told of, and holds nothing up', async () => {
    const world = await published()
    await world.restart()
    world.sink.published.delete('claude-token')
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revocations).toBe(0)
    expect(world.events.events.at(-1)).toMatchObject({ severity: 'Warning', reason: 'RevocationFailed' })
    expect(world.measured.counts.get('accessTokenRevoked gateway ACCESS_TOKEN_NOT_REVOKED')).toBe(1)
    expect(isHeld(world)).toBe(false)
  })

  test('is revoked although the target was given another key, and is not the target of anybody any more', async () => {
    const world = await published()
    const target = { ...spec.target, outputs: [{ format: 'raw', key: 'token' }] } as const
    world.sink.published.delete('claude-token')
    remove(world, { target })
    await world.clock.pass(0.1)
    expect(world.endpoint.revoked).toEqual([world.newestAccessToken()])
  })

  test('goes together with the one before it', async () => {
    const target = { ...spec.target, previous: { key: 'before' } }
    const world = await published({ target })
    await world.clock.pass(2500)
    remove(world, { target })
    await world.clock.pass(0.1)
    expect(world.endpoint.revoked.toSorted()).toEqual([...world.endpoint.issuedAccessTokens].toSorted())
    expect(world.endpoint.revoked).toHaveLength(2)
  })

  test('is let go a minute later when its finalizer could not be taken off', async () => {
    const world = await published()
    world.status.finalizerFault = failure('KUBERNETES_UNAVAILABLE', 'The finalizers cannot be changed.')
    remove(world)
    await world.clock.pass(1)
    expect(isHeld(world)).toBe(true)
    world.status.finalizerFault = undefined
    await world.clock.pass(60)
    expect(isHeld(world)).toBe(false)
  })

  test('is not revoked when it is over anyway', async () => {
    const world = await published()
    world.endpoint.next = 'lost-answer'
    world.store.readFault = failure('STORE_UNAVAILABLE', 'The store is away.')
    await world.clock.pass(4000)
    remove(world)
    await world.clock.pass(1)
    expect(world.endpoint.revocations).toBe(0)
    expect(isHeld(world)).toBe(false)
  })
})

describe('a server that does not revoke', () => {
  test('is asked three times within half a minute, and then the object goes', async () => {
    const world = await published()
    world.endpoint.revocation = down
    remove(world)
    await world.clock.pass(4)
    expect(isHeld(world)).toBe(true)
    await world.clock.pass(2)
    expect(world.endpoint.revocations).toBe(3)
    expect(isHeld(world)).toBe(false)
    const told = world.events.events.at(-1)
    expect(told).toMatchObject({ severity: 'Warning', reason: 'RevocationFailed' })
    expect(told?.message).toContain('The revocation endpoint of OAuthProvider ci/gateway could not be reached.')
    expect(told?.message).not.toContain('the refresh token is unused')
    expect(world.measured.counts.get('accessTokenRevoked gateway TOKEN_ENDPOINT_UNREACHABLE')).toBe(1)
  })

  test('and hangs is left after half a minute', async () => {
    const world = await published()
    world.endpoint.revocation = () => new Promise<Result<void>>(() => undefined)
    remove(world)
    await world.clock.pass(29.9)
    expect(isHeld(world)).toBe(true)
    await world.clock.pass(0.2)
    expect(isHeld(world)).toBe(false)
    expect(world.endpoint.revocations).toBe(1)
    expect(world.events.events.at(-1)?.message).toContain('could not be revoked within 30 s')
  })

  test('and says when to come back is asked then', async () => {
    const world = await published()
    world.endpoint.revocation = () => {
      world.endpoint.revocation = undefined
      return down('TOKEN_ENDPOINT_UNREACHABLE', 20)
    }
    remove(world)
    await world.clock.pass(19.9)
    expect(world.endpoint.revocations).toBe(1)
    await world.clock.pass(0.2)
    expect(world.endpoint.revoked).toEqual([world.newestAccessToken()])
    expect(isHeld(world)).toBe(false)
  })

  test('and asks for more time than there is is not waited for', async () => {
    const world = await published()
    world.endpoint.revocation = () => down('TOKEN_ENDPOINT_UNREACHABLE', 31)
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revocations).toBe(1)
    expect(isHeld(world)).toBe(false)
  })

  test('and refuses the client is asked once', async () => {
    const world = await published()
    world.endpoint.revocation = () => down('CLIENT_REJECTED')
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revocations).toBe(1)
    expect(isHeld(world)).toBe(false)
  })

  test('holds up no other credential: a hundred go together', async () => {
    const world = await published()
    world.endpoint.revocation = () => new Promise<Result<void>>(() => undefined)
    remove(world)
    for (let index = 0; index < 100; index += 1) {
      const key = { namespace: 'ci', name: `other-${index}` }
      world.status.finalized.add(`ci/${key.name}`)
      const state = { ...world.state(), accessTokenExpiresAt: world.state().accessTokenExpiresAt }
      world.apply(aCredential({ key, uid: key.name, deleting: true, finalized: true, spec, state: state as never }))
    }
    await world.clock.pass(30.5)
    expect([...world.status.finalized]).toEqual([])
  })
})

describe('where a token is not to be revoked', () => {
  const stays: Record<string, Partial<RefreshTokenSpec>> = {
    'a target that stays': { target: { ...spec.target, deletionPolicy: 'Retain' } },
    'a target without owner': { target: { ...spec.target, creationPolicy: 'Orphan' } },
  }
  test.each(Object.entries(stays))('%s keeps a good token', async (_what, changes) => {
    const world = await published(changes)
    remove(world, changes)
    await world.clock.pass(0.1)
    expect(world.endpoint.revocations).toBe(0)
    expect(isHeld(world)).toBe(false)
  })

  test.each(Object.entries(stays))('%s does not when the spec says Always', async (_what, changes) => {
    const always = { ...changes, revocationPolicy: 'Always' } as const
    const world = await published(always)
    remove(world, always)
    await world.clock.pass(0.1)
    expect(world.endpoint.revoked).toEqual([world.newestAccessToken()])
  })

  test.each([
    { tokenEndpoint: 'https://elsewhere.example.com/token' },
    { client: { id: 'x', authentication: 'none' } },
  ] as const)('a provider that is another one by now (%o) is not shown the token', async (changes) => {
    const world = await published()
    world.applyProvider({ generation: 2, ...changes })
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revocations).toBe(0)
    expect(world.events.events.at(-1)).toMatchObject({ reason: 'RevocationFailed' })
    expect(isHeld(world)).toBe(false)
  })

  test('a provider that is another one by now is not shown a token that was published once more since', async () => {
    const world = await published()
    world.applyProvider({ generation: 2, tokenEndpoint: 'https://elsewhere.example.com/token' })
    const target = { ...spec.target, labels: { team: 'ci' } }
    world.apply(aCredential({ spec: { ...spec, target }, finalized: true, generation: 2, state: world.state() }))
    await world.clock.pass(1)
    expect(world.sink.found('claude-token')?.labels).toEqual({ team: 'ci' })
    expect(world.endpoint.requests).toBe(1)
    await world.restart()
    remove(world, { target })
    await world.clock.pass(0.1)
    expect(world.endpoint.revocations).toBe(0)
    expect(world.events.events.at(-1)).toMatchObject({ reason: 'RevocationFailed' })
  })

  test('a credential that stays with the same refresh token keeps it, and that is told', async () => {
    const world = await published()
    const twin = aCredential({ key: { namespace: 'ci', name: 'twin' }, uid: 'twin' })
    world.apply(twin)
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revocations).toBe(0)
    const told = world.events.events.find(({ reason }) => reason === 'RevocationFailed')
    expect(told?.message).toContain('OAuthCredential ci/twin has the same refresh token')
    expect(isHeld(world)).toBe(false)
  })

  test.each([
    ['is deleted as well', { deleting: true }],
    ['has another document', { spec: { refreshToken: { ...spec.refreshToken, key: 'teams/ci/other' } } }],
  ])('one that %s does not', async (_what, changes) => {
    const world = await published()
    world.apply(aCredential({ key: { namespace: 'ci', name: 'twin' }, uid: 'twin', ...changes }))
    remove(world)
    await world.clock.pass(0.1)
    expect(world.endpoint.revocations).toBe(1)
  })

  test('a process that ends leaves it to the next one', async () => {
    const world = await published()
    world.endpoint.revocation = () => down('TOKEN_ENDPOINT_UNREACHABLE', 20)
    remove(world)
    await world.clock.pass(1)
    void world.engine.stop()
    await world.clock.pass(1)
    expect(isHeld(world)).toBe(true)
    world.endpoint.revocation = undefined
    await world.restart()
    await world.clock.pass(0.1)
    expect(world.endpoint.revoked).toEqual([world.newestAccessToken()])
    expect(isHeld(world)).toBe(false)
  })
})
