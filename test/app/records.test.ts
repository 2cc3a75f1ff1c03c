import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { aCredential } from '../support/builders.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

const untilDue = 2400

function recordsDown(): ReturnType<typeof failure> {
  return failure('REFRESH_RECORD_UNAVAILABLE', 'The refresh record of ci/claude could not be written.')
}

/** A leader after two refreshes, and the refresh tokens that were in the store so far. */
async function aLeader(): Promise<{ world: Replicas; first: Replica; tokens: readonly string[] }> {
  const world = Replicas.withCredential()
  const tokens = [world.stored()]
  const first = await world.leader()
  tokens.push(world.stored())
  await world.clock.pass(untilDue)
  tokens.push(world.stored())
  expect(new Set(tokens).size).toBe(3)
  return { world, first, tokens }
}

function expectHealthy(world: Replicas): void {
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.storeIsLive()).toBe(true)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.condition('Ready')?.status).toBe('True')
  expect(world.condition('Stalled')).toBeUndefined()
}

describe('the record of a credential', () => {
  it('holds the newest tokens and the fingerprints of those before, and no intent while nothing is under way', async () => {
    const { world, tokens } = await aLeader()
    const { intent, retained, spent, epoch } = world.record() ?? {}
    expect(intent).toBeUndefined()
    expect(retained?.tokens?.refreshToken?.reveal()).toBe(tokens[2])
    expect(spent).toEqual(tokens.slice(0, 2).map((token) => world.records.fingerprint(new Sensitive(token))))
    expect(epoch).toBe(2)
  })

  it('costs two writes and no read per refresh', async () => {
    const { world, first } = await aLeader()
    const { reads, replacements } = first.records
    await world.clock.pass(untilDue)
    expect(world.endpoint.requests).toBe(3)
    expect(first.records.replacements - replacements).toBe(2)
    expect(first.records.reads - reads).toBe(0)
  })

  it('that cannot be read stops a refresh before anything is sent', async () => {
    const world = Replicas.withCredential()
    const first = world.replica()
    first.records.readFault = recordsDown()
    await first.lead()
    expect(world.endpoint.requests).toBe(0)
    expect(world.problem()).toBe('REFRESH_RECORD_UNAVAILABLE')
    first.records.readFault = undefined
    await world.clock.pass(60)
    expectHealthy(world)
  })

  it('that cannot be written stops a refresh before anything is sent', async () => {
    const { world, first } = await aLeader()
    first.records.replaceFault = recordsDown()
    await world.clock.pass(untilDue)
    expect(world.endpoint.requests).toBe(2)
    expect(world.problem()).toBe('REFRESH_RECORD_UNAVAILABLE')
    first.records.replaceFault = undefined
    await world.clock.pass(300)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(3)
  })

  it('that somebody else has changed is read again before anything is sent', async () => {
    const { world, first } = await aLeader()
    first.records.nextConflict = true
    await world.clock.pass(untilDue)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(3)
  })

  it.each(['carried-out', 'not-carried-out'] as const)(
    'whose intent was %s, as nobody knows, costs no refresh token',
    async (nextUnknown) => {
      const { world, first } = await aLeader()
      first.records.nextUnknown = nextUnknown
      await world.clock.pass(untilDue + 60)
      expectHealthy(world)
      expect(world.endpoint.requests).toBe(3)
      expect(world.record()?.intent).toBeUndefined()
    },
  )

  it.each(['carried-out', 'not-carried-out'] as const)(
    'whose commit was %s, as nobody knows, is brought up to date',
    async (nextUnknown) => {
      const { world, first } = await aLeader()
      world.endpoint.next = undefined
      first.records.afterReplace = ({ intent }) => {
        if (intent?.holder !== undefined) first.records.nextUnknown = nextUnknown
      }
      await world.clock.pass(untilDue)
      first.records.afterReplace = undefined
      await world.clock.pass(300)
      expectHealthy(world)
      expect(world.endpoint.requests).toBe(3)
      expect(world.record()?.intent).toBeUndefined()
      expect(world.record()?.retained?.tokens?.refreshToken?.reveal()).toBe(world.stored())
    },
  )
})

