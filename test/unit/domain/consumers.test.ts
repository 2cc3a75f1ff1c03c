import { describe, expect, it, test } from 'vitest'
import {
  afterTelling,
  consumersOf,
  type ConsumersTold,
  consumersPlan,
  type RestartOutcome,
  withPublication,
} from '../../../src/domain/consumers.ts'
import { withConsumerConditions } from '../../../src/domain/consumer-conditions.ts'
import type { ConsumersState } from '../../../src/domain/consumers-state.ts'
import type { Target } from '../../../src/domain/credential.ts'
import { type CredentialState, noState } from '../../../src/domain/credential-state.ts'
import { failure } from '../../../src/domain/failures.ts'
import { type PodReader, staleReaders } from '../../../src/domain/readers.ts'
import { failed, ok } from '../../../src/domain/result.ts'
import { seconds } from '../../../src/domain/time.ts'
import type { Workload } from '../../../src/domain/workload.ts'
import { aCredential, inSeconds, noon } from '../../support/builders.ts'

const agent: Workload = { kind: 'Deployment', name: 'agent' }
const gateway: Workload = { kind: 'Rollout', name: 'gateway' }
const uid = 'a-uid'

function aTarget(changes: Partial<Target> = {}): Target {
  return { ...aCredential().spec.target, restart: [agent], ...changes }
}

interface News {
  readonly target?: Target
  readonly issued?: number
  readonly at?: number
  readonly isSameToken?: boolean
  readonly isFirst?: boolean
}

function published(state: CredentialState, news: News = {}): ConsumersState {
  const { target = aTarget(), issued = 0, at = 1.5, isSameToken = false, isFirst = false } = news
  const facts = { target, issuedAt: inSeconds(issued), now: inSeconds(at), isSameToken, isFirst }
  const { consumers } = withPublication(state, facts)
  if (consumers === undefined) throw new Error('nobody is told')
  return consumers
}

function stateOf(consumers: ConsumersState): CredentialState {
  return { ...noState, lastRefreshAt: noon, targetDigest: 'digest.login', consumers }
}

function told(result: ReturnType<typeof ok<RestartOutcome>>, workload = agent): ConsumersTold {
  return { workloads: [{ workload, result }] }
}

/** A workload that was restarted for the first publication. */
function settled(): ConsumersState {
  return afterTelling(published(noState), told(ok({ kind: 'restarted', at: inSeconds(2) })), { uid, now: inSeconds(2) })
}

const planOf = (consumers: ConsumersState, target = aTarget(), at = 3) =>
  consumersPlan(consumers, target, { policy: {}, now: inSeconds(at) })

