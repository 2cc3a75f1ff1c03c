import { describe, expect, it, test } from 'vitest'
import type { Credential, RefreshTokenSpec, Target } from '../../src/domain/credential.ts'
import { failure } from '../../src/domain/failures.ts'
import type { PodReader } from '../../src/domain/readers.ts'
import { timeText } from '../../src/domain/time-text.ts'
import { type EpochSeconds, seconds } from '../../src/domain/time.ts'
import { aCredential } from '../support/builders.ts'
import { MemoryConsumers } from '../support/memory-consumers.ts'
import { World } from '../support/world.ts'

const agent = { kind: 'Deployment', name: 'agent' } as const
const gateway = { kind: 'StatefulSet', name: 'gateway' } as const

let generation = 1

function withTarget(changes: Partial<Target>): Credential & { readonly spec: RefreshTokenSpec } {
  const credential = aCredential()
  generation += 1
  return { ...credential, generation, spec: { ...credential.spec, target: { ...credential.spec.target, ...changes } } }
}

/** With pods to be annotated unless it is said, and everything of its own. */
function another(name: string, changes: Partial<Target> = { propagation: 'AnnotatePods' }): Credential {
  const { spec, ...credential } = withTarget({ ...changes, name })
  const refreshToken = { ...spec.refreshToken, key: `teams/ci/${name}` }
  return { ...credential, key: { ...credential.key, name }, uid: `uid-${name}`, spec: { ...spec, refreshToken } }
}

async function worldWith(target: Partial<Target>): Promise<{ world: World; consumers: MemoryConsumers }> {
  const consumers = new MemoryConsumers()
  const world = new World(consumers)
  consumers.clock = world.clock
  world.store.put('teams/ci/claude', world.endpoint.login())
  world.applyProvider()
  world.applyStore()
  world.apply(withTarget(target))
  await world.start()
  return { world, consumers }
}

/** Until the next token is published. */
async function refresh(world: World): Promise<void> {
  const { requests } = world.endpoint
  for (let round = 0; world.endpoint.requests === requests && round < 100; round += 1) await world.clock.pass(60)
  await world.clock.pass(1)
}

