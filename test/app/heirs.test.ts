import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

// Credentials that find the refresh token of another one, which is gone: renamed, made anew, or restored from a backup.

const heirUid = '6f1c0a52-0000-4000-8000-000000000009'
const beforeDue = 2000
const untilDue = 2400

const heirs = {
  'made anew': () => aCredential({ uid: heirUid, createdAt: later(aCredential().createdAt, seconds(60)) }),
  renamed: () =>
    aCredential({
      uid: heirUid,
      key: { namespace: 'ci', name: 'renamed' },
      spec: { target: { ...aCredential().spec.target, name: 'renamed-token' } },
    }),
} satisfies Record<string, () => Credential>

type Kind = keyof typeof heirs

/** Every heir, at a document that bears a claim and at one that does not. */
const courses = (Object.keys(heirs) as Kind[]).flatMap((kind) => [true, false].map((hasRoom) => ({ kind, hasRoom })))

function aWorld(hasRoom: boolean): Replicas {
  const world = Replicas.withCredential()
  world.store.hasRoom = hasRoom
  return world
}

/** The object goes, its target is collected, and its heir comes. */
function succeed(world: Replicas, kind: Kind): Credential {
  world.delete(aCredential())
  world.sink.published.clear()
  const heir = heirs[kind]()
  world.apply(heir)
  return heir
}

function expectAtWork(world: Replicas, { key, spec }: Credential): void {
  const name = `${key.namespace}/${key.name}`
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.problem(name)).toBeUndefined()
  expect(world.podToken(spec.target.name)).toBe(world.newestAccessToken())
}

/** A process that has the answer to the second refresh in its journal alone, and ends. */
async function diesWithAnswer(world: Replicas): Promise<Replica> {
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  first.dieOf('journal.answered')
  await world.clock.pass(untilDue - beforeDue)
  expect(first.isDead).toBe(true)
  expect(world.storeIsLive()).toBe(false)
  return first
}

describe.each(courses)('one that is $kind, at a document that bears a claim: $hasRoom', ({ kind, hasRoom }) => {
  it('waits for the answer in the journal of a process that starts again, and goes on with it', async () => {
    const world = aWorld(hasRoom)
    const first = await diesWithAnswer(world)
    const heir = succeed(world, kind)
    await world.leader()
    await world.clock.pass(300)
    expect(world.problem(`ci/${heir.key.name}`)).toBe('REFRESH_UNDER_WAY')
    expect(world.endpoint.requests).toBe(2)
    await first.restart()
    await world.clock.pass(60)
    expectAtWork(world, heir)
    expect(world.storeIsLive()).toBe(true)
  })

  it('goes on without the answer once its process is gone, and tells that it was lost', async () => {
    const world = aWorld(hasRoom)
    const first = await diesWithAnswer(world)
    const heir = succeed(world, kind)
    await world.leader()
    first.loseItsPod()
    await world.clock.pass(80)
    expect(world.endpoint.requests).toBe(2)
    await world.clock.pass(300)
    expect(world.problem(`ci/${heir.key.name}`)).toBe('REFRESH_ANSWER_LOST')
    expect(world.endpoint.requests).toBe(3)
  })

  it('goes on with a token that the store does not have yet', async () => {
    const world = aWorld(hasRoom)
    world.endpoint.lifetimeSeconds = 300
    world.applyStore({ backend: { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 900 } })
    const first = await world.leader()
    for (let passed = 0; passed < 3600 && world.storeIsLive(); passed += 10) await world.clock.pass(10)
    first.loseItsPod()
    const heir = succeed(world, kind)
    await world.leader()
    await world.clock.pass(3600)
    expectAtWork(world, heir)
    expect(world.endpoint.requests).toBeGreaterThan(10)
  })

  it('takes the record over as it begins, and leaves none behind', async () => {
    const world = aWorld(hasRoom)
    const first = await world.leader()
    await world.clock.pass(untilDue)
    first.die()
    const heir = succeed(world, kind)
    const before = world.record()
    await world.leader()
    await world.clock.pass(10)
    expectAtWork(world, heir)
    expect(world.record()).toBeUndefined()
    const { spent = [], origin } = world.record(heirUid) ?? {}
    expect(spent).toEqual([...(before?.spent ?? []), before?.retained?.fingerprint])
    expect(origin).toBe(before?.origin)
  })

  it('knows what was used up, where its predecessor was let go by a leader that is alive', async () => {
    const world = aWorld(hasRoom)
    const used = world.stored()
    await world.leader()
    await world.clock.pass(untilDue)
    const heir = succeed(world, kind)
    await world.clock.pass(120)
    expectAtWork(world, heir)
    world.store.put(documentKey, used)
    await world.clock.pass(2 * untilDue)
    expectAtWork(world, heir)
    expect(world.storeIsLive()).toBe(true)
  })

  it('sends nothing before the records could be listed', async () => {
    const world = aWorld(hasRoom)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    first.die()
    const heir = succeed(world, kind)
    const second = world.replica()
    second.records.listFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The records could not be listed.')
    await second.lead()
    await world.clock.pass(300)
    expect(world.problem(`ci/${heir.key.name}`)).toBe('REFRESH_RECORD_UNAVAILABLE')
    expect(world.endpoint.requests).toBe(1)
    second.records.listFault = undefined
    await world.clock.pass(300)
    expectAtWork(world, heir)
  })

  it('sends nothing where somebody has begun for its predecessor meanwhile', async () => {
    const world = aWorld(hasRoom)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    first.die()
    const heir = succeed(world, kind)
    const second = world.replica()
    const late = world.record()
    second.records.afterReplace = () => {
      second.records.afterReplace = undefined
      if (late?.retained === undefined) throw new Error('the first refresh has left no record')
      const { fingerprint, source } = late.retained
      const intent = { holder: first.holders.self, fingerprint, source, startedAt: world.clock.now(), sends: 1 }
      world.records.put({ ...late, epoch: late.epoch + 1, intent })
    }
    await second.lead()
    await world.clock.pass(60)
    expect(world.endpoint.requests).toBe(1)
    expect(world.problem(`ci/${heir.key.name}`)).toBe('REFRESH_UNDER_WAY')
  })
})