describe('a commit that fails while the store takes the token', () => {
  async function halfCommitted(): Promise<{ world: Replicas; first: Replica; tokens: readonly string[] }> {
    const leader = await aLeader()
    const { world, first } = leader
    first.records.afterReplace = ({ intent }) => {
      if (intent?.holder !== undefined) first.records.replaceFault = recordsDown()
    }
    await world.clock.pass(untilDue)
    first.records.afterReplace = undefined
    expect(world.endpoint.requests).toBe(3)
    expect(world.storeIsLive()).toBe(true)
    return leader
  }

  it('publishes the access token, and is made up for', async () => {
    const { world, first } = await halfCommitted()
    expect(world.podToken()).toBe(world.newestAccessToken())
    first.records.replaceFault = undefined
    await world.clock.pass(301)
    expectHealthy(world)
    expect(world.record()?.intent).toBeUndefined()
    expect(first.journal.kept.size).toBe(0)
  })

  it('loses nothing when the store is put back to before it', async () => {
    const { world, first, tokens } = await halfCommitted()
    world.store.put(documentKey, tokens[2] ?? '')
    first.records.replaceFault = undefined
    await world.clock.pass(untilDue)
    expectHealthy(world)
  })

  it('loses nothing when the process dies then and the store is put back', async () => {
    const { world, first, tokens } = await halfCommitted()
    first.records.replaceFault = undefined
    await first.restart()
    world.store.put(documentKey, tokens[2] ?? '')
    await first.lead()
    await world.clock.pass(untilDue)
    expectHealthy(world)
  })
})

describe('a store that is put back to an earlier version', () => {
  it.each([0, 1])('of generation %i, is brought up to date by the process that lives', async (generation) => {
    const { world, tokens } = await aLeader()
    world.store.put(documentKey, tokens[generation] ?? '')
    await world.clock.pass(untilDue)
    expectHealthy(world)
  })

  it.each([0, 1])('of generation %i, is brought up to date after a restart', async (generation) => {
    const { world, first, tokens } = await aLeader()
    await first.restart()
    world.store.put(documentKey, tokens[generation] ?? '')
    await first.lead()
    await world.clock.pass(untilDue)
    expectHealthy(world)
  })

  it('is told to a human when the record cannot be opened, and its token is never presented', async () => {
    const { world, first, tokens } = await aLeader()
    await first.restart()
    world.store.put(documentKey, tokens[1] ?? '')
    const { retained, ...record } = world.record() ?? expect.fail('there is no record')
    const { tokens: _sealed, ...unopened } = retained ?? expect.fail('nothing is retained')
    world.records.put({ ...record, retained: { ...unopened, sealed: 'sealed by somebody else' } })
    await first.lead()
    await world.clock.pass(untilDue)
    expect(world.endpoint.requests).toBe(2)
    expect(world.problem()).toBe('STORE_ROLLED_BACK')
    expect(world.condition('Stalled')).toBeDefined()
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(120)
    expectHealthy(world)
  })

  it('that is the newest costs nothing when the record alone is lost', async () => {
    const { world, first } = await aLeader()
    await first.restart()
    world.records.delete(aCredential().uid)
    await first.lead()
    await world.clock.pass(untilDue)
    expectHealthy(world)
    expect(world.record()?.retained?.tokens?.refreshToken?.reveal()).toBe(world.stored())
  })

  it('cannot be told from a new login when the record is lost too: its token is presented once', async () => {
    const { world, first, tokens } = await aLeader()
    await first.restart()
    world.store.put(documentKey, tokens[1] ?? '')
    world.records.delete(aCredential().uid)
    await first.lead()
    await world.clock.pass(untilDue)
    expect(world.endpoint.requests).toBe(3)
    expect(world.condition('Stalled')).toBeDefined()
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(3600)
    expect(world.endpoint.reuses).toBe(1)
    expect(world.storeIsLive()).toBe(true)
    expect(world.condition('Ready')?.status).toBe('True')
  })
})
