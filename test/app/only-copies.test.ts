import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { failed } from '../../src/domain/result.ts'
import { aCredential, aRotation, aStore } from '../support/builders.ts'
import { documentKey, type Replica, type Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  expectAtWork,
  heir,
  heirUid,
  hour,
  keptInRecordAlone,
  movedTo,
  otherKey,
  twoDocuments,
} from '../support/two-documents.ts'

// A refresh token that a record, or a journal, has and nothing else: its credential goes while its place is away.

const base = aCredential()
const aws = { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 6 * hour } as const
const missing = failure('REFRESH_TOKEN_MISSING', 'There is no document.')
const unwritable = failure('REFRESH_RECORD_UNAVAILABLE', 'The API server did not answer.')

/** Nobody finds the document, until what this returns is called. */
function hide(world: Replicas, document: string): () => void {
  const { store } = world
  const read = store.read.bind(store)
  store.read = (location) => (location.key === document ? Promise.resolve(failed(missing)) : read(location))
  return () => {
    store.read = read
  }
}

/** The token endpoint, while its next answer is this. */
function neverReached({ endpoint }: Pick<Replicas, 'endpoint'>): void {
  endpoint.next = () => {
    neverReached({ endpoint })
    return { kind: 'not-sent', failure: failure('TOKEN_ENDPOINT_UNREACHABLE', 'No connection.') }
  }
}

async function goes(world: Replicas): Promise<void> {
  world.delete(base)
  world.sink.published.clear()
  await world.clock.pass(300)
}

async function expectInherited(world: Replicas): Promise<void> {
  world.apply(heir(documentKey))
  await world.clock.pass(2 * hour)
  expectAtWork(world)
}

function withoutStore({ operator }: Replica): () => void {
  operator.resources.deleted('TokenStore', 'ci', 'vault')
  return () => operator.resources.upserted('TokenStore', { type: 'store', store: aStore() })
}

describe('a token that a record has alone goes to its heir, where its credential went', () => {
  /** A process has kept it from the store, and is gone; the next one could not present it. */
  async function paced(): Promise<{ world: Replicas; second: Replica }> {
    const world = twoDocuments()
    world.applyStore({ backend: aws })
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    let writes = 0
    first.records.afterReplace = () => {
      writes += 1
      if (writes === 2) first.loseItsPod()
    }
    await world.clock.pass(afterDue + 2 * hour)
    neverReached(world)
    const second = await world.leader()
    await world.clock.pass(60)
    world.endpoint.next = undefined
    expect([world.problem(), world.storeIsLive()]).toEqual(['TOKEN_ENDPOINT_UNREACHABLE', false])
    return { world, second }
  }

  it('after a process that has read of it, while its document was missing', async () => {
    const { world } = await paced()
    const show = hide(world, documentKey)
    await goes(world)
    show()
    await expectInherited(world)
  })

  it('after a process that has read of it, while its store was missing', async () => {
    const { world, second } = await paced()
    const show = withoutStore(second)
    await goes(world)
    show()
    await expectInherited(world)
  })

  it('while its document was claimed by another installation', async () => {
    const world = await keptInRecordAlone()
    const claim = world.store.claims.get(documentKey)
    if (claim === undefined) throw new Error('the document has no claim')
    world.store.claims.set(documentKey, { ...claim, owner: 'cluster-2/other', ownerName: 'cluster-2/ci/claude' })
    await world.leader()
    await world.clock.pass(afterDue + hour)
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    await goes(world)
    world.store.claims.set(documentKey, claim)
    await expectInherited(world)
  })

  it('while its document showed a mistake that somebody takes back', async () => {
    const world = await keptInRecordAlone(false)
    const usedUp = world.stored()
    world.store.put(documentKey, 'not a token of anybody')
    await world.leader()
    await goes(world)
    world.store.put(documentKey, usedUp)
    await expectInherited(world)
  })

  it('back from another place, where later ones were counted', async () => {
    const world = await keptInRecordAlone()
    world.apply(movedTo(otherKey))
    const show = hide(world, documentKey)
    await world.leader()
    await world.clock.pass(3 * hour)
    world.apply(movedTo(documentKey))
    await world.clock.pass(hour)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
    await goes(world)
    show()
    await expectInherited(world)
  })

  it('from a place that it had left, whose document showed a mistake', async () => {
    const world = await keptInRecordAlone(false)
    const usedUp = world.stored()
    world.store.put(documentKey, 'not a token of anybody')
    world.apply(movedTo(otherKey))
    await world.leader()
    await world.clock.pass(3 * hour)
    await goes(world)
    world.store.put(documentKey, usedUp)
    await expectInherited(world)
  })
})

