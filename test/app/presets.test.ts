import { describe, expect, it } from 'vitest'
import type { ProviderDraft } from '../../src/domain/provider-draft.ts'
import type { Resource } from '../../src/domain/resources.ts'
import { aCredential } from '../support/builders.ts'
import { World } from '../support/world.ts'

const preset: ProviderDraft = {
  kind: 'ClusterOAuthProvider',
  name: 'vendor',
  generation: 1,
  variables: { region: { form: 'HostLabel', default: 'eu' } },
  spec: { tokenEndpoint: 'https://{region}.vendor.example/token', rotation: { mode: 'Always' } },
}

const heir: ProviderDraft = {
  kind: 'OAuthProvider',
  name: 'gateway',
  namespace: 'ci',
  generation: 1,
  presetRef: { name: 'vendor', values: {} },
  spec: { client: { id: 'cli', authentication: 'none' } },
}

function put(world: World, draft: ProviderDraft): void {
  const resource: Resource = { type: 'provider-draft', draft }
  world.resources.upserted(draft.kind, resource)
}

async function aWorld(...drafts: readonly ProviderDraft[]): Promise<World> {
  const world = new World()
  world.store.put('teams/ci/claude', world.endpoint.login())
  world.applyStore()
  for (const draft of drafts) put(world, draft)
  world.apply(aCredential())
  await world.start()
  return world
}

function expectFresh(world: World): void {
  expect(world.condition('Ready')?.status).toBe('True')
  expect(world.condition('Stalled')).toBeUndefined()
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.bugs).toEqual([])
}

describe('a credential whose provider has a preset', () => {
  it('is refreshed', async () => {
    const world = await aWorld(preset, heir)
    await world.clock.pass(4000)
    expectFresh(world)
    expect(world.endpoint.requests).toBeGreaterThan(1)
  })

  it('is held up by name without the preset, and goes on within seconds once it is there', async () => {
    const world = await aWorld(heir)
    await world.clock.pass(5)
    expect(world.condition('Stalled')).toMatchObject({
      reason: 'ProviderInvalid',
      message: expect.stringContaining(
        'OAuthProvider ci/gateway is invalid: spec.presetRef.name: is ClusterOAuthProvider vendor, which does not exist.',
      ) as string,
    })
    expect(world.endpoint.requests).toBe(0)
    put(world, preset)
    await world.clock.pass(5)
    expectFresh(world)
  })

  it.each<[string, readonly ProviderDraft[]]>([
    ['the preset', [{ ...preset, generation: 2, spec: { tokenEndpoint: 'https://evil.example/token' } }]],
    ['a value', [{ ...heir, generation: 2, presetRef: { name: 'vendor', values: { region: 'us' } } }]],
    [
      'an endpoint of its own',
      [{ ...heir, generation: 2, spec: { ...heir.spec, tokenEndpoint: 'https://evil.example/token' } }],
    ],
    [
      'another preset',
      [
        { ...preset, name: 'other', spec: { tokenEndpoint: 'https://evil.example/token' } },
        { ...heir, generation: 2, presetRef: { name: 'other', values: {} } },
      ],
    ],
  ])('keeps its refresh token from another server that %s names', async (_, drafts) => {
    const world = await aWorld(preset, heir)
    await world.clock.pass(10)
    expectFresh(world)
    const before = world.endpoint.requests
    for (const draft of drafts) put(world, draft)
    await world.clock.pass(4000)
    expect(world.condition('Stalled')?.reason).toBe('TokenOriginChanged')
    expect(world.endpoint.requests).toBe(before)
  })
})
