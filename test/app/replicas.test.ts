import { afterEach, describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { aRotation } from '../support/builders.ts'
import { EchoingTokenEndpoint } from '../support/echoing-token-endpoint.ts'
import type { MemoryTokenEndpoint } from '../support/memory-ports.ts'
import { type Replica, Replicas } from '../support/replicas.ts'

/** The first refresh is made at once; the next one is due in this span. */
const beforeDue = 2000
const afterDue = 400

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs } of worlds) expect(bugs).toEqual([])
  worlds = []
})

function aWorld(endpoint?: MemoryTokenEndpoint): Replicas {
  const world = Replicas.withCredential({}, endpoint)
  worlds.push(world)
  return world
}

/** A leader with one refresh behind it, shortly before the next. */
async function aLeader(): Promise<{ world: Replicas; first: Replica }> {
  const world = aWorld()
  const first = await world.leader()
  expect(world.podToken()).toBe(world.newestAccessToken())
  await world.clock.pass(beforeDue)
  return { world, first }
}

function expectHealthy(world: Replicas): void {
  expect(world.endpoint.reuses).toBe(0)
  expect(world.storeIsLive()).toBe(true)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.condition('Ready')?.status).toBe('True')
  expect(world.condition('Stalled')).toBeUndefined()
  expect(world.record()?.intent).toBeUndefined()
}

describe('two processes that both believe they lead', () => {
  it('spend a refresh token once, hour after hour', async () => {
    const { world } = await aLeader()
    await world.leader()
    await world.clock.pass(6 * 3600)
    expect(world.endpoint.requests).toBeLessThanOrEqual(11)
    expectHealthy(world)
  })

  it('spend the very first refresh token once', async () => {
    const world = aWorld()
    const [first, second] = [world.replica(), world.replica()]
    await Promise.all([first.lead(), second.lead()])
    expect(world.endpoint.requests).toBe(1)
    await world.clock.pass(120)
    expectHealthy(world)
  })

  it('give way to the one whose intent is there, while it is stopped before the request', async () => {
    const { world, first } = await aLeader()
    let goOn = (): void => {}
    first.records.afterReplace = () => new Promise<void>((resolve) => (goOn = resolve))
    await world.clock.pass(afterDue)
    expect(world.record()?.intent?.holder?.journalId).toBe('journal-1')
    await world.leader()
    await world.clock.pass(60)
    expect(world.endpoint.requests).toBe(1)
    expect(world.problem()).toBe('REFRESH_UNDER_WAY')
    first.records.afterReplace = undefined
    goOn()
    await world.clock.pass(60)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(2)
  })

  it('send nothing any more when more than ten seconds passed since the intent', async () => {
    const { world, first } = await aLeader()
    let goOn = (): void => {}
    first.records.afterReplace = () => new Promise<void>((resolve) => (goOn = resolve))
    await world.clock.pass(afterDue)
    first.records.afterReplace = undefined
    goOn()
    await world.clock.pass(0.01)
    expect(world.endpoint.requests).toBe(1)
    expect(world.record()?.intent).toBeUndefined()
    await world.clock.pass(60)
    expectHealthy(world)
  })

  it('send nothing any more when the Lease was lost since the intent', async () => {
    const { world, first } = await aLeader()
    first.records.afterReplace = () => {
      first.leading = false
    }
    await world.clock.pass(afterDue)
    expect(world.endpoint.requests).toBe(1)
    await first.operator.end({ flush: false })
    await world.leader()
    await world.clock.pass(120)
    expectHealthy(world)
  })
})

