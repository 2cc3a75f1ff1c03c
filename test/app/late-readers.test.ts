import { expect, it, vi } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { failed, ok } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { later, seconds } from '../../src/domain/time.ts'
import type { ListedRecord } from '../../src/ports/refresh-records.ts'
import { aCredential } from '../support/builders.ts'
import { documentKey, type Replica, type Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, hour, movedTo, otherKey, twoDocuments, refusesWrites } from '../support/two-documents.ts'
import { comer, staleLeader } from '../support/newcomers.ts'

// A process has its list of records from before a newcomer's intent, and reads the record of the credential there for the
// first time, or once more, after the newcomer has replaced it: its own intent in that is not refused.

const base = aCredential()
const recordAway = failure('REFRESH_RECORD_UNAVAILABLE', 'The API server did not answer.')
const diskFull = failure('JOURNAL_UNAVAILABLE', 'The disk is full.')

/** Has nothing to do with the others; its refresh makes a new leader list the records. */
function bystander(world: Replicas): Credential {
  const key = 'teams/ci/bystander'
  world.store.put(key, world.endpoint.login())
  const { refreshToken, target } = base.spec
  return aCredential({
    uid: '6f1c0a52-0000-4000-8000-000000000077',
    key: { namespace: 'ci', name: 'bystander' },
    createdAt: later(base.createdAt, seconds(1)),
    spec: { refreshToken: { ...refreshToken, key }, target: { ...target, name: 'bystander-token' } },
  })
}

/** The old leader is gone; the next one leads, has listed the records, and `ci/claude` is not due yet. */
async function afterFailover(world: Replicas): Promise<Replica> {
  const old = await world.leader()
  await world.clock.pass(beforeDue)
  old.loseItsPod()
  const next = await world.leader()
  world.apply(bystander(world))
  await world.clock.pass(30)
  expect([world.endpoint.requests, world.problem('ci/bystander')]).toEqual([2, undefined])
  return next
}

it('who reads the record only after the newcomer has replaced it does not present the token once more', async () => {
  const world = twoDocuments(false)
  await afterFailover(world)
  const young = world.replica()
  young.seesAll()
  young.sees(comer({}, -60))
  // It ends before its answer is in the store.
  young.dieOf('endpoint.request')
  young.operator.begin()
  await world.clock.pass(5)
  expect(world.endpoint.requests).toBe(3)
  await world.clock.pass(afterDue)
  expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
})

it('nor does who has forgotten its record after a write of which nobody knows what became', async () => {
  const world = twoDocuments(false)
  const { old, young, connect } = await staleLeader(world)
  old.records.nextUnknown = 'not-carried-out'
  connect()
  await world.clock.pass(0.1)
  expect([world.endpoint.requests, world.problem()]).toEqual([1, 'REFRESH_RECORD_UNAVAILABLE'])
  young.sees(comer({}, -60))
  young.dieOf('endpoint.request')
  young.operator.begin()
  await world.clock.pass(0.1)
  expect(world.endpoint.requests).toBe(2)
  await world.clock.pass(hour / 10)
  expect([world.bugs, world.endpoint.requests, world.endpoint.reuses]).toEqual([[], 2, 0])
})

it('nor does who has read its record for the sake of a place that it has left', async () => {
  const world = twoDocuments(false)
  world.apply(movedTo(otherKey))
  await world.leader()
  await world.clock.pass(60)
  world.store.unreachable.add(otherKey)
  world.apply(movedTo(documentKey))
  await world.clock.pass(60)
  expect([world.endpoint.requests, world.problem()]).toEqual([2, undefined])
  await world.clock.pass(beforeDue / 2)
  const young = world.replica()
  young.seesAll()
  young.sees(comer({}, -60))
  young.dieOf('endpoint.request')
  young.operator.begin()
  await world.clock.pass(1)
  expect(world.endpoint.requests).toBe(3)
  // Now the place that was left answers: the old process looks there, and at the record on its way.
  world.store.unreachable.delete(otherKey)
  await world.clock.pass(2 * afterDue + beforeDue / 2)
  expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
})

