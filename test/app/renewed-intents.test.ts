import { expect, it, vi } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { newRecord } from '../../src/domain/refresh-record.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { type Replica, Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, twoDocuments } from '../support/two-documents.ts'

// An intent that is made anew, or is not, after a list that took long.

const base = aCredential()
const heirUid = '6f1c0a52-0000-4000-8000-000000000009'

function heirOfTheDocument(): Credential {
  return aCredential({
    uid: heirUid,
    key: { namespace: 'ci', name: 'comer' },
    createdAt: later(base.createdAt, seconds(-60)),
    spec: { target: { ...base.spec.target, name: 'comer-token' } },
  })
}

function withSlowLists(world: Replicas, { records }: Replica, ms: number): () => number {
  const list = records.list.bind(records)
  const spy = vi.spyOn(records, 'list').mockImplementation(async (see) => {
    await new Promise<void>((resolve) => void world.clock.wakeAfter(ms, resolve))
    return list(see)
  })
  return () => spy.mock.calls.length
}

it.each([undefined, 'not-carried-out', 'carried-out'] as const)(
  'an heir whose intent was made anew with the result %s turns away who has not heard of it',
  async (renewal) => {
    const world = twoDocuments(false)
    await world.leader()
    await world.clock.pass(beforeDue)
    let connect = (): void => {}
    world.endpoint.gate = new Promise((resolve) => (connect = resolve))
    await world.clock.pass(afterDue)
    expect(world.endpoint.requests).toBe(1)
    world.endpoint.gate = undefined
    // One that is gone had the document, too, and its record stayed.
    const gone = newRecord('6f1c0a52-0000-4000-8000-000000000005', { namespace: 'ci', name: 'gone' })
    const refreshToken = new Sensitive(world.stored())
    const { retained } = world.record() ?? {}
    if (retained === undefined) throw new Error('nothing was refreshed')
    world.records.put({ ...gone, epoch: 1, retained: { ...retained, tokens: { refreshToken } } })
    const young = world.replica()
    young.seesAll()
    young.sees(heirOfTheDocument())
    const lists = withSlowLists(world, young, 3000)
    let writes = 0
    young.records.beforeReplace = ({ uid }) => {
      if (uid === heirUid) writes += 1
      if (uid === heirUid && writes === 2) young.records.nextUnknown = renewal
    }
    if (renewal === undefined) young.dieOf('endpoint.request')
    young.operator.begin()
    if (renewal !== undefined) {
      await world.clock.pass(7)
      expect([world.endpoint.requests, world.problem('ci/comer')]).toEqual([1, 'REFRESH_RECORD_UNAVAILABLE'])
      young.dieOf('endpoint.request')
    }
    for (let passed = 0; passed < 120 && world.endpoint.requests < 2; passed += 1) await world.clock.pass(1)
    expect([world.endpoint.requests, lists() > 1]).toEqual([2, true])
    connect()
    await world.clock.pass(60)
    expect([world.bugs, world.endpoint.requests, world.endpoint.reuses]).toEqual([[], 2, 0])
  },
)

it.each([9000, 40_000])('a list of %d ms before a request within the leeway does not outlast that', async (ms) => {
  const world = Replicas.withCredential()
  world.applyProvider({ rotation: aRotation({ reuseLeewaySeconds: 30 }) })
  world.endpoint.leewaySeconds = 30
  world.endpoint.next = 'lost-answer'
  const leader = await world.leader()
  await world.clock.pass(0.1)
  expect([world.endpoint.requests, world.problem()]).toEqual([1, 'TOKEN_RESULT_UNKNOWN'])
  withSlowLists(world, leader, ms)
  await world.clock.pass(120)
  expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
})