describe('who is to be restarted', () => {
  test('who may have begun without it, after a first publication into nothing', () => {
    const first = published(noState, { isFirst: true })
    expect(first).toMatchObject({ isFirst: true, restarts: [{ ...agent }] })
    expect(planOf(first)?.restarts).toHaveLength(1)
    expect(consumersOf(stateOf(first), aTarget(), true)).toEqual(first)
    expect(published(stateOf(first), { at: 7 })).toMatchObject({ isFirst: true, publication: first.publication })
    const over = afterTelling(first, told(ok({ kind: 'current' })), { uid, now: inSeconds(3) })
    expect(over).not.toHaveProperty('isFirst')
    expect(planOf(over)).toBeUndefined()
  })

  test('all after the second publication, also those that were not told of the first', () => {
    const first = published(noState, { isFirst: true })
    const second = published(stateOf(first), { issued: 60, at: 61 })
    expect(second).not.toHaveProperty('isFirst')
    expect(planOf(second, aTarget(), 62)?.restarts).toHaveLength(1)
  })

  test('a workload that may have begun with an earlier content of the target', () => {
    expect(planOf(published(noState))).toEqual({ restarts: [{ ...agent }] })
  })

  test('all, in the order of the spec', () => {
    const target = aTarget({ restart: [gateway, agent] })
    const plan = planOf(published(stateOf(settled()), { target, issued: 60, at: 61 }), target, 62)
    expect(plan?.restarts.map(({ name }) => name)).toEqual(['gateway', 'agent'])
  })

  test('nobody because of a new release: a publication is called what it was called before', () => {
    const target = aTarget({
      outputs: [{ format: 'raw' }, { format: 'dotenv', variable: 'TOKEN' }],
      previous: { key: 'old' },
    })
    expect(published(noState, { target }).publication).toBe('2027-01-15T08:00:00Z.cb68b7457dd95520')
  })

  const republished: Readonly<Record<string, News>> = {
    'the same token once more, as after a repair': { at: 700 },
    'the same token with other labels': { at: 700, target: aTarget({ labels: { team: 'ci' } }) },
    'the same token under another policy': { at: 700, target: aTarget({ deletionPolicy: 'Retain' }) },
    'the same token, found again in its store': { issued: 700, at: 700, isSameToken: true },
  }
  test.each(Object.entries(republished))('nobody for %s', (_, news) => {
    const after = published(stateOf(settled()), news)
    expect(planOf(after, news.target ?? aTarget(), 701)).toBeUndefined()
    expect(after).toMatchObject({ publication: settled().publication, publishedAt: settled().publishedAt })
    expect(after.writtenAt).toBe(inSeconds(700))
  })

  const news: Readonly<Record<string, News>> = {
    'another token': { issued: 60, at: 61 },
    'the same token in another format': { at: 61, target: aTarget({ outputs: [{ format: 'header' }] }) },
    'the same token under another name': { at: 61, target: aTarget({ name: 'renamed' }) },
  }
  test.each(Object.entries(news))('its workload for %s', (_, changes) => {
    const after = published(stateOf(settled()), changes)
    expect(planOf(after, changes.target ?? aTarget(), 62)?.restarts).toHaveLength(1)
    expect(after.restarts).toEqual(settled().restarts)
  })

  test('nobody when the spec names a workload after the publication', () => {
    const before = stateOf(settled())
    const target = aTarget({ restart: [agent, gateway] })
    const consumers = consumersOf(before, target, true)
    expect(consumers && planOf(consumers, target)).toBeUndefined()
    const later = consumers && published(stateOf(consumers), { target, issued: 60, at: 61 })
    expect(later && planOf(later, target, 62)?.restarts.map(({ name }) => name)).toEqual(['agent', 'gateway'])
  })

  test('nobody when a target that was published before begins to name workloads', () => {
    const { consumers: _none, ...state } = stateOf(settled())
    const consumers = consumersOf(state, aTarget(), true)
    expect(consumers && planOf(consumers)).toBeUndefined()
    expect(consumersOf(state, aTarget(), false)).toBeUndefined()
  })

  test('nobody that the spec names no more', () => {
    const owed = published(stateOf(settled()), { issued: 60, at: 61 })
    const { restart: _none, ...plain } = aTarget()
    expect(consumersOf(stateOf(owed), plain, true)).toBeUndefined()
    expect(consumersOf(stateOf(owed), aTarget({ restart: [gateway] }), true)?.restarts).toHaveLength(1)
  })

  test('a credential that tells nobody remembers nothing', () => {
    const { restart: _none, ...target } = aTarget()
    const facts = { target, issuedAt: noon, now: noon, isSameToken: false, isFirst: false }
    const state = { ...noState }
    expect(withPublication(state, facts)).toBe(state)
    expect(withPublication(stateOf(settled()), facts)).not.toHaveProperty('consumers')
  })
})

describe('pods', () => {
  const target = aTarget({ restart: [], propagation: 'AnnotatePods' })

  test('are annotated after each write, with a value that they do not have yet', () => {
    const first = published(noState, { target, isFirst: true, at: 1.2 })
    expect(planOf(first, target)).toEqual({ restarts: [], annotateWith: inSeconds(1) })
    const done = afterTelling(first, { pods: ok(first.writtenAt), workloads: [] }, { uid, now: inSeconds(2) })
    expect(planOf(done, target)).toBeUndefined()
    const repaired = published(stateOf(done), { target, at: 1.9 })
    expect(repaired.publication).toBe(done.publication)
    expect(planOf(repaired, target)).toEqual({ restarts: [], annotateWith: inSeconds(2) })
  })

  test('are left alone again when the spec says so', () => {
    const owed = published(noState, { target: aTarget({ propagation: 'AnnotatePods' }) })
    expect(planOf(owed, aTarget())).toEqual({ restarts: [{ ...agent }] })
  })
})

