import { expect, it } from 'vitest'
import { newRecord } from '../../src/domain/refresh-record.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { aRotation } from '../support/builders.ts'
import { Replicas } from '../support/replicas.ts'
import { twoDocuments } from '../support/two-documents.ts'
import { comer, comerUid, staleLeader, withSlowLists } from '../support/newcomers.ts'

// An intent that is made anew, or is not, after a list that took long.

it.each([undefined, 'not-carried-out', 'carried-out'] as const)(
  'an heir whose intent was made anew with the result %s turns away who has not heard of it',
  async (renewal) => {
    const world = twoDocuments(false)
    const { young, connect } = await staleLeader(world)
    // One that is gone had the document, too, and its record stayed.
    const gone = newRecord('6f1c0a52-0000-4000-8000-000000000005', { namespace: 'ci', name: 'gone' })
    const refreshToken = new Sensitive(world.stored())
    const { retained } = world.record() ?? {}
    if (retained === undefined) throw new Error('nothing was refreshed')
    world.records.put({ ...gone, epoch: 1, retained: { ...retained, tokens: { refreshToken } } })
    young.sees(comer({}, -60))
    const lists = withSlowLists(world, young, 3000)
    let writes = 0
    young.records.beforeReplace = ({ uid }) => {
      if (uid === comerUid) writes += 1
      if (uid === comerUid && writes === 2) young.records.nextUnknown = renewal
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
