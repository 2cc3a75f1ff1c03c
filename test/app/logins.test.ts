import { describe, expect, it } from 'vitest'
import type { DocumentClaim } from '../../src/domain/document-claim.ts'
import { failure } from '../../src/domain/failures.ts'
import type { RetainedTokens } from '../../src/domain/refresh-record.ts'
import type { Sensitive } from '../../src/domain/sensitive.ts'
import { aCredential } from '../support/builders.ts'
import { documentKey, type Replica, Replicas } from '../support/replicas.ts'

const untilDue = 2400

async function aLeader(world = Replicas.withCredential()): Promise<{ world: Replicas; first: Replica }> {
  const first = await world.leader()
  return { world, first }
}

function withRoom(): Replicas {
  const world = Replicas.withCredential()
  world.store.hasRoom = true
  return world
}

function expectHealthy(world: Replicas): void {
  expect(world.bugs).toEqual([])
  expect(world.endpoint.reuses).toBe(0)
  expect(world.storeIsLive()).toBe(true)
  expect(world.condition('Ready')?.status).toBe('True')
  expect(world.condition('Stalled')).toBeUndefined()
  expect(world.record()?.intent).toBeUndefined()
}

describe('a new login of a human', () => {
  const stages = [
    'store.read',
    'store.proveWritable',
    'sink.rehearse',
    'journal.armed',
    'records.replace',
    'journal.sent',
    'endpoint.request',
    'journal.answered',
    'store.writeBack',
    'sink.publish',
    'status.write',
  ]

  it.each(stages)('after %s of a refresh stays, and is what the next refresh uses', async (stage) => {
    const { world, first } = await aLeader()
    const login = world.endpoint.login()
    first.after(stage, () => world.store.put(documentKey, login))
    await world.clock.pass(untilDue)
    const used = world.stored() !== login
    expect(used ? world.endpoint.isLive(login) : true).toBe(!used)
    await world.clock.pass(2 * untilDue)
    expect(world.endpoint.isLive(login)).toBe(false)
    expectHealthy(world)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it.each(stages)('after %s of a refresh that its process did not survive stays too', async (stage) => {
    const { world, first } = await aLeader()
    const login = world.endpoint.login()
    first.after(stage, () => {
      world.store.put(documentKey, login)
      first.die()
    })
    await world.clock.pass(untilDue)
    await first.restart()
    await first.lead()
    await world.clock.pass(2 * untilDue)
    expect(world.endpoint.isLive(login)).toBe(false)
    expectHealthy(world)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(first.journal.kept.size).toBe(0)
  })

  it('ends the waiting for a holder that may still have the answer to another token', async () => {
    const { world, first } = await aLeader()
    first.dieOf('journal.sent')
    await world.clock.pass(untilDue)
    await world.leader()
    await world.clock.pass(600)
    expect(world.problem()).toBe('REFRESH_HOLDER_SILENT')
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(120)
    expectHealthy(world)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('ends what is known of a refusal', async () => {
    const { world } = await aLeader()
    world.endpoint.next = 'lost-answer'
    await world.clock.pass(untilDue)
    expect(world.problem()).toBe('REFRESH_ANSWER_LOST')
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(120)
    expect(world.storeIsLive()).toBe(true)
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.problem()).toBeUndefined()
    expect(world.podToken()).toBe(world.newestAccessToken())
  })
})

describe('a login of a human that takes the place of one that is on its way into the store', () => {
  async function aStoreThatIsBehind(): Promise<{ world: Replicas; first: Replica }> {
    const { world, first } = await aLeader(withRoom())
    await world.clock.pass(600)
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'TokenStore ci/vault did not answer.')
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(60)
    expect(world.condition('RefreshTokenPersisted')?.status).toBe('False')
    world.store.put(documentKey, world.endpoint.login())
    return { world, first }
  }

  async function expectItUsed(world: Replicas, requests: number): Promise<void> {
    world.store.writeFault = undefined
    await world.clock.pass(300)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(requests)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.state().loginReplacedAt).toBeUndefined()
  }

  it('is used at once by the process that finds it', async () => {
    const { world } = await aStoreThatIsBehind()
    await expectItUsed(world, 3)
  })

  it('is used at once by a process that was started since', async () => {
    const { world, first } = await aStoreThatIsBehind()
    first.loseItsPod()
    await world.leader()
    await expectItUsed(world, 3)
  })
})

describe('a refusal of a token that is not due', () => {
  async function aLoginLostEarly(): Promise<{ world: Replicas; first: Replica }> {
    const { world, first } = await aLeader(withRoom())
    await world.clock.pass(600)
    world.endpoint.next = 'lost-answer'
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(300)
    expect(world.problem()).toBe('REFRESH_ANSWER_LOST')
    return { world, first }
  }

  it('is told again once another cluster, which has claimed the document meanwhile, is gone', async () => {
    const { world, first } = await aLoginLostEarly()
    await first.restart()
    await first.lead()
    const own = world.store.claims.get(documentKey)
    if (own === undefined) return expect.fail('The document is claimed by nobody.')
    claim(world, { ...own, owner: 'cluster-2/other', ownerName: 'OAuthCredential ci/other of installation cluster-2' })
    await world.clock.pass(60)
    expect(world.problem()).toBe('REFRESH_TOKEN_OWNED')
    claim(world, own)
    await world.clock.pass(300)
    expect(world.problem()).toBe('REFRESH_ANSWER_LOST')
    expect(world.condition('Stalled')?.status).toBe('True')
    expect(world.bugs).toEqual([])
  })

  it('stays known until another login has brought a token, though a third one takes the place of its first', async () => {
    const { world, first } = await aLoginLostEarly()
    const away = failure('STORE_UNAVAILABLE', 'TokenStore ci/vault did not answer.')
    first.after('journal.answered', () => {
      world.store.writeFault = away
      first.records.replaceFault = away
    })
    world.store.put(documentKey, world.endpoint.login())
    await world.clock.pass(120)
    expect(world.state().loginReplacedAt).toBeDefined()
    world.store.put(documentKey, world.endpoint.login())
    world.store.writeFault = undefined
    first.records.replaceFault = undefined
    await world.clock.pass(120)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.problem()).toBeUndefined()
    expect(world.storeIsLive()).toBe(true)
    expect(world.state().loginReplacedAt).toBeUndefined()
    expect(world.bugs).toEqual([])
  })

  function claim(world: Replicas, owner: DocumentClaim): void {
    world.store.put(documentKey, world.stored())
    world.store.claims.set(documentKey, owner)
  }
})

