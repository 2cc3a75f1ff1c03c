import { describe, expect, test } from 'vitest'
import { KubernetesConsumers } from '../../../src/adapters/kubernetes/consumers.ts'
import type { KubeOutcome, KubeRequest } from '../../../src/adapters/kubernetes/kube-client.ts'
import { failureRegistry } from '../../../src/domain/failure-registry.ts'
import { timeText } from '../../../src/domain/time-text.ts'
import { epochSeconds, later, minutes, seconds } from '../../../src/domain/time.ts'
import type { WorkloadKind } from '../../../src/domain/workload.ts'
import type { RestartOrder } from '../../../src/ports/consumers.ts'
import { aPod, aWorkload, madeByDeployment, type PodForm } from '../../support/consumer-objects.ts'
import { FakeKubeClient, refused, unanswered } from '../../support/fake-kube-client.ts'
import type { Json } from '../../support/fake-managed-fields.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { codeOf, messageOf, told } from '../../support/target-bench.ts'

const secret = { namespace: 'ci', name: 'claude-token' }
const podsPath = '/api/v1/namespaces/ci/pods'
const publishedAtKey = 'oauth-operator.dev/token-published-at'
const restartedForKey = 'oauth-operator.dev/restarted-for'
const restartedAtKey = 'oauth-operator.dev/restarted-at'
const denial = 'it is forbidden: User "operator" cannot do that'

class Bench {
  readonly client = new FakeKubeClient()
  readonly clock = new SimulatedClock()
  readonly consumers = new KubernetesConsumers({ client: this.client, clock: this.clock, warns: true })

  constructor() {
    this.client.intercept = (request, carryOut) => this.listOr(request, carryOut)
  }

  /** Pods in pages of two, whatever is asked for. */
  listOr(request: KubeRequest, carryOut: () => KubeOutcome): KubeOutcome {
    if (request.method !== 'GET' || request.path !== podsPath) return carryOut()
    const pods = this.client.objects('pods')
    const from = Number(request.query?.['continue'] ?? 0)
    const more = from + 2 < pods.length ? { continue: String(from + 2) } : {}
    const body = { items: pods.slice(from, from + 2), metadata: { resourceVersion: '1', ...more } }
    return { ok: true, status: 200, body }
  }

  async create(path: string, body: object): Promise<void> {
    const outcome = await this.client.request({ method: 'POST', path, body })
    if (!outcome.ok) throw new Error(outcome.error.message)
  }

  async pods(pods: Readonly<Record<string, PodForm>>): Promise<void> {
    for (const [name, form] of Object.entries(pods)) await this.create(podsPath, aPod(name, form))
  }

  annotation(name: string): unknown {
    const found = this.client.objects('pods').find((pod) => metadataOf(pod)['name'] === name)
    return (metadataOf(found ?? {})['annotations'] as Json | undefined)?.[publishedAtKey]
  }
}

function metadataOf(object: Json): Json {
  return object['metadata'] as Json
}

describe('the pods that read a Secret', () => {
  test('are found in all pages, with their ways and makers', async () => {
    const b = new Bench()
    await b.pods({
      whole: { metadata: madeByDeployment('agent') },
      part: { way: 'subPath' },
      projected: { way: 'projected', metadata: { annotations: { [publishedAtKey]: 'x' } } },
      variable: { way: 'env' },
      variables: { way: 'envFrom' },
      sidecar: { way: 'sidecar' },
      init: { way: 'init' },
      other: { secret: 'another' },
      none: { way: 'none' },
      pending: { phase: 'Pending' },
      over: { phase: 'Succeeded' },
    })
    const found = told(await b.consumers.readers(secret, 'annotate'))
    const whole = { mounts: true, bySubPath: false, fromEnvironment: false }
    const variable = { mounts: false, bySubPath: false, fromEnvironment: true }
    expect(found.ok && found.value).toEqual([
      { name: 'whole', owner: { kind: 'Deployment', name: 'agent' }, ...whole },
      { name: 'part', ...whole, bySubPath: true },
      { name: 'projected', ...whole, annotation: 'x' },
      { name: 'variable', ...variable },
      { name: 'variables', ...variable },
      { name: 'sidecar', ...variable },
    ])
    expect(b.client.requests.at(-1)?.query).toMatchObject({ fieldSelector: 'status.phase=Running' })
  })

  const owners: Readonly<Record<string, [object, object | undefined]>> = {
    'a Rollout by its label': [
      {
        labels: { 'rollouts-pod-template-hash': 'ab12' },
        ownerReferences: [{ kind: 'ReplicaSet', name: 'gateway-ab12', controller: true }],
      },
      { kind: 'Rollout', name: 'gateway' },
    ],
    'a StatefulSet': [
      { ownerReferences: [{ kind: 'StatefulSet', name: 'db', controller: true }] },
      { kind: 'StatefulSet', name: 'db' },
    ],
    'a ReplicaSet that nobody made': [
      { ownerReferences: [{ kind: 'ReplicaSet', name: 'alone', controller: true }] },
      { kind: 'ReplicaSet', name: 'alone' },
    ],
    'nobody, where the owner is no name': [
      { ownerReferences: [{ kind: 'Thing that\nsays more', name: 'x', controller: true }] },
      undefined,
    ],
    'nobody, where the owner does not control it': [{ ownerReferences: [{ kind: 'Thing', name: 'x' }] }, undefined],
  }
  test.each(Object.entries(owners))('are made by %s', async (_, [metadata, owner]) => {
    const b = new Bench()
    await b.pods({ one: { metadata } })
    const found = await b.consumers.readers(secret, 'warn')
    expect(found.ok && found.value[0]?.owner).toEqual(owner)
  })

  test.each(['annotate', 'warn'] as const)(
    'may not be listed to %s without the right, which is named',
    async (purpose) => {
      const b = new Bench()
      b.client.intercept = () => refused(403, 'Forbidden', denial)
      const found = told(await b.consumers.readers(secret, purpose))
      expect(codeOf(found)).toBe('CONSUMERS_FORBIDDEN')
      const value = purpose === 'warn' ? 'propagation.warnings' : 'propagation.annotatePods'
      expect(messageOf(found)).toContain(`may not list pods in the namespace ci, which the chart grants by ${value}.`)
    },
  )
})

