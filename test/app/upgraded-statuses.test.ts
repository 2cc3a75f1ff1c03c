import { expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { answer } from '../support/memory-ports.ts'
import { type Replica, Replicas } from '../support/replicas.ts'
import { beforeDue, day, hour } from '../support/two-documents.ts'

// A status of an earlier version, or of an API server with the CRDs of one, does not say which server it was that does
// not rotate.

const readOnly = failure('STORE_FORBIDDEN', 'The store is only read.')

/** A process with one refresh behind it, at a server that does not rotate. */
async function refreshedOnce(): Promise<{ world: Replicas; first: Replica }> {
  const world = Replicas.withCredential()
  world.endpoint.rotates = false
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  expect(world.state().rotates).toBe(false)
  return { world, first }
}

async function upgraded(world: Replicas, first: Replica): Promise<void> {
  await first.shutDown()
  for (const [name, { servers: _unknown, ...state }] of world.status.states) world.status.states.set(name, state)
  await world.leader()
}

it('goes on at a store that is only read', async () => {
  const { world, first } = await refreshedOnce()
  world.store.writableFault = readOnly
  await upgraded(world, first)
  await world.clock.pass(6 * hour)
  expect([world.problem(), world.condition('Ready')?.status, world.bugs]).toEqual([undefined, 'True', []])
})

it('tries a token again that was refused', async () => {
  const { world, first } = await refreshedOnce()
  const serve = world.endpoint.request.bind(world.endpoint)
  world.endpoint.request = (asked, beforeSend, came) => {
    world.endpoint.next = () => answer(400, { error: 'invalid_grant' })
    return serve(asked, beforeSend, came)
  }
  await world.clock.pass(hour)
  expect(world.problem()).toBe('REFRESH_TOKEN_REJECTED')
  world.endpoint.request = serve
  world.endpoint.next = undefined
  await upgraded(world, first)
  await world.clock.pass(3 * day)
  expect([world.problem(), world.condition('Ready')?.status, world.bugs]).toEqual([undefined, 'True', []])
})
