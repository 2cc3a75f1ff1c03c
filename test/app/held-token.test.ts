import { expect, it } from 'vitest'
import type { Credential, Target } from '../../src/domain/credential.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds, type EpochSeconds } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { World } from '../support/world.ts'

const { target: plain } = aCredential().spec
const text = [{ format: 'raw' }, { format: 'dotenv', variable: 'TOKEN' }] as const

function withTarget(generation: number, changes: Partial<Target>): Credential {
  const credential = aCredential()
  return { ...credential, generation, spec: { ...credential.spec, target: { ...plain, ...changes } } }
}

/** The target asks for something else while no process runs, or in front of one that has just begun. */
async function changedOverRestart(
  before: Partial<Target>,
  after: Partial<Target>,
  meanwhile: (world: World) => void = () => undefined,
): Promise<World> {
  const world = await World.withCredential({ spec: { target: { ...plain, ...before } } })
  await world.clock.pass(60)
  await world.restart()
  meanwhile(world)
  world.apply({ ...withTarget(2, { ...before, ...after }), state: world.state() })
  await world.clock.pass(5)
  expect(world.bugs).toEqual([])
  return world
}

it.each<[string, Partial<Target>, Partial<Target>]>([
  ['other labels', {}, { labels: { team: 'ci' } }],
  ['other annotations', { outputs: text }, { annotations: { team: 'ci' } }],
  ['another policy', { outputs: text }, { deletionPolicy: 'Retain' }],
])('a process that has just begun publishes the token of the target for %s', async (_, before, after) => {
  const world = await changedOverRestart(before, after)
  expect(world.sink.found('claude-token')).toMatchObject({ identity: { ...('deletionPolicy' in after && after) } })
  expect(world.sink.found('claude-token')?.labels).toEqual(after.labels)
  expect(world.sink.found('claude-token')?.annotations).toEqual(after.annotations)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.endpoint.requests).toBe(1)
  await world.clock.pass(4000)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.endpoint.requests).toBeGreaterThan(1)
})

it.each<[string, Partial<Target>, Partial<Target>, ((world: World) => void)?]>([
  [
    'an output that says more of it',
    { outputs: [{ format: 'raw' }, { format: 'oauth2-json' }] },
    { labels: { a: 'b' } },
  ],
  ['no bare token', { outputs: [{ format: 'header' }] }, { labels: { a: 'b' } }],
  ['another key', {}, { outputs: [{ format: 'raw', key: 'token' }] }],
  [
    'another client by now',
    {},
    { labels: { a: 'b' } },
    (world) => world.applyProvider({ generation: 2, client: { id: 'another', authentication: 'none' } }),
  ],
  ['a target without mark', {}, { labels: { a: 'b' } }, (world) => restore(world, {})],
  [
    'a target that was put back',
    {},
    { labels: { a: 'b' } },
    (world) => restore(world, { issuedAt: epochSeconds(1_799_990_000) }),
  ],
])('with %s it refreshes', async (_, before, after, meanwhile) => {
  const world = await changedOverRestart(before, after, meanwhile)
  expect(world.endpoint.requests).toBe(2)
  expect(world.sink.found('claude-token')?.labels).toEqual(after.labels)
})

/** As somebody puts a target back. */
function restore(world: World, { issuedAt }: { readonly issuedAt?: EpochSeconds }): void {
  const found = world.sink.found('claude-token')
  if (found === undefined) throw new Error('nothing was published')
  const { mark: _none, ...unmarked } = found
  const files = new Map([['access_token', new Sensitive(canary('at'))]])
  world.sink.put(issuedAt === undefined ? { ...unmarked, files } : { ...found, files, issuedAt })
}