describe('annotating pods', () => {
  const at = epochSeconds(1_800_000_000)

  test('gives all of them the time of the write, more than go at once', async () => {
    const b = new Bench()
    const names = Array.from({ length: 20 }, (_, index) => `pod-${index}`)
    await b.pods(Object.fromEntries(names.map((name) => [name, {}])))
    expect(await b.consumers.annotate(secret, names, at)).toEqual({ annotated: 20 })
    expect(new Set(names.map((name) => b.annotation(name)))).toEqual(new Set([timeText(at)]))
  })

  test('leaves those alone that are gone', async () => {
    const b = new Bench()
    await b.pods({ one: {} })
    expect(await b.consumers.annotate(secret, ['gone', 'one'], at)).toEqual({ annotated: 1 })
  })

  test('is tried again where it meets a change by somebody else', async () => {
    const b = new Bench()
    await b.pods({ one: {} })
    let conflicts = 2
    b.client.intercept = (_, carryOut) => ((conflicts -= 1) >= 0 ? refused(409, 'Conflict', 'changed') : carryOut())
    expect(await b.consumers.annotate(secret, ['one'], at)).toEqual({ annotated: 1 })
  })

  test('goes on with the others when one fails, and says so', async () => {
    const b = new Bench()
    await b.pods({ one: {}, two: {} })
    b.client.intercept = ({ path }, carryOut) =>
      path.endsWith('/one') ? refused(422, 'Invalid', 'a policy says no') : carryOut()
    const done = await b.consumers.annotate(secret, ['one', 'two'], at)
    expect(done).toMatchObject({ annotated: 1, failure: { code: 'CONSUMERS_REJECTED' } })
    expect(done.failure?.message).toContain('Annotating Pod ci/one, which mounts Secret ci/claude-token, was refused')
  })

  test('ends at the first pod without the right', async () => {
    const b = new Bench()
    b.client.intercept = () => refused(403, 'Forbidden', denial)
    const names = Array.from({ length: 100 }, (_, index) => `pod-${index}`)
    const done = await b.consumers.annotate(secret, names, at)
    expect(done).toMatchObject({ annotated: 0, failure: { code: 'CONSUMERS_FORBIDDEN' } })
    expect(done.failure?.message).toContain('which the chart grants by propagation.annotatePods.')
    expect(b.client.requests.length).toBeLessThanOrEqual(8)
  })

  test('ends when it takes too long', async () => {
    const b = new Bench()
    b.client.intercept = ({ signal }) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve(unanswered('Aborted', true))))
    const done = b.consumers.annotate(secret, ['one', 'two'], at)
    await b.clock.pass(31)
    expect(await done).toMatchObject({ annotated: 0, failure: { code: 'KUBERNETES_UNAVAILABLE' } })
  })
})

describe('restarting a workload', () => {
  const plural = {
    Deployment: 'deployments',
    StatefulSet: 'statefulsets',
    DaemonSet: 'daemonsets',
    Rollout: 'rollouts',
  }

  class RestartBench extends Bench {
    readonly kind: WorkloadKind
    readonly order: RestartOrder

    constructor(kind: WorkloadKind = 'Deployment') {
      super()
      this.kind = kind
      this.order = {
        credential: { namespace: 'ci', name: 'claude' },
        workload: { kind, name: 'agent' },
        publication: '2027-01-15T08:00:00Z.aa',
        publishedAt: this.clock.now(),
        interval: minutes(5),
      }
    }

    get path(): string {
      const group = this.kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1'
      return `/apis/${group}/namespaces/ci/${plural[this.kind]}`
    }

    async workload(spec: object = {}, metadata: object = {}): Promise<this> {
      const made = aWorkload(this.kind, 'agent', spec) as { metadata: object }
      await this.create(this.path, { ...made, metadata: { ...made.metadata, ...metadata } })
      return this
    }

    async found(): Promise<{ readonly annotations: Json; readonly restartAt: unknown; readonly text: string }> {
      const outcome = await this.client.request({ method: 'GET', path: `${this.path}/agent` })
      const object = (outcome.ok ? outcome.body : {}) as {
        metadata: Json
        spec: { template: { metadata: Json }; restartAt?: unknown }
      }
      const { template, restartAt } = object.spec
      const marked = this.kind === 'Rollout' ? object.metadata : template.metadata
      return { annotations: (marked['annotations'] ?? {}) as Json, restartAt, text: JSON.stringify(template) }
    }

    restart(changes: Partial<RestartOrder> = {}) {
      return this.consumers.restart({ ...this.order, ...changes })
    }

    patches(): number {
      return this.client.requests.filter(({ method }) => method === 'PATCH').length
    }
  }

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
    const until = later(restartedAt, minutes(5))
    expect(await b.restart(other)).toEqual({ ok: true, value: { kind: 'too-soon', at: restartedAt, until } })
    await b.clock.pass(240)
    expect(await b.restart(other)).toMatchObject({ ok: true, value: { kind: 'restarted' } })
    const { annotations } = await b.found()
    expect(annotations[restartedForKey]).toBe(`claude@${b.order.publication},gateway@x.bb`)
    expect(b.patches()).toBe(2)
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
