import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import { newRecord } from '../../src/domain/refresh-record.ts'
import { aCredential } from '../support/builders.ts'
import { comer } from '../support/newcomers.ts'
import { documentKey, type Replica, type Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  down,
  hour,
  movedTo,
  otherKey,
  refusesWrites,
  twoDocuments,
} from '../support/two-documents.ts'

// Two credentials that have had one document by turns, each with a login of its own: the heir has later tokens than the one
// before, which has begun with a third login since, and is gone.

const base = aCredential()
const thirdKey = 'teams/ci/third'
const lost = failure('TOKEN_RESULT_UNKNOWN', 'The connection ended.')

function comerAt(key: string, generation: number): Credential {
  return { ...comer({ refreshToken: { ...base.spec.refreshToken, key } }), generation }
}

interface Turns {
  readonly world: Replicas
  readonly first: Replica
  /** A token of the first login that was used up before `ci/claude` left. */
  readonly used: string
  /** What the document held in the end. */
  readonly begun: string
}

/** `refreshes`: of the heir. In the end `ci/claude` has presented the new login without an answer, and the heir is elsewhere. */
async function byTurns(refreshes: number): Promise<Turns> {
  const world = twoDocuments(false)
  world.store.put(thirdKey, world.endpoint.login())
  const first = await world.leader()
  await world.clock.pass(beforeDue + afterDue)
  const used = world.stored()
  await world.clock.pass(beforeDue + afterDue)
  expect([world.problem(), world.storeIsLive()]).toEqual([undefined, true])
  const moved = movedTo(otherKey)
  world.apply(moved)
  await world.clock.pass(60)
  world.apply({ ...moved, generation: moved.generation + 1, spec: { ...moved.spec, suspend: true } })
  world.store.put(documentKey, world.endpoint.login())
  world.apply(comerAt(documentKey, 1))
  for (let times = 0; times < refreshes; times += 1) await world.clock.pass(beforeDue + afterDue)
  world.apply(comerAt(thirdKey, 2))
  await world.clock.pass(60)
  expect([world.problem('ci/comer'), world.problem()]).toEqual([undefined, undefined])
  const begun = world.endpoint.login()
  world.store.put(documentKey, begun)
  world.endpoint.next = () => ({ kind: 'lost', failure: lost })
  world.apply(movedTo(documentKey))
  await world.clock.pass(5)
  expect([world.record()?.intent?.holder, world.record()?.intent?.sends]).toEqual([undefined, 1])
  expect(world.endpoint.isLive(begun)).toBe(true)
  return { world, first, used, begun }
}

it.each([2, 70])(
  'an heir that has had %d tokens does not present a used-up one that is put back',
  async (refreshes) => {
    const { world, first, used } = await byTurns(refreshes)
    first.loseItsPod()
    world.delete(base)
    world.store.put(documentKey, used)
    world.apply(comerAt(documentKey, 3))
    await world.leader()
    await world.clock.pass(hour)
    expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
  },
)

/** A young leader, which knows that `ci/claude` is gone, has taken its intent over for the heir and is about to say so in the record. */
async function armingHeir(world: Replicas): Promise<() => void> {
  const young = world.replica()
  young.seesAll()
  young.operator.resources.deleted('OAuthCredential', base.key.namespace, base.key.name)
  young.sees(comerAt(documentKey, 3))
  let release: (() => void) | undefined
  young.records.beforeReplace = async () => {
    young.records.beforeReplace = undefined
    await new Promise<void>((resolve) => (release = resolve))
  }
  const { requests } = world.endpoint
  young.operator.begin()
  for (let tries = 0; tries < 100 && release === undefined; tries += 1) await world.clock.pass(0.01)
  if (release === undefined) throw new Error('the heir did not begin')
  expect(world.endpoint.requests).toBe(requests)
  return release
}

/** The first process, which has not been told, tries once more. It has its answer in the record, and ends while its store takes nothing. */
async function lateAnswer(world: Replicas, stale: Replica): Promise<string> {
  const { requests } = world.endpoint
  const takesWrites = refusesWrites(world, documentKey, down)
  for (let tries = 0; tries < 1000 && world.endpoint.requests === requests; tries += 1) await world.clock.pass(0.01)
  await world.clock.pass(0.1)
  stale.loseItsPod()
  takesWrites()
  return world.record()?.retained?.tokens?.refreshToken?.reveal() ?? ''
}

it.each([true, false])(
  'an heir at an intent goes on with the answer that its predecessor gets late, whose record goes: %s',
  async (goes) => {
    const { world, first, begun } = await byTurns(2)
    const login = world.endpoint.loginOf(begun)
    const release = await armingHeir(world)
    const five = await lateAnswer(world, first)
    expect([world.stored(), world.endpoint.isLive(five), world.endpoint.loginOf(five)]).toEqual([begun, true, login])
    // With tokens of another place a record stays; without them it is removed as one that was inherited.
    const { kept, ...alone } = world.record() ?? newRecord(base.uid, base.key)
    expect(kept).toHaveLength(1)
    if (goes) world.records.put(alone)
    release()
    await world.clock.pass(2 * hour)
    expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
    expect(world.endpoint.loginOf(world.stored())).toBe(login)
    expect([world.problem('ci/comer'), world.storeIsLive()]).toEqual([undefined, true])
  },
)

/** `ci/claude` has had some tokens and moved; the heir has gone on with its login for some more. */
async function oneAfterTheOther(tokens: { readonly first: number; readonly heirs: number }): Promise<Turns> {
  const world = twoDocuments(false)
  const first = await world.leader()
  for (let times = 0; times < 3; times += 1) await world.clock.pass(beforeDue + afterDue)
  const used = world.stored()
  for (let times = 3; times < tokens.first; times += 1) await world.clock.pass(beforeDue + afterDue)
  const moved = movedTo(otherKey)
  world.apply(moved)
  await world.clock.pass(60)
  world.apply({ ...moved, generation: moved.generation + 1, spec: { ...moved.spec, suspend: true } })
  await world.clock.pass(60)
  world.apply(comerAt(documentKey, 1))
  await world.clock.pass(60)
  for (let times = 0; times < tokens.heirs; times += 1) await world.clock.pass(beforeDue + afterDue)
  expect([world.problem('ci/comer'), world.storeIsLive()]).toEqual([undefined, true])
  return { world, first, used, begun: world.stored() }
}

describe.each(['moved', 'deleted'] as const)(
  'a used-up token of the login that both have had is put back, the first has %s',
  (what) => {
    it.each([
      { first: 40, heirs: 30 },
      { first: 10, heirs: 5 },
    ])('after $first tokens, and $heirs', async (tokens) => {
      const { world, used } = await oneAfterTheOther(tokens)
      if (what === 'deleted') world.delete(base)
      await world.clock.pass(60)
      world.store.put(documentKey, used)
      await world.clock.pass(2 * hour)
      expect([world.bugs, world.endpoint.reuses, world.problem('ci/comer')]).toEqual([[], 0, undefined])
    })
  },
)
