import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { InClusterSettings } from '../../src/adapters/kubernetes/in-cluster-settings.ts'
import { KubeconfigSettings } from '../../src/adapters/kubernetes/kubeconfig-settings.ts'
import { LeaderElection } from '../../src/adapters/kubernetes/leader-election.ts'
import { ListWatch } from '../../src/adapters/kubernetes/list-watch.ts'
import { KubernetesResourceSource } from '../../src/adapters/kubernetes/resource-source.ts'
import { KubeTransport, type KubeTransportOptions } from '../../src/adapters/kubernetes/transport.ts'
import { decodeResource } from '../../src/api/decode.ts'
import { watchForLeak } from '../support/canary.ts'
import { memoryMetrics } from '../support/memory-metrics.ts'
import { LogLines } from '../support/memory-ports.ts'
import { ScaledClock } from '../support/scaled-clock.ts'
import { TcpRelay } from '../support/tcp-relay.ts'
import { startCluster, type Cluster } from './kube-apiserver.ts'

const running: { cluster?: Cluster; directory?: string } = {}
const cleanups: (() => Promise<unknown>)[] = []

function cluster(): Cluster {
  if (running.cluster === undefined) throw new Error('the cluster did not start')
  return running.cluster
}

beforeAll(async () => {
  running.directory = await mkdtemp(join(tmpdir(), 'recovery-'))
  running.cluster = await startCluster()
  await running.cluster.kubectlOrThrow(['apply', '--server-side', '-f', 'deploy/crds'])
  await running.cluster.kubectlOrThrow(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

afterAll(async () => {
  await running.cluster?.stop()
  if (running.directory !== undefined) await rm(running.directory, { recursive: true })
})

/** Puts the files of a ServiceAccount where kubelet would: what is in force in the cluster now. */
async function mountCredentials(): Promise<void> {
  const directory = running.directory ?? ''
  await writeFile(join(directory, 'token'), watchForLeak(cluster().token()))
  await writeFile(join(directory, 'ca.crt'), cluster().caPem)
}

/** A transport as in a Pod, through a relay that can be broken. */
async function podTransport(more: Partial<KubeTransportOptions> = {}) {
  await mountCredentials()
  const relay = new TcpRelay(cluster().url)
  const { hostname: host, port } = new URL(await relay.start())
  const { metrics, counts } = memoryMetrics()
  const log = new LogLines()
  const clock = new ScaledClock(1)
  const transport = new KubeTransport({
    settings: new InClusterSettings({ host, port, directory: running.directory ?? '' }),
    clock,
    random: Math.random,
    logger: log,
    metrics,
    attemptTimeoutMs: 3000,
    ...more,
  })
  cleanups.push(async () => {
    await transport.close()
    await relay.stop()
  })
  return { transport, relay, clock, log, metrics, counts }
}

type Pod = Awaited<ReturnType<typeof podTransport>>

/** Mirrors the ConfigMaps of one namespace of this test's own. */
async function mirrorOf(pod: Pod) {
  const namespace = `n${Math.random().toString(36).slice(2, 10)}`
  await cluster().kubectlOrThrow(['create', 'namespace', namespace])
  const seen = new Map<string, string>()
  const lists: number[] = []
  const watch = new ListWatch<{ name: string; value: string }>({
    client: pod.transport,
    collection: {
      resource: 'configmaps',
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      apiVersion: 'v1',
      kind: 'ConfigMap',
    },
    decode: (raw) => {
      const { metadata, data } = raw as { metadata: { name: string }; data?: { value: string } }
      return { name: metadata.name, value: data?.value ?? '' }
    },
    handler: {
      replaced: (items) => {
        lists.push(items.length)
        seen.clear()
        for (const { name, value } of items) seen.set(name, value)
      },
      upserted: ({ name, value }) => void seen.set(name, value),
      deleted: (_, name) => void seen.delete(name),
    },
    clock: pod.clock,
    random: Math.random,
    logger: pod.log,
    metrics: pod.metrics,
  })
  const stopping = new AbortController()
  const ended = watch.run(stopping.signal)
  cleanups.push(async () => {
    stopping.abort()
    await ended
  })
  const path = `/api/v1/namespaces/${namespace}/configmaps`
  const put = async (name: string, value: string): Promise<void> => {
    await cluster().request('DELETE', `${path}/${name}`)
    const { status } = await cluster().request('POST', path, { metadata: { name }, data: { value } })
    expect(status).toBe(201)
  }
  return { watch, seen, lists, put, namespace }
}

async function within(seconds: number, what: string, condition: () => boolean): Promise<void> {
  for (let left = seconds * 20; left > 0; left -= 1) {
    if (condition()) return
    await delay(50)
  }
  throw new Error(`waited ${seconds} s in vain: ${what}`)
}

describe('a watch on a real API server', () => {
  test('gets the first state as a stream, then every change', async () => {
    const pod = await podTransport()
    const { watch, seen, put, lists } = await mirrorOf(pod)
    await within(10, 'listed', () => watch.listed())
    await put('a', '1')
    await within(5, 'a', () => seen.get('a') === '1')
    await put('a', '2')
    await within(5, 'a changed', () => seen.get('a') === '2')
    expect(lists).toHaveLength(1)
    expect(pod.counts.get('kubernetesRequest GET 200')).toBeUndefined()
  })

  test('lists in pages when asked to', async () => {
    const pod = await podTransport()
    const { namespace, put } = await mirrorOf(pod)
    for (let index = 0; index < 5; index += 1) await put(`c${index}`, '1')
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const first = await pod.transport.request({ method: 'GET', path, query: { limit: '2' } })
    const { metadata, items } = (first.ok ? first.body : {}) as { metadata: { continue: string }; items: unknown[] }
    expect(items).toHaveLength(2)
    const query = { limit: '2', continue: metadata.continue }
    expect(await pod.transport.request({ method: 'GET', path, query })).toMatchObject({ ok: true })
  })

  test('goes on after the connection was cut, without a list', async () => {
    const pod = await podTransport()
    const { watch, seen, put, lists } = await mirrorOf(pod)
    await within(10, 'listed', () => watch.listed())
    pod.relay.cut()
    await put('missed', '1')
    await delay(300)
    pod.relay.mend()
    await within(10, 'missed', () => seen.get('missed') === '1')
    expect(lists).toHaveLength(1)
  })

  test('notices a connection that has silently died', async () => {
    const pod = await podTransport({ watchIdleMs: 2000 })
    const { watch, seen, put } = await mirrorOf(pod)
    await within(10, 'listed', () => watch.listed())
    pod.relay.silence()
    await put('missed', '1')
    pod.relay.mend()
    await within(10, 'missed', () => seen.get('missed') === '1')
    expect(pod.counts.get('watchRestarted configmaps idle')).toBeGreaterThan(0)
  })

  test('survives an API server that hangs and wakes up', async () => {
    const pod = await podTransport({ watchIdleMs: 2000 })
    const { watch, seen, put } = await mirrorOf(pod)
    await within(10, 'listed', () => watch.listed())
    cluster().pauseApiServer()
    await delay(6000)
    cluster().resumeApiServer()
    await put('after', '1')
    await within(40, 'after', () => seen.get('after') === '1')
  })

  test('survives an API server that is killed', async () => {
    const pod = await podTransport()
    const { watch, seen, put } = await mirrorOf(pod)
    await within(10, 'listed', () => watch.listed())
    await put('before', '1')
    await cluster().killApiServer()
    await cluster().startApiServer()
    await put('after', '1')
    await within(40, 'after', () => seen.get('after') === '1' && seen.get('before') === '1')
  })

  test('gets everything anew when its position is too old', async () => {
    const pod = await podTransport()
    const { watch, seen, put, lists, namespace } = await mirrorOf(pod)
    await within(10, 'listed', () => watch.listed())
    await put('gone', '1')
    await within(5, 'gone', () => seen.has('gone'))
    pod.relay.cut()
    await cluster().kubectlOrThrow(['delete', 'configmap', '-n', namespace, 'gone'])
    await put('new', '1')
    // A new process knows no history from before its start.
    await cluster().restartApiServer()
    pod.relay.mend()
    await within(40, 'the new state', () => seen.get('new') === '1' && !seen.has('gone'))
    expect(lists.length).toBeGreaterThan(1)
    expect(pod.counts.get('watchRestarted configmaps expired')).toBeGreaterThan(0)
  })

  test('survives a new certificate authority and new tokens', async () => {
    const pod = await podTransport()
    const { watch, seen, put } = await mirrorOf(pod)
    await within(10, 'listed', () => watch.listed())
    await cluster().restartApiServer({ newCa: true, rotateTokens: true })
    await delay(3000)
    expect(pod.log.lines.join()).not.toContain('BEGIN CERTIFICATE')
    await mountCredentials()
    await put('after', '1')
    await within(40, 'after', () => seen.get('after') === '1')
    const call = await pod.transport.request({ method: 'GET', path: '/api/v1/namespaces' })
    expect(call).toMatchObject({ ok: true })
  })

  test('carries calls that were refused for an old token', async () => {
    const pod = await podTransport()
    const list = { method: 'GET', path: '/api/v1/namespaces' } as const
    expect((await pod.transport.request(list)).ok).toBe(true)
    await cluster().restartApiServer({ rotateTokens: true })
    expect(await pod.transport.request(list)).toMatchObject({ ok: false, error: { status: 401 } })
    await mountCredentials()
    await delay(1100)
    expect((await pod.transport.request(list)).ok).toBe(true)
    expect(pod.counts.get('kubernetesRequest GET 401')).toBe(2)
  })
})

test('the manifests of a cluster arrive, through a kubeconfig with a client certificate', async () => {
  const { metrics } = memoryMetrics()
  const handshakes: boolean[] = []
  const parts = { clock: new ScaledClock(1), random: Math.random, logger: new LogLines(), metrics }
  const settings = new KubeconfigSettings({ files: [cluster().adminKubeconfig] })
  const onTlsHandshake = (resumed: boolean): void => void handshakes.push(resumed)
  const client = new KubeTransport({ ...parts, settings, onTlsHandshake })
  const source = new KubernetesResourceSource({ ...parts, client, decode: (raw) => decodeResource(raw) })
  const told: string[] = []
  const stop = source.start({
    replaced: (kind, resources) => void told.push(`${kind} replaced: ${resources.length}`),
    upserted: (kind, resource) => void told.push(`${kind} upserted: ${resource.type}`),
    deleted: (kind, namespace, name) => void told.push(`${kind} deleted: ${namespace}/${name}`),
  })
  cleanups.push(async () => {
    await stop()
    await client.close()
  })
  await within(20, 'synced', () => source.synced())
  expect(told).toContain('OAuthCredential replaced: 0')
  await cluster().kubectlOrThrow(['create', 'namespace', 'manifests'])
  await cluster().kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(provider))
  await within(5, 'the provider', () => told.includes('OAuthProvider upserted: provider'))
  await within(5, 'the namespace', () => told.includes('Namespace upserted: namespace'))
  await cluster().kubectlOrThrow(['delete', 'oauthprovider', '-n', 'manifests', 'gateway'])
  await within(5, 'the deletion', () => told.includes('OAuthProvider deleted: manifests/gateway'))
  // Six watches and nothing else.
  expect(handshakes.length).toBe(6)
})

const provider = {
  apiVersion: 'oauth-operator.dev/v1alpha1',
  kind: 'OAuthProvider',
  metadata: { namespace: 'manifests', name: 'gateway' },
  spec: { tokenEndpoint: 'https://login.example.com/oauth/token', client: { id: 'my-client', authentication: 'none' } },
}

describe('two processes and one Lease', () => {
  async function candidate(identity: string, name: string) {
    const pod = await podTransport()
    const happened: string[] = []
    const election = new LeaderElection({
      client: pod.transport,
      clock: pod.clock,
      random: Math.random,
      logger: pod.log,
      metrics: pod.metrics,
      namespace: 'default',
      name,
      identity,
      leaseDurationMs: 6000,
      renewDeadlineMs: 4000,
      retryPeriodMs: 1000,
    })
    const stop = election.run({ onStarted: () => happened.push('started'), onLost: () => happened.push('lost') })
    cleanups.push(stop)
    return { election, happened, relay: pod.relay }
  }

  type Candidate = Awaited<ReturnType<typeof candidate>>

  async function onlyOneLeads(seconds: number, until: () => boolean, ...candidates: readonly Candidate[]) {
    for (let left = seconds * 50; left > 0 && !until(); left -= 1) {
      expect(candidates.filter(({ election }) => election.isLeader()).length).toBeLessThanOrEqual(1)
      await delay(20)
    }
    expect(until()).toBe(true)
  }

  async function holder(name: string): Promise<unknown> {
    return cluster().kubectlOrThrow(['get', 'lease', '-n', 'default', name, '-o', 'jsonpath={.spec.holderIdentity}'])
  }

  test('one leads; when it is cut off the other follows within the lease duration', async () => {
    const a = await candidate('a', 'cut-off')
    await onlyOneLeads(5, () => a.election.isLeader(), a)
    const b = await candidate('b', 'cut-off')
    await delay(4000)
    expect(b.happened).toEqual([])
    a.relay.cut()
    // The duration, and the pause of a candidate between two looks.
    await onlyOneLeads(6 + 3, () => b.election.isLeader(), a, b)
    expect(a.happened).toEqual(['started', 'lost'])
    expect(await holder('cut-off')).toBe('b')
  })

  test('a release hands over at once', async () => {
    const a = await candidate('a', 'released')
    await onlyOneLeads(5, () => a.election.isLeader(), a)
    const b = await candidate('b', 'released')
    await delay(1500)
    expect(await a.election.release()).toBe(true)
    await onlyOneLeads(3, () => b.election.isLeader(), a, b)
    expect(a.happened).toEqual(['started'])
  })

  test('an API server that hangs ends the lead; afterwards one leads again', async () => {
    const a = await candidate('a', 'hanging')
    await onlyOneLeads(5, () => a.election.isLeader(), a)
    const b = await candidate('b', 'hanging')
    await delay(1500)
    cluster().pauseApiServer()
    await onlyOneLeads(6, () => a.happened.includes('lost'), a, b)
    cluster().resumeApiServer()
    await onlyOneLeads(20, () => b.election.isLeader(), a, b)
  })
})
