import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KubernetesRecordHolders } from '../../src/adapters/kubernetes/record-holders.ts'
import { ownPod } from '../../src/adapters/kubernetes/own-pod.ts'
import { KubeTransport } from '../../src/adapters/kubernetes/transport.ts'
import { recordFaultsContract } from '../contract/record-faults.ts'
import { recordSecretsContract } from '../contract/record-secrets.ts'
import {
  aKey,
  RecordBench,
  refreshRecordsContract,
  sealedRecordsContract,
  valueOf,
} from '../contract/refresh-records.ts'
import { ApiHands, freshName } from '../support/api-hands.ts'
import { clientOf } from '../support/api-server-client.ts'
import { jsonAt } from '../support/fake-managed-fields.ts'
import { SettableSettings } from '../support/kube-test-bed.ts'
import { LossyProxy } from '../support/lossy-proxy.ts'
import { memoryMetrics } from '../support/memory-metrics.ts'
import { LogLines } from '../support/memory-ports.ts'
import { recordsOver, secretRecords } from '../support/record-harnesses.ts'
import { SecretBench } from '../support/secret-bench.ts'
import { ScaledClock } from '../support/scaled-clock.ts'
import { watchForLeak } from '../support/canary.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'
import { operatorRights } from './operator-rights.ts'

const namespace = 'oauth-credential-operator'
const account = 'operator'

const running: { cluster?: Cluster; proxy?: LossyProxy; hands?: ApiHands; clients: KubeTransport[] } = { clients: [] }

beforeAll(async () => {
  const cluster = await startCluster({ users: { nobody: [], former: [] } })
  running.cluster = cluster
  await cluster.kubectlOrThrow(['create', 'namespace', namespace])
  await cluster.kubectlOrThrow(['create', 'serviceaccount', account, '-n', namespace])
  await cluster.kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(operatorRights(namespace, account)))
  const admin = clientOf(cluster, cluster.token())
  const operator = clientOf(cluster, await operatorToken())
  running.clients.push(admin, operator)
  running.hands = new ApiHands(admin, namespace, operator)
  running.proxy = await new LossyProxy(cluster.url, cluster.caPem).start()
})

afterAll(async () => {
  await Promise.all(running.clients.map((client) => client.close()))
  await running.proxy?.stop()
  await running.cluster?.stop()
})

const hands = () => Promise.resolve(theHands())
const records = () => Promise.resolve(secretRecords(theHands()))

refreshRecordsContract('records in Secrets of the real API server', records)
sealedRecordsContract('records in Secrets of the real API server', records)
recordSecretsContract('the real API server', hands)
recordFaultsContract('the real API server', hands)

describe('records in Secrets behind a proxy that loses answers', () => {
  for (const [what, method] of [
    ['first record', 'POST'],
    ['later record', 'PATCH'],
  ] as const) {
    test(`the write of a ${what} is found again`, async () => {
      const { small, readBy } = new RecordBench(await records())
      const direct = recordsOver(theHands().operator, namespace)
      const base = method === 'POST' ? small() : valueOf(await direct.replace(small(), undefined))
      theProxy().loseNextAnswer((request) => request.method === method)
      const written = valueOf(await (await lossy()).replace({ ...base, epoch: 3 }, undefined))
      expect({ ...(await readBy(direct, undefined)), uid: written.uid }).toEqual(written)
    })
  }

  test('nobody knows of a write while the API server is away', async () => {
    const { small, expectFailure } = new RecordBench(await records())
    const direct = recordsOver(theHands().operator, namespace)
    const base = valueOf(await direct.replace(small(), undefined))
    theProxy().loseNextAnswer(({ method }) => method === 'PATCH', true)
    try {
      const result = await (await lossy()).replace({ ...base, epoch: 3 }, undefined)
      expect(expectFailure(result, 'REFRESH_RECORD_UNAVAILABLE')).toContain('It is not known whether Secret')
    } finally {
      theProxy().bringUp()
    }
    expect(valueOf(await direct.read(base, undefined))?.epoch).toBe(3)
  })
})

