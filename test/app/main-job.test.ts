import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { aCredential } from '../support/builders.ts'
import { World } from '../support/world.ts'

const key = 'teams/ci/claude'

describe('a healthy credential', () => {
  it('is refreshed and published as soon as it is applied', async () => {
    const world = await World.withCredential()
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.condition('Reconciling')).toBeUndefined()
    expect(world.events.reasons()).toEqual(['RefreshTokenRotated', 'TargetCreated'])
  })

  it('never lets its token expire over a day, keeps the newest refresh token in the store, and spends none twice', async () => {
    const world = await World.withCredential()
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      await world.clock.pass(60)
      expect(world.state().accessTokenExpiresAt).toBeGreaterThan(world.clock.now())
      expect(world.podToken()).toBe(world.newestAccessToken())
      expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
    }
    expect(world.endpoint.reuses).toBe(0)
    expect(world.endpoint.requests).toBeGreaterThanOrEqual(36)
    expect(world.endpoint.requests).toBeLessThanOrEqual(44)
    expect(world.bugs).toEqual([])
  })

  it('costs one store read, one store write, one publication and one status write per rotation', async () => {
    const world = await World.withCredential()
    await world.clock.pass(2400)
    const before = { ...counts(world) }
    await world.clock.pass(2400)
    expect(world.endpoint.requests - before.requests).toBe(1)
    expect(world.store.reads - before.reads).toBe(1)
    expect(world.store.writes - before.writes).toBe(1)
    expect(world.sink.publications - before.publications).toBe(1)
    expect(world.status.writes - before.statusWrites).toBe(1)
  })

  it('costs no store write where the server does not rotate', async () => {
    const world = new World()
    world.endpoint.rotates = false
    world.store.put(key, world.endpoint.login())
    world.applyProvider()
    world.applyStore()
    world.apply(aCredential())
    await world.start()
    await world.clock.pass(12 * 3600)
    expect(world.endpoint.requests).toBeGreaterThan(15)
    expect(world.store.writes).toBe(0)
    expect(world.condition('RefreshTokenPersisted')).toMatchObject({ status: 'True', reason: 'NotRotated' })
  })

  it('has the labels and annotations of its spec on the target, and new ones without a refresh', async () => {
    const credential = aCredential()
    const world = await World.withCredential()
    const { requests } = world.endpoint
    const target = { ...credential.spec.target, labels: { team: 'ci' }, annotations: { note: 'x' } }
    world.apply({ ...credential, generation: 2, spec: { ...credential.spec, target } })
    await world.clock.pass(1)
    expect(world.sink.found(target.name)).toMatchObject({ labels: { team: 'ci' }, annotations: { note: 'x' } })
    expect(world.endpoint.requests).toBe(requests)
  })

  it('is not refreshed by a restart at any quiet moment', async () => {
    const world = await World.withCredential()
    const due = 2400 - 360
    for (let at = 0; at < due; at += 60) {
      await world.restart()
      await world.clock.pass(60)
      expect(world.endpoint.requests).toBe(1)
    }
    await world.clock.pass(600)
    expect(world.endpoint.requests).toBe(2)
  })

  it('writes no status at a restart that changes nothing', async () => {
    const world = await World.withCredential()
    const writes = world.status.writes
    await world.restart()
    await world.clock.pass(1)
    expect(world.status.writes).toBe(writes)
  })

  it('is published again, without a refresh, when its outputs change', async () => {
    const world = await World.withCredential()
    const target = { ...aCredential().spec.target, outputs: [{ format: 'header' as const }] }
    world.apply(aCredential({ generation: 2, spec: { target } }))
    await world.clock.pass(1)
    expect(world.endpoint.requests).toBe(1)
    expect([...(world.sink.published.get('claude-token') ?? [])]).toEqual([
      ['authorization', `Authorization: Bearer ${world.newestAccessToken()}`],
    ])
  })

  it('is repaired from memory when its target vanishes', async () => {
    const world = await World.withCredential()
    world.sink.published.clear()
    await world.clock.pass(601)
    expect(world.endpoint.requests).toBe(1)
    expect(world.podToken()).toBe(world.newestAccessToken())
  })

  it('is never looked at in its target while publications come more often than looks', async () => {
    const world = new World()
    world.endpoint.lifetimeSeconds = 300
    world.store.put(key, world.endpoint.login())
    world.applyProvider()
    world.applyStore()
    world.apply(aCredential())
    await world.start()
    const looks = world.sink.observations
    await world.clock.pass(6 * 3600)
    expect(world.endpoint.requests).toBeGreaterThan(100)
    expect(world.sink.observations).toBe(looks)
  })

  it('is refreshed once per value of the annotation', async () => {
    const world = await World.withCredential()
    await world.clock.pass(60)
    world.apply(aCredential({ refreshRequest: 'please' }))
    await world.clock.pass(120)
    expect(world.endpoint.requests).toBe(2)
    expect(world.state().handledRefreshRequest).toBe('please')
  })

  it('is left alone while suspended, and says when its token has run out', async () => {
    const world = await World.withCredential()
    world.apply(aCredential({ generation: 2, spec: { suspend: true } }))
    await world.clock.pass(10)
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'Suspended' })
    await world.clock.pass(4000)
    expect(world.condition('Ready')).toMatchObject({ status: 'Unknown', reason: 'Suspended' })
    expect(world.endpoint.requests).toBe(1)
    world.apply(aCredential({ generation: 3 }))
    await world.clock.pass(1)
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(world.events.reasons()).toContain('Resumed')
  })

  it('keeps its target when deleted under Owner, and is cleaned up through its finalizer otherwise', async () => {
    const world = new World()
    world.sink.cleansUp = true
    world.store.put(key, world.endpoint.login())
    world.applyProvider()
    world.applyStore()
    world.apply(aCredential())
    await world.start()
    expect(world.status.finalized).toContain('ci/claude')
    world.apply(aCredential({ deleting: true, finalized: true }))
    await world.clock.pass(1)
    expect(world.sink.published.size).toBe(0)
    expect(world.status.finalized.size).toBe(0)
    expect(world.store.tokens.has(key)).toBe(true)
  })
})

