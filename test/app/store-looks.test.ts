import { describe, expect, it } from 'vitest'
import { aCredential, aStaticCredential, refreshedState } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { World } from '../support/world.ts'

interface Changes {
  /** How long the access token lives still. */
  readonly lifeSeconds?: number
  readonly refreshRequest?: string
}

/** A credential whose token is over, unless something is said. */
function add(world: World, name: string, refreshToken: string, { lifeSeconds = -60, ...changes }: Changes = {}): void {
  const { spec } = aCredential()
  world.store.put(name, refreshToken)
  world.apply(
    aCredential({
      key: { namespace: 'ci', name },
      uid: name,
      ...changes,
      state: refreshedState(3600 - Math.min(lifeSeconds, 3000), Math.max(3600, lifeSeconds + 600), { rotates: true }),
      spec: {
        refreshToken: { store: { kind: 'TokenStore', name: 'vault' }, key: name },
        target: { ...spec.target, name },
      },
    }),
  )
}

/** A world whose store takes half a second for each read, and 32 at a time. */
function slow(): World {
  const world = new World()
  const pause = (): Promise<void> => new Promise((resolve) => void world.clock.wakeAfter(500, resolve))
  const [read, readDocument] = [world.store.read.bind(world.store), world.store.readDocument.bind(world.store)]
  world.store.read = (location) => pause().then(() => read(location))
  world.store.readDocument = (location) => pause().then(() => readDocument(location))
  world.applyProvider()
  world.applyStore()
  return world
}

/** So many whose refresh token is dead. */
async function dead(count: number): Promise<World> {
  const world = slow()
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
    expect(world.store.reads - before).toBeLessThan(1500)
    expect(world.status.writes).toBe(told)
    add(world, 'alive', world.endpoint.login(), { lifeSeconds: 30 })
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

describe('looks whether somebody has replaced a static token', () => {
  it('hold up no refresh, although there are more of them than the store can answer', async () => {
    const world = slow()
    const { accessToken, target } = aStaticCredential().spec
    for (let index = 0; index < 1200; index += 1) {
      const name = `static-${index}`
      world.store.put(name, JSON.stringify({ access_token: canary('at'), expires_at: world.clock.now() + 30 * 86_400 }))
      const spec = { accessToken: { ...accessToken, key: name }, target: { ...target, name } }
      world.apply(aStaticCredential({ key: { namespace: 'ci', name }, uid: name, spec }))
    }
    await world.start()
    await world.clock.pass(60)
    expect(world.sink.published.size).toBe(1200)
    // Its token ends later than theirs, and is due all the same.
    world.endpoint.lifetimeSeconds = 90 * 86_400
    add(world, 'alive', world.endpoint.login(), { lifeSeconds: 45 * 86_400, refreshRequest: 'now' })
    await world.clock.pass(5)
    expect(world.state('ci/alive')).toMatchObject({ refreshes: 2, consecutiveFailures: 0 })
  })
})