describe('what is left is told later', () => {
  const cause = failure('WORKLOAD_NOT_FOUND', 'There is no Deployment ci/agent.')

  test('after a failure with a delay that doubles', () => {
    let consumers = published(noState)
    const delays = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((round) => {
      const now = inSeconds(round * 1000)
      consumers = afterTelling(consumers, told(failed(cause) as never), { uid, now })
      expect(consumersPlan(consumers, aTarget(), { policy: {}, now })).toBeUndefined()
      return (consumers.retryAt ?? now) - now
    })
    expect(delays[0]).toBeGreaterThanOrEqual(12)
    expect(delays[0]).toBeLessThanOrEqual(18)
    expect(Math.max(...delays)).toBeLessThanOrEqual(721)
    expect(delays.at(-1)).toBeGreaterThan(470)
    expect(consumers.restarts).toEqual([{ ...agent, waitsFor: 'WorkloadNotFound' }])
    expect(planOf(consumers, aTarget(), 9000)?.restarts).toHaveLength(1)
  })

  test('at once with the next publication', () => {
    const failing = afterTelling(settled(), told(failed(cause) as never), { uid, now: inSeconds(3) })
    expect(planOf(published(stateOf(failing), { issued: 4, at: 4 }), aTarget(), 5)?.restarts).toHaveLength(1)
  })

  test('when the interval is over, and then for all that came meanwhile', () => {
    const owed = published(stateOf(settled()), { issued: 60, at: 61 })
    const waits = told(ok({ kind: 'too-soon', at: inSeconds(2), until: inSeconds(302) }))
    const waiting = afterTelling(owed, waits, { uid, now: inSeconds(61) })
    expect(waiting).toMatchObject({ retryAt: inSeconds(302), restarts: [{ waitsFor: 'RestartInterval' }] })
    expect(waiting.failures).toBeUndefined()
    expect(planOf(waiting, aTarget(), 301)).toBeUndefined()
    expect(planOf(waiting, aTarget(), 302)?.restarts).toHaveLength(1)
    const newer = published(stateOf(waiting), { issued: 120, at: 121 })
    const over = afterTelling(newer, told(ok({ kind: 'restarted', at: inSeconds(302) })), { uid, now: inSeconds(302) })
    expect(over.restarts).toEqual([{ ...agent, publication: newer.publication, restartedAt: inSeconds(302) }])
    expect(planOf(over, aTarget(), 303)).toBeUndefined()
  })

  test('although the clock has gone back by days', () => {
    const waiting = { ...published(noState), retryAt: inSeconds(90_000) }
    expect(planOf(waiting)?.restarts).toHaveLength(1)
    expect(planOf(waiting, aTarget({ restartIntervalSeconds: seconds(100_000) }))).toBeUndefined()
  })

  test('what is left when a process ends early is owed still', () => {
    const target = aTarget({ restart: [agent, gateway] })
    const owed = published(noState, { target })
    const half = afterTelling(owed, told(ok({ kind: 'restarted', at: inSeconds(2) })), { uid, now: inSeconds(2) })
    expect(planOf(half, target)?.restarts).toEqual([{ ...gateway }])
  })
})

