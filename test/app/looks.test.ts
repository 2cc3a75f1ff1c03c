import { afterEach, describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential, aStore, type CredentialChanges } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, hour } from '../support/two-documents.ts'

// What a look has found holds for one refresh token at one place. Where nothing rotates, no other look follows by itself.

const readOnly = failure('STORE_FORBIDDEN', 'The store is only read.')
const base = aCredential()
const copyKey = 'teams/ci/copy'
const atCopy = { refreshToken: { ...base.spec.refreshToken, key: copyKey } }

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs } of worlds) expect(bugs).toEqual([])
  worlds = []
})

function kept(world: Replicas): Replicas {
  worlds.push(world)
  return world
}

function aWorld(): Replicas {
  const world = kept(Replicas.withCredential())
  world.endpoint.rotates = false
  world.store.hasRoom = true
  return world
}

/** Another cluster at the same store, with a credential of the same name. */
function anotherCluster({ endpoint, store }: Replicas): Replicas {
  return kept(new Replicas(endpoint, store))
}

async function pass(time: number, ...clusters: readonly Replicas[]): Promise<void> {
  for (let passed = 0; passed < time; passed += 60) for (const { clock } of clusters) await clock.pass(60)
}

/** A younger one of the same cluster. */
function another(changes: CredentialChanges = {}): Credential {
  const { spec, createdAt } = base
  return aCredential({
    key: { namespace: 'ci', name: 'other' },
    uid: '6f1c0a52-0000-4000-8000-000000000002',
    createdAt: later(createdAt, seconds(60)),
    ...changes,
    spec: { target: { ...spec.target, name: 'other-token' }, ...changes.spec },
  })
}

describe('a look is made once more', () => {
  it('where another has taken the token while its credential was elsewhere', async () => {
    const world = aWorld()
    await world.leader()
    await world.clock.pass(60)
    world.store.put(copyKey, world.stored())
    world.apply(aCredential({ generation: 2, spec: { refreshToken: { ...base.spec.refreshToken, key: 'none' } } }))
    await world.clock.pass(60)
    world.apply(another({ spec: atCopy }))
    await world.clock.pass(60)
    world.endpoint.rotates = true
    world.apply(another({ spec: atCopy, refreshRequest: 'now' }))
    await world.clock.pass(60)
    world.apply(aCredential({ generation: 3, refreshRequest: 'back' }))
    await world.clock.pass(600)
    expect([world.endpoint.reuses, world.storeIsLive(copyKey)]).toEqual([0, true])
  })

  it('after a refusal, so that the next leader finds that it is over', async () => {
    const world = aWorld()
    for (const next of [200, 400, 200, 200]) {
      if (next === 400) world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
      await world.replicas.at(-1)?.shutDown()
      await world.leader()
      world.apply(aCredential({ refreshRequest: `${next} ${world.replicas.length}` }))
      await world.clock.pass(10)
      expect(world.problem()).toBe(next === 400 ? 'REFRESH_TOKEN_REJECTED' : undefined)
      world.apply(aCredential({ refreshRequest: `after ${world.replicas.length}` }))
      await world.clock.pass(60)
      expect(world.problem()).toBeUndefined()
    }
  })

  it('for a token that somebody has put there: it may be the copy of another', async () => {
    const world = aWorld()
    world.store.put(copyKey, world.endpoint.login())
    world.apply(another({ spec: atCopy }))
    await world.leader()
    await world.clock.pass(beforeDue)
    world.store.put(copyKey, world.stored())
    world.endpoint.rotates = true
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(afterDue + 600)
    expect([world.endpoint.reuses, world.storeIsLive()]).toEqual([0, true])
    expect(world.problem('ci/other')).toBe('REFRESH_TOKEN_OWNED')
  })

  it('at the place to which an edited store leads', async () => {
    const world = aWorld()
    const leader = await world.leader()
    await world.clock.pass(60)
    const { replacements } = leader.records
    const { backend } = aStore({
      generation: 2,
      backend: { type: 'awsSecretsManager', region: 'another', minimumWriteIntervalSeconds: 0 },
    })
    world.applyStore({ generation: 2, backend })
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(60)
    expect(leader.records.replacements - replacements).toBe(2)
    expect(world.problem()).toBeUndefined()
  })

  it('for a document that somebody has given to another cluster', async () => {
    const world = aWorld()
    await world.leader()
    const second = anotherCluster(world)
    second.apply(aCredential({ uid: another().uid, ownershipRequest: 'move' }))
    await second.leader('cluster-2')
    await pass(3 * hour, world, second)
    expect(second.state().handledOwnershipRequest).toBe('move')
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
  })
})

it('a document that is of nobody needs no claim at a store that is only read', async () => {
  const world = aWorld()
  const first = await world.leader()
  await world.clock.pass(60)
  await first.shutDown()
  world.store.put(documentKey, world.endpoint.login())
  world.store.writableFault = readOnly
  await world.leader()
  await world.clock.pass(3 * hour)
  expect([world.problem(), world.condition('Ready')?.status]).toEqual([undefined, 'True'])
})

it('a document that cannot be claimed is taken from no other cluster', async () => {
  const world = aWorld()
  await world.leader()
  await world.clock.pass(60)
  const second = anotherCluster(world)
  const { uid } = another()
  world.store.put(copyKey, world.endpoint.login())
  second.apply(aCredential({ uid, spec: atCopy }))
  await second.leader('cluster-2')
  await second.clock.pass(60)
  world.store.writableFault = readOnly
  second.apply(aCredential({ uid, generation: 2, ownershipRequest: 'move' }))
  await pass(2 * hour, world, second)
  expect([second.state().refreshes, second.problem()]).toEqual([1, 'STORE_FORBIDDEN'])
  expect(world.problem()).toBeUndefined()
})

it('a refusal is over with the next answer that brings tokens, for the next leader, too', async () => {
  const world = aWorld()
  world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
  const first = await world.leader()
  await world.clock.pass(60)
  expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
  world.apply(aCredential({ refreshRequest: 'again' }))
  await world.clock.pass(hour)
  await first.shutDown()
  await world.leader()
  for (let passed = 0; passed < hour; passed += 10) {
    await world.clock.pass(10)
    expect(world.problem()).toBeUndefined()
  }
})
