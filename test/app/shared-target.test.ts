import { describe, expect, it } from 'vitest'
import { requestAnnotations } from '../../src/domain/names.ts'
import { aCredential, type CredentialChanges, inSeconds } from '../support/builders.ts'
import { World } from '../support/world.ts'

const { target } = aCredential().spec

/** A younger credential that names the target of {@link aCredential}, with a refresh token of its own. */
function younger(changes: CredentialChanges = {}): ReturnType<typeof aCredential> {
  return aCredential({
    key: { namespace: 'ci', name: 'younger' },
    uid: '6f1c0a52-0000-4000-8000-000000000002',
    createdAt: inSeconds(1),
    ...changes,
    spec: { refreshToken: { ...aCredential().spec.refreshToken, key: 'teams/ci/younger' }, ...changes.spec },
  })
}

async function worldWithBoth(changes: CredentialChanges = {}): Promise<World> {
  const world = new World()
  for (const key of ['claude', 'younger']) world.store.put(`teams/ci/${key}`, world.endpoint.login())
  world.applyProvider()
  world.applyStore()
  world.apply(younger())
  world.apply(aCredential(changes))
  await world.start()
  return world
}

function code(world: World, name: string): string | undefined {
  return world.status.states.get(`ci/${name}`)?.lastFailure?.code
}

describe('two credentials with one target', () => {
  it('applied together: the older one publishes, the younger one spends nothing and names it', async () => {
    const world = await worldWithBoth()
    await world.clock.pass(600)
    expect(world.endpoint.requests).toBe(1)
    expect(world.condition('Ready')?.status).toBe('True')
    const stalled = world.condition('Stalled', 'ci/younger')
    expect(stalled).toMatchObject({ status: 'True', reason: 'TargetNotOwned' })
    expect(stalled?.message).toContain(
      'The target claude-token of OAuthCredential ci/younger is that of OAuthCredential ci/claude, which came first.',
    )
    expect(stalled?.message).not.toContain(requestAnnotations.adopt)
    expect(world.condition('Ready', 'ci/younger')).toMatchObject({ status: 'False', reason: 'TargetNotOwned' })
    const told = world.events.events.filter(({ key }) => key.name === 'younger')
    expect(told.map(({ reason }) => reason)).toEqual(['Stalled'])
    expect(world.bugs).toEqual([])
  })

  it('the younger one takes over within a second when the older one is gone and its Secret too', async () => {
    const world = await worldWithBoth()
    await world.clock.pass(60)
    world.sink.published.clear()
    world.resources.deleted('OAuthCredential', 'ci', 'claude')
    await world.clock.pass(1)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.state('ci/younger').targetName).toBe(target.name)
    expect(world.condition('Stalled', 'ci/younger')).toBeUndefined()
  })

  it('the younger one takes over when the older one gets another target', async () => {
    const world = await worldWithBoth()
    await world.clock.pass(60)
    world.apply(aCredential({ generation: 2, spec: { target: { ...target, name: 'elsewhere' } } }))
    world.sink.published.delete(target.name)
    await world.clock.pass(30)
    expect(world.state('ci/younger').targetName).toBe(target.name)
    expect(world.sink.found(target.name)?.identity.credential.name).toBe('younger')
    expect(world.sink.found('elsewhere')?.identity.credential.name).toBe('claude')
  })

  it('who has published into it keeps it, although an older one names it by now', async () => {
    const world = new World()
    for (const key of ['claude', 'younger']) world.store.put(`teams/ci/${key}`, world.endpoint.login())
    world.applyProvider()
    world.applyStore()
    world.apply(younger())
    await world.start()
    await world.clock.pass(1)
    world.apply(aCredential())
    await world.clock.pass(3 * 2400)
    expect(world.sink.found(target.name)?.identity.credential.name).toBe('younger')
    expect(world.state('ci/younger').refreshes).toBeGreaterThan(1)
    expect(code(world, 'younger')).toBeUndefined()
    expect(code(world, 'claude')).toBe('TARGET_NOT_OWNED')
    expect(world.state().refreshes).toBe(0)
  })

  it('keys that are merged into a target stand in nobody’s way', async () => {
    const world = await worldWithBoth({ spec: { target: { ...target, creationPolicy: 'Merge' } } })
    await world.clock.pass(1)
    expect(world.endpoint.requests).toBe(2)
  })

  it('one that is on its way out stands in nobody’s way', async () => {
    const world = await worldWithBoth({ deleting: true })
    await world.clock.pass(1)
    expect(world.state('ci/younger').targetName).toBe(target.name)
  })
})
