import { afterEach, describe, expect, it } from 'vitest'
import type { Rotation } from '../../src/domain/provider.ts'
import { aCredential, aRotation } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { elsewhere, former, moveServer, type Presented, presentedTokens } from '../support/presented-tokens.ts'
import { documentKey, Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, heir, movedTo, otherKey } from '../support/two-documents.ts'

// A refresh token whose only answer was lost, or came late, belongs to the server that was asked: whatever else the record
// tells by then, and wherever the credential has been meanwhile.

type Mode = Rotation['mode']
const modes: readonly Mode[] = ['Detect', 'Always']
const refused = 'TOKEN_ORIGIN_CHANGED'

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs, endpoint } of worlds) expect([bugs, endpoint.reuses]).toEqual([[], 0])
  worlds = []
})

interface Scene {
  readonly world: Replicas
  readonly presented: Presented
}

function begin(mode: Mode, hasRoom = true): Scene {
  const world = Replicas.withCredential()
  world.store.hasRoom = hasRoom
  world.applyProvider({ rotation: aRotation({ mode }) })
  worlds.push(world)
  return { world, presented: presentedTokens(world) }
}

/** Until so many requests were made, and nothing more. */
async function requests({ endpoint, clock }: Replicas, wanted: number, step = 5): Promise<void> {
  for (let tries = 0; tries < 3000 && endpoint.requests < wanted; tries += 1) await clock.pass(step)
  expect(endpoint.requests).toBe(wanted)
}

/** Where the token was presented, and what is told in the end. */
function outcome({ world, presented }: Scene, token: string): readonly unknown[] {
  return [[...(presented.get(token) ?? [])], world.problem()]
}

const untilLater = 2 * (beforeDue + afterDue)

describe.each(modes)('a place that is left with nothing but an intent of before, mode %s', (mode) => {
  it.each([
    [elsewhere, refused],
    [former, undefined],
  ])('keeps its token to the server that was asked, when the provider names %s', async (named, problem) => {
    const scene = begin(mode)
    const { world } = scene
    const lost = world.stored()
    world.endpoint.rotates = false
    world.endpoint.next = 'lost-answer'
    await world.leader()
    await requests(world, 1)
    // The next login there is settled, and brings nothing.
    world.endpoint.next = () => answer(429, {})
    world.store.put(documentKey, world.endpoint.login())
    await requests(world, 2)
    await world.clock.pass(5)
    expect([world.record()?.intent, world.record()?.left?.length]).toEqual([undefined, 1])
    world.store.put(otherKey, world.endpoint.login())
    moveServer(world, mode)
    world.apply(movedTo(otherKey))
    await requests(world, 3)
    await world.clock.pass(30)
    world.store.put(documentKey, lost)
    moveServer(world, mode, { tokenEndpoint: named, generation: 3 })
    world.apply(movedTo(documentKey))
    await world.clock.pass(untilLater)
    expect(outcome(scene, lost)).toEqual([[former], problem])
  })
})

describe.each(modes)('a late answer, while another login is used at another server, mode %s', (mode) => {
  it.each([
    [elsewhere, 'at once', [], refused],
    [former, 'at once', [former], undefined],
    [elsewhere, 'after a refresh there', [], refused],
    [former, 'after a refresh there', [former], undefined],
  ])('goes where it came from, when the provider names %s, put back %s', async (named, when, places, problem) => {
    const scene = begin(mode, false)
    const { world } = scene
    const token = world.stored()
    const first = world.replica()
    first.dieOf('journal.answered')
    await first.lead()
    await world.clock.pass(5)
    world.endpoint.rotates = false
    moveServer(world, mode)
    world.store.put(documentKey, world.endpoint.login())
    await world.leader()
    await world.clock.pass(120)
    expect([world.endpoint.requests, world.problem()]).toEqual([2, undefined])
    await first.restart()
    await world.clock.pass(5)
    const late = world.record()?.retained?.tokens?.refreshToken?.reveal() ?? ''
    expect(world.endpoint.isLive(late)).toBe(true)
    if (when !== 'at once') await requests(world, 3)
    await world.clock.pass(when === 'at once' ? 0 : 30)
    world.store.put(documentKey, token)
    moveServer(world, mode, { tokenEndpoint: named, generation: 3 })
    await world.clock.pass(9000)
    expect(outcome(scene, late)).toEqual([places, problem])
  })
})

describe.each(modes)('an heir that goes on with the login of its predecessor, mode %s', (mode) => {
  it.each([
    [former, refused],
    [elsewhere, undefined],
  ])('keeps its own, whose answer was lost, to its server, when the provider names %s', async (named, problem) => {
    const scene = begin(mode)
    const { world } = scene
    await world.leader()
    await world.clock.pass(60)
    const inherited = world.stored()
    world.delete(aCredential())
    world.sink.published.clear()
    moveServer(world, mode)
    const lost = world.endpoint.login()
    world.store.put(documentKey, lost)
    world.endpoint.next = 'lost-answer'
    world.endpoint.rotates = false
    const own = heir(documentKey)
    world.apply(own)
    await requests(world, 2, 0.1)
    moveServer(world, mode, { tokenEndpoint: former, generation: 3 })
    world.store.put(documentKey, inherited)
    await requests(world, 3)
    await world.clock.pass(30)
    expect(outcome(scene, inherited)).toEqual([[former], undefined])
    world.store.put(documentKey, lost)
    moveServer(world, mode, { tokenEndpoint: named, generation: 4 })
    world.apply({ ...own, refreshRequest: 'now' })
    await world.clock.pass(untilLater)
    expect(outcome(scene, lost)).toEqual([[elsewhere], problem])
  })
})

describe.each(modes)('the newest token of a place that was left goes on in another document, mode %s', (mode) => {
  it('and the other login there, whose answer was lost at another server, keeps to that', async () => {
    const scene = begin(mode)
    const { world } = scene
    await world.leader()
    await world.clock.pass(60)
    const newest = world.stored()
    const lost = world.endpoint.login()
    moveServer(world, mode)
    world.store.put(documentKey, lost)
    world.endpoint.next = 'lost-answer'
    world.apply(aCredential({ refreshRequest: 'now' }))
    await requests(world, 2, 0.1)
    moveServer(world, mode, { tokenEndpoint: former, generation: 3 })
    world.store.put(otherKey, newest)
    world.apply(movedTo(otherKey))
    await requests(world, 3)
    await world.clock.pass(30)
    expect(outcome(scene, newest)).toEqual([[former], undefined])
    world.apply(movedTo(documentKey))
    await world.clock.pass(untilLater)
    expect(outcome(scene, lost)).toEqual([[elsewhere], refused])
  })
})