describe('a record whose token was seen in the document goes with both', () => {
  it('under a process that has not looked there itself', async () => {
    const world = twoDocuments()
    const first = await world.leader()
    await world.clock.pass(600)
    first.loseItsPod()
    await world.leader()
    await world.clock.pass(600)
    hide(world, documentKey)
    await goes(world)
    expect(world.record()).toBeUndefined()
  })

  it('after somebody has put another login there, which could not be used', async () => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(600)
    world.store.put(documentKey, world.endpoint.login())
    neverReached(world)
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(60)
    expect(world.problem()).toBe('TOKEN_ENDPOINT_UNREACHABLE')
    await goes(world)
    expect(world.record()).toBeUndefined()
  })
})

describe('an answer that a journal has alone', () => {
  async function inJournalAlone(): Promise<{ world: Replicas; first: Replica }> {
    const world = twoDocuments()
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    first.dieOf('journal.answered')
    await world.clock.pass(afterDue)
    first.records.replaceFault = unwritable
    await first.restart()
    return { world, first }
  }

  function withStore(credential: Credential, name: string): Credential {
    const { spec } = credential
    if (spec.grant !== 'RefreshToken') throw new Error('there is no refresh token')
    const refreshToken = { ...spec.refreshToken, store: { kind: 'TokenStore' as const, name } }
    return { ...credential, spec: { ...spec, refreshToken } }
  }

  it('stays there until a record takes it, when the store of a place that was left is away', async () => {
    const { world, first } = await inJournalAlone()
    world.apply(withStore(movedTo(otherKey), 'vault2'))
    first.seesAll()
    first.operator.resources.upserted('TokenStore', { type: 'store', store: aStore({ name: 'vault2' }) })
    const show = withoutStore(first)
    first.leading = true
    first.operator.begin()
    await world.clock.pass(30)
    first.records.replaceFault = undefined
    await world.clock.pass(hour)
    show()
    world.apply(movedTo(documentKey))
    await world.clock.pass(2 * hour)
    expectAtWork(world)
  })

  it('stays there until a record takes it, when its credential goes while its document is missing', async () => {
    const { world, first } = await inJournalAlone()
    const show = hide(world, documentKey)
    await first.lead()
    await world.clock.pass(60)
    await goes(world)
    first.records.replaceFault = undefined
    await world.clock.pass(hour)
    show()
    await expectInherited(world)
  })

  it('holds up no new object of the name for ever, where no record takes it', async () => {
    const { world, first } = await inJournalAlone()
    hide(world, documentKey)
    await first.lead()
    await world.clock.pass(60)
    await goes(world)
    world.applyProvider({ rotation: aRotation({ mode: 'Never' }) })
    world.endpoint.rotates = false
    world.apply(movedTo(otherKey, { uid: heirUid }))
    await world.clock.pass(hour)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect([...first.journal.entries()].map(({ uid }) => uid)).toContain(base.uid)
  })
})

describe('a look at the record that finds the document put back', () => {
  /** The credential has moved; the token of the document before is in the record alone, so the condition says that something is missing. */
  async function putBack(): Promise<{ world: Replicas; newest: string }> {
    const world = await keptInRecordAlone(false)
    world.store.unreachable.add(documentKey)
    world.apply(movedTo(otherKey))
    const usedUp = world.stored(otherKey)
    const second = await world.leader()
    await world.clock.pass(2 * hour)
    expect([world.condition('RefreshTokenPersisted')?.status, world.state().seenInStore]).toEqual([
      'False',
      expect.any(String),
    ])
    second.loseItsPod()
    const newest = world.stored(otherKey)
    world.store.put(otherKey, usedUp)
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'The store takes nothing.')
    expect(newest).not.toBe(usedUp)
    return { world, newest }
  }

  it('says no longer that the token was seen there', async () => {
    const { world } = await putBack()
    await world.leader()
    await world.clock.pass(60)
    expect(world.state().seenInStore).toBeUndefined()
  })

  it('leaves the record to the heir, although the document is missing when the credential goes', async () => {
    const { world, newest } = await putBack()
    const third = await world.leader()
    await world.clock.pass(60)
    third.loseItsPod()
    world.store.writeFault = undefined
    world.store.unreachable.clear()
    const show = hide(world, otherKey)
    await world.leader()
    await world.clock.pass(60)
    world.delete(base)
    world.sink.published.clear()
    await world.clock.pass(300)
    show()
    world.apply(heir(otherKey))
    await world.clock.pass(2 * hour)
    expect([world.endpoint.reuses, world.endpoint.isLive(newest)]).toEqual([0, false])
    expectAtWork(world)
  })
})
