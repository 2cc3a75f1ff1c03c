import { expect, it } from 'vitest'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { aCredential } from '../support/builders.ts'
import { comer } from '../support/newcomers.ts'
import { documentKey, type Replicas } from '../support/replicas.ts'
import { afterDue, beforeDue, heir, hour, movedTo, otherKey, twoDocuments } from '../support/two-documents.ts'

// A document counts the tokens that its owner has written into it. Another owner's count says nothing of a record.

const base = aCredential()

function markOf(world: Replicas, generation: number): { generation: number; fingerprint: string } {
  const fingerprint = world.records.fingerprint(new Sensitive(world.stored()))
  return { generation, fingerprint }
}

/** Takes the whole document as a backup has it, with the mark beside the token; returns how it is put back. */
function backup(world: Replicas, generation: number): () => void {
  const [token, claim] = [world.stored(), world.store.claims.get(documentKey)]
  if (claim === undefined) throw new Error('nothing was claimed')
  const mark = markOf(world, generation)
  return () => {
    world.store.put(documentKey, token)
    world.store.claims.set(documentKey, { ...claim, mark })
  }
}

it.each(['its own count', 'no mark'] as const)(
  'who has its newest tokens in memory brings them home where the document of a predecessor is put back, with %s',
  async (how) => {
    const world = twoDocuments()
    await world.leader()
    // The predecessor has had some tokens.
    for (let refreshes = 0; refreshes < 4; refreshes += 1) await world.clock.pass(beforeDue + afterDue)
    const generation = world.record()?.generation ?? 0
    expect(generation).toBeGreaterThanOrEqual(4)
    const putBack = backup(world, generation)
    await world.clock.pass(beforeDue + afterDue)
    // Made anew, with a login of its own in a plain document.
    world.delete(base)
    world.sink.published.clear()
    const own = heir(documentKey)
    world.store.put(documentKey, world.endpoint.login())
    world.apply(own)
    await world.clock.pass(60)
    expect([world.problem(), world.storeIsLive(), world.record(own.uid)?.generation]).toEqual([undefined, true, 1])
    const login = world.endpoint.loginOf(world.stored())
    // The secret store is put back to last week. The process has its record in memory, and the API server has it.
    putBack()
    if (how === 'no mark') {
      const claim = world.store.claims.get(documentKey)
      if (claim === undefined) throw new Error('nothing was claimed')
      const { mark: _none, ...unmarked } = claim
      world.store.claims.set(documentKey, unmarked)
    }
    await world.clock.pass(2 * hour)
    expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
    expect([world.problem(), world.endpoint.loginOf(world.stored())]).toEqual([undefined, login])
  },
)

it.each(['its own count', 'no mark'] as const)(
  'who has its newest tokens in memory brings them home after somebody has copied a neighbour over its document, with %s',
  async (how) => {
    const world = twoDocuments()
    world.apply(comer({ refreshToken: { ...base.spec.refreshToken, key: otherKey } }))
    await world.leader()
    const used = world.stored()
    await world.clock.pass(beforeDue + afterDue)
    await world.clock.pass(beforeDue)
    const login = world.endpoint.loginOf(world.stored())
    // The neighbour has had more tokens than this one. Its document, claim and all, is copied over the other one by mistake.
    const claim = world.store.claims.get(otherKey)
    if (claim === undefined) throw new Error('nothing was claimed')
    const copied = world.stored(otherKey)
    const mark = { generation: 9, fingerprint: world.records.fingerprint(new Sensitive(copied)) }
    world.store.put(documentKey, copied)
    world.store.claims.set(documentKey, { ...claim, ...(how === 'its own count' && { mark }) })
    world.apply({ ...base, refreshRequest: 'now' })
    await world.clock.pass(5)
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    // Somebody puts back what there was, as they have it: a plain document with a token from before.
    world.store.put(documentKey, used)
    await world.clock.pass(2 * hour)
    expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
    expect([world.problem(), world.endpoint.loginOf(world.stored())]).toEqual([undefined, login])
  },
)

// A credential counts the tokens of all its places.
it.each(['its count', 'no mark', 'its count, and the record is written again'] as const)(
  'who has its newest tokens in memory brings them home after its own other document was copied over this one, with %s',
  async (how) => {
    const world = twoDocuments()
    await world.leader()
    await world.clock.pass(beforeDue + afterDue)
    const newest = world.stored()
    world.apply(movedTo(otherKey))
    await world.clock.pass(60)
    for (let times = 0; times < 3; times += 1) await world.clock.pass(beforeDue + afterDue)
    const claim = world.store.claims.get(otherKey)
    if (claim === undefined) throw new Error('nothing was claimed')
    expect(claim.owner).toBe(world.store.claims.get(documentKey)?.owner)
    const copied = world.stored(otherKey)
    const mark = {
      generation: world.record()?.generation ?? 0,
      fingerprint: world.records.fingerprint(new Sensitive(copied)),
    }
    await world.clock.pass(beforeDue + afterDue)
    expect([world.problem(), world.storeIsLive(otherKey), world.storeIsLive()]).toEqual([undefined, true, true])
    // Last week's version of the other document is copied over the first one, which takes the credential back.
    world.store.put(documentKey, copied)
    world.store.claims.set(documentKey, { ...claim, ...(how !== 'no mark' && { mark }) })
    // A store that writes a token writes its mark beside it.
    const writeBack = world.store.writeBack.bind(world.store)
    world.store.writeBack = async (...args) => {
      const written = await writeBack(...args)
      const { mark: _replaced, ...unmarked } = world.store.claims.get(documentKey) ?? claim
      if (written.ok && args[0].key === documentKey) world.store.claims.set(documentKey, unmarked)
      return written
    }
    if (how.endsWith('again')) await writtenAgain(world)
    world.apply(movedTo(documentKey))
    await world.clock.pass(2 * hour)
    expect([world.bugs, world.endpoint.reuses]).toEqual([[], 0])
    expect([world.problem(), world.endpoint.loginOf(world.stored())]).toEqual([
      undefined,
      world.endpoint.loginOf(newest),
    ])
  },
)

/** As it happens to every Secret after another encryption key was put into the API server. */
async function writtenAgain(world: Replicas): Promise<void> {
  const read = await world.records.read({ uid: base.uid, credential: base.key }, undefined)
  if (read.ok && read.value !== undefined) world.records.put(read.value)
}
