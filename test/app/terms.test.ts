import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  day,
  down,
  expectAtWork,
  heir,
  hour,
  movedTo,
  otherKey,
  twoDocuments,
} from '../support/two-documents.ts'

const untilDue = 2400
const otherUid = '6f1c0a52-0000-4000-8000-000000000002'

describe('a process that leads once more', () => {
  it('knows of no owner that was deleted while it did not lead', async () => {
    const world = Replicas.withCredential()
    const first = await world.leader()
    await first.stepDown()
    world.delete(aCredential())
    world.sink.published.clear()
    world.apply(aCredential({ uid: otherUid }))
    await first.lead()
    await world.clock.pass(untilDue)
    expect(world.problem()).toBeUndefined()
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.endpoint.reuses).toBe(0)
    expect(world.bugs).toEqual([])
  })

  it('still knows the owners that are there', async () => {
    const world = Replicas.withCredential()
    world.store.put('teams/ci/copy', world.stored())
    const first = await world.leader()
    await first.stepDown()
    const { spec } = aCredential()
    const copy = aCredential({
      key: { namespace: 'ci', name: 'copy' },
      uid: otherUid,
      spec: {
        refreshToken: { ...spec.refreshToken, key: 'teams/ci/copy' },
        target: { ...spec.target, name: 'copy-token' },
      },
    })
    world.apply(copy)
    await first.lead()
    await world.clock.pass(untilDue)
    expect(world.problem('ci/copy')).toBe('REFRESH_TOKEN_OWNED')
    expect(world.endpoint.reuses).toBe(0)
    expect(world.storeIsLive()).toBe(true)
  })
})

const away = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be reached.')
const answerLost = failure('KUBERNETES_UNAVAILABLE', 'The answer was lost.')

function bug(): never {
  throw new Error('an error of the operator')
}

/** Leads once more, and no reconcile has begun. */
async function beginsAgain(leader: Replica): Promise<void> {
  leader.leading = true
  await leader.operator.recoverJournal()
  leader.operator.begin()
  for (let turns = 0; turns < 20; turns += 1) await Promise.resolve()
}

function vanish(world: Replicas): void {
  world.delete(aCredential())
  world.sink.published.clear()
}

/** One that refreshes the token of a document of its own. */
function second(key: string): Credential {
  const createdAt = later(aCredential().createdAt, seconds(60))
  const made = movedTo(key, { uid: otherUid, key: { namespace: 'ci', name: 'second' }, createdAt })
  return { ...made, spec: { ...made.spec, target: { ...made.spec.target, name: 'second-token' } } }
}

describe('what moved while a process did not lead is owned by it no more', () => {
  it.each([true, false])('where two have changed places, in documents with room for a claim: %s', async (hasRoom) => {
    const world = twoDocuments(hasRoom)
    world.apply(second(otherKey))
    const leader = await world.leader()
    await world.clock.pass(600)
    await leader.stepDown()
    world.apply(movedTo(otherKey))
    world.apply(second(documentKey))
    await leader.lead()
    await world.clock.pass(3 * hour)
    expect([world.problem(), world.problem('ci/second')]).toEqual([undefined, undefined])
    expect(world.endpoint.reuses).toBe(0)
  })

  it('where it is suspended at its new place', async () => {
    const world = twoDocuments(false)
    const leader = await world.leader()
    await world.clock.pass(600)
    await leader.stepDown()
    const moved = movedTo(otherKey)
    world.apply({ ...moved, spec: { ...moved.spec, suspend: true } })
    await leader.lead()
    await world.clock.pass(60)
    world.apply(second(documentKey))
    await world.clock.pass(2 * hour)
    expect(world.problem('ci/second')).toBeUndefined()
  })
})

it.each([true, false])(
  'a token that was used up belongs to who moved meanwhile, where a copy of it is: %s',
  async (moves) => {
    const world = twoDocuments(false)
    const leader = await world.leader()
    await world.clock.pass(beforeDue)
    world.store.put('teams/ci/copy', world.stored())
    if (moves) leader.after('endpoint.request', () => world.apply(movedTo(otherKey)))
    await world.clock.pass(afterDue)
    world.apply(second('teams/ci/copy'))
    await world.clock.pass(hour)
    expect([world.endpoint.reuses, world.problem('ci/second')]).toEqual([0, 'REFRESH_TOKEN_OWNED'])
  },
)

it('what a credential used up stays its own when it moves while an answer is lost', async () => {
  const world = twoDocuments(false)
  const used = world.stored()
  const leader = await world.leader()
  await world.clock.pass(beforeDue)
  world.endpoint.next = 'lost-answer'
  leader.after('journal.sent', () => world.apply(movedTo(otherKey)))
  await world.clock.pass(afterDue)
  world.store.put('teams/ci/copy', used)
  world.apply(second('teams/ci/copy'))
  await world.clock.pass(hour)
  expect([world.endpoint.reuses, world.problem('ci/second')]).toEqual([0, 'REFRESH_TOKEN_OWNED'])
})

