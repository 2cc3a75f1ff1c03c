import { expect, it, vi } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { answer } from '../support/memory-ports.ts'
import { Replicas } from '../support/replicas.ts'
import { beforeDue } from '../support/two-documents.ts'
import { withSlowLists } from '../support/newcomers.ts'

// A list of ten thousand records takes a while, as one of an API server that many ask. A request may follow its intent for
// ten seconds.

/** A credential with a login of its own. */
function newcomer(world: Replicas, index: number): Credential {
  const base = aCredential()
  const key = `teams/ci/new-${index}`
  world.store.put(key, world.endpoint.login())
  return aCredential({
    key: { namespace: 'ci', name: `new-${index}` },
    uid: `6f1c0a52-0000-4000-8000-1${String(index).padStart(11, '0')}`,
    createdAt: later(base.createdAt, seconds(60)),
    spec: {
      refreshToken: { ...base.spec.refreshToken, key },
      target: { ...base.spec.target, name: `new-${index}` },
    },
  })
}

it('a list that takes longer than a request may wait holds nobody up for ever', async () => {
  const world = Replicas.withCredential()
  const first = world.replica()
  withSlowLists(world, first, 11_000)
  const lead = first.lead()
  await world.clock.pass(120)
  await lead
  expect([world.problem(), world.podToken() !== undefined]).toEqual([undefined, true])
})

it('nor do lists of which one is always under way while others arrive', async () => {
  const world = Replicas.withCredential()
  const first = world.replica()
  withSlowLists(world, first, 6000)
  const lead = first.lead()
  await world.clock.pass(60)
  await lead
  const late: number[] = []
  for (let index = 0; index < 180; index += 1) {
    world.apply(newcomer(world, index))
    await world.clock.pass(1)
    if (index >= 60 && world.podToken(`new-${index - 60}`) === undefined) late.push(index - 60)
  }
  expect(late).toEqual([])
})

it('new credentials that wait for slow lists do not keep those from their turn that need none', async () => {
  const world = Replicas.withCredential()
  world.applyProvider({ limits: { requestsPerSecond: 1000, maxConcurrent: 4 } })
  const first = await world.leader()
  await world.clock.pass(60)
  withSlowLists(world, first, 9000)
  for (let index = 0; index < 600; index += 1) world.apply(newcomer(world, index))
  let over = 0
  for (let passed = 0; passed < 3600; passed += 60) {
    await world.clock.pass(60)
    if ((world.state().accessTokenExpiresAt ?? 0) <= world.clock.now()) over += 1
  }
  const without = Array.from({ length: 600 }, (_, index) => index).filter(
    (index) => world.podToken(`new-${index}`) === undefined,
  )
  expect([over, without]).toEqual([0, []])
})

it('whoever is known at its place lists nothing while its server takes no more requests', async () => {
  const world = Replicas.withCredential()
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  const list = vi.spyOn(first.records, 'list')
  const { requests } = world.endpoint
  for (let passed = 0; passed < 1200; passed += 1) {
    world.endpoint.next = () => answer(429, {})
    await world.clock.pass(1)
  }
  expect(world.endpoint.requests).toBeGreaterThan(requests + 3)
  expect(list).not.toHaveBeenCalled()
})
