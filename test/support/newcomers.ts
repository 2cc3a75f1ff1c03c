import { vi } from 'vitest'
import type { Credential, RefreshTokenSpec } from '../../src/domain/credential.ts'
import { later, seconds } from '../../src/domain/time.ts'
import { aCredential } from './builders.ts'
import type { Replica, Replicas } from './replicas.ts'
import { afterDue, beforeDue } from './two-documents.ts'

// A credential that comes to a document where another one is, or was, and a process that has not heard of it.

const base = aCredential()

export const comerUid = '6f1c0a52-0000-4000-8000-000000000009'

/** `age`: by how many seconds it was made after `ci/claude`. */
export function comer(spec: Partial<RefreshTokenSpec> = {}, age = 60): Credential {
  return aCredential({
    uid: comerUid,
    key: { namespace: 'ci', name: 'comer' },
    createdAt: later(base.createdAt, seconds(age)),
    spec: { target: { ...base.spec.target, name: 'comer-token' }, ...spec },
  })
}

/**
 * A process that leads has its second pre-flight for `ci/claude` behind it, and waits for its connection. Another one has
 * seen all that there is.
 */
export async function staleLeader(
  world: Replicas,
): Promise<{ readonly old: Replica; readonly young: Replica; readonly connect: () => void }> {
  const old = await world.leader()
  await world.clock.pass(beforeDue)
  let connect = (): void => {}
  world.endpoint.gate = new Promise((resolve) => (connect = resolve))
  await world.clock.pass(afterDue)
  if (world.endpoint.requests !== 1) throw new Error('the second request was not held back')
  world.endpoint.gate = undefined
  const young = world.replica()
  young.seesAll()
  return { old, young, connect }
}

/** Each list of this process takes so long from now on. Returns how many have begun. */
export function withSlowLists(world: Replicas, { records }: Replica, ms: number): () => number {
  const list = records.list.bind(records)
  const spy = vi.spyOn(records, 'list').mockImplementation(async (see) => {
    await new Promise<void>((resolve) => void world.clock.wakeAfter(ms, resolve))
    return list(see)
  })
  return () => spy.mock.calls.length
}