describe('more records than one page of the real API server has', () => {
  test('are all shown', async () => {
    const { small, subject, records: here, listedBy } = new RecordBench(await records())
    const all = Array.from({ length: 501 }, (_, index) => ({ ...small(), uid: `${subject.uid}-${index}` }))
    for (let from = 0; from < all.length; from += 50) {
      const some = all.slice(from, from + 50)
      await Promise.all(some.map(async (record) => valueOf(await here.replace(record, undefined))))
    }
    expect(new Set((await listedBy(here)).map(({ uid }) => uid))).toEqual(new Set(all.map(({ uid }) => uid)))
  })
})

describe('rights at the real API server', () => {
  test('each missing one is told by its name', async () => {
    const nobody = clientOf(theCluster(), theCluster().token('nobody'))
    running.clients.push(nobody)
    const bench = new RecordBench(await records())
    const first = valueOf(await bench.records.replace(bench.small(), undefined))
    const blind = recordsOver(nobody, namespace)
    const attempts = {
      get: await blind.read(first, undefined),
      create: await blind.replace({ ...first, version: '' }, undefined),
      patch: await blind.replace(first, undefined),
      delete: await blind.remove(first),
      list: await blind.list(() => {}),
    }
    for (const [verb, result] of Object.entries(attempts)) {
      const message = bench.expectFailure(result, 'KUBERNETES_FORBIDDEN')
      expect(message).toContain(`the operator may not ${verb} secrets in the namespace ${namespace}.`)
    }
  })
})

describe('a former Role, without the right to watch', () => {
  test('has records listed page by page, without a wait, and a warning says what is missing', async () => {
    const verbs = '--verb=get,list,create,patch,delete'
    await theCluster().kubectlOrThrow(['create', 'role', 'former', verbs, '--resource=secrets', '-n', namespace])
    await theCluster().kubectlOrThrow([
      'create',
      'rolebinding',
      'former',
      '--role=former',
      '--user=former',
      '-n',
      namespace,
    ])
    const client = clientOf(theCluster(), theCluster().token('former'))
    running.clients.push(client)
    const bench = new SecretBench(new ApiHands(theHands().client, namespace, client))
    const { records: here, watch, log } = bench.watching()
    const { version } = valueOf(await bench.records.replace(bench.small(), undefined))
    const began = performance.now()
    for (let turn = 0; turn < 4; turn += 1) {
      expect((await bench.listedBy(here)).map((entry) => entry.version)).toEqual([version])
    }
    expect(performance.now() - began).toBeLessThan(10_000)
    await watch.stop()
    expect(bench.client.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1)
    expect(log.lines.filter((line) => line.includes('"level":"warn"'))).toHaveLength(1)
    expect(log.lines.join()).toContain('grant the operator list and watch on them (deploy/install.yaml has its rights)')
  })
})

