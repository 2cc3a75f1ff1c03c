import { afterEach, describe, expect, it, vi } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { failed } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import { type Replica, Replicas } from '../support/replicas.ts'

/** The first refresh is made at once; the next one is due in this span. */
const beforeDue = 2000
const afterDue = 400
const recordAway = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be reached.')

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs } of worlds) expect(bugs).toEqual([])
  worlds = []
})

/** A leader with one refresh behind it, shortly before the next. */
async function aLeader(rotates = true): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential()
  worlds.push(world)
  world.applyProvider({ rotation: aRotation({ mode: 'Always' }) })
  world.endpoint.rotates = rotates
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  return { world, first }
}

describe('an answer without another refresh token, whose intent could not be taken out of the record', () => {
  async function anAnswer(): Promise<{ world: Replicas; first: Replica }> {
    const { world, first } = await aLeader(false)
    first.after('journal.answered', () => (first.records.replaceFault = recordAway))
    await world.clock.pass(afterDue)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.record()?.intent?.holder).toBeDefined()
    return { world, first }
  }

  it('has its intent taken out as soon as the record can be reached', async () => {
    const { world, first } = await anAnswer()
    expect(world.problem()).toBe('REFRESH_RECORD_UNAVAILABLE')
    first.records.replaceFault = undefined
    await world.clock.pass(300)
    expect(world.record()?.intent).toBeUndefined()
    expect(first.journal.kept.size).toBe(0)
    expect(world.problem()).toBeUndefined()
    expect(world.endpoint.requests).toBe(2)
  })

  it('keeps no later leader waiting for a process that is alive', async () => {
    const { world, first } = await anAnswer()
    await first.stepDown()
    first.records.replaceFault = undefined
    await first.lead()
    await first.stepDown()
    await world.leader()
    await world.clock.pass(beforeDue + afterDue)
    expect(world.endpoint.requests).toBe(3)
    expect(world.problem()).toBeUndefined()
  })
})

describe('an intent that was left, of a process that has turned to another token since', () => {
  it('is given up with what its journal holds, so that nobody waits for a process that is alive', async () => {
    const { world, first } = await aLeader()
    await first.stepDown()
    const unused = world.stored()
    const record = world.record()
    if (record === undefined) throw new Error('there is no record')
    const refreshToken = new Sensitive(unused)
    const { uid } = record
    const source = aCredential().spec.refreshToken
    const startedAt = world.clock.now()
    const intent = { fingerprint: world.records.fingerprint(refreshToken), source, startedAt, sends: 1 }
    world.records.put({ ...record, left: [{ ...intent, holder: first.holders.self }] })
    // It was about to present another one, and its intent to do so is not in the record.
    const mistake = { refreshToken: new Sensitive(canary('rt')), credential: record.credential, storeVersion: 'v9' }
    first.journal.kept.set(uid, { phase: 'armed', uid, source, startedAt, sends: 1, ...mistake })
    expect(await first.operator.recoverJournal()).toBe(true)
    expect(world.record()?.left).toEqual([intent])
    await world.leader()
    await world.clock.pass(1200)
    expect(world.problem()).toBeUndefined()
    expect(world.stored()).not.toBe(unused)
    expect(world.storeIsLive()).toBe(true)
  })
})

