import { expect, it } from 'vitest'
import type { RecordHolder, RefreshIntent } from '../../src/domain/refresh-record.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { aCredential } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { Replicas } from '../support/replicas.ts'

// Credentials that are made anew while several processes may be at their refresh token, all of which are gone.

const heirUid = '6f1c0a52-0000-4000-8000-000000000009'

function lost(index: number): RecordHolder {
  return { journalId: `lost-${index}`, pod: { name: `pod-${index}`, uid: `pod-uid-${index}` } }
}

type Leave = (world: Replicas, intent: Omit<RefreshIntent, 'holder'>, count: number) => void

/** In one record: all but the last on tokens of other logins. */
const inOneRecord: Leave = (world, intent, count) => {
  const record = world.record() ?? expect.fail('there is no record')
  const left = Array.from({ length: count - 1 }, (_, index) => {
    return { ...intent, holder: lost(index), fingerprint: world.records.fingerprint(new Sensitive(canary('rt'))) }
  })
  world.records.put({ ...record, left, intent: { ...intent, holder: lost(count - 1) } })
}

/** Each in a record of its own, of a credential that is gone. */
const inManyRecords: Leave = (world, intent, count) => {
  const record = world.record() ?? expect.fail('there is no record')
  for (let index = 0; index < count; index += 1) {
    const other = index === 0 ? {} : { uid: `${heirUid.slice(0, -2)}8${index}`, version: '' }
    world.records.put({ ...record, ...other, intent: { ...intent, holder: lost(index) } })
  }
}

/** Seconds until the heir refreshes. */
async function waited(leave: Leave, count: number): Promise<number> {
  const world = Replicas.withCredential()
  const first = await world.leader()
  await world.clock.pass(2000)
  first.die()
  const { fingerprint, source } = world.record()?.retained ?? expect.fail('there is no token')
  leave(world, { fingerprint, source, startedAt: world.clock.now(), sends: 1 }, count)
  for (let index = 0; index < count; index += 1) world.gone(lost(index).journalId)
  world.delete(aCredential())
  world.sink.published.clear()
  world.apply(aCredential({ uid: heirUid }))
  const { requests } = world.endpoint
  await world.leader()
  const began = world.clock.now()
  for (let passed = 0; passed < 900 && world.endpoint.requests === requests; passed += 5) await world.clock.pass(5)
  return world.clock.now() - began
}

it.each(Object.entries({ 'in one record': inOneRecord, 'in many records': inManyRecords }))(
  'an heir waits for all intents at the same time, that are %s',
  async (_where, leave) => {
    expect(await waited(leave, 4)).toBeLessThanOrEqual((await waited(leave, 1)) + 10)
  },
)
