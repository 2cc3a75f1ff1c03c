import { expect, it, vi } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { failed } from '../../src/domain/result.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { type Replica, Replicas } from '../support/replicas.ts'
import { hour } from '../support/two-documents.ts'

// One leader, credentials that are known at their places, and nobody else anywhere: after an outage none of them needs a
// list of all records to go on.

const many = 25
const few = 6
const base = aCredential()
const down = failure('REFRESH_RECORD_UNAVAILABLE', 'The API server did not answer.')

function numbered(index: number): Credential {
  const key = `teams/ci/c-${index}`
  const { refreshToken, target } = base.spec
  return aCredential({
    key: { namespace: 'ci', name: `c-${index}` },
    uid: `6f1c0a52-0000-4000-8000-1${String(index).padStart(11, '0')}`,
    createdAt: later(base.createdAt, seconds(60)),
    spec: { refreshToken: { ...refreshToken, key }, target: { ...target, name: `c-${index}` } },
  })
}

async function established(): Promise<{ world: Replicas; first: Replica }> {
  const world = new Replicas()
  for (let index = 0; index < many; index += 1) {
    world.store.put(`teams/ci/c-${index}`, world.endpoint.login())
    world.apply(numbered(index))
  }
  const first = await world.leader()
  await world.clock.pass(2 * hour)
  return { world, first }
}

async function expectFewLists(world: Replicas, { records }: Replica): Promise<void> {
  const list = vi.spyOn(records, 'list')
  await world.clock.pass(hour)
  expect(world.endpoint.reuses).toBe(0)
  expect(list.mock.calls.length).toBeLessThan(5)
}

it('a new leader whose first lists fail lists the records once for all, and not once for each credential', async () => {
  const { world, first } = await established()
  await first.shutDown()
  const next = world.replica()
  next.records.listFault = down
  await next.lead()
  await world.clock.pass(hour / 2)
  next.records.listFault = undefined
  await expectFewLists(world, next)
})

it('an outage in which no record could be written makes nobody list who is known at its place', async () => {
  const { world, first } = await established()
  first.records.replaceFault = down
  await world.clock.pass(hour / 2)
  first.records.replaceFault = undefined
  await expectFewLists(world, first)
})

it('nor does one in which answers went into the store alone', async () => {
  const { world, first } = await established()
  const replace = first.records.replace.bind(first.records)
  const spy = vi
    .spyOn(first.records, 'replace')
    .mockImplementation((record, key) =>
      record.intent === undefined ? Promise.resolve(failed(down)) : replace(record, key),
    )
  await world.clock.pass(hour / 2)
  spy.mockRestore()
  await expectFewLists(world, first)
})

it('nor does a journal that takes nothing for a while', async () => {
  const { world, first } = await established()
  const spy = vi
    .spyOn(first.journal, 'armed')
    .mockResolvedValue(failed(failure('JOURNAL_UNAVAILABLE', 'The disk is full.')))
  await world.clock.pass(hour / 2)
  spy.mockRestore()
  await expectFewLists(world, first)
})

it('a write that was not carried out makes no refresh depend on a list that nobody needs', async () => {
  const { world, first } = await established()
  first.records.replaceFault = down
  await world.clock.pass(hour / 2)
  first.records.replaceFault = undefined
  // Lists of all records are what an API server with much to do turns away first.
  first.records.listFault = down
  await world.clock.pass(hour)
  const over = Array.from({ length: many }, (_, index) => `ci/c-${index}`).filter(
    (name) => (world.state(name).accessTokenExpiresAt ?? 0) <= world.clock.now(),
  )
  expect(over).toEqual([])
})

function member(kind: 'p' | 'c', index: number, key: string, generation = 1): Credential {
  const { refreshToken, target } = base.spec
  return {
    ...aCredential({
      key: { namespace: 'ci', name: `${kind}-${index}` },
      uid: `6f1c0a52-0000-4000-8000-${kind === 'p' ? 1 : 2}${String(index).padStart(11, '0')}`,
      createdAt: later(base.createdAt, seconds(60)),
      spec: { refreshToken: { ...refreshToken, key }, target: { ...target, name: `${kind}-${index}` } },
    }),
    generation,
  }
}

/** Each `c` is at a document that a `p` has left. */
async function withPredecessors(): Promise<{ world: Replicas; first: Replica }> {
  const world = new Replicas()
  for (let index = 0; index < few; index += 1) {
    world.store.put(`teams/ci/a-${index}`, world.endpoint.login())
    world.store.put(`teams/ci/b-${index}`, world.endpoint.login())
    world.apply(member('p', index, `teams/ci/a-${index}`))
  }
  const first = await world.leader()
  await world.clock.pass(hour)
  for (let index = 0; index < few; index += 1) world.apply(member('p', index, `teams/ci/b-${index}`, 2))
  await world.clock.pass(60)
  for (let index = 0; index < few; index += 1) world.apply(member('c', index, `teams/ci/a-${index}`))
  await world.clock.pass(6 * hour)
  return { world, first }
}

it('an outage in which no record could be read makes nobody list who is where others were before', async () => {
  const { world, first } = await withPredecessors()
  first.records.readFault = down
  await world.clock.pass(hour / 2)
  first.records.readFault = undefined
  const list = vi.spyOn(first.records, 'list')
  await world.clock.pass(hour)
  expect(world.endpoint.reuses).toBe(0)
  expect(list.mock.calls.length).toBeLessThan(5)
})

it('nor does it make their refreshes depend on lists', async () => {
  const { world, first } = await withPredecessors()
  first.records.readFault = down
  await world.clock.pass(hour / 2)
  first.records.readFault = undefined
  first.records.listFault = down
  await world.clock.pass(hour)
  const over = Array.from({ length: few }, (_, index) => `ci/c-${index}`).filter(
    (name) => (world.state(name).accessTokenExpiresAt ?? 0) <= world.clock.now(),
  )
  expect(over).toEqual([])
})