describe('holders in Pods of the real API server', () => {
  test('the token that is mounted in a Pod says which it is, and the API server agrees', async () => {
    const pod = await aPod()
    const bound = ['--bound-object-kind=Pod', `--bound-object-name=${pod.name}`, `--bound-object-uid=${pod.uid}`]
    const token = await operatorToken(bound)
    const options = { client: theHands().operator, namespace, readOwnToken: () => Promise.resolve(token) }
    expect(await ownPod(options)).toEqual({ ok: true, value: pod })
    expect(await ownPod({ ...options, namespace: 'elsewhere' })).toEqual({ ok: true, value: undefined })
    await removePod(pod.name)
    expect(await ownPod(options)).toEqual({ ok: true, value: undefined })
  })

  test('one is gone when its Pod is gone, is another one, or has ended', async () => {
    const [own, alive, ended, replaced, removed] = [
      await aPod(),
      await aPod(),
      await aPod(),
      await aPod(),
      await aPod(),
    ]
    await setPhase(own.name, 'Running')
    await setPhase(alive.name, 'Running')
    await setPhase(ended.name, 'Failed')
    await removePod(replaced.name)
    await aPod(replaced.name)
    await removePod(removed.name)
    const client = theHands().operator
    const holders = new KubernetesRecordHolders({ client, namespace, self: { journalId: 'self', pod: own } })
    const gone = async (pod?: { name: string; uid: string }): Promise<boolean> =>
      valueOf(await holders.isGone({ journalId: 'other', ...(pod && { pod }) }))
    expect(await gone(alive)).toBe(false)
    expect(await gone()).toBe(false)
    // Another journal in the own Pod was that of a container before.
    expect(await gone(own)).toBe(true)
    expect(await gone(ended)).toBe(true)
    expect(await gone(replaced)).toBe(true)
    expect(await gone(removed)).toBe(true)
    expect(valueOf(await holders.isGone({ journalId: 'self', pod: removed }))).toBe(false)
  })
})

test('a replacement takes milliseconds', async () => {
  const bench = new RecordBench(await records())
  for (const [what, key] of [['a key of the document', aKey()] as const, ["the operator's key", undefined] as const]) {
    const durations: number[] = []
    let record = valueOf(await bench.records.read(bench.subject, key)) ?? bench.full()
    for (let turn = 0; turn < 60; turn += 1) {
      const start = performance.now()
      record = valueOf(await bench.records.replace({ ...record, epoch: turn }, key))
      durations.push(performance.now() - start)
    }
    const sorted = durations.toSorted((one, other) => one - other)
    console.log(`${what}: median ${sorted[30]?.toFixed(1)} ms, 95 % ${sorted[56]?.toFixed(1)} ms`)
    expect(sorted[30]).toBeLessThan(250)
  }
})

async function operatorToken(more: readonly string[] = []): Promise<string> {
  const token = await theCluster().kubectlOrThrow(['create', 'token', account, '-n', namespace, ...more])
  return watchForLeak(token.trim())
}

async function lossy(): Promise<ReturnType<typeof recordsOver>> {
  const client = new KubeTransport({
    settings: new SettableSettings(theProxy().address, await operatorToken()),
    clock: new ScaledClock(1),
    random: Math.random,
    logger: new LogLines(),
    metrics: memoryMetrics().metrics,
    allowPlainHttp: true,
  })
  running.clients.push(client)
  return recordsOver(client, namespace)
}

async function aPod(name = freshName('pod')): Promise<{ readonly name: string; readonly uid: string }> {
  const spec = {
    serviceAccountName: account,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'operator', image: 'example.com/operator' }],
  }
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec }
  const path = `/api/v1/namespaces/${namespace}/pods`
  const outcome = await theHands().client.request({ method: 'POST', path, body })
  if (!outcome.ok) throw new Error(outcome.error.message)
  return { name, uid: String(jsonAt(outcome.body as Record<string, unknown>, ['metadata'])['uid']) }
}

async function setPhase(name: string, phase: string): Promise<void> {
  const patch = JSON.stringify({ status: { phase } })
  const args = ['patch', 'pod', name, '-n', namespace, '--subresource=status', '--type=merge', '-p', patch]
  await theCluster().kubectlOrThrow(args)
}

async function removePod(name: string): Promise<void> {
  await theCluster().kubectlOrThrow(['delete', 'pod', name, '-n', namespace, '--force', '--grace-period=0'])
}

function theCluster(): Cluster {
  if (running.cluster === undefined) throw new Error('the cluster was not started')
  return running.cluster
}

function theHands(): ApiHands {
  if (running.hands === undefined) throw new Error('the cluster was not started')
  return running.hands
}

function theProxy(): LossyProxy {
  if (running.proxy === undefined) throw new Error('the proxy was not started')
  return running.proxy
}
