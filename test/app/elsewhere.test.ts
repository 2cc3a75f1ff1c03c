import { afterEach, describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { aRotation } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

/** The first refresh is made at once; the next one is due in this span. */
const beforeDue = 2000
const afterDue = 400
const recordAway = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be reached.')
const statusAway = failure('KUBERNETES_UNAVAILABLE', 'The status could not be written.')
const journalAway = failure('JOURNAL_UNAVAILABLE', 'The journal could not be written.')
const targetAway = failure('TARGET_UNAVAILABLE', 'The target could not be reached.')

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs } of worlds) expect(bugs).toEqual([])
  worlds = []
})

/** A leader with one refresh behind it, shortly before the next. */
async function aLeader(): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential()
  worlds.push(world)
  world.applyProvider({ rotation: aRotation({ mode: 'Always' }) })
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  return { world, first }
}

/** A leader that is cut off gets its answer into the store; the next one presents the refresh token in it. */
async function aLateAnswer(): Promise<{ world: Replicas; first: Replica; second: Replica }> {
  const { world, first } = await aLeader()
  first.after('journal.answered', () => (first.records.replaceFault = recordAway))
  first.after('store.writeBack', () => (world.sink.fault = targetAway))
  await world.clock.pass(afterDue)
  await first.stepDown()
  world.sink.fault = undefined
  first.records.readFault = recordAway
  const second = await world.leader()
  return { world, first, second }
}

describe('tokens that come late, when another process presents their refresh token already', () => {
  it('are published, and what became of the refresh token is found out at once', async () => {
    const { world, first, second } = await aLateAnswer()
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    second.after('journal.answered', () => {
      second.records.replaceFault = recordAway
      second.records.readFault = recordAway
      world.status.fault = statusAway
    })
    await world.clock.pass(300)
    await second.stepDown()
    world.status.fault = undefined
    first.records.readFault = undefined
    first.records.replaceFault = undefined
    await first.lead()
    await world.clock.pass(30)
    expect(world.problem()).toBe('REFRESH_UNDER_WAY')
    second.records.replaceFault = undefined
    second.records.readFault = undefined
    expect(await second.operator.recoverJournal()).toBe(true)
    await world.clock.pass(30)
    expect(world.condition('Stalled')?.reason).toBe('ReauthorizationRequired')
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(30)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.endpoint.reuses).toBe(0)
  })

  it('are told with the refusal of their refresh token, which came first', async () => {
    const { world, first, second } = await aLateAnswer()
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    second.after('journal.answered', () => (world.status.fault = statusAway))
    await world.clock.pass(300)
    await second.stepDown()
    world.status.fault = undefined
    expect(world.record()?.refused).toBeDefined()
    first.records.readFault = undefined
    first.records.replaceFault = undefined
    await first.lead()
    await world.clock.pass(30)
    expect(world.condition('Stalled')?.reason).toBe('ReauthorizationRequired')
    expect(world.endpoint.reuses).toBe(0)
  })
})

describe('a document that goes back to a used refresh token while another one is refused', () => {
  it('is told instead of the refusal, and stays told until a human has put something else there', async () => {
    const { world, first } = await aLeader()
    const used = world.stored()
    await world.clock.pass(afterDue)
    const refusedToken = world.stored()
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    await world.clock.pass(beforeDue + afterDue)
    expect(world.condition('Stalled')?.reason).toBe('ReauthorizationRequired')
    first.die()
    // The record is sealed with a key that nobody has any more.
    const record = world.record()
    if (record?.retained === undefined) throw new Error('the record retains nothing')
    const { tokens: _lost, ...retained } = record.retained
    world.records.put({ ...record, retained: { ...retained, sealed: 'closed' } })
    world.store.put(documentKey, used)
    await world.leader()
    await world.clock.pass(60)
    expect(world.condition('Stalled')?.reason).toBe('StoreRolledBack')
    await world.clock.pass(600)
    expect(world.condition('Stalled')?.reason).toBe('StoreRolledBack')
    expect(world.events.reasons().filter((reason) => reason === 'Stalled')).toHaveLength(1)
    world.store.put(documentKey, refusedToken)
    await world.clock.pass(60)
    expect(world.condition('Stalled')?.reason).toBe('ReauthorizationRequired')
    expect(world.stored()).toBe(refusedToken)
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(60)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.endpoint.reuses).toBe(0)
  })
})

describe('a refresh token that the journal could not take, while a mistake of a human is in the store', () => {
  it('is not given up with the lead before the record has it', async () => {
    const { world, first } = await aLeader()
    first.after('journal.sent', () => {
      first.journal.fault = journalAway
      first.records.replaceFault = recordAway
      world.store.put(documentKey, canary('rt'))
    })
    await world.clock.pass(afterDue)
    const ended = first.stepDown()
    await world.clock.pass(10)
    first.records.replaceFault = undefined
    await world.clock.pass(10)
    await ended
    const kept = world.record()?.retained?.tokens?.refreshToken?.reveal()
    expect(world.endpoint.isLive(kept ?? '')).toBe(true)
  })
})

describe('an answer of no use that brought a refresh token, while a mistake of a human is in the store', () => {
  it('is kept in the record, and its refresh token goes into the store when the mistake is taken back', async () => {
    const { world, first } = await aLeader()
    const used = world.stored()
    const successor = world.endpoint.login()
    world.endpoint.next = () => answer(200, { refresh_token: successor })
    first.dieOf('journal.answered')
    await world.clock.pass(afterDue)
    world.store.put(documentKey, canary('rt'))
    first.records.readFault = recordAway
    await first.restart()
    await first.lead()
    first.records.readFault = undefined
    await world.clock.pass(60)
    expect(world.record()?.retained?.tokens?.refreshToken?.reveal()).toBe(successor)
    expect(first.journal.kept.size).toBe(0)
    world.store.put(documentKey, used)
    await world.clock.pass(120)
    expect(world.storeIsLive()).toBe(true)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.endpoint.reuses).toBe(0)
  })
})
