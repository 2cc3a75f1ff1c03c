import { describe, expect, it } from 'vitest'
import { aCredential } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { World } from '../support/world.ts'

const key = 'teams/ci/claude'
/** From the first refresh to the next one. */
const untilDue = 2400

/** A bug that quotes what it stumbled over. */
function stumble(): never {
  throw new TypeError(`Unexpected ${canary('rt')}`)
}

/** Another credential beside the one of {@link World.withCredential}, at its own document. */
function aNeighbour(): ReturnType<typeof aCredential> {
  const { spec } = aCredential()
  return aCredential({
    key: { namespace: 'ci', name: 'other' },
    uid: 'other',
    spec: {
      refreshToken: { ...spec.refreshToken, key: 'teams/ci/other' },
      target: { ...spec.target, name: 'other-token' },
    },
  })
}

/** The store breaks at the document of the first of two credentials. */
async function aBugAtOneDocument(): Promise<{ world: World; mend: () => void; looks: () => number }> {
  const world = await World.withCredential()
  world.store.put('teams/ci/other', world.endpoint.login())
  world.apply(aNeighbour())
  await world.clock.pass(1)
  const read = world.store.read.bind(world.store)
  let isBroken = true
  let looks = 0
  world.store.read = (location) => {
    if (!isBroken || location.key !== key) return read(location)
    looks += 1
    return stumble()
  }
  return { world, mend: () => void (isBroken = false), looks: () => looks }
}

describe('a bug that one credential brings out', () => {
  it('is told of that one, and the others go on', async () => {
    const { world } = await aBugAtOneDocument()
    const before = world.podToken('other-token')
    await world.clock.pass(untilDue + 300)
    expect(world.podToken('other-token')).not.toBe(before)
    expect(world.state().lastFailure?.code).toBe('INTERNAL_ERROR')
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.condition('Reconciling')?.message).toContain('ci/claude')
    expect(new Set(world.bugs)).toEqual(new Set(['of one credential']))
    const lines = world.log.lines.filter((line) => line.includes('a bug'))
    expect(lines[0]).toContain('"kind":"TypeError"')
    expect(lines[0]).toMatch(/stumble.*contained-bugs/)
    await world.clock.pass(3600)
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'TokenExpired' })
  })

  it('is tried again with backoff, and over when it is mended', async () => {
    const { world, mend, looks } = await aBugAtOneDocument()
    await world.clock.pass(2 * 3600)
    expect(looks()).toBeGreaterThan(10)
    expect(looks()).toBeLessThan(40)
    mend()
    await world.clock.pass(400)
    expect(world.condition('Reconciling')).toBeUndefined()
    expect(world.state().consecutiveFailures).toBe(0)
    expect(world.podToken()).toBe(world.sink.published.get('claude-token')?.get('access_token'))
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
  })

  it('is tried again although it cannot even be told', async () => {
    const world = await World.withCredential()
    const write = world.status.write.bind(world.status)
    let tries = 0
    world.status.write = () => {
      tries += 1
      return stumble()
    }
    world.apply({ ...aCredential({ generation: 2, state: world.state() }) })
    await world.clock.pass(1800)
    expect(tries).toBeGreaterThan(5)
    expect(tries).toBeLessThan(30)
    world.status.write = write
    await world.clock.pass(untilDue)
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('keeps tokens that are not in their store', async () => {
    const world = await World.withCredential()
    const writeBack = world.store.writeBack.bind(world.store)
    world.store.writeFault = { code: 'STORE_UNAVAILABLE', next: 'retry', reason: 'StoreUnavailable', message: 'Away.' }
    await world.clock.pass(untilDue)
    world.store.writeBack = stumble
    await world.clock.pass(900)
    expect(world.bugs.length).toBeGreaterThan(0)
    world.store.writeFault = undefined
    world.store.writeBack = writeBack
    await world.clock.pass(400)
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('ends the process once a refresh token was sent', async () => {
    const world = await World.withCredential()
    world.sink.publish = stumble
    await world.clock.pass(untilDue)
    expect(world.bugs).toHaveLength(1)
    expect(world.bugs[0]).toBeInstanceOf(TypeError)
  })
})