describe('workloads', () => {
  it('are restarted for each token but the first, in order, once target and status have it', async () => {
    const { world, consumers } = await worldWith({ restart: [gateway, agent] })
    expect(consumers.restarts).toEqual([])
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True' })
    consumers.atRestart = () => {
      expect(world.podToken()).toBe(world.newestAccessToken())
      expect(world.state().refreshes).toBe(2)
    }
    await refresh(world)
    expect(consumers.restarts).toEqual(['StatefulSet gateway', 'Deployment agent'])
    expect(world.state().consumers?.restarts).toMatchObject([{ name: 'gateway' }, { name: 'agent' }])
    const events = world.events.events.filter(({ reason }) => reason === 'WorkloadRestarted')
    expect(events.map(({ message }) => message.split(' is ')[0])).toEqual(['StatefulSet gateway', 'Deployment agent'])
    expect(world.measured.counts.get('workloadRestarted ci Deployment success')).toBe(1)
    expect(world.bugs).toEqual([])
  })

  it('are restarted for the first token only where they run without it, once, over a restart of the operator', async () => {
    const { world, consumers } = await worldWith({ name: 'earlier' })
    consumers.optional.add('Deployment agent')
    consumers.fault = failure('KUBERNETES_UNAVAILABLE', 'Reading StatefulSet ci/gateway failed.')
    world.apply(withTarget({ restart: [gateway, agent] }))
    await world.clock.pass(1)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.state().consumers).toMatchObject({ isFirst: true })
    consumers.fault = undefined
    await world.restart()
    await world.clock.pass(60)
    expect(consumers.restarts).toEqual(['Deployment agent'])
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True' })
    expect(world.state().consumers).not.toHaveProperty('isFirst')
  })

  it('are not restarted for another name of the target, under which they cannot have begun', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    await refresh(world)
    world.apply(withTarget({ restart: [agent], name: 'renamed' }))
    await world.clock.pass(1)
    expect(world.podToken('renamed')).toBe(world.newestAccessToken())
    expect(consumers.restarts).toHaveLength(1)
    await refresh(world)
    expect(consumers.restarts).toHaveLength(2)
  })

  it('are left alone by a restart of the operator, a repair and other labels', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    await refresh(world)
    expect(consumers.restarts).toHaveLength(1)
    world.sink.published.delete('claude-token')
    await world.clock.pass(700)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(world.endpoint.requests).toBe(2)
    world.apply(withTarget({ restart: [agent], labels: { team: 'ci' } }))
    await world.clock.pass(1)
    expect(world.sink.found('claude-token')?.labels).toEqual({ team: 'ci' })
    await world.restart()
    await world.clock.pass(700)
    expect(world.endpoint.requests).toBe(2)
    expect(consumers.restarts).toHaveLength(1)
  })

  it('are restarted for other contents', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    world.apply(withTarget({ restart: [agent], outputs: [{ format: 'raw' }, { format: 'header' }] }))
    await world.clock.pass(1)
    expect(consumers.restarts).toHaveLength(1)
    expect(world.endpoint.requests).toBe(1)
  })

  it('are restarted by the next process when the first one ends before it could', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    consumers.fault = failure('KUBERNETES_UNAVAILABLE', 'Restarting Deployment ci/agent failed.')
    await refresh(world)
    expect(consumers.restarts).toEqual([])
    consumers.fault = undefined
    await world.restart()
    await world.clock.pass(60)
    expect(consumers.restarts).toEqual(['Deployment agent'])
    await world.restart()
    await world.clock.pass(60)
    expect(consumers.restarts).toEqual(['Deployment agent'])
  })

  it('keep the interval, and tokens that come meanwhile are one restart', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    await refresh(world)
    for (const request of ['one', 'two', 'three']) {
      world.apply({ ...withTarget({ restart: [agent] }), refreshRequest: request })
      await world.clock.pass(20)
    }
    expect(world.endpoint.requests).toBe(5)
    expect(consumers.restarts).toHaveLength(1)
    expect(world.condition('ConsumersNotified')).toMatchObject({
      status: 'Unknown',
      reason: 'WaitingForRestartInterval',
    })
    expect(world.state().consumers?.restarts).toMatchObject([{ waitsFor: 'RestartInterval' }])
    expect(consumers.order?.lastRestartAt).toBe(consumers.done.get('Deployment agent')?.at)
    await world.clock.pass(300)
    expect(consumers.restarts).toHaveLength(2)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True' })
    await world.clock.pass(600)
    expect(consumers.restarts).toHaveLength(2)
  })

  it('keep the interval of the platform where the credential asks for less, and say so', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    world.platform = { restartPolicy: { minimumInterval: seconds(1800) } }
    await world.restart()
    await refresh(world)
    expect(consumers.restarts).toHaveLength(1)
    world.apply({ ...withTarget({ restart: [agent], restartIntervalSeconds: seconds(10) }), refreshRequest: 'one' })
    await world.clock.pass(20)
    const { message = '' } = world.condition('ConsumersNotified') ?? {}
    expect(message).toContain(
      'The operator leaves 1800 s between two restarts of a workload (--minimum-restart-interval)',
    )
    expect(message).toContain('where spec.target.restartInterval asks for 10 s.')
    const { calls } = consumers
    await world.clock.pass(1740)
    expect(consumers.calls).toBe(calls)
    expect(consumers.restarts).toHaveLength(1)
    await world.clock.pass(60)
    expect(consumers.restarts).toHaveLength(2)
    world.apply({
      ...withTarget({ restart: [agent], restartIntervalSeconds: seconds(3600) }),
      refreshRequest: 'two',
    })
    await world.clock.pass(20)
    expect(world.condition('ConsumersNotified')?.message).not.toContain('--minimum-restart-interval')
  })

  it('wait where the platform lets no more begin, which is told, and are all restarted in the end', async () => {
    const consumers = new MemoryConsumers()
    const world = new World(consumers)
    consumers.clock = world.clock
    world.platform = { restartPolicy: { perMinute: 10 } }
    world.applyProvider()
    world.applyStore()
    const names = Array.from({ length: 35 }, (_, index) => `crowd-${index}`)
    const apply = (request: string): void => {
      for (const name of names) {
        const credential = another(name, { restart: [{ kind: 'Deployment', name }] })
        world.apply({ ...credential, refreshRequest: request })
      }
    }
    for (const name of names) world.store.put(`teams/ci/${name}`, world.endpoint.login())
    apply('one')
    await world.restart()
    await world.clock.pass(30)
    consumers.restarts.length = 0
    const waiting = () =>
      names.filter((name) => world.condition('ConsumersNotified', `ci/${name}`)?.reason === 'WaitingForRestartLimit')
    apply('two')
    const begun: number[] = []
    for (let minute = 0; minute < 5; minute += 1) {
      await world.clock.pass(60)
      begun.push(consumers.restarts.length)
      if (minute === 0) {
        expect(waiting()).toHaveLength(25)
        const { message } = world.condition('ConsumersNotified', `ci/${waiting()[0]}`) ?? {}
        expect(message).toContain('no more than 10 restarts in a minute (--restarts-per-minute), and others go first')
        const state = world.state(`ci/${waiting()[0]}`)
        expect(state.consumers?.restarts).toMatchObject([{ waitsFor: 'RestartLimit' }])
        expect(world.measured.counts.get('workloadRestarted ci Deployment deferred')).toBeGreaterThan(0)
      }
    }
    expect(begun).toEqual([10, 20, 30, 35, 35])
    expect(new Set(consumers.restarts).size).toBe(35)
    expect(waiting()).toEqual([])
    expect(world.bugs).toEqual([])
  })

  it('that are missing are told of in a condition of their own, and disturb nothing', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    consumers.fault = failure('WORKLOAD_NOT_FOUND', 'There is no Deployment ci/agent.')
    await refresh(world)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'False', reason: 'WorkloadNotFound' })
    expect(world.condition('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(world.condition('Stalled')).toBeUndefined()
    expect(world.condition('Reconciling')).toBeUndefined()
    expect(world.state().lastFailure).toBeUndefined()
    const told = () => world.events.events.filter(({ reason }) => reason === 'ConsumersNotNotified')
    expect(told()).toHaveLength(1)
    const { calls } = consumers
    await world.clock.pass(600)
    expect(consumers.calls - calls).toBeGreaterThan(2)
    expect(consumers.calls - calls).toBeLessThan(10)
    await refresh(world)
    expect(world.podToken()).toBe(world.newestAccessToken())
    expect(told()).toHaveLength(1)
    consumers.fault = undefined
    await world.clock.pass(700)
    expect(consumers.restarts).toEqual(['Deployment agent'])
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True' })
  })

  it('are not asked for one after the other while the API server does not answer', async () => {
    const { world, consumers } = await worldWith({ restart: [agent, gateway] })
    consumers.fault = failure('KUBERNETES_UNAVAILABLE', 'Reading Deployment ci/agent failed.')
    const { calls } = consumers
    await refresh(world)
    expect(consumers.calls - calls).toBe(1)
    consumers.fault = undefined
    await world.clock.pass(30)
    expect(consumers.restarts).toEqual(['Deployment agent', 'StatefulSet gateway'])
  })

  it.each([
    ['is missing', failure('WORKLOAD_NOT_FOUND', 'There is no Deployment ci/agent.')],
    ['was restarted not long ago', undefined],
  ])('are told at once when the spec names one no longer that %s', async (_, fault) => {
    const { world, consumers } = await worldWith({ restart: [agent, gateway] })
    await refresh(world)
    consumers.fault = fault
    world.apply({ ...withTarget({ restart: [agent, gateway] }), refreshRequest: 'one' })
    await world.clock.pass(5)
    expect(world.condition('ConsumersNotified')?.status).not.toBe('True')
    consumers.fault = undefined
    consumers.done.delete('StatefulSet gateway')
    world.apply({ ...withTarget({ restart: [gateway] }), refreshRequest: 'one' })
    await world.clock.pass(1)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True', reason: 'Notified' })
    expect(consumers.restarts.at(-1)).toBe('StatefulSet gateway')
  })

  it('are all told once the spec does not name the one that waited', async () => {
    const { world, consumers } = await worldWith({ restart: [agent, gateway] })
    await refresh(world)
    consumers.done.delete('Deployment agent')
    world.apply({ ...withTarget({ restart: [agent, gateway] }), refreshRequest: 'one' })
    await world.clock.pass(5)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'Unknown' })
    world.apply({ ...withTarget({ restart: [agent] }), refreshRequest: 'one' })
    await world.clock.pass(1)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True' })
    const reconciles = () => world.measured.counts.get('reconciled requeue_after') ?? 0
    const before = reconciles()
    await world.clock.pass(400)
    expect(reconciles() - before).toBeLessThan(5)
  })

  it('are restarted although the store takes no writes', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'Vault does not answer.')
    await refresh(world)
    expect(world.condition('RefreshTokenPersisted')).toMatchObject({ status: 'False' })
    expect(consumers.restarts).toHaveLength(1)
  })

  it('are left alone by a process that may not act any more', async () => {
    const { world, consumers } = await worldWith({ restart: [agent] })
    consumers.atRestart = () => void (world.leading = false)
    world.apply(withTarget({ restart: [agent, gateway], outputs: [{ format: 'header' }] }))
    await world.clock.pass(1)
    expect(consumers.restarts).toEqual(['Deployment agent'])
  })
})

