import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { aClientCredential, aCredential } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
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

const aws = { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 900 } as const

/** A leader whose store is written so rarely that it shows a token that was used up long ago. */
async function fallsBehind(world: Replicas): Promise<Replica> {
  world.endpoint.lifetimeSeconds = 300
  world.applyStore({ backend: aws })
  const leader = await world.leader()
  for (let passed = 0; passed < 3600 && world.storeIsLive(); passed += 10) await world.clock.pass(10)
  expect(world.storeIsLive()).toBe(false)
  return leader
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
    const first = await fallsBehind(world)
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
  /** While the store is behind, the first one goes: perhaps only out of sight. */
  async function afterDeletion(watched: string, heir: Credential): Promise<Replicas> {
    const world = aWorld(false)
    world.watchedNamespaces = [watched]
    const first = await fallsBehind(world)
    first.loseItsPod()
    world.delete(aCredential())
    world.sink.published.clear()
    world.apply(heir)
    await world.leader()
    await world.clock.pass(60)
    return world
  }

  it.each(Object.keys(heirs) as Kind[])('one that is %s in one of them goes on', async (kind) => {
    const heir = heirs[kind]()
    expectAtWork(await afterDeletion('ci', heir), heir)
  })

  it('one does so where the other is out of sight when a human says that it is gone, and from then on', async () => {
    const heir = heirs.renamed()
    const world = await afterDeletion('another', heir)
    expect(world.problem('ci/renamed')).toBe('REFRESH_TOKEN_OWNED')
    expect(world.state('ci/renamed').lastFailure?.message).toContain('OAuthCredential ci/claude')
    world.apply({ ...heir, ownershipRequest: 'it is gone' })
    for (let passed = 0; passed < 3600; passed += 60) {
      await world.clock.pass(60)
      expectAtWork(world, heir)
    }
  })
})

describe('one that makes a mistake', () => {
  it.each([true, false])('loses no login by it, at a document that bears a claim: %s', async (hasRoom) => {
    const world = aWorld(hasRoom)
    const first = await fallsBehind(world)
    first.loseItsPod()
    const [before, claim] = [world.stored(), world.store.claims.get(documentKey)]
    world.store.put(documentKey, 'placeholder')
    const heir = succeed(world, 'renamed')
    await world.leader()
    await world.clock.pass(120)
    expect(world.problem('ci/renamed')).toBe('REFRESH_TOKEN_REJECTED')
    world.store.put(documentKey, before)
    if (claim !== undefined) world.store.claims.set(documentKey, claim)
    await world.clock.pass(3600)
    expectAtWork(world, heir)
  })
})

describe('one at the document that another has left for a document of its own', () => {
  it.each([true, false])('goes on with the token that was left there: claimed %s', async (hasRoom) => {
    const world = aWorld(hasRoom)
    const other = { ...aCredential().spec.refreshToken, key: 'teams/ci/other' }
    world.store.put(other.key, world.endpoint.login())
    await world.leader()
    await world.clock.pass(untilDue)
    world.apply(aCredential({ generation: 2, spec: { refreshToken: other } }))
    await world.clock.pass(2 * untilDue)
    const heir = heirs.renamed()
    world.apply({ ...heir, ...(hasRoom && { ownershipRequest: 'the other one has left' }) })
    await world.clock.pass(300)
    expectAtWork(world, heir)
    expect(world.problem()).toBeUndefined()
  })
})

describe('one whose predecessor does something else now', () => {
  const elsewhere = { ...aCredential().spec.refreshToken, key: 'teams/ci/other' }

  it.each([
    [
      'is suspended at another document',
      aCredential({ generation: 2, spec: { refreshToken: elsewhere, suspend: true } }),
    ],
    ['has another grant', aClientCredential({ generation: 2 })],
  ])('goes on once it is known how far that got, which %s', async (_what, changed) => {
    const world = aWorld(false)
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    first.dieOf('journal.sent')
    await world.clock.pass(untilDue - beforeDue)
    first.records.readFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be read.')
    await first.restart()
    expect(first.journal.kept.get(changed.uid)?.phase).toBe('sent')
    world.apply(changed)
    const heir = heirs.renamed()
    world.apply(heir)
    first.leading = true
    first.operator.begin()
    await world.clock.pass(60)
    first.records.readFault = undefined
    await world.clock.pass(1200)
    expect(world.problem('ci/renamed')).not.toBe('REFRESH_HOLDER_SILENT')
    expect(first.journal.kept.size).toBe(0)
    expect(world.bugs).toEqual([])
  })
})