describe('of two at one document that bears no claim', () => {
  it('the younger waits for the answer to the older, which was deleted as both were told', async () => {
    const world = aWorld(false)
    const younger = heirs.renamed()
    world.apply({ ...younger, createdAt: later(younger.createdAt, seconds(60)) })
    const first = await diesWithAnswer(world)
    world.delete(aCredential())
    await world.leader()
    await world.clock.pass(300)
    expect(world.endpoint.requests).toBe(2)
    await first.restart()
    await world.clock.pass(60)
    expectAtWork(world, younger)
  })
})

describe('one that is made anew', () => {
  it('is not given the access token of its predecessor, which may be allowed more', async () => {
    const world = aWorld(true)
    const first = await world.leader()
    await world.clock.pass(10)
    first.die()
    const before = world.podToken()
    succeed(world, 'made anew')
    await world.leader()
    await world.clock.pass(10)
    expect(world.endpoint.requests).toBe(2)
    expect(world.podToken()).not.toBe(before)
  })

  it('tries a token once more that was refused to its predecessor', async () => {
    const world = aWorld(true)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    world.store.put(documentKey, 'a-token-of-nobody')
    await world.clock.pass(untilDue - beforeDue)
    expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
    first.die()
    succeed(world, 'made anew')
    const { requests } = world.endpoint
    await world.leader()
    await world.clock.pass(10)
    expect(world.endpoint.requests).toBe(requests + 1)
  })

  it('is made anew twice while nobody leads, and goes on', async () => {
    const world = aWorld(false)
    const first = await world.leader()
    await world.clock.pass(untilDue)
    first.die()
    const second = await world.leader()
    succeed(world, 'made anew')
    await world.clock.pass(60)
    second.die()
    world.delete(aCredential())
    world.sink.published.clear()
    const last = aCredential({ uid: '6f1c0a52-0000-4000-8000-000000000010' })
    world.apply(last)
    await world.leader()
    await world.clock.pass(untilDue)
    expectAtWork(world, last)
    expect([world.record(), world.record(heirUid)]).toEqual([undefined, undefined])
  })

  it('goes on where an intent of its predecessor could not be taken out of the record', async () => {
    const world = aWorld(false)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    first.records.nextUnknown = 'carried-out'
    first.records.afterReplace = () => {
      first.records.afterReplace = undefined
      first.records.readFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be read.')
    }
    await world.clock.pass(untilDue - beforeDue)
    first.records.readFault = undefined
    const heir = succeed(world, 'made anew')
    await world.clock.pass(untilDue)
    expectAtWork(world, heir)
  })

  it('has what another process with its journal has left for its predecessor', async () => {
    const world = aWorld(false)
    const first = await diesWithAnswer(world)
    const heir = succeed(world, 'made anew')
    first.records.replaceFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be written.')
    await first.restart()
    await first.lead()
    expect(world.endpoint.requests).toBe(2)
    first.records.replaceFault = undefined
    await world.clock.pass(300)
    expectAtWork(world, heir)
    expect(first.journal.kept.size).toBe(0)
  })
})

describe('where not all namespaces are watched', () => {
  function afterDeletion(kind: Kind): { world: Replicas; heir: Credential; begin: () => Promise<unknown> } {
    const world = aWorld(false)
    world.seesAllCredentials = false
    const begin = async (): Promise<void> => {
      const first = await world.leader()
      await world.clock.pass(untilDue)
      first.die()
      succeed(world, kind)
      await world.leader()
      await world.clock.pass(60)
    }
    return { world, heir: heirs[kind](), begin }
  }

  it('one that is made anew goes on', async () => {
    const { world, heir, begin } = afterDeletion('made anew')
    await begin()
    expectAtWork(world, heir)
  })

  it('one of another name does so when a human says that the other one is gone', async () => {
    const { world, heir, begin } = afterDeletion('renamed')
    await begin()
    const { requests } = world.endpoint
    expect(world.problem('ci/renamed')).toBe('REFRESH_TOKEN_OWNED')
    expect(world.state('ci/renamed').lastFailure?.message).toContain('OAuthCredential ci/claude')
    world.apply({ ...heir, ownershipRequest: 'it is gone' })
    await world.clock.pass(60)
    expectAtWork(world, heir)
    expect(world.endpoint.requests).toBe(requests + 1)
  })
})
