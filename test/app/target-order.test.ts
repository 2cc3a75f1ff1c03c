import { expect, it } from 'vitest'
import { noState } from '../../src/domain/credential-state.ts'
import { failure } from '../../src/domain/failures.ts'
import { epochSeconds } from '../../src/domain/time.ts'
import type { Publication } from '../../src/ports/access-token-sink.ts'
import { aClientCredential, aConfidentialClient, aRotation } from '../support/builders.ts'
import { Replicas } from '../support/replicas.ts'
import { World } from '../support/world.ts'

const target = 'claude-token'

function publicationIn(world: World): Publication {
  const found = world.sink.found(target)
  if (found === undefined) throw new Error('nothing was published')
  return found
}

it('a process that was stopped before its publication leaves the newer token of another where it is', async () => {
  const stopped = Promise.withResolvers<void>()
  const world = await World.withCredential()
  world.sink.gate = stopped.promise
  await world.clock.pass(3000)
  const late = world.newestAccessToken()
  expect(world.podToken()).not.toBe(late)

  world.sink.gate = undefined
  await world.restart()
  await world.clock.pass(3600)
  const newest = world.newestAccessToken()
  expect(newest).not.toBe(late)
  expect(world.podToken()).toBe(newest)

  stopped.resolve()
  await world.clock.pass(1)
  expect(world.podToken()).toBe(newest)
  expect(world.endpoint.reuses).toBe(0)
  expect(world.bugs).toEqual([])
})

it('a target that somebody restores from a backup is mended from memory', async () => {
  const world = await World.withCredential()
  const old = publicationIn(world)
  await world.clock.pass(3000)
  const { requests } = world.endpoint
  world.sink.put(old)
  await world.clock.pass(601)
  expect(world.endpoint.requests).toBe(requests)
  expect(world.podToken()).toBe(world.newestAccessToken())
})

it('a target that somebody restores from a backup while no process runs is mended by a refresh', async () => {
  const world = await World.withCredential()
  const old = publicationIn(world)
  await world.clock.pass(3000)
  const { requests } = world.endpoint
  world.sink.put(old)
  await world.restart()
  await world.clock.pass(601)
  expect(world.endpoint.requests).toBe(requests + 1)
  expect(world.podToken()).toBe(world.newestAccessToken())
})

it('a newer token of another process is not replaced by the one at hand', async () => {
  const world = await World.withCredential()
  const { requests } = world.endpoint
  await world.clock.pass(300)
  const ours = publicationIn(world)
  const { issuedAt } = ours
  const theirs = { ...ours, issuedAt: world.clock.now(), expiresAt: world.clock.now(), digest: ours.digest }
  expect(theirs.issuedAt).toBeGreaterThan(issuedAt)
  world.sink.put(theirs)
  const { publications } = world.sink
  await world.clock.pass(601)
  expect(world.endpoint.requests).toBe(requests)
  expect(world.sink.publications).toBe(publications)
})

it('a token that was issued before the clock was set back is replaced by the next', async () => {
  const world = await World.withCredential()
  world.clock.jump(-7200)
  await world.clock.pass(120)
  expect(world.endpoint.requests).toBeGreaterThan(1)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.condition('Ready')?.status).toBe('True')
})

it('a publication that failed is not made any more once another process has a newer token there', async () => {
  const world = await World.withCredential()
  world.sink.fault = failure('TARGET_UNAVAILABLE', 'The target was not reached.')
  await world.clock.pass(3000)
  world.sink.fault = undefined
  const newer = { ...publicationIn(world), issuedAt: world.clock.now() }
  world.sink.put(newer)
  await world.clock.pass(400)
  expect(world.sink.found(target)).toBe(newer)
  expect(world.condition('Stalled')).toBeUndefined()
})

it('a token is of the time when its request left, however long the connection took', async () => {
  const world = await World.withCredential()
  const connected = Promise.withResolvers<void>()
  world.endpoint.gate = connected.promise
  await world.clock.pass(3000)
  const at = world.clock.now()
  world.endpoint.gate = undefined
  connected.resolve()
  await world.clock.pass(1)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(publicationIn(world).issuedAt).toBeGreaterThanOrEqual(at)
})

it('a token is of a later second than the one that was known when it was asked for', async () => {
  const lastRefreshAt = epochSeconds(1_800_000_002)
  const world = await World.withCredential({ state: { ...noState, refreshes: 1, lastRefreshAt } })
  expect(world.clock.now()).toBeLessThan(lastRefreshAt)
  expect(publicationIn(world).issuedAt).toBe(1_800_000_003)
})

it('a token is of a later second than one that another process may have asked for before, and had no answer to', async () => {
  const world = Replicas.withCredential()
  const first = await world.leader()
  await world.clock.pass(2000)
  first.dieOf('journal.sent')
  await world.clock.pass(600)
  expect(first.isDead).toBe(true)
  const asked = world.record()?.intent?.startedAt
  if (asked === undefined) throw new Error('nothing was begun')
  const second = world.replica()
  first.loseItsPod()
  // As one whose clock is behind: the later token would get an earlier date.
  const falls = (): void => {
    world.clock.jump(asked - 0.5 - world.clock.now())
    second.after('store.read', falls)
  }
  second.after('store.read', falls)
  await second.lead()
  await world.clock.pass(600)
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.sink.found('claude-token')?.issuedAt).toBe(Math.floor(asked) + 1)
})

it('a token without a refresh token is of the time when its request left, too', async () => {
  const world = new Replicas()
  world.applyProvider({ client: aConfidentialClient })
  world.apply(aClientCredential())
  const { endpoint } = world
  const request = endpoint.request.bind(endpoint)
  const connected = Promise.withResolvers<void>()
  endpoint.request = async (...asked) => {
    endpoint.request = request
    await connected.promise
    return request(...asked)
  }
  await world.leader()
  await world.clock.pass(3)
  await world.leader()
  await world.clock.pass(1)
  connected.resolve()
  await world.clock.pass(1)
  expect(endpoint.issuedAccessTokens).toHaveLength(2)
  expect(world.podToken()).toBe(world.newestAccessToken())
})

it('a leeway counts from when the request left, however long the connection took', async () => {
  const world = Replicas.withCredential()
  const { endpoint } = world
  endpoint.leewaySeconds = 10
  world.applyProvider({ rotation: aRotation({ mode: 'Always', reuseLeewaySeconds: 10 }) })
  await world.leader()
  await world.clock.pass(2000)
  const request = endpoint.request.bind(endpoint)
  let connected: (() => void) | undefined
  endpoint.request = async (...asked) => {
    endpoint.request = request
    await new Promise<void>((resolve) => (connected = resolve))
    return request(...asked)
  }
  endpoint.next = 'lost-answer'
  while (connected === undefined) await world.clock.pass(1)
  await world.clock.pass(11)
  connected()
  await world.clock.pass(9)
  expect([endpoint.requests, endpoint.reuses, world.storeIsLive()]).toEqual([3, 0, true])
})