describe('the sealing key of a document', () => {
  async function retained(world: Replicas, key: Sensitive | undefined): Promise<RetainedTokens | undefined> {
    const { uid, key: credential } = aCredential()
    const read = await world.records.read({ uid, credential }, key)
    return read.ok ? read.value?.retained : expect.fail(read.failure.message)
  }

  it('seals the record, so that nobody without the document opens it', async () => {
    const { world } = await aLeader(withRoom())
    const key = world.store.claims.get(documentKey)?.sealingKey ?? expect.fail('there is no claim')
    expect(await retained(world, undefined)).toMatchObject({ fingerprint: expect.any(String) as string })
    expect((await retained(world, undefined))?.tokens).toBeUndefined()
    expect((await retained(world, key))?.tokens?.refreshToken?.reveal()).toBe(world.stored())
  })

  it('goes into the journal before anything is sent, so that an answer is brought home without the store', async () => {
    const { world, first } = await aLeader(withRoom())
    first.dieOf('journal.answered')
    await world.clock.pass(untilDue)
    const key = world.store.claims.get(documentKey)?.sealingKey.reveal()
    expect(first.journal.pending(aCredential().uid)?.sealingKey?.reveal()).toBe(key)
    world.store.readFault = failure('STORE_UNAVAILABLE', 'TokenStore ci/vault did not answer.')
    await first.restart()
    expect(first.journal.kept.size).toBe(0)
    world.store.readFault = undefined
    await first.lead()
    await world.clock.pass(10)
    expectHealthy(world)
    expect(world.endpoint.requests).toBe(2)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('stays the same from refresh to refresh', async () => {
    const { world } = await aLeader(withRoom())
    const before = world.store.claims.get(documentKey)
    await world.clock.pass(3 * untilDue)
    expect(world.store.claims.get(documentKey)?.sealingKey.reveal()).toBe(before?.sealingKey.reveal())
    expect(world.store.claimWrites).toBe(1)
    expectHealthy(world)
  })

  it('is made anew for a document that a human replaced, and a process that is started then goes on', async () => {
    const { world, first } = await aLeader(withRoom())
    const before = world.store.claims.get(documentKey)?.sealingKey.reveal()
    await first.restart()
    world.store.put(documentKey, world.endpoint.login())
    await first.lead()
    await world.clock.pass(untilDue)
    expectHealthy(world)
    expect(world.store.claims.get(documentKey)?.sealingKey.reveal()).not.toBe(before)
    await world.clock.pass(untilDue)
    expectHealthy(world)
  })
})

describe('a credential that is deleted', () => {
  const { uid } = aCredential()

  it('takes its record with it when the store has the newest refresh token', async () => {
    const { world } = await aLeader()
    world.delete(aCredential())
    await world.clock.pass(1)
    expect(world.record()).toBeUndefined()
    expect(world.storeIsLive()).toBe(true)
  })

  it('leaves its record while the store has not', async () => {
    const { world } = await aLeader()
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'TokenStore ci/vault did not answer.')
    await world.clock.pass(untilDue)
    world.delete(aCredential())
    await world.clock.pass(600)
    expect(world.endpoint.isLive(world.record(uid)?.retained?.tokens?.refreshToken?.reveal() ?? '')).toBe(true)
    world.store.writeFault = undefined
    await world.clock.pass(600)
    expect(world.storeIsLive()).toBe(true)
    expect(world.record()).toBeUndefined()
  })

  it('leaves its record when the process ends before the store has it', async () => {
    const { world, first } = await aLeader()
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'TokenStore ci/vault did not answer.')
    await world.clock.pass(untilDue)
    world.delete(aCredential())
    await world.clock.pass(10)
    await first.shutDown()
    expect(world.endpoint.isLive(world.record(uid)?.retained?.tokens?.refreshToken?.reveal() ?? '')).toBe(true)
  })

  it('takes its record with it after a restart too', async () => {
    const { world, first } = await aLeader()
    await first.restart()
    await first.lead()
    world.delete(aCredential())
    await world.clock.pass(1)
    expect(world.record()).toBeUndefined()
  })
})
