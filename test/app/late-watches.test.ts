import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { aCredential } from '../support/builders.ts'
import { Replicas } from '../support/replicas.ts'

const untilDue = 2400

describe('a process that has not heard yet that a credential is gone', () => {
  it('makes no record of it anew, and presents nothing', async () => {
    const world = Replicas.withCredential()
    const late = await world.leader()
    await world.clock.pass(10)
    const other = world.replica()
    other.seesAll()
    other.operator.begin()
    await world.clock.pass(10)
    world.status.gone.add(aCredential().uid)
    other.operator.resources.deleted('OAuthCredential', 'ci', 'claude')
    await world.clock.pass(10)
    expect(world.record()).toBeUndefined()
    await world.clock.pass(untilDue)
    expect(late.isDead).toBe(false)
    expect(world.endpoint.requests).toBe(1)
    expect(world.problem()).toBe('REFRESH_RECORD_CONFLICT')
    expect(world.record()?.intent).toBeUndefined()
  })

  it('finds that out before the first refresh only', async () => {
    const world = Replicas.withCredential()
    await world.leader()
    await world.clock.pass(10)
    world.status.gone.add(aCredential().uid)
    await world.clock.pass(untilDue)
    expect(world.endpoint.requests).toBe(2)
  })

  it('presents nothing while that cannot be found out', async () => {
    const world = Replicas.withCredential()
    world.status.existsFault = failure('KUBERNETES_UNAVAILABLE', 'The API server did not answer.')
    await world.leader()
    await world.clock.pass(60)
    expect(world.endpoint.requests).toBe(0)
    expect(world.problem()).toBe('KUBERNETES_UNAVAILABLE')
    expect(world.record()?.intent).toBeUndefined()
    world.status.existsFault = undefined
    await world.clock.pass(300)
    expect(world.problem()).toBeUndefined()
    expect(world.podToken()).toBe(world.newestAccessToken())
  })
})
