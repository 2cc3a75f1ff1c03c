import { describe, expect, it } from 'vitest'
import { aRotation } from '../support/builders.ts'
import { Replicas } from '../support/replicas.ts'

const calls = [
  'journal.armed',
  'records.read',
  'records.replace',
  'journal.sent',
  'endpoint.request',
  'journal.answered',
  'store.writeBack',
  'sink.publish',
  'journal.settled',
  'status.write',
]

/** The leader dies of one call, the next one of another; both come back, the first one leads again. */
async function twoDeaths(one: string, other: string): Promise<Replicas> {
  const world = Replicas.withCredential()
  world.endpoint.leewaySeconds = 86_400
  world.applyProvider({ rotation: aRotation({ reuseLeewaySeconds: 86_400 }) })
  const first = await world.leader()
  await world.clock.pass(2000)
  first.dieOf(one)
  await world.clock.pass(400)
  const second = await world.leader()
  second.dieOf(other)
  await world.clock.pass(300)
  await first.restart()
  await world.clock.pass(300)
  await second.restart()
  await first.lead()
  await world.clock.pass(3000)
  return world
}

describe('after the deaths of two leaders, at a server with a leeway, nothing is lost', () => {
  it.each(calls)('the first after %s, the second after any call', async (one) => {
    for (const other of calls) {
      const world = await twoDeaths(one, other)
      const found = {
        other,
        reuses: world.endpoint.reuses,
        isLive: world.storeIsLive(),
        isFresh: world.podToken() === world.newestAccessToken(),
        intent: world.record()?.intent,
        bugs: world.bugs,
      }
      expect(found).toEqual({ other, reuses: 0, isLive: true, isFresh: true, intent: undefined, bugs: [] })
    }
  })
})
