import { describe, expect, it } from 'vitest'
import type { CredentialChanges } from '../support/builders.ts'
import { aCredential } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import { World } from '../support/world.ts'
import { type Failure, failure, type FailureCode } from '../../src/domain/failures.ts'
import { failed } from '../../src/domain/result.ts'

const key = 'teams/ci/claude'
const name = { namespace: 'ci', name: 'claude' }
const { uid, spec } = aCredential()
const another = '6f1c0a52-0000-4000-8000-000000000002'

describe('the document changes beside the token, and the process ends, while a write-back is pending', () => {
  it('brings the successor home', async () => {
    const world = await pendingWriteBack()
    world.store.put(key, world.store.tokens.get(key) ?? '') // a label or a neighbouring field: same token, new version
    world.store.writeFault = undefined
    await world.restart()
    await world.clock.pass(600)
    expect(isHome(world)).toBe(true)
    await world.clock.pass(3600)
    expect(world.endpoint.reuses).toBe(0)
  })
})

describe('the spec names another document while a write-back is pending', () => {
  it.each(['in the same process', 'in the next process'])(
    'writes the successor to the document that it came from, %s',
    async (when) => {
      const world = await pendingWriteBack()
      const login = world.endpoint.login()
      world.store.put('other', canary('rt'))
      world.store.put('other', login)
      const refreshToken = { ...spec.refreshToken, key: 'other' }
      world.apply(aCredential({ generation: 2, state: world.state(), spec: { refreshToken } }))
      world.store.writeFault = undefined
      if (when === 'in the next process') await world.restart()
      await world.clock.pass(600)
      expect(world.endpoint.isLive(world.store.tokens.get('other') ?? '')).toBe(true)
      expect(world.endpoint.reuses).toBe(0)
      expect(isHome(world)).toBe(true)
    },
  )
})

