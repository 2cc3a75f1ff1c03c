import { describe, expect, test } from 'vitest'
import type { KubeOutcome, KubeRequest } from '../../../src/adapters/kubernetes/kube-client.ts'
import { timeText } from '../../../src/domain/time-text.ts'
import { epochSeconds } from '../../../src/domain/time.ts'
import { aPod, madeByDeployment, type PodForm } from '../../support/consumer-objects.ts'
import { ConsumersBench, denial } from '../../support/consumers-bench.ts'
import { refused, unanswered } from '../../support/fake-kube-client.ts'
import type { Json } from '../../support/fake-managed-fields.ts'
import { codeOf, messageOf, told } from '../../support/target-bench.ts'

const secret = { namespace: 'ci', name: 'claude-token' }
const podsPath = '/api/v1/namespaces/ci/pods'
const publishedAtKey = 'oauth-operator.dev/token-published-at'

class Bench extends ConsumersBench {
  constructor() {
    super()
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

  test('leaves those for which there is no time, which is no failure', async () => {
    const b = new Bench()
    const names = Array.from({ length: 40 }, (_, index) => `pod-${index}`)
    await b.pods(Object.fromEntries(names.map((name) => [name, {}])))
    b.client.intercept = ({ signal }, carryOut) =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () => resolve(unanswered('Aborted', true)))
        b.clock.wakeAfter(4000, () => resolve(carryOut()))
      })
    const done = b.consumers.annotate(secret, names, at)
    await b.clock.pass(31)
    const { annotated, ...rest } = await done
    expect(annotated).toBe(28)
    expect(rest).toEqual({ isLeft: true })
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
