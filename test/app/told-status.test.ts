import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { canary } from '../support/canary.ts'
import { World } from '../support/world.ts'

const away = failure('KUBERNETES_UNAVAILABLE', 'The status of OAuthCredential ci/claude could not be written.')

/** A world whose statuses cannot be written from some refresh on; when they were tried to be, in seconds. */
async function aWorldThatCannotTell(): Promise<{ world: World; tries: number[] }> {
  const world = await World.withCredential()
  const tries: number[] = []
  const write = world.status.write.bind(world.status)
  world.status.write = (report) => {
    tries.push(world.clock.monotonicMs() / 1000)
    return write(report)
  }
  world.status.fault = away
  return { world, tries }
}

describe('a status that cannot be written', () => {
  it('is tried again after 5 s, and less and less often', async () => {
    const { world, tries } = await aWorldThatCannotTell()
    await world.clock.pass(2400)
    const [first = 0, second = 0, third = 0] = tries
    expect(second - first).toBeGreaterThanOrEqual(4)
    expect(second - first).toBeLessThanOrEqual(6)
    expect(third - second).toBeGreaterThan(second - first)
    const before = tries.length
    await world.clock.pass(1800)
    expect(tries.length - before).toBeGreaterThan(3)
    expect(tries.length - before).toBeLessThan(20)
  })

  it('is written when that is possible again, and then begins with 5 s anew', async () => {
    const { world, tries } = await aWorldThatCannotTell()
    await world.clock.pass(3000)
    world.status.fault = undefined
    await world.clock.pass(300)
    expect(world.state().refreshes).toBeGreaterThan(1)
    world.status.fault = away
    tries.length = 0
    world.store.put('teams/ci/claude', canary('rt'))
    await world.clock.pass(2700)
    const [first = 0, second = 0] = tries
    expect(second - first).toBeLessThanOrEqual(6)
  })
})