describe('one of another tenant', () => {
  const uid = heirUid
  /** The only copy of the newest token of a credential that went with its namespace is in its record. */
  async function anOrphan(): Promise<{ world: Replicas; used: string; newest: string }> {
    const world = aWorld(false)
    const used = world.stored()
    const first = await fallsBehind(world)
    const newest = world.record()?.retained?.tokens?.refreshToken?.reveal() ?? ''
    expect(world.endpoint.isLive(newest)).toBe(true)
    first.loseItsPod()
    world.delete(aCredential())
    return { world, used, newest }
  }

  /** With a store of the same name and region, which is another account, so that the document is another one. */
  async function begin(world: Replicas): Promise<void> {
    const target = { ...aCredential().spec.target, name: 'their-token' }
    world.apply(aCredential({ uid, key: { namespace: 'them', name: 'theirs' }, spec: { target } }))
    const second = world.replica()
    second.seesAll()
    const { store, provider } = world.manifests
    const { resources } = second.operator
    resources.deleted('TokenStore', 'ci', store.name)
    resources.upserted('TokenStore', { type: 'store', store: { ...store, namespace: 'them', backend: aws } })
    resources.upserted('OAuthProvider', { type: 'provider', provider: { ...provider, namespace: 'them' } })
    second.operator.begin()
    await world.clock.pass(300)
  }

  it('who has a used-up token is not given its successor', async () => {
    const { world, used, newest } = await anOrphan()
    world.store.put(documentKey, used)
    await begin(world)
    expect([world.stored(), world.record(uid)?.retained?.fingerprint]).not.toContain(newest)
    expect(world.podToken('their-token')).toBeUndefined()
    expect(world.record()).toBeDefined()
  })

  it('who claims to be the one that is gone is not given its token', async () => {
    const { world, used, newest } = await anOrphan()
    world.store.put(documentKey, used)
    world.store.hasRoom = true
    const sealingKey = new Sensitive(canary('secret'))
    world.store.claims.set(documentKey, { owner: `cluster-1/${aCredential().uid}`, ownerName: 'theirs', sealingKey })
    await begin(world)
    expect(world.stored()).not.toBe(newest)
    expect(world.podToken('their-token')).toBeUndefined()
    expect(world.record()).toBeDefined()
  })

  it('who has a login of their own does not take the record away', async () => {
    const { world } = await anOrphan()
    world.store.put(documentKey, world.endpoint.login())
    await begin(world)
    expect(world.podToken('their-token')).toBe(world.newestAccessToken())
    expect(world.record()).toBeDefined()
  })
})

describe('one that had the token itself', () => {
  it('knows that the answer to an older one was lost, which has come and gone', async () => {
    const world = aWorld(false)
    const elsewhere = { ...aCredential().spec.refreshToken, key: 'teams/ci/other' }
    world.store.put(elsewhere.key, world.endpoint.login())
    world.apply(aCredential({ spec: { refreshToken: elsewhere } }))
    world.apply(heirs.renamed())
    const first = await world.leader()
    await world.clock.pass(1000)
    first.loseItsPod()
    world.apply(aCredential({ generation: 2, refreshRequest: 'now' }))
    world.endpoint.next = 'lost-answer'
    await world.leader()
    for (let tries = 0; tries < 200 && world.endpoint.requests < 3; tries += 1) await world.clock.pass(0.1)
    await world.clock.pass(0.1)
    world.delete(aCredential())
    await world.clock.pass(6000)
    expect(world.problem('ci/renamed')).toBe('REFRESH_ANSWER_LOST')
  })
})