describe('who may send', () => {
  it('sends nothing once leadership is lost', async () => {
    const world = await World.withCredential()
    world.leading = false
    await world.clock.pass(7200)
    expect(world.endpoint.requests).toBe(1)
    world.leading = true
    await world.clock.pass(600)
    expect(world.endpoint.requests).toBeGreaterThanOrEqual(2)
    expect(world.endpoint.reuses).toBe(0)
  })

  it('sends nothing while the journal cannot be written', async () => {
    const world = await World.withCredential()
    world.journal.fault = failure('JOURNAL_UNAVAILABLE', 'The journal is full.')
    await world.clock.pass(7200)
    expect(world.endpoint.requests).toBe(1)
    expect(world.condition('Reconciling')?.message).toContain('The journal is full.')
    world.journal.fault = undefined
    await world.clock.pass(600)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('spends nothing when the target belongs to somebody else', async () => {
    const world = new World()
    world.sink.foreign.add('claude-token')
    world.store.put(key, world.endpoint.login())
    world.applyProvider()
    world.applyStore()
    world.apply(aCredential())
    await world.start()
    await world.clock.pass(3600)
    expect(world.endpoint.requests).toBe(0)
    expect(world.condition('Stalled')).toMatchObject({ reason: 'TargetNotOwned' })
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'TargetNotOwned' })
    world.sink.foreign.clear()
    await world.clock.pass(61)
    expect(world.condition('Ready')?.status).toBe('True')
  })

  it('finishes what is under way before it stops', async () => {
    const world = new World()
    let open: () => void = () => undefined
    world.endpoint.gate = new Promise((resolve) => {
      open = resolve
    })
    world.store.put(key, world.endpoint.login())
    world.applyProvider()
    world.applyStore()
    world.apply(aCredential())
    await world.start()
    let stopped = false
    const stop = world.engine.stop().then(() => {
      stopped = true
    })
    await world.clock.pass(5)
    expect(stopped).toBe(false)
    open()
    await stop
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.endpoint.isLive(world.store.tokens.get(key) ?? '')).toBe(true)
  })
})

function counts(world: World): Record<'requests' | 'reads' | 'writes' | 'publications' | 'statusWrites', number> {
  const { endpoint, store, sink, status } = world
  return {
    requests: endpoint.requests,
    reads: store.reads,
    writes: store.writes,
    publications: sink.publications,
    statusWrites: status.writes,
  }
}
