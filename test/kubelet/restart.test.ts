import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { workloadKinds } from '../../src/domain/workload.ts'
import { namespace } from '../servers/target-scene.ts'
import { KubeletScene, type Published } from './kubelet-scene.ts'
import { readingWorkload } from './reading-pod.ts'
import { startRollouts } from './rollouts.ts'

// What becomes of a restart that the operator writes: with the real controllers of Kubernetes and of Argo Rollouts, and
// pods that run.

const replacedWithinMs = 120_000

let scene: KubeletScene
let stopRollouts: () => Promise<void> = () => Promise.resolve()

beforeAll(async () => {
  scene = await KubeletScene.start()
  stopRollouts = await startRollouts(scene.targets.bed.cluster)
})
afterEach(() => scene?.targets.bed.observeEverything())
afterAll(async () => {
  await stopRollouts()
  await scene?.stop()
})

interface PodObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

async function podsOf(workload: string): Promise<readonly PodObject[]> {
  const text = await scene.targets.kubectl('get', 'pods', '-l', `app=${workload}`, '-o', 'json')
  return (JSON.parse(text) as { readonly items: readonly PodObject[] }).items
}

/** The pods of a workload once exactly so many are there, all ready, and none is one of the former. */
function untilPods(workload: string, count: number, former: readonly PodObject[] = []): Promise<readonly PodObject[]> {
  return vi.waitFor(
    async () => {
      const found = await podsOf(workload)
      const isDone = found.length === count && found.every((pod) => isReady(pod) && !isAmong(pod, former))
      if (isDone) return found
      throw new Error(`pods of ${workload}: ${found.map(({ metadata }) => metadata.name).join(', ')}`)
    },
    { timeout: replacedWithinMs, interval: 200 },
  )
}

function isReady({ metadata, status }: PodObject): boolean {
  const ready = status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')
  return metadata.deletionTimestamp === undefined && ready === true
}

function isAmong({ metadata }: PodObject, former: readonly PodObject[]): boolean {
  return former.some((pod) => pod.metadata.uid === metadata.uid)
}

async function published(name: string): Promise<Published> {
  const token = await scene.published(name)
  if (token === undefined) throw new Error(`${name} is not published`)
  return token
}

/** Resolves once so many containers have begun, all with the token. Kubelet deletes the log of a pod with the pod. */
function untilBegan(workload: string, count: number, { digest }: Pick<Published, 'digest'>): Promise<void> {
  return vi.waitFor(
    () => {
      const began = scene.read(workload, 'env').map((value) => value.digest)
      expect(began).toEqual(Array.from({ length: count }, () => digest))
    },
    { timeout: 20_000, interval: 200 },
  )
}

const named = workloadKinds.map((kind) => ({ kind, name: kind.toLowerCase() }))
const countOf = (kind: string): number => (kind === 'DaemonSet' ? 1 : 2)

test.each(named)('every pod of a $kind is replaced by one with the new token', async ({ kind, name }) => {
  const secret = `${name}-token`
  await scene.targets.published(name, { restart: [{ kind, name }], restartInterval: '10s' })
  await scene.targets.bed.apply(readingWorkload(kind, name, namespace, { secret, way: 'env' }))
  const before = await untilPods(name, countOf(kind))
  await untilBegan(name, countOf(kind), await published(name))
  const token = await scene.refresh(name)
  const start = Date.now()
  await untilPods(name, countOf(kind), before)
  console.log(`the pods of a ${kind} are replaced after ${((Date.now() - start) / 1000).toFixed(1)} s`)
  await untilBegan(name, countOf(kind), token)
})

interface RolloutObject {
  readonly spec: { readonly restartAt: string }
  readonly status: { readonly restartedAt?: string; readonly currentPodHash: string; readonly stableRS: string }
}

test('a Rollout keeps its version, and its controller says that the restart is done', async () => {
  // Which it may say at its next look, half a minute later.
  const { status } = await vi.waitFor(
    async () => {
      const text = await scene.targets.kubectl('get', 'rollouts.argoproj.io', 'rollout', '-o', 'json')
      const found = JSON.parse(text) as RolloutObject
      expect(found.status.restartedAt).toBe(found.spec.restartAt)
      return found
    },
    { timeout: 90_000, interval: 500 },
  )
  expect(status.currentPodHash).toBe(status.stableRS)
  const sets = await scene.targets.kubectl('get', 'replicasets', '-l', 'app=rollout', '-o', 'name')
  expect(sets.trim().split('\n')).toHaveLength(1)
})

test('a workload that runs without its Secret is restarted for the first token, and one that waits for it is not', async () => {
  const secret = 'early-token'
  await scene.targets.bed.apply(
    readingWorkload('Deployment', 'eager', namespace, { secret, way: 'env', optional: true }),
    readingWorkload('Deployment', 'patient', namespace, { secret, way: 'env' }),
  )
  const before = await untilPods('eager', 2)
  await untilBegan('eager', 2, { digest: 'absent' })
  // What begins within a second of the publication may have begun before it.
  await sleep(2000)
  const restart = ['eager', 'patient'].map((name) => ({ kind: 'Deployment', name }))
  await scene.targets.published('early', { restart, restartInterval: '10s' })
  const token = await published('early')
  await untilPods('eager', 2, before)
  await untilBegan('eager', 2, token)
  const patient = await untilPods('patient', 2)
  await untilBegan('patient', 2, token)
  await sleep(3000)
  expect((await podsOf('patient')).map(({ metadata }) => metadata.uid)).toEqual(
    patient.map(({ metadata }) => metadata.uid),
  )
})

test('the garbage collector deletes the target with its credential', async () => {
  await scene.targets.published('owned')
  await scene.targets.remove('owned')
  await vi.waitFor(async () => expect(await scene.targets.secret('owned-token')).toBeUndefined(), { timeout: 60_000 })
})