describe('an intent that its process has sent, and that arrives when the process has been started again', () => {
  /** Dies while its intent is on the way. The intent arrives when what is returned is called. */
  async function sentByTheDead(world: Replicas, first: Replica, wait: number): Promise<() => Promise<void>> {
    const arrival = Promise.withResolvers<void>()
    first.records.beforeReplace = () => arrival.promise
    await world.clock.pass(wait)
    expect(first.journal.kept.size).toBe(1)
    first.records.beforeReplace = undefined
    first.die()
    return async () => {
      arrival.resolve()
      await world.clock.pass(1)
    }
  }

  /** Of a credential that has no record yet. */
  async function firstIntent(): Promise<{ world: Replicas; first: Replica; arrive: () => Promise<void> }> {
    const world = Replicas.withCredential()
    worlds.push(world)
    const first = world.replica()
    const lead = first.lead()
    const arrive = await sentByTheDead(world, first, 0.01)
    await lead
    return { world, first, arrive }
  }

  it('finds another record there, and nobody waits for a process that does not know of it', async () => {
    const { world, first } = await aLeader()
    const arrive = await sentByTheDead(world, first, afterDue)
    await first.restart()
    await arrive()
    expect(first.journal.kept.size).toBe(0)
    expect(world.record()?.intent).toBeUndefined()
    await world.leader()
    await world.clock.pass(30)
    expect(world.endpoint.requests).toBe(2)
    expect(world.problem()).toBeUndefined()
  })

  it('finds a record also where there was none', async () => {
    const { world, first, arrive } = await firstIntent()
    await first.restart()
    await arrive()
    expect(world.record()?.intent).toBeUndefined()
    await world.leader()
    await world.clock.pass(30)
    expect(world.endpoint.requests).toBe(1)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('finds a record also where the spec has become invalid meanwhile', async () => {
    const { world, first, arrive } = await firstIntent()
    const { key, uid, generation, state } = aCredential()
    const credential = { key, uid, generation, state, deleting: false, finalized: true, problems: [] }
    const seesAll = vi.spyOn(first, 'seesAll').mockImplementation(() => {
      first.operator.resources.upserted('OAuthCredential', { type: 'invalid-credential', credential })
    })
    await first.restart()
    await arrive()
    expect(first.journal.kept.size).toBe(0)
    expect(world.record()?.intent).toBeUndefined()
    seesAll.mockRestore()
  })

  it('finds another record once, and not at each try of a journal that can forget nothing', async () => {
    const { world, first } = await aLeader()
    await sentByTheDead(world, first, afterDue)
    const settled = vi.spyOn(first.journal, 'settled')
    settled.mockResolvedValue(failed(failure('JOURNAL_UNAVAILABLE', 'The journal could not be written.')))
    const { replacements } = first.records
    const epoch = world.record()?.epoch
    await first.restart()
    for (let tries = 0; tries < 10; tries += 1) expect(await first.operator.recoverJournal()).toBe(false)
    expect(first.records.replacements).toBe(replacements + 1)
    expect(world.record()?.epoch).toBe(epoch)
    settled.mockRestore()
    expect(await first.operator.recoverJournal()).toBe(true)
  })

  it('gets no record from a credential that is gone', async () => {
    const { world, first } = await firstIntent()
    world.delete(aCredential())
    await first.restart()
    expect(first.journal.kept.size).toBe(0)
    expect(world.record()).toBeUndefined()
  })
})

describe('an answer that settled nothing, while neither record nor journal could be written', () => {
  it('stays in the journal, so that a standby can tell of it', async () => {
    const { world, first } = await aLeader()
    const full = failed(failure('JOURNAL_UNAVAILABLE', 'The journal could not be written.'))
    const sent = vi.spyOn(first.journal, 'sent')
    first.after('journal.answered', () => {
      first.records.replaceFault = recordAway
      sent.mockResolvedValue(full)
    })
    world.endpoint.next = () => answer(503, {})
    await world.clock.pass(afterDue)
    expect(world.problem()).toBe('JOURNAL_UNAVAILABLE')
    expect([...first.journal.kept.values()]).toMatchObject([{ phase: 'answered' }])
    await first.stepDown()
    first.records.replaceFault = undefined
    sent.mockRestore()
    expect(await first.operator.recoverJournal()).toBe(true)
    expect(world.record()?.intent).toMatchObject({ sends: 1 })
    expect(world.record()?.intent?.holder).toBeUndefined()
    await world.leader()
    await world.clock.pass(beforeDue)
    expect(world.problem()).toBeUndefined()
  })
})

describe('a journal that a standby cannot bring into the records', () => {
  it('is told when that begins and when it is over, and not at every try', async () => {
    const { world, first } = await aLeader()
    first.dieOf('journal.sent')
    await world.clock.pass(afterDue)
    first.records.readFault = recordAway
    await first.restart()
    for (let tries = 0; tries < 10; tries += 1) expect(await first.operator.recoverJournal()).toBe(false)
    const told = (): number => first.log.lines.filter((line) => line.includes('REFRESH_RECORD_UNAVAILABLE')).length
    expect(told()).toBe(1)
    first.records.readFault = undefined
    expect(await first.operator.recoverJournal()).toBe(true)
    expect(await first.operator.recoverJournal()).toBe(true)
    expect(first.log.lines.filter((line) => line.includes('has reached its record'))).toHaveLength(1)
    expect(told()).toBe(1)
  })
})