const reader: PodReader = { name: 'agent-1', mounts: true, bySubPath: false, fromEnvironment: false }

describe('pods', () => {
  test('that mount the target are annotated after each write, and the others are not', async () => {
    const { world, consumers } = await worldWith({ propagation: 'AnnotatePods' })
    consumers.pods.set('agent-1', reader)
    consumers.pods.set('other', { ...reader, name: 'other', mounts: false, fromEnvironment: true })
    await refresh(world)
    const first = consumers.pods.get('agent-1')?.annotation
    expect(first).toBe(timeText(world.state().consumers?.writtenAt as EpochSeconds))
    expect(consumers.pods.get('other')?.annotation).toBeUndefined()
    expect(world.measured.counts.get('podsAnnotated ci')).toBe(1)
    world.sink.published.delete('claude-token')
    await world.clock.pass(601)
    expect(consumers.pods.get('agent-1')?.annotation).not.toBe(first)
    const { calls } = consumers
    await world.restart()
    await world.clock.pass(60)
    expect(consumers.calls).toBe(calls)
  })

  test('are looked at for two credentials at a time, and for none once the process ends', async () => {
    const { world, consumers } = await worldWith({})
    let [running, most] = [0, 0]
    let open = () => {}
    const gate = new Promise<void>((resolve) => void (open = resolve))
    consumers.beforeLook = async () => {
      running += 1
      most = Math.max(most, running)
      await gate
      running -= 1
    }
    for (const name of ['one', 'two', 'three', 'four']) {
      world.store.put(`teams/ci/${name}`, world.endpoint.login())
      world.apply(another(name))
    }
    await world.clock.pass(10)
    expect([running, world.endpoint.requests]).toEqual([2, 5])
    world.leading = false
    open()
    await world.clock.pass(1)
    expect([most, consumers.looks]).toEqual([2, 2])
    expect(world.bugs).toEqual([])
  })

  test('that are looked at slowly hold no refresh up: who waits for its turn for too long comes back', async () => {
    const { world, consumers } = await worldWith({})
    consumers.beforeLook = () => new Promise<void>((resolve) => void world.clock.wakeAfter(30_000, resolve))
    world.endpoint.lifetimeSeconds = 300
    const names = Array.from({ length: 40 }, (_, index) => `slow-${index}`)
    for (const name of names) {
      world.store.put(`teams/ci/${name}`, world.endpoint.login())
      world.apply(another(name))
    }
    for (let round = 0; round < 60; round += 1) {
      await world.clock.pass(20)
      for (const name of names) expect(world.sink.found(name)?.expiresAt).toBeGreaterThan(world.clock.now())
    }
    expect(names.some((name) => world.condition('ConsumersNotified', `ci/${name}`)?.reason === 'WaitingForTurn')).toBe(
      true,
    )
    expect(world.bugs).toEqual([])
  })

  test('that there are too many of follow by themselves, and workloads are not kept waiting', async () => {
    const { world, consumers } = await worldWith({ propagation: 'AnnotatePods', restart: [agent] })
    consumers.pods.set('agent-1', reader)
    consumers.isLeft = true
    await refresh(world)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'Unknown', reason: 'WaitingForTurn' })
    expect(consumers.restarts).toEqual(['Deployment agent'])
    consumers.isLeft = false
    await world.clock.pass(60)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True' })
    expect(world.events.events.map(({ reason }) => reason)).not.toContain('ConsumersNotNotified')
  })

  test('without the right it is told, and tried again', async () => {
    const { world, consumers } = await worldWith({ propagation: 'AnnotatePods' })
    consumers.pods.set('agent-1', reader)
    consumers.fault = failure('CONSUMERS_FORBIDDEN', 'The operator may not list pods.')
    await refresh(world)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'False', reason: 'MissingPermission' })
    consumers.fault = undefined
    await world.clock.pass(60)
    expect(world.condition('ConsumersNotified')).toMatchObject({ status: 'True' })
    expect(consumers.pods.get('agent-1')?.annotation).toBeDefined()
  })
})