describe('the spec becomes invalid while a write-back is pending', () => {
  it('brings the successor home all the same', async () => {
    const world = await pendingWriteBack()
    makeInvalid(world)
    await world.clock.pass(1)
    world.store.writeFault = undefined
    await world.clock.pass(600)
    expect(isHome(world)).toBe(true)
  })

  it('loses nothing when the invalid credential is deleted and made again', async () => {
    const world = await pendingWriteBack()
    makeInvalid(world)
    await world.clock.pass(1)
    world.store.writeFault = undefined
    world.resources.deleted('OAuthCredential', 'ci', 'claude')
    await world.clock.pass(600)
    world.apply(aCredential({ uid: another, spec: { target: { ...spec.target, name: 'second' } } }))
    await world.clock.pass(600)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('keeps what only this process knows: the journal had failed', async () => {
    const world = new World()
    const journaled = world.journal.answered.bind(world.journal)
    world.journal.answered = () => Promise.resolve(failed(down('JOURNAL_UNAVAILABLE')))
    world.store.writeFault = down()
    await begin(world)
    world.journal.answered = journaled
    makeInvalid(world)
    await world.clock.pass(1)
    world.store.writeFault = undefined
    world.apply(aCredential({ generation: 3 }))
    await world.clock.pass(3600)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('removes the target of an invalid credential that is deleted', async () => {
    const world = new World()
    world.sink.cleansUp = true
    await begin(world, { finalized: true })
    makeInvalid(world, { finalized: true })
    await world.clock.pass(1)
    makeInvalid(world, { finalized: true, deleting: true })
    await world.clock.pass(1)
    expect(world.podToken()).toBeUndefined()
  })
})

describe('a journal that cannot forget', () => {
  it('neither spins nor keeps a credential from its refresh', async () => {
    const world = await World.withCredential()
    const before = world.store.reads
    world.journal.settled = () => Promise.resolve(failed(down('JOURNAL_UNAVAILABLE')))
    stopAfter(world, 300)
    await world.clock.pass(7200)
    expect(world.store.reads - before).toBeLessThan(100)
    expect(world.condition('Ready')?.status).toBe('True')
  })
})

describe('a dead grant', () => {
  it('is not presented again, nor told again, because the store did not answer for a minute', async () => {
    const world = await deadGrant()
    const { requests } = world.endpoint
    for (let blips = 0; blips < 3; blips += 1) {
      world.store.readFault = down()
      await world.clock.pass(70)
      world.store.readFault = undefined
      await world.clock.pass(400)
    }
    expect.soft(world.endpoint.requests).toBe(requests)
    expect(told(world, 'ReauthorizationRequired')).toBe(1)
  })

  it('is not presented again, nor told again, because a target could not be looked at', async () => {
    const world = await deadGrant()
    const { requests } = world.endpoint
    const observe = world.sink.observe.bind(world.sink)
    world.sink.observe = () => Promise.resolve(failed(down('KUBERNETES_UNAVAILABLE')))
    await world.clock.pass(700)
    world.sink.observe = observe
    await world.clock.pass(400)
    expect.soft(world.endpoint.requests).toBe(requests)
    expect(told(world, 'ReauthorizationRequired')).toBe(1)
  })

  it('is not presented again, nor told again, because an output was added', async () => {
    const world = await deadGrant()
    const { requests } = world.endpoint
    const outputs = [{ format: 'raw' }, { format: 'header' }] as const
    world.apply(aCredential({ generation: 2, spec: { target: { ...spec.target, outputs } } }))
    await world.clock.pass(120)
    expect.soft(world.endpoint.requests).toBe(requests)
    expect(told(world, 'ReauthorizationRequired')).toBe(1)
  })

  it('is told once although a probe meets an outage of the server', async () => {
    const world = await deadGrant()
    world.endpoint.next = () => answer(502, 'bad gateway')
    await world.clock.pass(5000)
    expect(told(world, 'ReauthorizationRequired')).toBe(1)
  })

  it('is not called recovered while it is dead', async () => {
    const world = await World.withCredential()
    world.store.put(key, canary('rt'))
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(60)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'ReauthorizationRequired' })
    world.store.readFault = down()
    await world.clock.pass(70)
    world.store.readFault = undefined
    await world.clock.pass(60)
    expect.soft(world.condition('Stalled')).toMatchObject({ reason: 'ReauthorizationRequired' })
    expect(told(world, 'Recovered')).toBe(0)
  })
})

describe('a human who must act', () => {
  it.each<[string, (world: World, fault: Failure | undefined) => void, FailureCode]>([
    ['a store that refuses the write', (world, fault) => void (world.store.writeFault = fault), 'STORE_FORBIDDEN'],
    ['a target that is refused', (world, fault) => void (world.sink.fault = fault), 'TARGET_REJECTED'],
  ])('is told once of %s, and it is tried again every minute', async (_, set, code) => {
    const world = new World()
    set(world, down(code))
    await begin(world)
    await world.clock.pass(3000)
    expect.soft(told(world, 'Stalled')).toBe(1)
    expect.soft(told(world, 'RefreshFailed')).toBe(0)
    set(world, undefined)
    await world.clock.pass(61)
    expect.soft(isHome(world)).toBe(true)
    expect(world.podToken()).toBeDefined()
  })
})

describe('an engine that was told to stop', () => {
  it('sends no refresh token that had not been sent, and ends', async () => {
    const world = new World()
    world.applyProvider({ limits: { requestsPerSecond: 1, maxConcurrent: 1 } })
    world.applyStore()
    for (let index = 0; index < 100; index += 1) {
      const text = `c-${index}`
      world.store.put(text, world.endpoint.login())
      const refreshToken = { ...spec.refreshToken, key: text }
      const target = { ...spec.target, name: text }
      world.apply(
        aCredential({ key: { namespace: 'ci', name: text }, uid: `uid-${index}`, spec: { refreshToken, target } }),
      )
    }
    await world.start()
    const { requests } = world.endpoint
    let ended = false
    void world.engine.stop().then(() => (ended = true))
    await world.clock.pass(30)
    expect.soft(world.endpoint.requests).toBeLessThanOrEqual(requests + 1)
    expect(ended).toBe(true)
  })
})

describe('deletion', () => {
  it.each(['the provider is gone', 'the store does not answer'])(
    'ends when %s and an answer is journaled',
    async (why) => {
      const world = new World()
      world.sink.cleansUp = true
      world.store.writeFault = down()
      await begin(world, { finalized: true })
      world.status.finalized.add('ci/claude')
      if (why !== 'the provider is gone') world.store.readFault = down()
      await world.restart()
      if (why === 'the provider is gone') world.resources.deleted('OAuthProvider', 'ci', 'gateway')
      world.apply(aCredential({ finalized: true, deleting: true, state: world.state() }))
      await world.clock.pass(86_400)
      expect(world.status.finalized.has('ci/claude')).toBe(false)
    },
  )

  it('that gave the write-back up leaves the successor to the next credential of that document', async () => {
    const world = await pendingWriteBack()
    world.apply(aCredential({ deleting: true, generation: 2 }))
    await world.clock.pass(3600)
    world.resources.deleted('OAuthCredential', 'ci', 'claude')
    await world.clock.pass(10)
    world.store.writeFault = undefined
    world.apply(aCredential({ uid: another, spec: { target: { ...spec.target, name: 'second' } } }))
    await world.clock.pass(600)
    expect(world.endpoint.reuses).toBe(0)
  })

  it.each(['sent', 'answered'])('leaves nothing in the journal: %s', async (phase) => {
    const world = new World()
    if (phase === 'sent') world.endpoint.next = 'lost-answer'
    else world.sink.fault = down('TARGET_UNAVAILABLE')
    await begin(world)
    expect(world.journal.pending(uid)?.phase).toBe(phase)
    world.resources.deleted('OAuthCredential', 'ci', 'claude')
    await world.clock.pass(600)
    expect(world.journal.pending(uid)).toBeUndefined()
  })

  it('brings no status back that was forgotten with its manifest', async () => {
    const world = await pendingWriteBack()
    world.resources.deleted('OAuthCredential', 'ci', 'claude')
    world.status.states.delete('ci/claude') // StatusFile.forget, as main/standalone.ts calls it
    await world.clock.pass(60)
    world.store.writeFault = undefined
    await world.clock.pass(600)
    expect(world.status.states.has('ci/claude')).toBe(false)
  })
})

describe('Ready', () => {
  it.each(['is gone and cannot be written', 'is somebody else’s'])('is not true when the target %s', async (what) => {
    const world = await World.withCredential()
    world.sink.published.delete('claude-token')
    if (what === 'is gone and cannot be written') world.sink.fault = down('TARGET_REJECTED')
    else world.sink.foreign.add('claude-token')
    await world.clock.pass(700)
    expect(world.condition('Ready')?.status).not.toBe('True')
  })

  it('speaks of a token of this spec: another login is refreshed at once', async () => {
    const world = await World.withCredential()
    world.store.put('other', world.endpoint.login())
    world.apply(aCredential({ generation: 2, spec: { refreshToken: { ...spec.refreshToken, key: 'other' } } }))
    await world.clock.pass(60)
    expect(world.endpoint.requests).toBe(2)
  })
})

describe('clocks that are set back', () => {
  it('do not put a retry off for a month', async () => {
    const world = await World.withCredential()
    world.clock.jump(30 * 86_400)
    world.store.readFault = down()
    await world.clock.pass(60)
    world.clock.jump(-30 * 86_400)
    world.store.readFault = undefined
    await world.clock.pass(6 * 3600)
    expect(world.endpoint.requests).toBeGreaterThan(1)
  })

  it('do not put a request of a human off for a month', async () => {
    const world = await World.withCredential()
    world.clock.jump(30 * 86_400)
    await world.clock.pass(60)
    world.clock.jump(-30 * 86_400)
    world.apply(aCredential({ refreshRequest: 'now' }))
    await world.clock.pass(24 * 3600)
    expect(world.endpoint.requests).toBeGreaterThan(3)
  })
})

describe('a store outage', () => {
  it('does not keep a deleted target from being written again with the token at hand', async () => {
    const world = await pendingWriteBack()
    world.sink.published.delete('claude-token')
    await world.clock.pass(1500)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('leaves no renamed target empty after its end', async () => {
    const world = await pendingWriteBack()
    await world.clock.pass(1300)
    world.apply(aCredential({ generation: 2, spec: { target: { ...spec.target, name: 'renamed' } } }))
    await world.clock.pass(1)
    world.store.writeFault = undefined
    await world.clock.pass(361)
    expect(isHome(world)).toBe(true)
    expect(world.podToken('renamed')).toBe(world.newestAccessToken())
  })
})

describe('an answer that waited in the journal', () => {
  it('is followed by a refresh at once when its access token is over', async () => {
    const world = new World()
    world.sink.fault = down('TARGET_UNAVAILABLE')
    world.store.writeFault = down()
    await begin(world)
    await world.engine.stop()
    await world.clock.pass(7200)
    world.store.writeFault = undefined
    world.sink.fault = undefined
    await world.restart()
    await world.clock.pass(60)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('does not count for a request that was made after it', async () => {
    const world = await pendingWriteBack()
    await world.engine.stop()
    world.store.writeFault = undefined
    world.apply(aCredential({ refreshRequest: 'after the crash', state: world.state() }))
    await world.restart()
    await world.clock.pass(120)
    expect(world.endpoint.requests).toBe(2)
  })

  it('is never published after its end', async () => {
    const world = new World()
    world.sink.fault = down('TARGET_UNAVAILABLE')
    await begin(world)
    await world.clock.pass(7200)
    let expired = 0
    const publish = world.sink.publish.bind(world.sink)
    world.sink.publish = (publication) => {
      if (publication.expiresAt <= world.clock.now()) expired += 1
      return publish(publication)
    }
    world.sink.fault = undefined
    await world.clock.pass(600)
    expect(expired).toBe(0)
  })
})

describe('what a lost answer leaves behind', () => {
  it('is not forgotten because the server throttles in between', async () => {
    const world = await World.withCredential()
    world.endpoint.next = 'lost-answer'
    const refresh = world.endpoint.request.bind(world.endpoint)
    let sends = 0
    world.endpoint.request = (request, beforeSend) => {
      sends += 1
      if (sends === 2) world.endpoint.next = () => answer(429, { error: 'slow_down' })
      return refresh(request, beforeSend)
    }
    await world.clock.pass(2600)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'LostResponse' })
  })

  it('is not forgotten because the process ends between two journal entries', async () => {
    const world = await World.withCredential()
    world.endpoint.next = () => answer(502, 'bad gateway')
    const sent = world.journal.sent.bind(world.journal)
    let entries = 0
    world.journal.sent = (entry) => ((entries += 1) === 2 ? new Promise(() => undefined) : sent(entry))
    await world.clock.pass(2300)
    expect(world.journal.pending(uid)?.phase).toBe('answered')
    await world.restart()
    expect(world.journal.pending(uid)?.phase).toBe('sent')
  })
})

describe('a server whose tokens are over before they arrive', () => {
  it('is not asked again without a pause', async () => {
    const world = await World.withCredential()
    world.endpoint.lifetimeSeconds = 0
    const refresh = world.endpoint.request.bind(world.endpoint)
    world.endpoint.request = async (request, beforeSend) => {
      const exchange = await refresh(request, beforeSend)
      await new Promise<void>((resolve) => world.clock.wakeAfter(1500, resolve))
      return exchange
    }
    await world.clock.pass(3000)
    expect(world.endpoint.requests).toBeLessThan(60)
  })
})

describe('a new login that wins over a write-back', () => {
  it('is not told as a rotation that was written', async () => {
    const world = new World()
    const login = world.endpoint.login()
    world.store.beforeWrite = () => {
      world.store.put(key, login)
      world.store.beforeWrite = undefined
    }
    await begin(world)
    // The one that is told is that of the human's login, which is refreshed at once.
    expect(world.endpoint.requests).toBe(2)
    expect(told(world, 'RefreshTokenRotated')).toBe(1)
  })
})

describe('a server that asked for time', () => {
  it('gets it although a manifest changes', async () => {
    const world = new World()
    const busy = answer(429, { error: 'slow_down' })
    world.endpoint.next = () =>
      busy.kind === 'answered' ? { kind: 'answered', answer: { ...busy.answer, retryAfter: '600' } } : busy
    await begin(world)
    world.applyProvider({ generation: 2 })
    await world.clock.pass(60)
    expect(world.endpoint.requests).toBe(1)
  })
})

function down(code: FailureCode = 'STORE_UNAVAILABLE'): Failure {
  return failure(code, 'TokenStore ci/vault did not answer.')
}

async function begin(world: World, changes: CredentialChanges = {}): Promise<void> {
  world.store.put(key, world.endpoint.login())
  world.applyProvider()
  world.applyStore()
  world.apply(aCredential(changes))
  await world.start()
}

async function pendingWriteBack(): Promise<World> {
  const world = new World()
  world.store.writeFault = down()
  await begin(world)
  return world
}

async function deadGrant(): Promise<World> {
  const world = await World.withCredential()
  world.store.put(key, canary('rt'))
  await world.clock.pass(2400)
  expect(world.condition('Stalled')).toMatchObject({ reason: 'ReauthorizationRequired' })
  return world
}

function makeInvalid(world: World, changes: { deleting?: boolean; finalized?: boolean } = {}): void {
  const problems = [{ field: 'spec.scopes', message: 'must be a list' }]
  const credential = { key: name, uid, generation: 2, deleting: false, finalized: false, problems, ...changes }
  world.resources.upserted('OAuthCredential', {
    type: 'invalid-credential',
    credential: { ...credential, state: aCredential().state },
  })
}

function isHome(world: World): boolean {
  return world.endpoint.isLive(world.store.tokens.get(key) ?? '')
}

function told(world: World, reason: string): number {
  return world.events.reasons().filter((known) => known === reason).length
}

/** A loop in no time at all would keep the simulated clock from ever going on. */
function stopAfter(world: World, reads: number): void {
  const read = world.store.read.bind(world.store)
  let count = 0
  world.store.read = (location) => {
    count += 1
    if (count === reads) void world.engine.stop()
    return read(location)
  }
}
