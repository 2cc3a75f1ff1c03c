import { afterEach, describe, expect, it } from 'vitest'
import type { RefreshRecord } from '../../src/domain/refresh-record.ts'
import { aClientCredential, aCredential } from '../support/builders.ts'
import { documentKey, type Replica, type Replicas } from '../support/replicas.ts'
import {
  afterDue,
  beforeDue,
  day,
  hour,
  movedTo,
  otherKey,
  refusesWrites,
  twoDocuments,
} from '../support/two-documents.ts'

// People put a document back to before its claim, or copy another one over it: its key is gone, and the newest tokens that
// a record seals with it are open in the memory of one process alone. It keeps them, whatever becomes of its next write.

const base = aCredential()

let worlds: Replicas[] = []

afterEach(() => {
  for (const { bugs, endpoint } of worlds) expect([bugs, endpoint.reuses]).toEqual([[], 0])
  worlds = []
})

function begin(): Replicas {
  const world = twoDocuments()
  worlds.push(world)
  return world
}

/** As a rotation of the API server's encryption key does. */
async function writeRecordAgain(world: Replicas): Promise<void> {
  const read = await world.records.read({ uid: base.uid, credential: base.key }, undefined)
  if (read.ok && read.value !== undefined) world.records.put(read.value)
}

/** What becomes of a write into the record, before which it is called. */
type Course = (world: Replicas, process: Replica) => Promise<void> | void
const courses: Readonly<Record<string, Course>> = {
  'is written': () => {},
  'is refused': (_, { records }) => {
    records.nextConflict = true
  },
  'gets no answer': (_, { records }) => {
    records.nextUnknown = 'not-carried-out'
  },
  'is written, and gets no answer': (_, { records }) => {
    records.nextUnknown = 'carried-out'
  },
  'finds the record written again': (world) => writeRecordAgain(world),
}

/** Somebody writes a document with this token in it, and with the claim of another one. */
function written(world: Replicas, token: string, claimOf: string, key: string): void {
  const claim = world.store.claims.get(claimOf)
  if (claim === undefined) throw new Error('the document was never claimed')
  const { mark: _ofTheOther, ...unmarked } = claim
  world.store.put(key, token)
  world.store.claims.set(key, unmarked)
}

interface OpenInMemory {
  readonly world: Replicas
  readonly process: Replica
  readonly login: string | undefined
  /** The document of the place that was left takes writes again. */
  readonly allow: () => void
}

/** The newest token of a place that was left is in record and memory alone, and its document is as before its claim. */
async function openInMemory(): Promise<OpenInMemory> {
  const world = begin()
  const process = await world.leader()
  const plain = world.stored()
  await world.clock.pass(beforeDue)
  const allow = refusesWrites(world, documentKey)
  await world.clock.pass(afterDue)
  const login = world.endpoint.loginOf(world.record()?.retained?.tokens?.refreshToken?.reveal() ?? '')
  world.apply(movedTo(otherKey))
  await world.clock.pass(60)
  world.store.put(documentKey, plain)
  world.store.claims.delete(documentKey)
  return { world, process, login, allow }
}

function expectHome({ world, login }: OpenInMemory): void {
  expect([world.endpoint.loginOf(world.stored(documentKey)), world.storeIsLive(documentKey)]).toEqual([login, true])
  expect([world.problem(), world.condition('RefreshTokenPersisted')?.status]).toEqual([undefined, 'True'])
}

/** Once, before the first write that `isMeant`. Returns what says whether that came. */
function beforeWrite(
  { records }: Replica,
  isMeant: (next: RefreshRecord) => boolean,
  act: () => unknown,
): () => boolean {
  let isDone = false
  records.beforeReplace = async (next) => {
    if (isDone || !isMeant(next)) return
    isDone = true
    await act()
  }
  return () => isDone
}

