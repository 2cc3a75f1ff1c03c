import { describe, expect, it } from 'vitest'
import { aCredential, refreshedState } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { World } from '../support/world.ts'

/** A credential whose token is over, or due when `lifeSeconds` says how long it still lives. */
function add(world: World, name: string, refreshToken: string, lifeSeconds = -60): void {
  const { spec } = aCredential()
  world.store.put(name, refreshToken)
  world.apply(
    aCredential({
      key: { namespace: 'ci', name },
      uid: name,
      state: refreshedState(3600 - lifeSeconds, 3600, { rotates: true }),
      spec: {
        refreshToken: { store: { kind: 'TokenStore', name: 'vault' }, key: name },
        target: { ...spec.target, name },
      },
    }),
  )
}

/** So many whose refresh token is dead, at a store that takes its time. */
async function dead(count: number): Promise<World> {
  const world = new World()
  const read = world.store.read.bind(world.store)
  world.store.read = async (location) => {
    await new Promise<void>((resolve) => void world.clock.wakeAfter(500, resolve))
    return read(location)
  }
  world.applyProvider()
  world.applyStore()
  for (let index = 0; index < count; index += 1) add(world, `dead-${index}`, canary('rt'))
  await world.start()
  await world.clock.pass(60)
  return world
}

describe('looks whether a human has put another document into a store', () => {
  it('are twenty a second for a thousand that wait, and hold up no refresh', async () => {
    const world = await dead(1000)
    expect(world.condition('Stalled', 'ci/dead-999')?.reason).toBe('ReauthorizationRequired')
    const before = world.store.reads
    const told = world.status.writes
    await world.clock.pass(60)
    expect(world.store.reads - before).toBeGreaterThan(1000)
    expect(world.store.reads - before).toBeLessThan(1300)
    expect(world.status.writes).toBe(told)
    add(world, 'alive', world.endpoint.login(), 30)
    await world.clock.pass(5)
    expect(world.state('ci/alive')).toMatchObject({ refreshes: 2, consecutiveFailures: 0 })
  })

  it('go on as often as ever for a few', async () => {
    const world = await dead(10)
    world.store.put('dead-3', world.endpoint.login())
    await world.clock.pass(7)
    expect(world.state('ci/dead-3').refreshes).toBe(2)
  })

  it('are counted for those only that still wait', async () => {
    const world = await dead(1000)
    for (let index = 0; index < 990; index += 1) world.resources.deleted('OAuthCredential', 'ci', `dead-${index}`)
    await world.clock.pass(60)
    const before = world.store.reads
    await world.clock.pass(60)
    expect(world.store.reads - before).toBeGreaterThan(90)
    expect(world.bugs).toEqual([])
  })
})