it.each(['older', 'at a place that was left'] as const)(
  'nor does who reads it for the first time, and it was made after the list: the newcomer is %s',
  async (how) => {
    const world = twoDocuments(false)
    // Suspended from the beginning: it has no record when the old process lists them.
    world.apply({ ...base, spec: { ...base.spec, suspend: true } })
    const old = await world.leader()
    const other = bystander(world)
    world.apply(other)
    await world.clock.pass(30)
    expect([world.endpoint.requests, world.record()]).toEqual([1, undefined])
    // Another process leads by now; it knows that the credential is not suspended any more, and refreshes it.
    const young = world.replica()
    young.seesAll()
    young.sees(base)
    young.sees({ ...other, spec: { ...other.spec, suspend: true } })
    young.operator.begin()
    await world.clock.pass(30)
    expect([world.endpoint.requests, world.storeIsLive()]).toEqual([2, true])
    if (how !== 'older') {
      const moved = movedTo(otherKey)
      young.sees({ ...moved, spec: { ...moved.spec, suspend: true } })
    }
    if (how === 'older') {
      await young.restart()
      young.leading = true
      young.seesAll()
      young.sees(base)
      young.sees({ ...other, spec: { ...other.spec, suspend: true } })
    }
    young.dieOf('endpoint.request')
    young.sees(comer({}, -60))
    if (how === 'older') young.operator.begin()
    await world.clock.pass(5)
    expect(world.endpoint.requests).toBe(3)
    // The watch of the old one comes to where the credential is not suspended any more.
    old.sees(base)
    await world.clock.pass(3000)
    expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
  },
)

it('nor does who reads it beside a journaled answer', async () => {
  const world = twoDocuments(false)
  const old = await world.leader()
  // The answer is in record and store, and the journal could not forget it.
  const settled = vi.spyOn(old.journal, 'settled').mockResolvedValue(failed(diskFull))
  await world.clock.pass(beforeDue + afterDue)
  settled.mockRestore()
  expect([world.endpoint.requests, world.storeIsLive()]).toEqual([2, true])
  expect(old.journal.pending(base.uid)?.phase).toBe('answered')
  // Started again: the API server does not answer yet when the journal is looked at, nor the store of this credential.
  old.records.readFault = recordAway
  await old.restart()
  old.records.readFault = undefined
  world.store.unreachable.add(documentKey)
  old.leading = true
  old.operator.begin()
  await world.clock.pass(0.01)
  world.apply(bystander(world))
  await world.clock.pass(1)
  expect([world.endpoint.requests, world.problem()]).toEqual([3, 'STORE_UNAVAILABLE'])
  const young = world.replica()
  young.seesAll()
  young.sees(comer({}, -60))
  young.dieOf('endpoint.request')
  world.store.unreachable.delete(documentKey)
  young.operator.begin()
  await world.clock.pass(0.1)
  expect([world.endpoint.requests, old.journal.pending(base.uid)?.phase]).toEqual([4, 'answered'])
  await world.clock.pass(hour)
  expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
})

it('nor does who brings a journaled request of another place into it', async () => {
  const world = twoDocuments(false)
  const old = await world.leader()
  const sent = vi.spyOn(old.journal, 'armed')
  await world.clock.pass(beforeDue + afterDue)
  const entry = sent.mock.calls.at(-1)?.[0]
  if (entry === undefined) throw new Error('nothing was sent')
  expect([world.endpoint.requests, world.storeIsLive()]).toEqual([2, true])
  sent.mockRestore()
  old.die()
  const source = { ...entry.source, key: otherKey }
  old.journal.kept.set(base.uid, { ...entry, source, refreshToken: new Sensitive(world.stored(otherKey)) })
  // Started again: this record cannot be read for a while.
  const read = old.records.read.bind(old.records)
  let isDown = true
  vi.spyOn(old.records, 'read').mockImplementation((subject, key) =>
    isDown && subject.uid === base.uid ? Promise.resolve(failed(recordAway)) : read(subject, key),
  )
  await old.restart()
  old.leading = true
  old.operator.begin()
  await world.clock.pass(0.01)
  world.apply(bystander(world))
  await world.clock.pass(1)
  expect([world.endpoint.requests, old.journal.pending(base.uid)?.phase]).toEqual([3, 'armed'])
  const young = world.replica()
  young.seesAll()
  young.sees(comer({}, -60))
  young.dieOf('endpoint.request')
  young.operator.begin()
  await world.clock.pass(0.01)
  expect([world.endpoint.requests, old.journal.pending(base.uid)?.phase]).toEqual([4, 'armed'])
  isDown = false
  await world.clock.pass(hour)
  expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
})

