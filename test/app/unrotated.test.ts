import { afterEach, describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, day, hour, movedTo } from '../support/two-documents.ts'

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
  it('where its server has moved since, and dies at its answer', async () => {
    const world = aWorld()
    const first = await world.leader()
    await world.clock.pass(beforeDue)
    world.endpoint.rotates = true
    world.applyProvider({ tokenEndpoint: 'https://new.example.com/token', generation: 2 })
    world.apply(aCredential({ allowedOrigin: 'https://new.example.com' }))
    first.dieOf('endpoint.request')
    await world.clock.pass(afterDue)
    expect(world.endpoint.requests).toBe(2)
    await world.leader()
    await world.clock.pass(60)
    expect([world.endpoint.requests, world.endpoint.reuses]).toEqual([2, 0])
  })

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
    const { intent, left = [] } = world.record() ?? {}
    expect([intent, ...left].filter((one) => one?.holder !== undefined)).toEqual([])
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

describe('a look that a request did not follow', () => {
  it('does not count', async () => {
    const world = await afterTheFirst()
    const { endpoint } = world
    const request = endpoint.request.bind(endpoint)
    let tried = 0
    endpoint.request = (asked, beforeSend) => {
      tried += 1
      return tried === 1 ? Promise.resolve({ kind: 'not-sent', failure: silent }) : request(asked, beforeSend)
    }
    const leader = await world.leader()
    await world.clock.pass(afterDue)
    expect([endpoint.requests, world.condition('Ready')?.status]).toEqual([2, 'True'])
    expect(leader.records.replacements).toBe(2)
  })

  it('takes no place for a successor where none is expected', async () => {
    const world = await afterTheFirst()
    world.store.writableFault = readOnly
    await world.leader()
    await world.clock.pass(afterDue)
    expect([world.endpoint.requests, world.problem()]).toEqual([2, undefined])
  })
})

describe('an answer that came without an intent, and waits in the journal', () => {
  it.each([false, true])('is no late one where intents are made by then; its place was left: %s', async (isLeft) => {
    const world = aWorld()
    world.endpoint.rotates = true
    const first = await world.leader()
    await world.clock.pass(afterDue)
    world.applyProvider({ rotation: aRotation({ mode: 'Never' }) })
    const login = world.endpoint.login()
    world.store.put(documentKey, login)
    first.dieOf('journal.answered')
    await world.clock.pass(2 * hour)
    expect([first.isDead, world.endpoint.isLive(login)]).toEqual([true, false])

    world.applyProvider({ rotation: aRotation({ mode: 'Always' }) })
    world.store.put('elsewhere', world.endpoint.login())
    if (isLeft) world.apply(movedTo('elsewhere'))
    await first.restart()
    await first.lead()
    await world.clock.pass(60)
    world.apply(movedTo(documentKey))
    await world.clock.pass(60)
    expect([world.problem(), world.storeIsLive()]).toEqual([undefined, true])
    expect(world.endpoint.loginOf(world.stored())).toBe(world.endpoint.loginOf(login))
    expect(world.endpoint.reuses).toBe(0)
  })
})

describe('one that comes to the document of another', () => {
  const spareKey = 'teams/ci/spare'

  function movedHere(document: string, refreshRequest: string): Credential {
    const { generation, spec } = movedTo(document)
    return { ...sharer(), generation, refreshRequest, spec: { ...spec, target: sharer().spec.target } }
  }

  /** It does not rotate where it was so far; the other one has got a successor meanwhile, which the store has not. */
  async function apart(): Promise<Replicas> {
    const world = aWorld()
    world.store.put(spareKey, world.endpoint.login())
    world.apply(movedHere(spareKey, 'first'))
    const leader = await world.leader()
    await world.clock.pass(60)
    world.endpoint.rotates = true
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'The store did not answer.')
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(30)
    expect([world.storeIsLive(), world.state('ci/other').rotates]).toEqual([false, false])
    leader.loseItsPod()
    world.delete(aCredential())
    world.store.writeFault = undefined
    return world
  }

  it('goes on with the successor that is in the record of that one', async () => {
    const world = await apart()
    world.endpoint.rotates = false
    world.apply(movedHere(spareKey, 'second'))
    await world.leader()
    await world.clock.pass(60)
    world.endpoint.rotates = true
    world.apply(movedHere(documentKey, 'third'))
    await world.clock.pass(600)
    expect([world.endpoint.reuses, world.storeIsLive()]).toEqual([0, true])
    expect(world.problem('ci/other')).toBeUndefined()
  })
})

describe('two with one refresh token that stays as it is', () => {
  async function aSharedToken(mode: 'Detect' | 'Never'): Promise<Replicas> {
    const world = aWorld()
    world.applyProvider({ rotation: aRotation({ mode }) })
    await world.leader()
    await world.clock.pass(400)
    world.apply(sharer())
    await world.clock.pass(beforeDue)
    return world
  }

  async function withAnotherLeader(world: Replicas): Promise<void> {
    await world.replicas.at(-1)?.shutDown()
    await world.leader()
    await world.clock.pass(day)
  }

  it('share it where a human says that it does, whoever leads', async () => {
    const world = await aSharedToken('Never')
    for (let leaders = 0; leaders < 3; leaders += 1) {
      await withAnotherLeader(world)
      expect([world.problem(), world.problem('ci/other')]).toEqual([undefined, undefined])
      expect([world.condition('Ready')?.status, world.condition('Ready', 'ci/other')?.status]).toEqual(['True', 'True'])
    }
  })

  it('do not share it otherwise: the second one is told once', async () => {
    const world = await aSharedToken('Detect')
    const told = (): number => world.events.events.filter(({ message }) => message.includes('is refreshed by')).length
    expect(told()).toBe(1)
    for (let leaders = 0; leaders < 3; leaders += 1) {
      await withAnotherLeader(world)
      expect([world.problem(), world.problem('ci/other')]).toEqual([undefined, 'REFRESH_TOKEN_OWNED'])
    }
    expect(told()).toBe(1)
    world.delete(aCredential())
    await world.clock.pass(120)
    expect([world.problem('ci/other'), world.condition('Ready', 'ci/other')?.status]).toEqual([undefined, 'True'])
  })
})

describe('a server that has brought another refresh token with an answer of no other use', () => {
  it.each(['the same', 'another'] as const)('is not one that leaves it: %s server', async (which) => {
    const world = aWorld()
    await world.leader()
    await world.clock.pass(beforeDue)
    if (which === 'another') {
      world.applyProvider({ tokenEndpoint: 'https://new.example.com/token', generation: 2 })
      world.store.put(documentKey, world.endpoint.login())
    }
    world.endpoint.rotates = true
    const next = world.endpoint.login()
    world.endpoint.next = () => answer(200, { refresh_token: next })
    const { requests } = world.endpoint
    for (let tries = 0; tries < 600 && world.endpoint.requests === requests; tries += 1) await world.clock.pass(5)
    await world.clock.pass(1)
    expect([world.stored(), world.problem(), world.state().rotates]).toEqual([next, 'TOKEN_ANSWER_INCOMPLETE', true])
    world.store.writableFault = readOnly
    world.store.writeFault = readOnly
    await world.clock.pass(2 * hour)
    expect(world.endpoint.requests - requests).toBe(1)
  })
})