describe('a leader that dies', () => {
  /** The last call that takes place, whether the request reached the server, and what the record then says. */
  const deaths: Record<string, [call: string, sent: boolean]> = {
    'before its intent is in the record': ['journal.armed', false],
    'when its intent is in the record': ['records.replace', false],
    'when the journal says that it sends': ['journal.sent', false],
    'when the answer is in the journal': ['journal.answered', true],
    'when the answer is published': ['sink.publish', true],
  }

  it.each(Object.entries(deaths))('%s, and is started again: nothing is lost', async (_name, [call]) => {
    const { world, first } = await aLeader()
    first.dieOf(call)
    await world.clock.pass(afterDue)
    expect(first.isDead).toBe(true)
    await first.restart()
    await first.lead()
    await world.clock.pass(60)
    expectHealthy(world)
    expect(first.journal.kept.size).toBe(0)
  })

  it.each(Object.entries(deaths))('%s: it tells as a standby what the new leader needs', async (_name, [call]) => {
    const { world, first } = await aLeader()
    first.dieOf(call)
    await world.clock.pass(afterDue)
    const second = await world.leader()
    await world.clock.pass(60)
    await first.restart()
    await world.clock.pass(900)
    expectHealthy(world)
    expect(second.isDead).toBe(false)
    expect(first.journal.kept.size).toBe(0)
  })

  it.each(Object.entries(deaths))(
    '%s, and nobody hears of its Pod: its token is not touched',
    async (_name, [call, sent]) => {
      const { world, first } = await aLeader()
      const isHeld = call !== 'journal.armed' && call !== 'sink.publish'
      first.dieOf(call)
      await world.clock.pass(afterDue)
      const { requests } = world.endpoint
      expect(requests).toBe(sent ? 2 : 1)
      await world.leader()
      await world.clock.pass(3600)
      if (isHeld) {
        expect(world.endpoint.requests).toBe(requests)
        expect(world.problem()).toBe('REFRESH_HOLDER_SILENT')
      } else {
        expect(world.endpoint.requests).toBeGreaterThan(requests)
      }
      expect(world.endpoint.reuses).toBe(0)
    },
  )

  it('and its Pod with it, before the request: the next one sends after a minute and a half', async () => {
    const { world, first } = await aLeader()
    first.dieOf('journal.sent')
    await world.clock.pass(afterDue)
    first.loseItsPod()
    await world.leader()
    await world.clock.pass(80)
    expect(world.endpoint.requests).toBe(1)
    await world.clock.pass(40)
    expect(world.endpoint.requests).toBe(2)
    expectHealthy(world)
  })

  it('and its Pod with the only answer: within the leeway nothing is lost', async () => {
    const { world, first } = await aLeader()
    world.applyProvider({ rotation: aRotation({ reuseLeewaySeconds: 300 }) })
    world.endpoint.leewaySeconds = 300
    first.dieOf('journal.answered')
    await world.clock.pass(afterDue)
    first.loseItsPod()
    await world.leader()
    await world.clock.pass(120)
    expectHealthy(world)
  })

  it('and its Pod with the only answer: without a leeway a human is told why', async () => {
    const { world, first } = await aLeader()
    first.dieOf('journal.answered')
    await world.clock.pass(afterDue)
    first.loseItsPod()
    await world.leader()
    await world.clock.pass(120)
    expect(world.problem()).toBe('REFRESH_ANSWER_LOST')
    expect(world.condition('Stalled')).toMatchObject({ reason: 'LostResponse' })
  })

  it('and its Pod when the record has the answer: the next one brings it home', async () => {
    const { world, first } = await aLeader()
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'TokenStore ci/vault did not answer.')
    await world.clock.pass(afterDue)
    expect(world.endpoint.requests).toBe(2)
    first.loseItsPod()
    world.store.writeFault = undefined
    await world.leader()
    await world.clock.pass(301)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(2)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('True')
  })

  it('and its Pod when the store alone has the answer: the next one begins with that', async () => {
    const { world, first } = await aLeader()
    first.records.beforeReplace = ({ retained }) => {
      const isCommit = retained?.tokens !== undefined && retained.fingerprint !== world.record()?.retained?.fingerprint
      if (isCommit) first.records.replaceFault = failure('REFRESH_RECORD_UNAVAILABLE', 'It cannot be written.')
    }
    await world.clock.pass(afterDue)
    expect(world.endpoint.requests).toBe(2)
    expect(world.storeIsLive()).toBe(true)
    first.loseItsPod()
    await world.leader()
    await world.clock.pass(3600)
    expectHealthy(world)
  })
})

describe('a leader that steps down and stays', () => {
  it('leaves nothing that holds its successor up', async () => {
    const { world, first } = await aLeader()
    await first.stepDown()
    await world.leader()
    await world.clock.pass(3600)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(3)
  })

  it('leaves nothing either where the server answers with the same refresh token', async () => {
    const world = aWorld(new EchoingTokenEndpoint())
    world.applyProvider({ rotation: aRotation({ mode: 'Always' }) })
    const first = await world.leader()
    expect(world.record()?.intent).toBeUndefined()
    await first.stepDown()
    await world.leader()
    await world.clock.pass(3600)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(2)
  })
})
