import { expect } from 'vitest'
import type { Credential } from '../../src/domain/credential.ts'
import { type Failure, failure } from '../../src/domain/failures.ts'
import { failed } from '../../src/domain/result.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential } from './builders.ts'
import { Replicas } from './replicas.ts'

// A credential whose manifest names one of two documents, each with a login of its own.

export const otherKey = 'teams/ci/another'
/** Seconds from a refresh until shortly before the next, and from there until after it. */
export const beforeDue = 2000
export const afterDue = 400
export const hour = 3600
export const day = 24 * hour
export const down = failure('STORE_UNAVAILABLE', 'The store did not answer.')

let generation = 1

export function movedTo(key: string, changes: Partial<Credential> = {}): Credential {
  generation += 1
  const { refreshToken } = aCredential().spec
  return { ...aCredential({ generation, spec: { refreshToken: { ...refreshToken, key } } }), ...changes }
}

export function twoDocuments(hasRoom = true): Replicas {
  const world = Replicas.withCredential()
  world.store.hasRoom = hasRoom
  world.store.put(otherKey, world.endpoint.login())
  return world
}

/** Whoever has a document after the credential is gone: another object of its name, a minute younger. */
export const heirUid = '6f1c0a52-0000-4000-8000-000000000009'

export function heir(key: string): Credential {
  return movedTo(key, { uid: heirUid, createdAt: later(aCredential().createdAt, seconds(60)) })
}

/** The document takes no writes until what this returns is called. */
export function refusesWrites(world: Replicas, document: string, cause: Failure = down): () => void {
  const { store } = world
  const writeBack = store.writeBack.bind(store)
  store.writeBack = (location, from, tokens) =>
    location.key === document ? Promise.resolve(failed(cause)) : writeBack(location, from, tokens)
  return () => {
    store.writeBack = writeBack
  }
}

/** The process gets an answer, keeps it in the record, cannot write the store, and ends before it can tell. */
export async function keptInRecordAlone(hasRoom = true): Promise<Replicas> {
  const world = twoDocuments(hasRoom)
  const first = await world.leader()
  await world.clock.pass(beforeDue)
  world.store.writeFault = down
  let writes = 0
  first.records.afterReplace = () => {
    writes += 1
    if (writes === 2) first.loseItsPod()
  }
  await world.clock.pass(afterDue)
  expect([world.storeIsLive(), world.condition('RefreshTokenPersisted')?.status]).toEqual([false, 'True'])
  world.store.writeFault = undefined
  return world
}

/** What the record keeps. */
export function newestOf(world: Replicas): string | undefined {
  return world.record()?.retained?.tokens?.refreshToken?.reveal()
}

/** To the next request of any token. */
export async function nextRequest(world: Replicas): Promise<void> {
  const { requests } = world.endpoint
  for (let passed = 0; passed < 2 * hour && world.endpoint.requests === requests; passed += 5) await world.clock.pass(5)
  expect(world.endpoint.requests).toBeGreaterThan(requests)
}

export function expectAtWork(world: Replicas): void {
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.problem()).toBeUndefined()
  expect(world.podToken()).toBe(world.newestAccessToken())
  expect(world.state().accessTokenExpiresAt).toBeGreaterThan(world.clock.now())
}
