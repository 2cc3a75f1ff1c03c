import { expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import type { Credential, Target } from '../../src/domain/credential.ts'
import { aCredential } from '../support/builders.ts'
import { World } from '../support/world.ts'

let generation = 1

function withTarget(changes: Partial<Target>): Credential {
  const credential = aCredential()
  generation += 1
  return { ...credential, generation, spec: { ...credential.spec, target: { ...credential.spec.target, ...changes } } }
}

function targets(world: World): string[] {
  return [...world.sink.published.keys()].sort()
}

it('the target of the former name goes, once the token is in the one of the new name', async () => {
  const world = await World.withCredential()
  expect(world.state().targetName).toBe('claude-token')
  const { requests } = world.endpoint
  world.apply(withTarget({ name: 'renamed' }))
  await world.clock.pass(1)
  expect(targets(world)).toEqual(['renamed'])
  expect(world.podToken('renamed')).toBe(world.newestAccessToken())
  expect(world.endpoint.requests).toBe(requests)
  expect(world.state()).toMatchObject({ targetName: 'renamed' })
  expect(world.state().formerTargets).toBeUndefined()
})

it('the former name is known to a process that starts after the change', async () => {
  const world = await World.withCredential()
  world.leading = false
  world.apply(withTarget({ name: 'renamed' }))
  await world.clock.pass(1)
  world.leading = true
  await world.restart()
  await world.clock.pass(601)
  expect(targets(world)).toEqual(['renamed'])
  expect(world.bugs).toEqual([])
})

it.each([{ deletionPolicy: 'Retain' }, { creationPolicy: 'Orphan' }] as const)(
  'the former target stays under %o',
  async (policy) => {
    const world = await World.withCredential({ spec: { target: withTarget(policy).spec.target } })
    world.apply(withTarget({ ...policy, name: 'renamed' }))
    await world.clock.pass(1)
    expect(targets(world)).toEqual(['claude-token', 'renamed'])
    expect(world.state().formerTargets).toBeUndefined()
  },
)

it('the former target stays while the new one takes no token', async () => {
  const world = await World.withCredential()
  world.sink.fault = failure('TARGET_NOT_OWNED', 'The Secret ci/renamed exists and belongs to somebody else.')
  world.apply(withTarget({ name: 'renamed' }))
  await world.clock.pass(601)
  expect(targets(world)).toEqual(['claude-token'])
  world.sink.fault = undefined
  await world.clock.pass(601)
  expect(targets(world)).toEqual(['renamed'])
})

it('a removal that fails is told, tried again over a restart, and holds no refresh up', async () => {
  const world = await World.withCredential()
  world.sink.removalFault = failure('TARGET_UNAVAILABLE', 'Removing the Secret ci/claude-token failed.')
  world.apply(withTarget({ name: 'renamed' }))
  await world.clock.pass(1)
  expect(world.state()).toMatchObject({ formerTargets: ['claude-token'], lastFailure: { code: 'TARGET_UNAVAILABLE' } })
  expect(world.condition('Ready')?.status).toBe('True')
  for (let minute = 0; minute < 180; minute += 1) {
    await world.clock.pass(60)
    expect(world.podToken('renamed')).toBe(world.newestAccessToken())
    expect(world.state().accessTokenExpiresAt).toBeGreaterThan(world.clock.now())
  }
  await world.restart()
  world.sink.removalFault = undefined
  await world.clock.pass(601)
  expect(targets(world)).toEqual(['renamed'])
  expect(world.state().formerTargets).toBeUndefined()
  expect(world.state().lastFailure).toBeUndefined()
  expect(world.condition('Reconciling')).toBeUndefined()
})

it('who is renamed again and back leaves nothing behind', async () => {
  const world = await World.withCredential()
  world.sink.removalFault = failure('TARGET_UNAVAILABLE', 'Removing a Secret failed.')
  for (const name of ['second', 'third', 'claude-token']) {
    world.apply(withTarget({ name }))
    await world.clock.pass(120)
  }
  expect(world.state().formerTargets).toEqual(['second', 'third'])
  world.sink.removalFault = undefined
  await world.clock.pass(601)
  expect(targets(world)).toEqual(['claude-token'])
  expect(world.podToken()).toBe(world.newestAccessToken())
})

it('a credential that is deleted before its new target was published takes the former one along', async () => {
  const world = await World.withCredential({ finalized: true })
  world.sink.cleansUp = true
  world.sink.fault = failure('TARGET_NOT_OWNED', 'The Secret ci/renamed exists and belongs to somebody else.')
  const renamed = { ...withTarget({ name: 'renamed' }), finalized: true }
  world.apply(renamed)
  await world.clock.pass(1)
  expect(targets(world)).toEqual(['claude-token'])
  world.apply({ ...renamed, deleting: true })
  await world.clock.pass(1)
  expect(targets(world)).toEqual([])
})
