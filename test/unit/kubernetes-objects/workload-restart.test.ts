import { describe, expect, test } from 'vitest'
import { KubernetesConsumers } from '../../../src/adapters/kubernetes/consumers.ts'
import { failureRegistry } from '../../../src/domain/failure-registry.ts'
import { timeText } from '../../../src/domain/time-text.ts'
import { epochSeconds, later, minutes, seconds } from '../../../src/domain/time.ts'
import type { WorkloadKind } from '../../../src/domain/workload.ts'
import { denial, RestartBench } from '../../support/consumers-bench.ts'
import { refused } from '../../support/fake-kube-client.ts'
import { codeOf, messageOf, told } from '../../support/target-bench.ts'

const restartedForKey = 'oauth-operator.dev/restarted-for'
const restartedAtKey = 'oauth-operator.dev/restarted-at'

describe('restarting a workload', () => {
  test.each(['Deployment', 'StatefulSet', 'DaemonSet'] as const)(
    'of the kind %s marks its pod template',
    async (kind) => {
      const b = await new RestartBench(kind).workload()
      await b.clock.pass(1.5)
      const at = Math.floor(b.clock.now())
      expect(await b.restart()).toEqual({ ok: true, value: { kind: 'restarted', at } })
      const { annotations } = await b.found()
      expect(annotations).toEqual({
        [restartedForKey]: `claude@${b.order.publication}`,
        [restartedAtKey]: timeText(epochSeconds(at)),
      })
    },
  )

  test('asks for its turn right before it would write, and writes nothing until it has it', async () => {
    const b = await new RestartBench().workload()
    await b.clock.pass(1.5)
    const until = later(b.clock.now(), seconds(40))
    let asked = 0
    const waitUntil = (answer: typeof until | undefined) => () => {
      asked += 1
      return answer
    }
    const waits = await b.restart({ waitUntil: waitUntil(until) })
    expect(waits).toEqual({ ok: true, value: { kind: 'deferred', until } })
    expect([asked, b.patches()]).toEqual([1, 0])
    expect(await b.restart({ waitUntil: waitUntil(undefined) })).toMatchObject({ value: { kind: 'restarted' } })
    expect(await b.restart({ waitUntil: waitUntil(until) })).toMatchObject({ value: { kind: 'current' } })
    expect([asked, b.patches()]).toEqual([2, 1])
  })

  test('of the kind Rollout sets restartAt, and leaves its template as it is', async () => {
    const b = await new RestartBench('Rollout').workload()
    const before = await b.found()
    await b.clock.pass(1.5)
    expect(await b.restart()).toMatchObject({ ok: true, value: { kind: 'restarted' } })
    const after = await b.found()
    expect(after.text).toBe(before.text)
    expect(after.restartAt).toBe(timeText(epochSeconds(Math.ceil(b.clock.now()))))
    expect(after.annotations[restartedForKey]).toBe(`claude@${b.order.publication}`)
    await b.clock.pass(3600)
    expect(await b.restart()).toMatchObject({ ok: true, value: { kind: 'current' } })
  })

  test('is not repeated for the same publication, however late', async () => {
    const b = await new RestartBench().workload()
    await b.clock.pass(2)
    await b.restart()
    await b.clock.pass(36_000)
    expect(await b.restart()).toMatchObject({ ok: true, value: { kind: 'current' } })
    expect(b.patches()).toBe(1)
  })

  test('waits for the interval, whichever credential restarted it', async () => {
    const b = await new RestartBench().workload()
    await b.clock.pass(2)
    await b.restart()
    const restartedAt = b.clock.now()
    await b.clock.pass(60)
    const other = { credential: { namespace: 'ci', name: 'gateway' }, publication: 'x.bb', publishedAt: b.clock.now() }
    await b.clock.pass(1)
    const waits = await b.restart(other)
    expect(waits).toMatchObject({ ok: true, value: { kind: 'too-soon', at: restartedAt } })
    const until = waits.ok && waits.value.kind === 'too-soon' ? waits.value.until - restartedAt : 0
    expect(until).toBeGreaterThanOrEqual(300)
    expect(until).toBeLessThanOrEqual(330)
    await b.clock.pass(240)
    expect(await b.restart(other)).toMatchObject({ ok: true, value: { kind: 'restarted' } })
    const { annotations } = await b.found()
    expect(annotations[restartedForKey]).toBe(`claude@${b.order.publication},gateway@x.bb`)
    expect(b.patches()).toBe(2)
  })

  test('is done once for a thousand credentials that wait for it, without a rush', async () => {
    const b = await new RestartBench().workload()
    await b.clock.pass(2)
    await b.restart()
    await b.clock.pass(1)
    const orders = Array.from({ length: 1000 }, (_, index) => ({
      credential: { namespace: 'ci', name: `c${index}` },
      publication: `${index}.aa`,
      publishedAt: b.clock.now(),
    }))
    await b.clock.pass(1)
    const turns = new Map<number, typeof orders>()
    for (const order of orders) {
      const result = await b.restart(order)
      if (!result.ok || result.value.kind !== 'too-soon') throw new Error('it was to wait')
      const second = Math.ceil(result.value.until)
      turns.set(second, [...(turns.get(second) ?? []), order])
    }
    expect(Math.max(...[...turns.values()].map(({ length }) => length))).toBeLessThan(80)
    const kinds: string[] = []
    for (const [second, waiting] of [...turns].toSorted(([one], [other]) => one - other)) {
      await b.clock.pass(Math.max(0, second - b.clock.now()))
      const results = await Promise.all(waiting.map((order) => b.restart(order)))
      kinds.push(...results.map((result) => (result.ok ? result.value.kind : result.failure.code)))
    }
    expect(kinds.filter((kind) => kind === 'restarted')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'current')).toHaveLength(999)
    expect(b.patches()).toBeLessThan(2 + 80)
  })

  test('waits for the interval although somebody has taken its traces away', async () => {
    const b = await new RestartBench().workload()
    await b.clock.pass(60)
    const lastRestartAt = later(b.clock.now(), seconds(-50))
    const until = later(lastRestartAt, minutes(5))
    expect(await b.restart({ lastRestartAt })).toEqual({
      ok: true,
      value: { kind: 'too-soon', at: lastRestartAt, until },
    })
    const ahead = later(b.clock.now(), minutes(60))
    expect(await b.restart({ lastRestartAt: ahead })).toMatchObject({ ok: true, value: { kind: 'restarted' } })
  })

  test('is not needed where it was restarted after the publication for another credential', async () => {
    const b = await new RestartBench().workload()
    await b.clock.pass(2)
    await b.restart({ credential: { namespace: 'ci', name: 'gateway' }, publication: 'x.bb' })
    expect(await b.restart()).toMatchObject({ ok: true, value: { kind: 'current' } })
    expect(b.patches()).toBe(1)
  })

  const after = timeText(epochSeconds(1_800_000_005))
  const current: Readonly<Record<string, [WorkloadKind, object, object]>> = {
    'was restarted by hand since': [
      'StatefulSet',
      { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': after } } } },
      {},
    ],
    'is a Rollout that was restarted since': ['Rollout', { restartAt: after }, {}],
  }
  test.each(Object.entries(current))('is not needed where it %s', async (_, [kind, spec, metadata]) => {
    const b = await new RestartBench(kind).workload(spec, metadata)
    await b.clock.pass(60)
    expect(await b.restart()).toMatchObject({ ok: true, value: { kind: 'current' } })
    expect(b.patches()).toBe(0)
  })

  test('is not needed where it was made after the publication', async () => {
    const b = await new RestartBench().workload()
    b.client.intercept = (_, carryOut) => {
      const outcome = carryOut()
      const body = (outcome.ok ? outcome.body : {}) as { metadata: object }
      return { ok: true, status: 200, body: { ...body, metadata: { ...body.metadata, creationTimestamp: after } } }
    }
    await b.clock.pass(60)
    expect(await b.restart()).toEqual({ ok: true, value: { kind: 'current' } })
    expect(b.patches()).toBe(0)
  })

  const marked = (at: number): object => ({
    template: { metadata: { annotations: { [restartedAtKey]: timeText(epochSeconds(1_800_000_000 + at)) } } },
  })
  const needed: Readonly<Record<string, [WorkloadKind, object]>> = {
    'was restarted in the second of the publication': [
      'Deployment',
      {
        template: {
          metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': timeText(epochSeconds(1_800_000_000)) } },
        },
      },
    ],
    'has a restart that is planned': ['Rollout', { restartAt: timeText(epochSeconds(1_800_009_000)) }],
    'has a mark of a clock that was wrong': ['DaemonSet', marked(9000)],
  }
  test.each(Object.entries(needed))('is needed where it %s', async (_, [kind, spec]) => {
    const b = await new RestartBench(kind).workload(spec)
    await b.clock.pass(60)
    expect(await b.restart()).toMatchObject({ ok: true, value: { kind: 'restarted' } })
  })

  const stuck: Readonly<Record<string, [WorkloadKind, object, string]>> = {
    'a paused Deployment': ['Deployment', { paused: true }, 'it is paused'],
    'a StatefulSet that is updated by hand': ['StatefulSet', { updateStrategy: { type: 'OnDelete' } }, 'OnDelete'],
    'a DaemonSet that is updated by hand': ['DaemonSet', { updateStrategy: { type: 'OnDelete' } }, 'OnDelete'],
  }
  test.each(Object.entries(stuck))('leaves %s alone and says why', async (_, [kind, spec, why]) => {
    const b = await new RestartBench(kind).workload(spec)
    const result = told(await b.restart())
    expect(codeOf(result)).toBe('WORKLOAD_NOT_ROLLING')
    expect(messageOf(result)).toContain(why)
    expect(b.patches()).toBe(0)
  })

  describe('for a first publication', () => {
    const waiting: Readonly<Record<string, object>> = {
      'a variable': { containers: [{ env: [{ valueFrom: { secretKeyRef: { name: 'claude-token' } } }] }] },
      'all variables': { containers: [{ envFrom: [{ secretRef: { name: 'claude-token', optional: false } }] }] },
      'a volume': { containers: [{}], volumes: [{ name: 'a', secret: { secretName: 'claude-token' } }] },
      'another Secret that is optional': {
        containers: [
          { envFrom: [{ secretRef: { name: 'another', optional: true } }, { secretRef: { name: 'claude-token' } }] },
        ],
      },
      'nothing that it says': { containers: [{}] },
    }
    const optional = { name: 'claude-token', optional: true }
    const running: Readonly<Record<string, object>> = {
      'a variable': { containers: [{ env: [{ valueFrom: { secretKeyRef: optional } }] }] },
      'a variable at its start': {
        containers: [{}],
        initContainers: [{ env: [{ valueFrom: { secretKeyRef: optional } }] }],
      },
      'all variables': { containers: [{ envFrom: [{ secretRef: optional }] }] },
      'a volume': {
        containers: [{}],
        volumes: [{ name: 'a', secret: { secretName: 'claude-token', optional: true } }],
      },
      'a part of a volume': {
        containers: [{}],
        volumes: [{ name: 'a', projected: { sources: [{ secret: optional }] } }],
      },
    }
    const restarted = async (pods: object | undefined) => {
      const b = await new RestartBench().workload({ template: { ...(pods && { spec: pods }) } })
      await b.clock.pass(60)
      const result = await b.restart({ unlessWaitingFor: 'claude-token' })
      expect(b.patches()).toBe(result.ok && result.value.kind === 'restarted' ? 1 : 0)
      return result.ok && result.value.kind
    }

    test.each(Object.entries(waiting))('is not needed where pods wait for %s', async (_, pods) => {
      expect(await restarted(pods)).toBe('current')
    })

    test.each(Object.entries(running))('is needed where pods run without %s that is optional', async (_, pods) => {
      expect(await restarted(pods)).toBe('restarted')
    })

    test.each(['readyReplicas', 'numberReady'])(
      'is needed where pods run with an earlier Secret (%s)',
      async (member) => {
        const b = await new RestartBench().workload()
        await b.clock.pass(60)
        let ready = 0
        b.client.intercept = ({ method }, carryOut) => {
          const outcome = carryOut()
          if (method !== 'GET' || !outcome.ok) return outcome
          return { ...outcome, body: { ...(outcome.body as object), status: { [member]: ready } } }
        }
        const unlessWaitingFor = 'claude-token'
        expect(await b.restart({ unlessWaitingFor })).toMatchObject({ value: { kind: 'current' } })
        ready = 1
        // They read another Secret, as that of a name which the target had before.
        expect(await b.restart({ unlessWaitingFor: 'another' })).toMatchObject({ value: { kind: 'current' } })
        expect(await b.restart({ unlessWaitingFor })).toMatchObject({ value: { kind: 'restarted' } })
      },
    )

    test('is not needed where the pods are described elsewhere, or the workload is not there yet or any more', async () => {
      expect(await restarted(undefined)).toBe('current')
      const none = await new RestartBench('Rollout').restart({ unlessWaitingFor: 'claude-token' })
      expect(none).toEqual({ ok: true, value: { kind: 'current' } })
      const going = await new RestartBench().workload({}, { deletionTimestamp: after })
      expect(await going.restart({ unlessWaitingFor: 'claude-token' })).toEqual({
        ok: true,
        value: { kind: 'current' },
      })
    })
  })

  test('cannot be done to what is not there, or on its way out', async () => {
    const none = told(await new RestartBench('Rollout').restart())
    expect(codeOf(none)).toBe('WORKLOAD_NOT_FOUND')
    expect(messageOf(none)).toContain('There is no Rollout ci/agent')
    const going = await new RestartBench().workload({}, { deletionTimestamp: after })
    expect(codeOf(await going.restart())).toBe('WORKLOAD_NOT_FOUND')
  })

  test('reads again where somebody else was faster, and does not restart twice', async () => {
    const b = await new RestartBench().workload()
    await b.clock.pass(2)
    const other = new KubernetesConsumers({ client: b.client, clock: b.clock, warns: false })
    let raced = false
    b.client.intercept = async (request, carryOut) => {
      if (request.method === 'PATCH' && !raced) {
        raced = true
        await other.restart(b.order)
      }
      return carryOut()
    }
    expect(await b.restart()).toMatchObject({ ok: true, value: { kind: 'current' } })
  })

  test('gives up where somebody always is', async () => {
    const b = await new RestartBench().workload()
    b.client.intercept = (request, carryOut) =>
      request.method === 'PATCH' ? refused(409, 'Conflict', 'changed') : carryOut()
    const result = told(await b.restart())
    // Not that of an API server which does not answer: then the workloads after this one would wait for it.
    expect(codeOf(result)).toBe('CONSUMERS_REJECTED')
    expect(b.patches()).toBe(4)
  })

  const rights: Readonly<Record<'GET' | 'PATCH', string>> = { GET: 'get', PATCH: 'patch' }
  test.each(Object.entries(rights))('names the right that it lacks: %s', async (method, verb) => {
    const b = await new RestartBench('StatefulSet').workload()
    b.client.intercept = (request, carryOut) =>
      request.method === method ? refused(403, 'Forbidden', denial) : carryOut()
    const result = told(await b.restart())
    expect(codeOf(result)).toBe('CONSUMERS_FORBIDDEN')
    expect(messageOf(result)).toContain(
      `may not ${verb} statefulsets.apps in the namespace ci, which the chart grants by propagation.restart. ${failureRegistry.CONSUMERS_FORBIDDEN.remedy}`,
    )
  })

  test('remembers the last sixteen credentials alone', async () => {
    const b = await new RestartBench().workload()
    for (let number = 0; number < 20; number += 1) {
      await b.clock.pass(10)
      const credential = { namespace: 'ci', name: `c${number}` }
      const order = { credential, publication: `${number}.aa`, publishedAt: later(b.clock.now(), seconds(-1)) }
      await b.restart({ ...order, interval: seconds(5) })
    }
    const { annotations } = await b.found()
    const names = String(annotations[restartedForKey])
      .split(',')
      .map((entry) => entry.split('@')[0])
    expect(names).toEqual(Array.from({ length: 16 }, (_, index) => `c${index + 4}`))
  })
})
