import { describe, expect, it, test } from 'vitest'
import { aClientCredential, aConfidentialClient } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { World } from '../support/world.ts'

const clientRejected = () => answer(401, { error: 'invalid_client' })

/** A credential whose client was refused at its second request. */
async function refused(world: World): Promise<World> {
  world.endpoint.next = clientRejected
  await world.clock.pass(2300)
  expect(world.condition('Stalled')).toMatchObject({ reason: 'ClientRejected' })
  return world
}

async function withRefreshToken(): Promise<World> {
  return World.withCredential()
}

async function byItself(): Promise<World> {
  const world = new World()
  world.applyProvider({ client: aConfidentialClient })
  world.apply(aClientCredential())
  await world.start()
  return world
}

describe('a client secret that was corrected', () => {
  test.each([
    ['with a refresh token', withRefreshToken],
    ['of a client that asks for itself', byItself],
  ])('brings the credential back within a minute, and no manifest is touched: %s', async (_, begin) => {
    const world = await refused(await begin())
    const requests = world.endpoint.requests
    world.endpoint.clientChangedAt = world.clock.now()
    await world.clock.pass(46)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.endpoint.requests).toBe(requests + 1)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('brings it back at once when the old one was sent while the new one was there already', async () => {
    const world = await World.withCredential()
    world.endpoint.next = () => {
      world.endpoint.clientChangedAt = world.clock.now()
      return clientRejected()
    }
    const { requests } = world.endpoint
    while (world.endpoint.requests === requests) await world.clock.pass(1)
    world.endpoint.clientChangedAt = world.clock.now()
    await world.clock.pass(2)
    expect(world.endpoint.requests).toBe(requests + 2)
    expect(world.condition('Stalled')).toBeUndefined()
  })

  it('is tried once, when it is not correct either', async () => {
    const world = await refused(await World.withCredential())
    const requests = world.endpoint.requests
    world.endpoint.clientChangedAt = world.clock.now()
    world.endpoint.next = clientRejected
    await world.clock.pass(250)
    expect(world.endpoint.requests).toBe(requests + 1)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'ClientRejected' })
  })

  it('is what it is waited for: without it nothing is presented for five minutes', async () => {
    const world = await refused(await World.withCredential())
    const requests = world.endpoint.requests
    const failedAt = world.state().lastFailure?.at ?? 0
    await world.clock.pass(failedAt + 299 - world.clock.now())
    expect(world.endpoint.requests).toBe(requests)
  })

  it('changes nothing for a refresh token that was refused', async () => {
    const world = await World.withCredential()
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    await world.clock.pass(2300)
    const requests = world.endpoint.requests
    world.endpoint.clientChangedAt = world.clock.now()
    await world.clock.pass(300)
    expect(world.endpoint.requests).toBe(requests)
  })
})
