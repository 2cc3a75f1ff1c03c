import { afterEach, describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { canary } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

/** The first refresh is made at once; the next one is due in this span. */
const beforeDue = 2000
const afterDue = 400
/** After this an intent of a Pod that is gone is taken over. */
const takeover = 120

const recordAway = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be reached.')
const journalAway = failure('JOURNAL_UNAVAILABLE', 'The journal could not be written.')

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs } of worlds) expect(bugs).toEqual([])
  worlds = []
})

/** A leader with one refresh behind it, shortly before the next. */
async function aLeader(): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential()
  worlds.push(world)
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  return { world, first }
}

function expectHealthy(world: Replicas): void {
  expect(world.endpoint.reuses).toBe(0)
  expect(world.storeIsLive()).toBe(true)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.condition('Ready')?.status).toBe('True')
  expect(world.condition('Stalled')).toBeUndefined()
}

/** A Pod is lost between its intent and its request; before anybody finds out, a human puts a mistake in the place of the token. */
async function aMistakeOverAnIntent(): Promise<{ world: Replicas; unused: string }> {
  const { world, first } = await aLeader()
  const unused = world.stored()
  first.dieOf('records.replace')
  await world.clock.pass(afterDue)
  first.loseItsPod()
  world.store.put(documentKey, canary('rt'))
  await world.leader()
  await world.clock.pass(takeover)
  expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
  return { world, unused }
}

describe('an intent that was left for one on another token', () => {
  it('is taken up again when the store goes back to its token', async () => {
    const { world, unused } = await aMistakeOverAnIntent()
    world.store.put(documentKey, unused)
    await world.clock.pass(takeover)
    expectHealthy(world)
    expect(world.stored()).not.toBe(unused)
    expect(world.record()?.left).toBeUndefined()
  })

  it('is taken up by another process, too', async () => {
    const { world, unused } = await aMistakeOverAnIntent()
    world.store.put(documentKey, unused)
    world.replicas.at(-1)?.loseItsPod()
    await world.leader()
    await world.clock.pass(takeover)
    expectHealthy(world)
  })

  it('is over once a human has logged in anew: an older document is rolled forward', async () => {
    const { world, unused } = await aMistakeOverAnIntent()
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(takeover)
    expectHealthy(world)
    const newest = world.stored()
    world.store.put(documentKey, unused)
    await world.clock.pass(beforeDue + afterDue)
    expect(world.endpoint.isLive(newest)).toBe(false)
    expectHealthy(world)
  })

  it('waits for its holder, who may have the answer', async () => {
    const { world, first } = await aLeader()
    const spent = world.stored()
    first.dieOf('journal.answered')
    await world.clock.pass(afterDue)
    world.store.put(documentKey, canary('rt'))
    await world.leader()
    await world.clock.pass(takeover)
    world.store.put(documentKey, spent)
    await world.clock.pass(takeover)
    expect(world.endpoint.reuses).toBe(0)
    await first.restart()
    await world.clock.pass(takeover)
    expectHealthy(world)
  })
})

describe('an intent that was left for one on its own successor', () => {
  it('waits for whoever presents the successor, when the store goes back to its token', async () => {
    const { world, first } = await aLeader()
    const former = world.stored()
    // The store gets the successor, the record does not, and the Pod goes.
    first.after('journal.answered', () => (first.records.replaceFault = recordAway))
    await world.clock.pass(afterDue)
    const successor = world.stored()
    expect(successor).not.toBe(former)
    first.loseItsPod()
    const second = await world.leader()
    second.dieOf('journal.answered')
    await world.clock.pass(beforeDue + afterDue)
    expect(second.isDead).toBe(true)
    expect(world.endpoint.isLive(successor)).toBe(false)
    world.store.put(documentKey, former)
    await world.leader()
    await world.clock.pass(takeover)
    expect(world.problem()).toBe('REFRESH_UNDER_WAY')
    await second.restart()
    await world.clock.pass(takeover)
    expectHealthy(world)
  })
})

describe('a refusal that could not be taken out of the record', () => {
  /** The record and, for a moment, the journal fail while the refusal is put away. */
  async function aRefusal(): Promise<{ world: Replicas; first: Replica }> {
    const { world, first } = await aLeader()
    world.endpoint.next = () => {
      first.records.replaceFault = recordAway
      return answer(400, { error: 'invalid_grant' })
    }
    first.after('journal.answered', () => (first.journal.fault = journalAway))
    first.after('journal.armed', () => undefined)
    await world.clock.pass(0.01)
    return { world, first }
  }

  it('is taken out once the record can be reached, and the token is not presented again', async () => {
    const { world, first } = await aRefusal()
    await world.clock.pass(afterDue)
    first.journal.fault = undefined
    first.records.replaceFault = undefined
    await world.clock.pass(takeover)
    expect(world.endpoint.requests).toBe(2)
    expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
    expect(world.record()?.intent).toBeUndefined()
    expect(first.journal.kept.size).toBe(0)
  })

  it('is taken out after the lead was lost, so that the next leader is not kept waiting', async () => {
    const { world, first } = await aRefusal()
    await world.clock.pass(afterDue)
    first.journal.fault = undefined
    await first.stepDown()
    first.records.replaceFault = undefined
    expect(await first.operator.recoverJournal()).toBe(true)
    world.store.put(documentKey, world.endpoint.login())
    await world.leader()
    await world.clock.pass(takeover)
    expectHealthy(world)
  })

  it('does not stand against a token that a human has put there since', async () => {
    const { world, first } = await aLeader()
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    first.dieOf('journal.answered')
    await world.clock.pass(afterDue)
    world.store.put(documentKey, world.endpoint.login())
    first.records.readFault = recordAway
    await first.restart()
    await first.lead()
    await world.clock.pass(5)
    first.records.readFault = undefined
    await world.clock.pass(takeover)
    expectHealthy(world)
  })
})

describe('a record that was read with the key of an older document', () => {
  it('is read again with the key of the newest', async () => {
    const { world, first } = await aLeader()
    world.store.hasRoom = true
    await world.clock.pass(beforeDue + afterDue)
    const [before, claim] = [world.stored(), world.store.claims.get(documentKey)]
    await world.clock.pass(beforeDue + afterDue)
    expect(world.stored()).not.toBe(before)
    first.die()
    world.store.put(documentKey, before)
    await world.leader()
    await world.clock.pass(beforeDue + afterDue)
    expect(world.problem()).toBe('STORE_ROLLED_BACK')
    if (claim !== undefined) world.store.claims.set(documentKey, claim)
    await world.clock.pass(takeover)
    expectHealthy(world)
  })
})