describe('readers that get no updates', () => {
  const stale = { ...reader, bySubPath: true, owner: agent }

  test('are told of after a publication, at most every ten minutes, until they are restarted', async () => {
    const { world, consumers } = await worldWith({})
    consumers.warns = true
    consumers.pods.set('agent-1', stale)
    await refresh(world)
    expect(world.condition('ConsumersUpdatable')).toMatchObject({ status: 'False', reason: 'MountedBySubPath' })
    expect(world.condition('Ready')).toMatchObject({ status: 'True' })
    expect(world.events.events.filter(({ reason }) => reason === 'ConsumersNotUpdatable')).toHaveLength(1)
    expect(consumers.looks).toBe(1)
    await world.clock.pass(530)
    expect(consumers.looks).toBe(1)
    await world.clock.pass(90)
    expect(consumers.looks).toBe(2)
    world.apply(withTarget({ restart: [agent] }))
    await world.clock.pass(1)
    expect(world.condition('ConsumersUpdatable')).toBeUndefined()
  })

  test('are told of without that where pods are listed anyway', async () => {
    const { world, consumers } = await worldWith({ propagation: 'AnnotatePods' })
    consumers.pods.set('agent-1', stale)
    await refresh(world)
    expect(world.condition('ConsumersUpdatable')).toMatchObject({ status: 'False' })
    world.apply(withTarget({ propagation: 'AnnotatePods', restart: [agent] }))
    await world.clock.pass(1)
    expect(world.condition('ConsumersUpdatable')).toBeUndefined()
    world.apply(withTarget({ propagation: 'AnnotatePods' }))
    await refresh(world)
    expect(world.condition('ConsumersUpdatable')).toMatchObject({ status: 'False' })
    consumers.pods.set('agent-1', reader)
    await refresh(world)
    expect(world.condition('ConsumersUpdatable')).toBeUndefined()
  })
})

