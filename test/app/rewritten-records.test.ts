import { expect, it, vi } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import type { RefreshRecord } from '../../src/domain/refresh-record.ts'
import { ok } from '../../src/domain/result.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, hour, twoDocuments } from '../support/two-documents.ts'

// Somebody writes a record that this process knows: again as it was, after another encryption key was put into the API
// server, or because it is at the token.

function recordOf(world: Replicas): RefreshRecord {
  const record = world.record()
  if (record === undefined) throw new Error('there is no record')
  return record
}

/** A leader with one refresh behind it. */
async function refreshedOnce(): Promise<Replicas> {
  const world = twoDocuments()
  await world.leader()
  await world.clock.pass(beforeDue)
  expect(world.endpoint.requests).toBe(1)
  return world
}

/** All statuses with a failure that are written from now on. */
function failuresTold(world: Replicas): () => number {
  const write = vi.spyOn(world.status, 'write')
  return () => write.mock.calls.filter(([{ state }]) => state.lastFailure !== undefined).length
}

it('a record that is only written again fails no refresh', async () => {
  const world = await refreshedOnce()
  const told = failuresTold(world)
  for (let times = 0; times < 4; times += 1) {
    world.records.put(recordOf(world))
    await world.clock.pass(hour)
  }
  expect([world.bugs, world.endpoint.reuses, world.problem(), told()]).toEqual([[], 0, undefined, 0])
  expect(world.endpoint.requests).toBeGreaterThan(4)
  expect(world.storeIsLive()).toBe(true)
})

it('one that says something else by then is judged by that', async () => {
  const world = await refreshedOnce()
  const record = recordOf(world)
  const holder = { journalId: 'another', pod: { name: 'another', uid: 'another' } }
  const fingerprint = record.retained?.fingerprint ?? ''
  const source = aCredential().spec.refreshToken
  world.records.put({ ...record, intent: { holder, fingerprint, source, startedAt: world.clock.now(), sends: 1 } })
  await world.clock.pass(afterDue)
  expect([world.endpoint.requests, world.problem()]).toEqual([1, 'REFRESH_UNDER_WAY'])
})

it('one that is written again and again is told, and tried later', async () => {
  const world = await refreshedOnce()
  const spy = vi.spyOn(world.store, 'proveWritable').mockImplementation(() => {
    world.records.put(recordOf(world))
    return Promise.resolve(ok(undefined))
  })
  await world.clock.pass(afterDue)
  expect([world.endpoint.requests, world.problem()]).toEqual([1, 'REFRESH_RECORD_CONFLICT'])
  spy.mockRestore()
  await world.clock.pass(hour / 4)
  expect([world.endpoint.requests, world.problem()]).toEqual([2, undefined])
})

it('one that cannot be read after that is told as what it is', async () => {
  const world = await refreshedOnce()
  const [leader] = world.replicas
  world.records.put(recordOf(world))
  if (leader !== undefined) leader.records.readFault = failure('REFRESH_RECORD_UNAVAILABLE', 'It did not answer.')
  await world.clock.pass(afterDue)
  expect([world.endpoint.requests, world.problem()]).toEqual([1, 'REFRESH_RECORD_UNAVAILABLE'])
})

it('a document that somebody has put there meanwhile is what is presented', async () => {
  const world = await refreshedOnce()
  const [leader] = world.replicas
  world.records.put(recordOf(world))
  const login = world.endpoint.login()
  leader?.after('records.replace', () => world.store.put(documentKey, login))
  await world.clock.pass(afterDue)
  expect([world.endpoint.requests, world.endpoint.isLive(login), world.storeIsLive()]).toEqual([2, false, true])
})

it('a request that was only announced before is not told as one without an answer', async () => {
  const world = twoDocuments()
  const first = world.replica()
  // The list behind the intent takes three seconds, and the record is written again meanwhile.
  const list = first.records.list.bind(first.records)
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow = vi.spyOn(first.records, 'list').mockImplementation(async (see) => {
    if (world.record()?.intent !== undefined) {
      slow.mockRestore()
      await promise
    }
    return list(see)
  })
  world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
  await first.lead()
  await world.clock.pass(3)
  expect(recordOf(world).intent?.holder?.journalId).toBe('journal-1')
  world.records.put(recordOf(world))
  resolve()
  await world.clock.pass(120)
  expect([world.endpoint.requests, world.problem()]).toEqual([1, 'REFRESH_TOKEN_REJECTED'])
})

it('nobody is told of a request to a server that never rotates, whatever happens to the record', async () => {
  const world = twoDocuments()
  world.applyProvider({ rotation: aRotation({ mode: 'Always' }) })
  const first = world.replica()
  first.records.nextUnknown = 'carried-out'
  await first.lead()
  expect(world.endpoint.requests).toBe(0)
  world.applyProvider({ rotation: aRotation({ mode: 'Never' }), generation: 2 })
  let intents = 0
  first.records.nextConflict = true
  first.records.beforeReplace = ({ intent }) => void (intents += intent?.holder === undefined ? 0 : 1)
  await world.clock.pass(120)
  expect([world.endpoint.requests, intents, world.problem()]).toEqual([1, 0, undefined])
})
