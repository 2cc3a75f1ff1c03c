import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { aPod, aWorkload, madeByDeployment, type PodForm } from '../support/consumer-objects.ts'
import { type Condition, manifestOf, OperatorBed } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import { propagationRights } from './propagation-rights.ts'

// Who reads a target is told of each token: by annotations on pods, and by restarts of workloads, on a real API server.
// There are no controllers and no kubelet: what they would act on is looked at.

const namespace = 'default'
const name = 'agents'
const target = 'agents-token'
const publishedAt = 'oauth-operator.dev/token-published-at'
const restartedFor = 'oauth-operator.dev/restarted-for'
const workloads = [
  { kind: 'Deployment', name: 'agent' },
  { kind: 'StatefulSet', name: 'agent' },
  { kind: 'DaemonSet', name: 'agent' },
  { kind: 'Rollout', name: 'agent' },
] as const
/** Refreshes that are asked for keep this distance. */
const requestedIntervalMs = 10_500

const rollouts = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'rollouts.argoproj.io' },
  spec: {
    group: 'argoproj.io',
    scope: 'Namespaced',
    names: { plural: 'rollouts', singular: 'rollout', kind: 'Rollout' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}

interface ObjectMetadata {
  readonly resourceVersion: string
  readonly annotations?: Readonly<Record<string, string>>
}

interface WorkloadObject {
  readonly metadata: ObjectMetadata
  readonly spec: { readonly restartAt?: string; readonly template: { readonly metadata: ObjectMetadata } }
}

interface ConsumersStatus {
  readonly publication: string
  readonly writtenTime: string
  readonly restarts?: readonly { readonly kind: string; readonly publication?: string; readonly waitsFor?: string }[]
}

interface Scene {
  readonly bed: OperatorBed
  readonly server: AuthorizationServer
  readonly operator: OperatorProcess
}

let scene: Scene

beforeAll(async () => {
  const [bed, server] = await Promise.all([OperatorBed.start(), startAuthorizationServer({ accessTokenSeconds: 3600 })])
  await bed.apply(rollouts)
  await bed.cluster.kubectlOrThrow(['wait', '--for=condition=Established', 'crd/rollouts.argoproj.io', '--timeout=30s'])
  const { id, secret } = server.clients.post
  await bed.createSecret(namespace, 'machine', { 'client-secret': secret })
  await bed.apply(
    manifestOf('OAuthProvider', namespace, 'machine', {
      tokenEndpoint: server.tokenEndpoint,
      client: {
        id,
        authentication: 'client_secret_post',
        secretRef: { name: 'machine', key: 'client-secret' },
      },
    }),
    ...workloadsInGit(),
  )
  const flags = ['--allow-plain-http', '--allow-private-addresses', '--warn-of-stale-readers']
  scene = { bed, server, operator: await bed.operator(bed.kubeconfig, flags) }
})
afterEach(() => scene?.bed.observeEverything())
afterAll(async () => {
  await scene?.bed.stop()
  await scene?.server.close()
})

function inNamespace(object: object, place = namespace): object {
  const { metadata } = object as { readonly metadata: object }
  return { ...object, metadata: { ...metadata, namespace: place } }
}

function workloadsInGit(): readonly object[] {
  return workloads.map(({ kind }) => inNamespace(aWorkload(kind, 'agent', workloadSpec(kind), target)))
}

function workloadSpec(kind: string): object {
  return kind === 'StatefulSet' ? { serviceName: 'agent' } : {}
}

/** A Pod that runs, as far as its object says. */
async function run(pod: string, form: PodForm = {}, place = namespace): Promise<void> {
  const { status, ...object } = aPod(pod, { secret: target, ...form })
  await scene.bed.apply(inNamespace(object, place))
  const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]
  await scene.bed.cluster.kubectlOrThrow(['patch', 'pod', pod, '-n', place, ...patch])
}

async function get<T>(kind: string, object: string, place = namespace): Promise<T> {
  const text = await scene.bed.cluster.kubectlOrThrow(['get', kind, object, '-n', place, '-o', 'json'])
  return JSON.parse(text) as T
}

async function annotationOf(pod: string, place = namespace): Promise<string | undefined> {
  return (await get<{ readonly metadata: ObjectMetadata }>('pod', pod, place)).metadata.annotations?.[publishedAt]
}

function workload(kind: string): Promise<WorkloadObject> {
  return get(kind, 'agent')
}