describe('the newest token of a place that was left, whose document was put back to before its claim', () => {
  it.each(Object.entries(courses))('comes home when the next intent %s', async (_name, course) => {
    const scene = await openInMemory()
    const { world, process, allow } = scene
    await course(world, process)
    await world.clock.pass(beforeDue + afterDue)
    expect([world.problem(), world.storeIsLive(otherKey), world.storeIsLive(documentKey)]).toEqual([
      undefined,
      true,
      false,
    ])
    allow()
    await world.clock.pass(2 * hour)
    expectHome(scene)
  })

  it.each(Object.entries(courses))('comes home when the next answer %s', async (_name, course) => {
    const scene = await openInMemory()
    const { world, process, allow } = scene
    const known = world.record()?.retained?.fingerprint
    const isAnswer = ({ retained, intent }: RefreshRecord): boolean =>
      retained !== undefined && retained.fingerprint !== known && intent === undefined
    const isDone = beforeWrite(process, isAnswer, () => course(world, process))
    await world.clock.pass(beforeDue + afterDue)
    expect(isDone()).toBe(true)
    allow()
    await world.clock.pass(2 * hour)
    expectHome(scene)
  })

  it.each([true, false])('comes home when the credential goes back, an answer lost before: %s', async (isLost) => {
    const scene = await openInMemory()
    const { world, allow } = scene
    if (isLost) world.endpoint.next = 'lost-answer'
    const { requests } = world.endpoint
    for (let tries = 0; tries < 4000 && world.endpoint.requests === requests; tries += 1) await world.clock.pass(1)
    await world.clock.pass(0.5)
    world.apply(movedTo(documentKey))
    await world.clock.pass(60)
    allow()
    await world.clock.pass(2 * hour)
    expectHome(scene)
  })

  it('comes home after the credential has got a grant without a refresh token', async () => {
    const { world, process, allow, login } = await openInMemory()
    const isDone = beforeWrite(
      process,
      ({ intent }) => intent?.holder !== undefined,
      () => courses['gets no answer']?.(world, process),
    )
    for (let tries = 0; tries < 4000 && !isDone(); tries += 1) await world.clock.pass(1)
    world.apply(aClientCredential({ generation: 99 }))
    await world.clock.pass(120)
    allow()
    await world.clock.pass(2 * hour)
    expect([world.endpoint.loginOf(world.stored(documentKey)), world.storeIsLive(documentKey)]).toEqual([login, true])
  })
})

it.each([true, false])(
  'a place is brought home, the record written again before: %s, and what is open of another stays',
  async (isWrittenAgain) => {
    const world = begin()
    await world.leader()
    await world.clock.pass(beforeDue)
    const allow = refusesWrites(world, documentKey)
    await world.clock.pass(afterDue)
    world.apply(movedTo(otherKey))
    await world.clock.pass(60 + beforeDue + afterDue)
    const login = world.endpoint.loginOf(world.stored(otherKey))
    written(world, world.stored(documentKey), documentKey, otherKey)
    if (isWrittenAgain) await writeRecordAgain(world)
    allow()
    await world.clock.pass(900)
    expect(world.storeIsLive(documentKey)).toBe(true)
    await world.clock.pass(2 * hour)
    expect([world.problem(), world.endpoint.loginOf(world.stored(otherKey))]).toEqual([undefined, login])
  },
)

const paced = { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 6 * hour } as const

describe('the newest token of a paced store, whose document got the key of another one', () => {
  /** One refresh that only record and memory know of. */
  async function aheadOfStore(): Promise<{ world: Replicas; first: Replica; newest: string }> {
    const world = begin()
    world.applyStore({ backend: paced })
    const first = await world.leader()
    world.apply(movedTo(otherKey))
    await world.clock.pass(60)
    world.apply(movedTo(documentKey))
    await world.clock.pass(60 + beforeDue + afterDue)
    const newest = world.record()?.retained?.tokens?.refreshToken?.reveal() ?? ''
    expect([world.problem(), world.endpoint.isLive(newest), world.storeIsLive()]).toEqual([undefined, true, false])
    written(world, world.stored(), otherKey, documentKey)
    return { world, first, newest }
  }

  it.each(Object.entries(courses))('goes on when the next intent %s', async (_name, course) => {
    const { world, first, newest } = await aheadOfStore()
    await course(world, first)
    await world.clock.pass(2 * hour)
    expect([world.problem(), world.condition('Ready')?.status]).toEqual([undefined, 'True'])
    await world.clock.pass(6 * hour)
    expect([world.problem(), world.endpoint.loginOf(world.stored())]).toEqual([
      undefined,
      world.endpoint.loginOf(newest),
    ])
  })

  it.each(Object.entries(courses))('outlives the Pod when the next intent %s', async (_name, course) => {
    const { world, first } = await aheadOfStore()
    await course(world, first)
    await world.clock.pass(hour)
    first.loseItsPod()
    await world.leader()
    await world.clock.pass(day)
    expect([world.problem(), world.condition('Ready')?.status]).toEqual([undefined, 'True'])
    expect(world.podToken()).toBe(world.newestAccessToken())
  })
})