test('a credential that tells nobody causes no call and keeps nothing', async () => {
  const { world, consumers } = await worldWith({})
  await refresh(world)
  expect(consumers.calls).toBe(0)
  expect(world.state().consumers).toBeUndefined()
  expect(world.state().conditions.map(({ type }) => type)).toEqual(['Ready', 'RefreshTokenPersisted'])
})

test.each<[string, Partial<Target>]>([
  ['tells nobody', {}],
  ['restarts a workload', { restart: [agent] }],
  ['annotates pods', { propagation: 'AnnotatePods' }],
  ['keeps the token before', { previous: { key: 'previous_access_token' } }],
])('a credential that %s writes no status because the operator was restarted', async (_, target) => {
  const { world, consumers } = await worldWith(target)
  consumers.warns = true
  await refresh(world)
  await world.clock.pass(60)
  const { writes } = world.status
  await world.restart()
  await world.clock.pass(700)
  expect(world.endpoint.requests).toBe(2)
  expect(world.status.writes).toBe(writes)
})

test('what is wanted no longer is forgotten', async () => {
  const { world } = await worldWith({ restart: [agent], propagation: 'AnnotatePods' })
  await refresh(world)
  world.apply(withTarget({}))
  await world.clock.pass(1)
  expect(world.state().consumers).toBeUndefined()
  expect(world.condition('ConsumersNotified')).toBeUndefined()
})

test('without a cluster it has no effect, which is said once for each version of the manifest', async () => {
  const world = await World.withCredential({ spec: withTarget({ restart: [agent] }).spec })
  await world.clock.pass(4000)
  const said = () => world.log.lines.filter((line) => line.includes('have no effect without a cluster'))
  expect(said()).toHaveLength(1)
  expect(world.state().consumers).toBeUndefined()
  world.apply(withTarget({ restart: [agent, gateway] }))
  await world.clock.pass(1)
  expect(said()).toHaveLength(2)
})