/** For which publications it was restarted; undefined when it never was. */
async function marksOf(kind: string): Promise<string | undefined> {
  const { metadata, spec } = await workload(kind)
  return (kind === 'Rollout' ? metadata : spec.template.metadata).annotations?.[restartedFor]
}

async function consumers(): Promise<ConsumersStatus> {
  const { status } = await scene.bed.credential(namespace, name)
  return (status as { readonly consumers: ConsumersStatus }).consumers
}

async function conditionOf(type: string, credential = name): Promise<Condition | undefined> {
  const { status } = await scene.bed.credential(namespace, credential)
  return status?.conditions?.find((condition) => condition.type === type)
}

function untilCondition(type: string, expected: Partial<Condition> | undefined, credential = name): Promise<void> {
  return vi.waitFor(
    async () => {
      const found = await conditionOf(type, credential)
      if (expected === undefined) expect(found).toBeUndefined()
      else expect(found).toMatchObject(expected)
    },
    { timeout: 40_000, interval: 100 },
  )
}

function credential(changes: object = {}, credentialName = name): object {
  return manifestOf('OAuthCredential', namespace, credentialName, {
    grant: 'ClientCredentials',
    providerRef: { name: 'machine' },
    target: { name: `${credentialName}-token`, ...changes },
  })
}

const telling = { propagation: 'AnnotatePods', restart: workloads, restartInterval: '25s' }

/** Another token, in the target. */
async function refresh(): Promise<void> {
  const before = (await consumers()).publication
  await sleep(requestedIntervalMs)
  await scene.bed.requestRefresh(namespace, name)
  await vi.waitFor(async () => expect((await consumers()).publication).not.toBe(before), {
    timeout: 20_000,
    interval: 100,
  })
}

describe('without the rights', () => {
  test('the token is published all the same, and the condition names right and value of the chart', async () => {
    await run('reader')
    await scene.bed.apply(credential(telling))
    await scene.bed.condition(namespace, name, 'Ready')
    await untilCondition('ConsumersNotified', { status: 'False', reason: 'MissingPermission' })
    expect((await conditionOf('ConsumersNotified'))?.message).toContain(
      'the operator may not list pods in the namespace default, which the chart grants by propagation.annotatePods.',
    )
    await untilCondition('ConsumersUpdatable', { status: 'Unknown', reason: 'MissingPermission' })
    await refresh()
    await vi.waitFor(
      async () =>
        expect((await conditionOf('ConsumersNotified'))?.message).toContain(
          'the operator may not get deployments.apps in the namespace default, which the chart grants by propagation.restart.',
        ),
      { timeout: 20_000, interval: 100 },
    )
    expect(await conditionOf('Ready')).toMatchObject({ status: 'True', reason: 'TokenValid' })
    expect(await conditionOf('Stalled')).toBeUndefined()
    expect(await annotationOf('reader')).toBeUndefined()
    const told = (await scene.bed.events(namespace, name)).filter(({ reason }) => reason === 'ConsumersNotNotified')
    expect(told).toHaveLength(1)
  })
})

