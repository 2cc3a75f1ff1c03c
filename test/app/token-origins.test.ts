import { afterEach, describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import type { Rotation } from '../../src/domain/provider.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { elsewhere, former, moveServer, type Presented, presentedTokens } from '../support/presented-tokens.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'
import { movedTo, otherKey } from '../support/two-documents.ts'

// A refresh token goes to one server alone, whatever its provider names since.

const untilDue = 2400
const newOrigin = 'https://new.example.com'
const modes: readonly Rotation['mode'][] = ['Never', 'Detect', 'Always']

interface Scene {
  readonly world: Replicas
  readonly first: Replica
  readonly presented: Presented
}

let scenes: Scene[] = []

afterEach(() => {
  for (const { world, presented } of scenes) {
    expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
    const places = [...presented.values()].map((urls) => urls.size)
    expect(Math.max(...places), `where each token was presented: ${world.problem() ?? 'no problem'}`).toBe(1)
  }
  scenes = []
})

/** A leader with one refresh behind it. */
async function refreshedOnce(mode: Rotation['mode'], rotates: boolean): Promise<Scene> {
  const world = Replicas.withCredential()
  world.store.hasRoom = true
  world.endpoint.rotates = rotates
  const presented = presentedTokens(world)
  world.applyProvider({ rotation: aRotation({ mode }) })
  const first = await world.leader()
  const scene = { world, first, presented }
  scenes.push(scene)
  return scene
}

function expectHealthy({ world }: Pick<Scene, 'world'>): void {
  expect([world.problem(), world.storeIsLive(), world.condition('Ready')?.status]).toEqual([undefined, true, 'True'])
  expect(world.podToken()).toBe(world.newestAccessToken())
}

/** Dies when its next answer is in the journal, and comes back with that. */
async function diesWithAnswer({ world, first }: Scene): Promise<void> {
  first.dieOf('journal.answered')
  await world.clock.pass(untilDue)
  expect(first.isDead).toBe(true)
  await first.restart()
  await first.lead()
  await world.clock.pass(60)
  expect([world.problem(), world.condition('Ready')?.status]).toEqual([undefined, 'True'])
}

const either = modes.flatMap((mode) => [true, false].map((rotates) => [mode, rotates] as const))

describe.each(either)('in mode %s, of a server that rotates: %s', (mode, rotates) => {
  it('does not change without a human, and then it does', async () => {
    const scene = await refreshedOnce(mode, rotates)
    const { world } = scene
    moveServer(scene.world, mode)
    await world.clock.pass(untilDue)
    expect([world.endpoint.requests, world.problem()]).toEqual([1, 'TOKEN_ORIGIN_CHANGED'])
    world.apply(aCredential({ allowedOrigin: newOrigin }))
    await world.clock.pass(120)
    expectHealthy(scene)
    world.apply(aCredential())
    await world.clock.pass(untilDue)
    expectHealthy(scene)
    // A token that stays has been at both now, as somebody wanted it.
    if (!rotates) scenes = []
  })

  it('is that of a new login', async () => {
    const scene = await refreshedOnce(mode, rotates)
    const { world } = scene
    moveServer(scene.world, mode)
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(untilDue)
    expectHealthy(scene)
  })

  it('is the one that was asked, where the provider changes meanwhile, and nobody is kept from it', async () => {
    const scene = await refreshedOnce(mode, rotates)
    const { world, first } = scene
    first.after('endpoint.request', () => moveServer(scene.world, mode))
    await world.clock.pass(2 * untilDue)
    expect([world.endpoint.requests, world.problem()]).toEqual([2, 'TOKEN_ORIGIN_CHANGED'])
    moveServer(scene.world, mode, { tokenEndpoint: former, generation: 3 })
    await world.clock.pass(120)
    expectHealthy(scene)
  })

  it('is known of an answer that waited in the journal', async () => {
    const scene = await refreshedOnce(mode, rotates)
    const { world } = scene
    await diesWithAnswer(scene)
    moveServer(scene.world, mode)
    await world.clock.pass(untilDue)
    expect(world.problem()).toBe('TOKEN_ORIGIN_CHANGED')
  })

  it('is where the first answer was lost', async () => {
    const world = Replicas.withCredential()
    world.endpoint.rotates = rotates
    world.applyProvider({ rotation: aRotation({ mode }) })
    const presented = presentedTokens(world)
    world.endpoint.next = 'lost-answer'
    const first = await world.leader()
    const scene = { world, first, presented }
    scenes.push(scene)
    moveServer(scene.world, mode)
    await world.clock.pass(untilDue)
    expect([world.endpoint.requests, world.problem()]).toEqual([1, 'TOKEN_ORIGIN_CHANGED'])
  })
})

describe.each(modes)('of a token that stays, in mode %s,', (mode) => {
  it('is remembered of a login that is put back after one at another server', async () => {
    const scene = await refreshedOnce(mode, false)
    const { world } = scene
    const token = world.stored()
    moveServer(scene.world, mode)
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(untilDue)
    expectHealthy(scene)
    world.store.put(documentKey, token)
    await world.clock.pass(2 * untilDue)
    expect(world.problem()).toBe('TOKEN_ORIGIN_CHANGED')
  })

  it('is remembered of a document that was left, and named again', async () => {
    const scene = await refreshedOnce(mode, false)
    const { world } = scene
    world.store.put(otherKey, world.endpoint.login())
    world.apply(movedTo(otherKey))
    await world.clock.pass(untilDue)
    moveServer(scene.world, mode)
    world.apply(movedTo(documentKey))
    await world.clock.pass(2 * untilDue)
    expect(world.problem()).toBe('TOKEN_ORIGIN_CHANGED')
  })

  it('is remembered while another grant is asked for', async () => {
    const scene = await refreshedOnce(mode, false)
    const { world } = scene
    const secretRef = { name: 'client', key: 'secret' }
    const client = { id: 'cli', authentication: 'client_secret_basic', secretRef } as const
    moveServer(scene.world, mode, { tokenEndpoint: former, client })
    await world.clock.pass(untilDue)
    world.apply(asItself(2))
    await world.clock.pass(untilDue)
    expect(world.problem()).toBeUndefined()
    moveServer(scene.world, mode, { client, generation: 3 })
    world.apply(aCredential({ generation: 3 }))
    await world.clock.pass(2 * untilDue)
    expect(world.problem()).toBe('TOKEN_ORIGIN_CHANGED')
  })

  it('is the new one where an answer from there waited, after the annotation is gone', async () => {
    const scene = await refreshedOnce(mode, false)
    const { world } = scene
    moveServer(scene.world, mode)
    world.apply(aCredential({ allowedOrigin: newOrigin }))
    await diesWithAnswer(scene)
    world.apply(aCredential())
    await world.clock.pass(untilDue)
    expectHealthy(scene)
    scenes = []
  })
})

function asItself(generation: number): Credential {
  const { target, provider, refresh, suspend } = aCredential().spec
  const spec = { grant: 'ClientCredentials', target, provider, refresh, suspend, scopes: [] } as const
  return { ...aCredential({ generation }), spec }
}

describe('of what a record says', () => {
  it('is not one that a request without an intent has replaced', async () => {
    const scene = await refreshedOnce('Always', true)
    const { world } = scene
    moveServer(scene.world, 'Never')
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(2 * untilDue)
    expectHealthy(scene)
    moveServer(scene.world, 'Always', { generation: 3 })
    await world.clock.pass(untilDue)
    expectHealthy(scene)
  })

  it('nor one of an answer to such a request, which waited', async () => {
    const scene = await refreshedOnce('Always', true)
    const { world, presented } = scene
    moveServer(scene.world, 'Never')
    world.store.put(documentKey, world.endpoint.login())
    await diesWithAnswer(scene)
    const theirs = world.stored()
    moveServer(scene.world, 'Always', { tokenEndpoint: former, generation: 3 })
    await world.clock.pass(2 * untilDue)
    expect([[...(presented.get(theirs) ?? [])], world.problem()]).toEqual([[], 'TOKEN_ORIGIN_CHANGED'])
  })

  it('is not one that was allowed, and never asked', async () => {
    const scene = await refreshedOnce('Always', true)
    const { world } = scene
    moveServer(scene.world, 'Always')
    world.apply(aCredential({ allowedOrigin: newOrigin, refreshRequest: 'now' }))
    const serve = world.endpoint.request.bind(world.endpoint)
    const away = failure('TOKEN_ENDPOINT_UNAVAILABLE', 'It did not answer.')
    world.endpoint.request = async (_asked, beforeSend) => {
      await beforeSend()
      return { kind: 'not-sent', failure: away }
    }
    await world.clock.pass(120)
    world.endpoint.request = serve
    moveServer(scene.world, 'Always', { tokenEndpoint: former, generation: 3 })
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(untilDue)
    expectHealthy(scene)
  })

  it.each(['Detect', 'Always'] as const)('is where an answer was lost with its Pod, in mode %s', async (mode) => {
    const world = Replicas.withCredential()
    world.applyProvider({ rotation: aRotation({ mode }) })
    const presented = presentedTokens(world)
    world.endpoint.next = 'lost-answer'
    const first = await world.leader()
    scenes.push({ world, first, presented })
    first.loseItsPod()
    moveServer(world, mode)
    await world.leader()
    await world.clock.pass(untilDue)
    expect([world.endpoint.requests, world.problem()]).toEqual([1, 'TOKEN_ORIGIN_CHANGED'])
  })

  it('is known to the next process, where the record is gone', async () => {
    const scene = await refreshedOnce('Always', true)
    const { world, first } = scene
    await first.shutDown()
    world.records.delete(aCredential().uid)
    moveServer(scene.world, 'Always')
    await world.leader()
    await world.clock.pass(untilDue)
    expect([world.endpoint.requests, world.problem()]).toEqual([1, 'TOKEN_ORIGIN_CHANGED'])
  })
})

it('of a token that came with an answer of no other use is the one that gave it', async () => {
  const scene = await refreshedOnce('Never', false)
  const { world } = scene
  const next = world.endpoint.login()
  world.endpoint.next = () => answer(200, { refresh_token: next })
  await world.clock.pass(untilDue)
  expect(world.stored()).toBe(next)
  const { requests } = world.endpoint
  moveServer(scene.world, 'Never')
  await world.clock.pass(4 * untilDue)
  expect(world.endpoint.requests).toBe(requests)
})

const unavailable = failure('REFRESH_RECORD_UNAVAILABLE', 'It did not answer.')
const afterLook = 10

describe.each(['Detect', 'Always'] as const)('a token that was sent nowhere belongs nowhere, in mode %s:', (mode) => {
  function atMistake(): Replicas {
    const world = Replicas.withCredential()
    moveServer(world, mode)
    return world
  }

  async function expectItGoesOn(world: Replicas): Promise<void> {
    moveServer(world, mode, { tokenEndpoint: former, generation: 3 })
    await world.clock.pass(untilDue)
    expect([world.problem(), world.condition('Ready')?.status, world.bugs]).toEqual([undefined, 'True', []])
  }

  it('its record could not be written', async () => {
    const world = atMistake()
    const first = world.replica()
    first.records.replaceFault = unavailable
    await first.lead()
    await world.clock.pass(60)
    expect([world.endpoint.requests, world.problem()]).toEqual([0, 'REFRESH_RECORD_UNAVAILABLE'])
    first.records.replaceFault = undefined
    await expectItGoesOn(world)
  })

  it('its intent could not be taken back', async () => {
    const world = atMistake()
    const first = world.replica()
    first.records.afterReplace = () => {
      first.records.replaceFault = unavailable
      first.records.listFault = unavailable
    }
    await first.lead()
    await world.clock.pass(60)
    expect([world.record()?.intent?.sends, world.endpoint.requests]).toEqual([1, 0])
    first.records.afterReplace = undefined
    first.records.replaceFault = undefined
    first.records.listFault = undefined
    await expectItGoesOn(world)
  })
})

describe.each(['Detect', 'Always'] as const)(
  'an answer lost at one, and another login at another, in mode %s:',
  (mode) => {
    async function lostAtFormer(): Promise<Scene & { readonly token: string }> {
      const world = Replicas.withCredential()
      world.endpoint.rotates = false
      world.applyProvider({ rotation: aRotation({ mode }) })
      const presented = presentedTokens(world)
      const token = world.stored()
      world.endpoint.next = 'lost-answer'
      const first = await world.leader()
      const scene = { world, first, presented, token }
      moveServer(scene.world, mode)
      world.store.put(documentKey, world.endpoint.login())
      return scene
    }

    it.each([
      ['refuses the client', 401],
      ['is busy', 429],
    ])('all is put back where the other one %s', async (_what, status) => {
      const { world, token } = await lostAtFormer()
      world.endpoint.next = () => answer(status, status === 401 ? { error: 'invalid_client' } : {})
      for (let tries = 0; tries < 600 && world.endpoint.requests < 2; tries += 1) await world.clock.pass(afterLook)
      expect(world.endpoint.requests).toBe(2)
      moveServer(world, mode, { tokenEndpoint: former, generation: 3 })
      world.store.put(documentKey, token)
      await world.clock.pass(2 * untilDue)
      expect([world.problem(), world.condition('Ready')?.status, world.bugs]).toEqual([undefined, 'True', []])
    })

    it('the first token does not go to the other one, which has answered', async () => {
      const scene = await lostAtFormer()
      const { world, token } = scene
      scenes.push(scene)
      await world.clock.pass(untilDue)
      expect([world.problem(), world.condition('Ready')?.status]).toEqual([undefined, 'True'])
      world.store.put(documentKey, token)
      await world.clock.pass(2 * untilDue)
      expect(world.problem()).toBe('TOKEN_ORIGIN_CHANGED')
    })
  },
)

describe.each(modes)('a refusal that a change of the server follows is told as that, in mode %s:', (mode) => {
  it.each([
    ['CLIENT_REJECTED', 401, { error: 'invalid_client' }],
    ['TOKEN_ENDPOINT_NOT_FOUND', 404, {}],
  ])('%s', async (code, status, body) => {
    const scene = await refreshedOnce(mode, false)
    const { world } = scene
    const serve = world.endpoint.request.bind(world.endpoint)
    world.endpoint.request = (asked, beforeSend, came) => {
      world.endpoint.next = () => answer(status, body)
      return serve(asked, beforeSend, came)
    }
    await world.clock.pass(untilDue)
    expect(world.problem()).toBe(code)
    world.endpoint.request = serve
    world.endpoint.next = undefined
    moveServer(scene.world, mode)
    await world.clock.pass(2 * untilDue)
    expect(world.problem()).toBe('TOKEN_ORIGIN_CHANGED')
    world.apply(aCredential({ allowedOrigin: newOrigin }))
    await world.clock.pass(2 * untilDue)
    expectHealthy(scene)
    scenes = []
  })
})

const third = 'https://third.example.com/token'

/** Until this many requests were made. */
async function requests({ endpoint, clock }: Replicas, wanted: number): Promise<void> {
  for (let tries = 0; tries < 600 && endpoint.requests < wanted; tries += 1) await clock.pass(5)
  expect(endpoint.requests).toBe(wanted)
}

describe.each(['Detect', 'Always'] as const)('an answer lost at a place that is left, in mode %s,', (mode) => {
  it.each([
    ['does not make its token one of a server of another place', former, undefined],
    ['keeps its token from a server of another place', elsewhere, 'TOKEN_ORIGIN_CHANGED'],
  ])('%s', async (_what, then, problem) => {
    const scene = await refreshedOnce(mode, true)
    const { world } = scene
    world.endpoint.rotates = false
    world.store.put(documentKey, world.endpoint.login())
    world.endpoint.next = 'lost-answer'
    world.apply(aCredential({ refreshRequest: 'now' }))
    await requests(world, 2)
    moveServer(scene.world, mode)
    world.store.put(otherKey, world.endpoint.login())
    world.apply(movedTo(otherKey))
    await requests(world, 3)
    await world.clock.pass(30)
    moveServer(scene.world, mode, { tokenEndpoint: third, generation: 3 })
    world.store.put(otherKey, world.endpoint.login())
    await requests(world, 4)
    await world.clock.pass(30)
    moveServer(scene.world, mode, { tokenEndpoint: then, generation: 4 })
    world.apply(movedTo(documentKey))
    await world.clock.pass(2 * untilDue)
    expect(world.problem()).toBe(problem)
  })
})

it.each(['Detect', 'Always'] as const)(
  'a token stays where its answer was lost, if it was about to be sent again, from mode %s',
  async (mode) => {
    const world = Replicas.withCredential()
    world.applyProvider({ rotation: aRotation({ mode }) })
    const presented = presentedTokens(world)
    world.endpoint.next = 'lost-answer'
    const first = world.replica()
    scenes.push({ world, first, presented })
    await first.lead()
    await requests(world, 1)
    first.records.replaceFault = unavailable
    await world.clock.pass(60)
    moveServer(world, 'Never')
    await world.clock.pass(1)
    first.records.replaceFault = undefined
    await world.clock.pass(untilDue)
    expect([world.endpoint.requests, world.problem()]).toEqual([1, 'TOKEN_ORIGIN_CHANGED'])
  },
)
