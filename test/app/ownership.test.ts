import { describe, expect, it, vi } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { newRecord } from '../../src/domain/refresh-record.ts'
import { failed } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import { epochSeconds, later, seconds } from '../../src/domain/time.ts'
import { aCredential, aRotation, type CredentialChanges } from '../support/builders.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

const untilDue = 2400
const otherUid = '6f1c0a52-0000-4000-8000-000000000002'
const otherTarget = { ...aCredential().spec.target, name: 'other-token' }

/** A credential beside the one of {@link aCredential}, with a target of its own. */
function another(changes: CredentialChanges = {}): ReturnType<typeof aCredential> {
  return aCredential({
    key: { namespace: 'ci', name: 'other' },
    uid: otherUid,
    ...changes,
    spec: { target: otherTarget, ...changes.spec },
  })
}

function copied(): ReturnType<typeof aCredential> {
  return another({ spec: { refreshToken: { ...aCredential().spec.refreshToken, key: 'teams/ci/copy' } } })
}

function withRoom(): Replicas {
  const world = Replicas.withCredential()
  world.store.hasRoom = true
  return world
}

function expectUntouched(world: Replicas): void {
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.storeIsLive()).toBe(true)
}

describe('two credentials of one cluster', () => {
  it('at one place: the second never spends, and names the first', async () => {
    const world = Replicas.withCredential()
    await world.leader()
    world.apply(another())
    await world.clock.pass(3 * untilDue)
    expectUntouched(world)
    expect(world.problem('ci/other')).toBe('REFRESH_TOKEN_OWNED')
    expect(world.state('ci/other').lastFailure?.message).toContain('ci/claude')
    expect(world.condition('Ready')?.status).toBe('True')
    expect(world.podToken('other-token')).toBeUndefined()
  })

  it('at one place, applied together: one spends', async () => {
    const world = Replicas.withCredential()
    world.apply(another())
    await world.leader()
    await world.clock.pass(3 * untilDue)
    expectUntouched(world)
    expect(world.state('ci/claude').refreshes * world.state('ci/other').refreshes).toBe(0)
  })

  it('at one place: what the younger has used up is not presented by the older', async () => {
    const world = new Replicas()
    const first = world.endpoint.login()
    world.store.put(documentKey, first)
    const younger = another({ createdAt: epochSeconds(aCredential().createdAt + 60) })
    world.apply(younger)
    const replica = await world.leader()
    await world.clock.pass(untilDue)
    replica.die()
    world.store.put(documentKey, first)
    world.apply(aCredential())
    await world.leader()
    await world.clock.pass(600)
    expectUntouched(world)
    const problems = ['ci/claude', 'ci/other'].map((name) => world.problem(name))
    expect(problems.filter((problem) => problem === 'REFRESH_TOKEN_OWNED')).toHaveLength(1)
  })

  it('at one place: what the younger may have presented is not presented by the older', async () => {
    const { world, first } = withYounger()
    first.dieOf('journal.answered')
    await first.lead()
    expect(world.endpoint.requests).toBe(1)
    world.apply(aCredential())
    await world.leader()
    await world.clock.pass(60)
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    expect(world.endpoint.requests).toBe(1)
    await first.restart()
    await world.clock.pass(untilDue)
    expectUntouched(world)
    const problems = ['ci/claude', 'ci/other'].map((name) => world.problem(name))
    expect(problems.filter((problem) => problem === 'REFRESH_TOKEN_OWNED')).toHaveLength(1)
  })

  it('at one place: of two that begin at the same time, not both send', async () => {
    const { world, first } = withYounger()
    const { key, uid, spec } = another()
    const refreshToken = { fingerprint: world.records.fingerprint(new Sensitive(world.stored())) }
    const intent = { ...refreshToken, source: spec.refreshToken, startedAt: world.clock.now(), sends: 1 }
    const holder = world.replica().holders.self
    world.delete(another())
    world.apply(aCredential())
    first.records.beforeReplace = () => {
      world.apply(another())
      world.records.put({ ...newRecord(uid, key), intent: { ...intent, holder } })
      first.records.beforeReplace = undefined
    }
    await first.lead()
    expect(world.endpoint.requests).toBe(0)
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    expect(world.record()?.intent).toBeUndefined()
    expect(first.journal.kept.size).toBe(0)
  })

  it('at one place: nothing is sent while the record of the other cannot be read', async () => {
    const world = Replicas.withCredential()
    world.apply(another({ createdAt: later(aCredential().createdAt, seconds(60)) }))
    const first = world.replica()
    const away = failed(failure('REFRESH_RECORD_UNAVAILABLE', 'The record could not be reached.'))
    const actual = first.records.read.bind(first.records)
    const read = vi.spyOn(first.records, 'read')
    read.mockImplementation((subject, key) => (subject.uid === otherUid ? Promise.resolve(away) : actual(subject, key)))
    await first.lead()
    await world.clock.pass(20)
    expect(world.problem()).toBe('REFRESH_RECORD_UNAVAILABLE')
    expect(world.endpoint.requests).toBe(0)
    read.mockRestore()
    await world.clock.pass(30)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  /** The younger of two, alone. */
  function withYounger(): { world: Replicas; first: Replica } {
    const world = new Replicas()
    world.store.put(documentKey, world.endpoint.login())
    world.apply(another({ createdAt: later(aCredential().createdAt, seconds(60)) }))
    const first = world.replica()
    return { world, first }
  }

  it('at one place: the deletion of the first frees the second', async () => {
    const world = Replicas.withCredential()
    await world.leader()
    world.apply(another())
    await world.clock.pass(10)
    world.delete(aCredential())
    await world.clock.pass(120)
    expectUntouched(world)
    expect(world.condition('Stalled', 'ci/other')).toBeUndefined()
    expect(world.podToken('other-token')).toBe(world.newestAccessToken())
  })

  it('with copies of one refresh token: the copy is not presented once the token is spent', async () => {
    const world = Replicas.withCredential()
    world.store.put('teams/ci/copy', world.stored())
    await world.leader()
    world.apply(copied())
    await world.clock.pass(3 * untilDue)
    expectUntouched(world)
    expect(world.problem('ci/other')).toBe('REFRESH_TOKEN_OWNED')
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('with copies of one refresh token, applied together: one spends', async () => {
    const world = Replicas.withCredential()
    world.store.put('teams/ci/copy', world.stored())
    world.apply(copied())
    await world.leader()
    await world.clock.pass(3 * untilDue)
    expect(world.endpoint.reuses).toBe(0)
    expect(world.state('ci/claude').refreshes * world.state('ci/other').refreshes).toBe(0)
  })

  it('with copies of one document and its claim: the claim names the first, whatever was forgotten', async () => {
    const world = withRoom()
    const first = await world.leader()
    const claim = world.store.claims.get(documentKey) ?? expect.fail('there is no claim')
    world.store.put('teams/ci/copy', world.stored())
    world.store.claims.set('teams/ci/copy', claim)
    await world.clock.pass(untilDue)
    await first.restart()
    world.apply(copied())
    await first.lead()
    await world.clock.pass(untilDue)
    expectUntouched(world)
    expect(world.problem('ci/other')).toBe('REFRESH_TOKEN_OWNED')
    expect(world.state('ci/other').lastFailure?.message).toContain('ci/claude')
  })

  it('share a refresh token that never rotates', async () => {
    const world = Replicas.withCredential()
    world.endpoint.rotates = false
    world.applyProvider({ rotation: aRotation({ mode: 'Never' }) })
    await world.leader()
    world.apply(aCredential())
    world.apply(another())
    await world.clock.pass(120)
    expectUntouched(world)
    expect(world.podToken('other-token')).toBe(world.newestAccessToken())
    expect(world.condition('Stalled', 'ci/other')).toBeUndefined()
  })
})

describe('a document that another credential claims while a refresh is under way', () => {
  it('gets the newest token, which is not counted in that claim', async () => {
    const world = withRoom()
    const { store } = world
    const leader = await world.leader()
    const writeBack = store.writeBack.bind(store)
    const written: unknown[] = []
    store.writeBack = (location, base, tokens) => {
      const owner = base.claim?.kind === 'claimed' ? base.claim.claim.owner : undefined
      written.push([owner, 'mark' in tokens])
      return writeBack(location, base, tokens)
    }
    const claim = store.claims.get(documentKey) ?? expect.fail('there is no claim')
    leader.after('endpoint.request', () => {
      store.put(documentKey, world.stored())
      store.claims.set(documentKey, { ...claim, owner: 'elsewhere/other' })
    })
    await world.clock.pass(untilDue)
    expect(written).toEqual([
      [claim.owner, true],
      ['elsewhere/other', false],
    ])
    expectUntouched(world)
  })
})

describe('a credential that is created anew', () => {
  it('takes its own claim over, and goes on with the newest refresh token', async () => {
    const world = withRoom()
    await world.leader()
    const before = world.store.claims.get(documentKey)?.owner
    world.delete(aCredential())
    world.sink.published.clear()
    await world.clock.pass(60)
    world.apply(aCredential({ uid: otherUid }))
    await world.clock.pass(untilDue)
    expectUntouched(world)
    expect(world.store.claims.get(documentKey)?.owner).not.toBe(before)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.record(otherUid)).toBeDefined()
  })
})

describe('two clusters at one document', () => {
  /** The second cluster: its own records and statuses, the same store and authorization server. */
  function secondCluster(first: Replicas): Replicas {
    const second = new Replicas(first.endpoint, first.store)
    second.apply(aCredential({ uid: otherUid }))
    return second
  }

  async function passBoth(one: Replicas, other: Replicas, seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 60) {
      await one.clock.pass(60)
      await other.clock.pass(60)
    }
  }

  it('the second one reads whose it is, and sends nothing', async () => {
    const world = withRoom()
    await world.leader()
    const second = secondCluster(world)
    await second.leader('cluster-2')
    await passBoth(world, second, 2 * untilDue)
    expectUntouched(world)
    expect(second.problem()).toBe('REFRESH_TOKEN_OWNED')
    expect(second.state().lastFailure?.message).toContain('cluster-1')
    expect(second.state().refreshes).toBe(0)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('the second one takes over when a human says so, once, and the first one finds out in time', async () => {
    const world = withRoom()
    await world.leader()
    const second = secondCluster(world)
    await second.leader('cluster-2')
    second.apply(aCredential({ uid: otherUid, ownershipRequest: 'move' }))
    await passBoth(world, second, 2 * untilDue)
    expectUntouched(world)
    expect(second.state().handledOwnershipRequest).toBe('move')
    expect(second.state().refreshes).toBeGreaterThan(0)
    expect(second.podToken()).toBe(second.newestAccessToken())
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    expect(world.state().lastFailure?.message).toContain('cluster-2')
  })

  it('a request that was handled is not handled again when another cluster takes the document back', async () => {
    const world = withRoom()
    await world.leader()
    const second = secondCluster(world)
    await second.leader('cluster-2')
    second.apply(aCredential({ uid: otherUid, ownershipRequest: 'move' }))
    await passBoth(world, second, 120)
    world.apply(aCredential({ ownershipRequest: 'back' }))
    await passBoth(world, second, 2 * untilDue)
    expectUntouched(world)
    expect(world.state().handledOwnershipRequest).toBe('back')
    expect(second.problem()).toBe('REFRESH_TOKEN_OWNED')
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('a request of the one that owns the document already is handled with its next refresh', async () => {
    const world = withRoom()
    world.apply(aCredential({ ownershipRequest: 'mine' }))
    await world.leader()
    await world.clock.pass(untilDue)
    expect(world.state().handledOwnershipRequest).toBe('mine')
    world.apply(aCredential({ ownershipRequest: 'still mine' }))
    await world.clock.pass(untilDue)
    expect(world.state().handledOwnershipRequest).toBe('still mine')
    const second = secondCluster(world)
    await second.leader('cluster-2')
    second.apply(aCredential({ uid: otherUid, ownershipRequest: 'move' }))
    await passBoth(world, second, 2 * untilDue)
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    expectUntouched(world)
  })
})