describe('with the rights', () => {
  beforeAll(async () => {
    await scene.bed.apply(...propagationRights)
    await scene.bed.createNamespace('elsewhere')
    await run('projected', { way: 'projected' })
    await run('stranger', { secret: 'another' })
    await run('over', { phase: 'Succeeded' })
    await run('reader', {}, 'elsewhere')
  })

  test('what failed before is done by itself, and who mounts the target is annotated', async () => {
    await untilCondition('ConsumersNotified', { status: 'True', reason: 'Notified' })
    const { writtenTime } = await consumers()
    expect(await annotationOf('reader')).toBe(writtenTime)
    expect(await annotationOf('projected')).toBe(writtenTime)
    expect(await annotationOf('stranger')).toBeUndefined()
    expect(await annotationOf('over')).toBeUndefined()
    expect(await annotationOf('reader', 'elsewhere')).toBeUndefined()
  })

  test('every workload is marked for its controller, and a Rollout keeps its template', async () => {
    const { publication } = await consumers()
    for (const { kind } of workloads) expect(await marksOf(kind), kind).toBe(`${name}@${publication}`)
    const { spec } = await workload('Rollout')
    expect(spec.template.metadata.annotations).toBeUndefined()
    expect(Math.abs(Date.parse(spec.restartAt ?? '') - Date.now())).toBeLessThan(120_000)
    const events = (await scene.bed.events(namespace, name)).filter(({ reason }) => reason === 'WorkloadRestarted')
    expect(events.map(({ note }) => note.replace(/ is .*/, '')).toSorted()).toEqual(
      ['DaemonSet', 'Deployment', 'Rollout', 'StatefulSet'].map((kind) => `${kind} agent`),
    )
    const counts = (await scene.operator.metrics()).series('oauthcredential_workload_restarts_total')
    const succeeded = counts.filter(({ labels, value }) => labels['result'] === 'success' && value === 1)
    expect(succeeded).toHaveLength(4)
  })

  test.each([
    ['as Flux and Argo CD do', ['--server-side', '--force-conflicts', '--field-manager=argocd-controller']],
    ['as Argo CD does without server-side apply', []],
  ])('what stands in Git differs in nothing, and takes nothing away when it is applied again, %s', async (_, flags) => {
    const { cluster } = scene.bed
    const before = await Promise.all(workloads.map(({ kind }) => marksOf(kind)))
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: workloadsInGit() })
    expect(await cluster.kubectl(['diff', ...flags, '-f', '-'], list)).toMatchObject({ code: 0, stdout: '' })
    await cluster.kubectlOrThrow(['apply', ...flags, '-f', '-'], list)
    expect(await Promise.all(workloads.map(({ kind }) => marksOf(kind)))).toEqual(before)
    expect((await workload('Rollout')).spec.restartAt).toBeDefined()
  })

  test('what the operator has written is known by its field manager, and is nothing else', async () => {
    const args = ['get', 'deployment', 'agent', '-n', namespace, '-o', 'json', '--show-managed-fields']
    const { metadata } = JSON.parse(await scene.bed.cluster.kubectlOrThrow(args)) as {
      readonly metadata: { readonly managedFields: readonly { readonly manager: string; readonly fieldsV1: object }[] }
    }
    const own = metadata.managedFields.filter(({ manager }) => manager === 'oauth-credential-operator')
    const names = [...JSON.stringify(own.map(({ fieldsV1 }) => fieldsV1)).matchAll(/"f:([^"]+)"/g)].map(
      ([, name]) => name,
    )
    expect(names.filter((field) => !['spec', 'template', 'metadata', 'annotations'].includes(field ?? ''))).toEqual([
      'oauth-operator.dev/restarted-at',
      restartedFor,
    ])
  })

  test('a token within the interval waits, and is one restart with those that come meanwhile', async () => {
    // However long ago the last restart was by now, there is one that was not.
    await refresh()
    await untilCondition('ConsumersNotified', { status: 'True' })
    const before = await marksOf('Deployment')
    await refresh()
    await untilCondition('ConsumersNotified', { status: 'Unknown', reason: 'WaitingForRestartInterval' })
    expect((await consumers()).restarts?.map(({ waitsFor }) => waitsFor)).toContain('RestartInterval')
    expect(await annotationOf('reader')).toBe((await consumers()).writtenTime)
    await untilCondition('ConsumersNotified', { status: 'True' })
    const { publication } = await consumers()
    expect(await marksOf('Deployment')).toBe(`${name}@${publication}`)
    expect(before).not.toBe(`${name}@${publication}`)
  })

  test('nothing is restarted for other labels, by a new process, or by a status that was lost', async () => {
    const { bed, operator } = scene
    const versions = (): Promise<string[]> =>
      Promise.all(workloads.map(async ({ kind }) => (await workload(kind)).metadata.resourceVersion))
    const before = await versions()
    await bed.apply(credential({ ...telling, restartInterval: '10s', labels: { team: 'ci' } }))
    await vi.waitFor(async () => expect(JSON.stringify(await bed.secret(namespace, target))).toContain('"team":"ci"'), {
      timeout: 20_000,
      interval: 200,
    })
    await untilCondition('ConsumersNotified', { status: 'True' })
    await operator.kill()
    const { publication, restarts = [] } = await consumers()
    const forgotten = { status: { consumers: { restarts: restarts.map(({ kind }) => ({ kind, name: 'agent' })) } } }
    const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify(forgotten)]
    await bed.cluster.kubectlOrThrow(['patch', 'oac', '-n', namespace, name, ...patch])
    await operator.start()
    await vi.waitFor(
      async () => {
        const found = await consumers()
        expect(found.restarts?.map((each) => each.publication)).toEqual(workloads.map(() => publication))
      },
      { timeout: 60_000, interval: 200 },
    )
    await untilCondition('ConsumersNotified', { status: 'True' })
    await sleep(1000)
    expect(await versions()).toEqual(before)
  })
})