/** A list as an API server pages it: of one moment, shown only later. */
function slowLists({ records }: Replica): { show: () => void; begun: () => number } {
  const list = records.list.bind(records)
  let show = (): void => {}
  const gate = new Promise<void>((resolve) => (show = resolve))
  const spy = vi.spyOn(records, 'list').mockImplementation(async (see) => {
    const entries: ListedRecord[] = []
    const listed = await list((entry) => entries.push(entry))
    if (!listed.ok) return listed
    // Of any later one nothing comes.
    await (spy.mock.calls.length === 1 ? gate : new Promise(() => {}))
    for (const entry of entries) see(entry)
    return ok(undefined)
  })
  return { show, begun: () => spy.mock.calls.length }
}

it('nor does who reads it while the first list is under way', async () => {
  const world = twoDocuments(false)
  const old = await world.leader()
  await world.clock.pass(beforeDue)
  old.loseItsPod()
  const next = world.replica()
  const { show, begun } = slowLists(next)
  await next.lead()
  const other = bystander(world)
  world.apply(other)
  await world.clock.pass(5)
  // It has begun to list for the bystander, and is not through.
  expect(begun()).toBe(1)
  const young = world.replica()
  young.seesAll()
  young.sees({ ...other, spec: { ...other.spec, suspend: true } })
  young.sees(comer({}, -60))
  young.dieOf('endpoint.request')
  young.operator.begin()
  await world.clock.pass(1)
  expect(world.endpoint.requests).toBe(2)
  // Now the old one is asked for a refresh.
  next.sees({ ...base, state: world.stateOf(base), refreshRequest: 'now' })
  await world.clock.pass(1)
  show()
  await world.clock.pass(30)
  expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
})

it('nor does who looks at a record that has no token of its place, since its status says that a store is behind', async () => {
  const world = twoDocuments(false)
  const old = await world.leader()
  await world.clock.pass(beforeDue)
  refusesWrites(world, documentKey)
  await world.clock.pass(afterDue)
  world.endpoint.next = () => ({ kind: 'lost', failure: failure('TOKEN_RESULT_UNKNOWN', 'The connection ended.') })
  const moved = movedTo(otherKey)
  world.apply(moved)
  await world.clock.pass(1)
  old.loseItsPod()
  await world.leader()
  world.apply(bystander(world))
  await world.clock.pass(0.5)
  const young = world.replica()
  young.seesAll()
  young.sees({ ...moved, spec: { ...moved.spec, suspend: true } })
  young.sees(comer({ refreshToken: { ...base.spec.refreshToken, key: otherKey } }, -60))
  young.dieOf('endpoint.request')
  young.operator.begin()
  await world.clock.pass(hour)
  expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
})

it('who knows an older record, and finds its token put back, asks what came after it', async () => {
  const world = twoDocuments()
  await world.leader()
  await world.clock.pass(beforeDue + afterDue)
  const put = world.stored()
  const young = world.replica()
  young.seesAll()
  young.sees({ ...base, state: world.stateOf(base), refreshRequest: 'now' })
  young.operator.begin()
  await world.clock.pass(5)
  expect([world.endpoint.requests, world.storeIsLive()]).toEqual([3, true])
  young.die()
  // Somebody takes the token for the newest one, and leaves the rest of the document as it is.
  const claim = world.store.claims.get(documentKey)
  const { generation, retained } = world.record() ?? {}
  if (claim === undefined || generation === undefined || retained === undefined) throw new Error('nothing was claimed')
  world.store.put(documentKey, put)
  world.store.claims.set(documentKey, { ...claim, mark: { generation, fingerprint: retained.fingerprint } })
  await world.clock.pass(beforeDue + afterDue)
  expect([world.bugs, world.endpoint.reuses, world.problem(), world.storeIsLive()]).toEqual([[], 0, undefined, true])
})