describe('the condition ConsumersNotified', () => {
  const dated = { generation: 2, now: noon }
  const readers = 'none' as const

  it('says once what failed, and stays until it is tried again', () => {
    const first = failure('WORKLOAD_NOT_FOUND', 'There is no Deployment ci/agent.')
    const second = failure('CONSUMERS_FORBIDDEN', 'It may not patch pods.')
    const result = { pods: failed(second), workloads: [{ workload: agent, result: failed(first) }] }
    const consumers = afterTelling(published(noState), result, { uid, now: noon })
    const [found, ...none] = withConsumerConditions([], { consumers, told: result, readers }, dated)
    expect(none).toEqual([])
    expect(found).toMatchObject({ type: 'ConsumersNotified', status: 'False', reason: 'MissingPermission' })
    expect(found?.message).toBe(`${second.message} ${first.message}`)
    const later = withConsumerConditions(
      found === undefined ? [] : [found],
      { consumers, readers },
      { generation: 3, now: inSeconds(5) },
    )
    expect(later).toEqual([{ ...found, observedGeneration: 3 }])
  })

  it('is unknown while the interval lasts', () => {
    const waits = told(ok({ kind: 'too-soon', at: noon, until: inSeconds(300) }))
    const consumers = afterTelling(published(noState), waits, { uid, now: noon })
    const [found] = withConsumerConditions([], { consumers, told: waits, readers }, dated)
    expect(found).toMatchObject({ status: 'Unknown', reason: 'WaitingForRestartInterval' })
    expect(found?.message).toContain('Deployment agent was restarted not long ago')
  })

  it('stays as it was when it was broken off, and who is left is told at once by whoever comes next', () => {
    const result = { workloads: [], left: 'ended' } as const
    const consumers = afterTelling(published(noState), result, { uid, now: noon })
    expect(withConsumerConditions([], { consumers, told: result, readers }, dated)).toEqual([])
    expect(consumers.failures).toBeUndefined()
    expect(planOf(consumers, aTarget(), 1)?.restarts).toHaveLength(1)
  })

  it('is unknown while others go first, and is tried again as after a failure', () => {
    const result = { workloads: [], left: 'late' } as const
    const consumers = afterTelling(published(noState), result, { uid, now: noon })
    const [found] = withConsumerConditions([], { consumers, told: result, readers }, dated)
    expect(found).toMatchObject({ status: 'Unknown', reason: 'WaitingForTurn' })
    expect(consumers.failures).toBe(1)
    expect(planOf(consumers, aTarget(), 11)).toBeUndefined()
    expect(planOf(consumers, aTarget(), 19)?.restarts).toHaveLength(1)
  })

  it('is true when all are told, and goes with the last who is to be told', () => {
    const result = told(ok({ kind: 'restarted', at: noon }))
    const consumers = afterTelling(published(noState), result, { uid, now: noon })
    const found = withConsumerConditions([], { consumers, told: result, readers }, dated)
    expect(found).toMatchObject([{ status: 'True', reason: 'Notified' }])
    expect(withConsumerConditions(found, { readers }, dated)).toEqual([])
  })
})

describe('readers that get no updates', () => {
  const pod = (changes: Partial<PodReader>): PodReader => ({
    name: 'agent-1',
    mounts: true,
    bySubPath: false,
    fromEnvironment: false,
    ...changes,
  })
  const owner = { kind: 'Deployment', name: 'agent' }

  test.each([
    ['nobody', []],
    ['a whole volume', [pod({})]],
    ['a workload that is restarted', [pod({ owner, fromEnvironment: true })]],
  ])('are not told of for %s', (_, readers) => {
    expect(staleReaders(readers, 'ci/claude-token', [agent])).toBeUndefined()
  })

  test('are told of once for each workload, three by name', () => {
    const many = [
      pod({ owner, bySubPath: true }),
      pod({ name: 'agent-2', owner, bySubPath: true }),
      ...['a', 'b', 'c'].map((name) => pod({ name, mounts: false, fromEnvironment: true })),
    ]
    const found = staleReaders(many, 'ci/claude-token', [])
    expect(found?.reason).toBe('MountedBySubPath')
    expect(found?.message).toContain(
      'reaches Deployment agent (subPath), Pod a (environment), Pod b (environment) and 1 more,',
    )
    expect(found?.message).toContain('spec.target.restart')
  })

  test('are told of by their own reason', () => {
    const found = staleReaders([pod({ fromEnvironment: true })], 'ci/claude-token', [])
    expect(found?.reason).toBe('ReadFromEnvironment')
  })
})