test('a first publication, and one under another name, restarts who runs without the Secret, and nobody else', async () => {
  const { bed } = scene
  const secrets = ['early-token', 'early-renamed']
  const env = secrets.map((secret) => ({
    name: secret.toUpperCase().replace('-', '_'),
    valueFrom: { secretKeyRef: { name: secret, key: 'access_token', optional: true } },
  }))
  const labels = { app: 'eager' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'agent', image: 'agent', env }] } }
  await bed.apply(
    inNamespace(aWorkload('Deployment', 'eager', { template })),
    inNamespace(aWorkload('Deployment', 'patient', {}, 'early-token')),
  )
  // What begins within a second of the publication may have begun before it.
  await sleep(2000)
  const named = ['eager', 'patient', 'later'].map((each) => ({ kind: 'Deployment', name: each }))
  const marks = async (each: string) =>
    (await get<WorkloadObject>('Deployment', each)).spec.template.metadata.annotations?.[restartedFor]
  for (const secret of secrets) {
    const before = await marks('eager')
    await bed.apply(credential({ name: secret, restart: named, restartInterval: '10s' }, 'early'))
    await vi.waitFor(async () => expect(await marks('eager')).not.toBe(before), { timeout: 40_000, interval: 200 })
    await untilCondition('ConsumersNotified', { status: 'True' }, 'early')
    expect(await marks('patient')).toBeUndefined()
    expect(await bed.secret(namespace, secret)).toBeDefined()
  }
})

describe('what is wrong with readers', () => {
  test('is told of those that read by subPath or from the environment, until they are restarted', async () => {
    const { bed } = scene
    await run('part', { secret: 'warned-token', way: 'subPath', metadata: madeByDeployment('parts') })
    await run('variable', { secret: 'warned-token', way: 'env' })
    await bed.apply(credential({}, 'warned'))
    await untilCondition('ConsumersUpdatable', { status: 'False', reason: 'MountedBySubPath' }, 'warned')
    const { message } = (await conditionOf('ConsumersUpdatable', 'warned')) ?? { message: '' }
    expect(message).toContain('reaches Deployment parts (subPath), Pod variable (environment), for as long')
    expect(await conditionOf('Ready', 'warned')).toMatchObject({ status: 'True' })
    expect(await conditionOf('ConsumersNotified', 'warned')).toBeUndefined()
    await bed.cluster.kubectlOrThrow(['delete', 'pod', '-n', namespace, 'variable', '--force', '--grace-period=0'])
    await bed.apply(credential({ restart: [{ kind: 'Deployment', name: 'parts' }] }, 'warned'))
    await untilCondition('ConsumersUpdatable', undefined, 'warned')
  })

  test('is told of a workload that is missing or paused, and the others are restarted', async () => {
    const { bed } = scene
    const spec = { paused: true }
    await bed.apply(
      inNamespace(aWorkload('Deployment', 'paused', spec, 'failing-token')),
      inNamespace(aWorkload('DaemonSet', 'whole', {}, 'failing-token')),
    )
    const named = [
      { kind: 'Deployment', name: 'paused' },
      { kind: 'StatefulSet', name: 'missing' },
      { kind: 'DaemonSet', name: 'whole' },
    ]
    await bed.apply(credential({ restart: named }, 'failing'))
    await bed.condition(namespace, 'failing', 'Ready')
    await bed.apply(credential({ restart: named, outputs: [{ format: 'header' }] }, 'failing'))
    await untilCondition('ConsumersNotified', { status: 'False', reason: 'WorkloadNotRolling' }, 'failing')
    const { message } = (await conditionOf('ConsumersNotified', 'failing')) ?? { message: '' }
    expect(message).toContain('it is paused.')
    expect(message).toContain('There is no StatefulSet default/missing')
    const whole = await get<WorkloadObject>('DaemonSet', 'whole')
    expect(whole.spec.template.metadata.annotations?.[restartedFor]).toMatch(/^failing@/)
    expect(await conditionOf('Ready', 'failing')).toMatchObject({ status: 'True' })
  })

  test('makes no token visible', async () => {
    await expectNothingSecret(scene.bed)
  })
})
