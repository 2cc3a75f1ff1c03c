import { describe, expect, it } from 'vitest'
import { aCredential } from '../support/builders.ts'
import { Replicas } from '../support/replicas.ts'

const untilDue = 2400

describe('the record of a credential that is deleted', () => {
  it.each([true, false])('goes with it, when its server rotates refresh tokens: %s', async (rotates) => {
    const world = Replicas.withCredential()
    world.endpoint.rotates = rotates
    await world.leader()
    await world.clock.pass(untilDue)
    expect(world.state().rotates).toBe(rotates)
    expect(world.record()).toBeDefined()
    world.delete(aCredential())
    await world.clock.pass(120)
    expect(world.record()).toBeUndefined()
    expect(world.bugs).toEqual([])
  })
})