describe.each([true, false])('who moved and is held up there, with room for a claim: %s', (hasRoom) => {
  function heldUp(): Credential {
    const moved = movedTo(otherKey)
    return {
      ...moved,
      spec: { ...moved.spec, provider: { kind: 'OAuthProvider', name: 'nowhere' } } as Credential['spec'],
    }
  }

  async function expectNobodyWaits(world: Replicas): Promise<void> {
    await world.clock.pass(60)
    world.apply(second(otherKey))
    await world.clock.pass(hour)
    expect(world.problem()).toBeDefined()
    expect(world.problem('ci/second')).toBeUndefined()
  }

  it('holds nobody up, where the only answer it asked for was lost', async () => {
    const world = twoDocuments(hasRoom)
    world.endpoint.next = 'lost-answer'
    const leader = world.replica()
    leader.after('journal.sent', () => world.apply(heldUp()))
    await leader.lead()
    await expectNobodyWaits(world)
  })

  it('holds nobody up, where that was of no use and brought a refresh token', async () => {
    const world = twoDocuments(hasRoom)
    world.endpoint.next = () => answer(200, { token_type: 'Bearer', refresh_token: world.endpoint.login() })
    const leader = world.replica()
    leader.after('endpoint.request', () => world.apply(heldUp()))
    await leader.lead()
    await expectNobodyWaits(world)
  })
})

describe('what went in a term before anything of it was known there is forgotten', () => {
  it('where it vanished before its first reconcile', async () => {
    const world = twoDocuments()
    const leader = await world.leader()
    await world.clock.pass(600)
    await leader.stepDown()
    await beginsAgain(leader)
    vanish(world)
    world.apply(heir(documentKey))
    await world.clock.pass(hour)
    expectAtWork(world)
  })

  it.each([0, 60])(
    'where its finalizer could not be taken off at first, and its heir came %d s later',
    async (pause) => {
      const world = twoDocuments()
      world.sink.cleansUp = true
      const finalized = { finalized: true }
      world.apply(movedTo(documentKey, finalized))
      const leader = await world.leader()
      await world.clock.pass(600)
      await leader.stepDown()
      world.apply(movedTo(documentKey, { ...finalized, deleting: true }))
      world.status.finalizerFault = answerLost
      await leader.lead()
      world.status.finalizerFault = undefined
      vanish(world)
      await world.clock.pass(pause)
      world.apply({ ...heir(documentKey), ...finalized })
      await world.clock.pass(hour)
      expectAtWork(world)
    },
  )

  it('where an error of the operator ended its first reconcile', async () => {
    const world = twoDocuments()
    const leader = await world.leader()
    await world.clock.pass(600)
    await leader.stepDown()
    const { resources } = leader.operator
    const provider = resources.provider.bind(resources)
    resources.provider = bug
    await leader.lead()
    resources.provider = provider
    world.bugs.splice(0)
    vanish(world)
    world.apply(heir(documentKey))
    await world.clock.pass(hour)
    expectAtWork(world)
  })

  it('and its heir has the token that its journal alone held', async () => {
    const world = twoDocuments()
    const leader = await world.leader()
    await world.clock.pass(beforeDue)
    world.store.writeFault = down
    leader.records.afterReplace = () => {
      leader.records.replaceFault = away
    }
    await world.clock.pass(afterDue)
    leader.records.afterReplace = undefined
    await leader.stepDown()
    await beginsAgain(leader)
    vanish(world)
    await world.clock.pass(60)
    leader.records.replaceFault = undefined
    world.store.writeFault = undefined
    world.apply(heir(documentKey))
    await world.clock.pass(2 * hour)
    expectAtWork(world)
    expect(leader.journal.kept.size).toBe(0)
  })
})

describe('what a credential owes its store when it goes', () => {
  /** Its store lacks its newest token, and it is deleted between two terms. */
  async function owing(): Promise<{ readonly world: Replicas; readonly leader: Replica }> {
    const world = twoDocuments()
    world.sink.cleansUp = true
    world.apply(movedTo(documentKey, { finalized: true }))
    const leader = await world.leader()
    await world.clock.pass(beforeDue)
    world.store.writeFault = down
    await world.clock.pass(afterDue)
    await leader.stepDown()
    world.apply(movedTo(documentKey, { finalized: true, deleting: true }))
    return { world, leader }
  }

  it.each(['let go', 'held by its finalizer', 'gone before'])(
    'arrives there, though its first reconcile in a term found it %s',
    async (what) => {
      const { world, leader } = await owing()
      if (what === 'held by its finalizer') world.status.finalizerFault = answerLost
      if (what === 'gone before') await beginsAgain(leader)
      else await leader.lead()
      world.delete(aCredential())
      world.status.finalizerFault = undefined
      await world.clock.pass(600)
      world.store.writeFault = undefined
      await world.clock.pass(day)
      expect(world.storeIsLive()).toBe(true)
    },
  )

  it('arrives there, though its record could not be read for a while', async () => {
    const { world, leader } = await owing()
    await leader.lead()
    world.delete(aCredential())
    await world.clock.pass(300)
    leader.records.readFault = away
    await world.clock.pass(600)
    leader.records.readFault = undefined
    world.store.writeFault = undefined
    await world.clock.pass(day)
    expect(world.storeIsLive()).toBe(true)
  })

  it('arrives there after an error of the operator, which ends nothing else', async () => {
    const { world, leader } = await owing()
    await leader.lead()
    world.delete(aCredential())
    await world.clock.pass(30)
    const read = world.store.read.bind(world.store)
    world.store.read = bug
    await world.clock.pass(600)
    world.store.read = read
    world.store.writeFault = undefined
    await world.clock.pass(day)
    expect(new Set(world.bugs)).toEqual(new Set(['of one credential']))
    expect(world.storeIsLive()).toBe(true)
  })
})
