import { afterEach, describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, day, hour } from '../support/two-documents.ts'

// A server that was never seen to rotate: what needs the record there, and what must not.

const conflict = failure('REFRESH_RECORD_CONFLICT', 'The record is another one by now.')
const silent = failure('TOKEN_ENDPOINT_UNAVAILABLE', 'The server did not answer.')
const readOnly = failure('STORE_FORBIDDEN', 'The store is only read.')

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs } of worlds) expect(bugs).toEqual([])
  worlds = []
})

function aWorld(): Replicas {
  const world = Replicas.withCredential()
  world.endpoint.rotates = false
  worlds.push(world)
  return world
}

/** A process with one refresh behind it, which has ended shortly before the next. */
async function afterTheFirst(): Promise<Replicas> {
  const world = aWorld()
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  await first.shutDown()
  return world
}

/** Its successor has its intent in the record, and is stopped before the request until `goOn` is called. */
async function anotherAtIt(): Promise<{ world: Replicas; goOn: () => void }> {
  const world = await afterTheFirst()
  const second = world.replica()
  const { promise, resolve } = Promise.withResolvers<void>()
  second.records.afterReplace = () => {
    second.records.afterReplace = undefined
    return promise
  }
  await second.lead()
  await world.clock.pass(afterDue)
  expect(world.record()?.intent?.holder?.journalId).toBe('journal-2')
  return { world, goOn: resolve }
}

/** The younger of two that name one refresh token. */
function sharer(): Credential {
  const { spec, createdAt } = aCredential()
  return {
    ...aCredential({
      key: { namespace: 'ci', name: 'other' },
      createdAt: later(createdAt, seconds(60)),
      spec: { target: { ...spec.target, name: 'other-token' } },
    }),
    uid: '6f1c0a52-0000-4000-8000-000000000002',
  }
}

describe('while another process may be at the refresh token', () => {
  it('nobody presents it', async () => {
    const { world, goOn } = await anotherAtIt()
    await world.leader()
    await world.clock.pass(60)
    expect(world.problem()).toBe('REFRESH_UNDER_WAY')
    expect(world.endpoint.requests).toBe(1)
    goOn()
    await world.clock.pass(60)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.record()?.intent).toBeUndefined()
  })

  it('a look that fails for another reason in between does not count', async () => {
    const { world, goOn } = await anotherAtIt()
    await world.leader()
    await world.clock.pass(15)
    world.store.readFault = failure('STORE_UNAVAILABLE', 'The store did not answer.')
    await world.clock.pass(15)
    world.store.readFault = undefined
    await world.clock.pass(30)
    expect(world.endpoint.requests).toBe(1)
    goOn()
  })
})

describe('who has looked looks again', () => {
  it('where a document comes back, and another process is at what it held', async () => {
    const { world, goOn } = await anotherAtIt()
    const token = world.stored()
    await world.leader()
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(30)
    expect(world.condition('Ready')?.status).toBe('True')
    const { requests } = world.endpoint
    world.store.put(documentKey, token)
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(30)
    expect([world.endpoint.requests, world.problem()]).toEqual([requests, 'REFRESH_UNDER_WAY'])
    goOn()
  })

  it('where the answer of another process was lost, and tells what that most likely means', async () => {
    const world = await afterTheFirst()
    const second = await world.leader()
    world.endpoint.rotates = true
    world.endpoint.next = 'lost-answer'
    second.after('endpoint.request', () => void second.shutDown())
    await world.clock.pass(afterDue)
    const { endpoint } = world
    const request = endpoint.request.bind(endpoint)
    endpoint.request = () => {
      endpoint.request = request
      return Promise.resolve({ kind: 'not-sent', failure: silent })
    }
    await world.leader()
    for (let tries = 0; tries < 60 && endpoint.requests < 3; tries += 1) await world.clock.pass(30)
    expect(world.problem()).toBe('REFRESH_ANSWER_LOST')
  })
})

describe('an intent that a process could not take back', () => {
  it('goes out of the record with its answer for another login', async () => {
    const world = await afterTheFirst()
    const leader = await world.leader()
    world.endpoint.next = 'lost-answer'
    leader.after('journal.sent', () => {
      leader.records.replaceFault = conflict
      world.store.writableFault = readOnly
      world.store.put(documentKey, world.endpoint.login())
    })
    await world.clock.pass(afterDue)
    expect(world.record()?.intent?.holder?.journalId).toBe('journal-2')
    leader.records.replaceFault = undefined
    await world.clock.pass(600)
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.record()?.intent?.holder).toBeUndefined()
  })
})

describe('an intent that was left by a Pod that is gone', () => {
  async function anIntentLeft(): Promise<{ world: Replicas; leader: Replica }> {
    const world = await afterTheFirst()
    const second = world.replica()
    await second.lead()
    second.dieOf('records.replace')
    await world.clock.pass(afterDue)
    second.loseItsPod()
    world.store.put(documentKey, world.endpoint.login())
    const leader = await world.leader()
    await world.clock.pass(hour)
    expect(world.condition('Ready')?.status).toBe('True')
    return { world, leader }
  }

  it('costs no call', async () => {
    const { world, leader } = await anIntentLeft()
    const { reads, replacements } = leader.records
    await world.clock.pass(day)
    expect([leader.records.reads, leader.records.replacements]).toEqual([reads, replacements])
  })

  it('and a store that is only read by then hold up nothing', async () => {
    const { world } = await anIntentLeft()
    world.store.writableFault = readOnly
    await world.clock.pass(6 * hour)
    expect(world.condition('Ready')?.status).toBe('True')
  })
})

describe('two that share a refresh token', () => {
  /** Both have it; the older one was refreshed once more, the younger one is due next, and nobody leads. */
  async function aSharedToken(): Promise<Replicas> {
    const world = aWorld()
    const first = await world.leader()
    await world.clock.pass(400)
    world.apply(sharer())
    await world.clock.pass(beforeDue)
    await first.shutDown()
    return world
  }

  it('go on after an outage of the server within which the operator was started again', async () => {
    const world = await aSharedToken()
    const second = await world.leader()
    const { endpoint } = world
    const request = endpoint.request.bind(endpoint)
    endpoint.request = async (_asked, beforeSend) => {
      const may = await beforeSend()
      return may.ok ? { kind: 'lost', failure: silent } : { kind: 'not-sent', failure: may.failure }
    }
    await world.clock.pass(2600)
    await second.shutDown()
    endpoint.request = request
    await world.leader()
    await world.clock.pass(2 * day)
    expect([world.problem(), world.problem('ci/other')]).toEqual([undefined, undefined])
  })

  it('go on when another leader is lost with its node, which was at it for the younger one', async () => {
    const world = await aSharedToken()
    world.apply(aCredential({ refreshRequest: 'now' }))
    const third = await world.leader()
    third.leading = false
    third.records.readFault = failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be read.')
    const second = world.replica()
    await second.lead()
    second.dieOf('records.replace')
    await world.clock.pass(afterDue)
    expect(world.record(sharer().uid)?.intent?.holder?.journalId).toBe('journal-3')
    third.leading = true
    third.records.readFault = undefined
    await world.clock.pass(2 * day)
    expect([world.problem(), world.problem('ci/other')]).toEqual([undefined, undefined])
  })

  it('share it as soon as the first one has found that it stays as it is', async () => {
    const world = aWorld()
    let open = (): void => {}
    world.endpoint.gate = new Promise<void>((resolve) => (open = resolve))
    await world.leader()
    world.apply(sharer())
    await world.clock.pass(600)
    expect(world.problem('ci/other')).toBe('REFRESH_TOKEN_OWNED')
    world.endpoint.gate = undefined
    open()
    await world.clock.pass(31)
    expect(world.podToken('other-token')).toBe(world.newestAccessToken())
  })
})
