import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { expectNothingSecret } from '../servers/printed-secrets.ts'
import { namespace } from '../servers/target-scene.ts'
import { KubeletScene, type Published } from './kubelet-scene.ts'
import type { SeenValue } from './node.ts'
import { readingPod } from './reading-pod.ts'

// When containers read a new token that a real kubelet has mounted for them. All that decides when kubelet looks is at
// its default.

const rounds = 2
/** With each credential, so that there are more figures than rounds. */
const pods = [0, 1, 2, 3]
/** A container starts within this time, and docs/propagation.md says that kubelet has looked by then. */
const twoMinutesMs = 120_000

let scene: KubeletScene

beforeAll(async () => {
  scene = await KubeletScene.start()
})
afterEach(() => scene?.targets.bed.observeEverything())
afterAll(() => scene?.stop())

const credentials = { told: { propagation: 'AnnotatePods' }, untold: {} } as const

async function conditionOf(name: string, type: string) {
  const { status } = await scene.targets.bed.credential(namespace, name)
  return status?.conditions?.find((condition) => condition.type === type)
}

function seconds(values: readonly number[]): string {
  return values
    .toSorted((one, other) => one - other)
    .map((value) => Math.max(0, value / 1000).toFixed(1))
    .join(' ')
}

async function published(name: string): Promise<Published> {
  const token = await scene.published(name)
  if (token === undefined) throw new Error(`${name} is not published`)
  return token
}

function untilAllRead(name: string, token: Published): Promise<readonly SeenValue[]> {
  return Promise.all(pods.map((pod) => scene.untilRead(`${name}-${pod}`, 'volume', token, twoMinutesMs)))
}

test('a running pod reads the new token in its file: at once where pods are annotated, else when kubelet looks', async () => {
  const { targets } = scene
  for (const [name, target] of Object.entries(credentials)) {
    await targets.published(name, target)
    const reading = { secret: `${name}-token`, way: 'volume' } as const
    await targets.bed.apply(...pods.map((pod) => readingPod(`${name}-${pod}`, namespace, reading)))
  }
  await targets.bed.apply(
    readingPod('part', namespace, { secret: 'told-token', way: 'subPath' }),
    readingPod('variable', namespace, { secret: 'told-token', way: 'env' }),
  )
  const [told, untold] = [await published('told'), await published('untold')]
  await scene.untilRead('part', 'subPath', told, twoMinutesMs)
  await scene.untilRead('variable', 'env', told, twoMinutesMs)
  await Promise.all([untilAllRead('told', told), untilAllRead('untold', untold)])
  const took: Record<keyof typeof credentials, readonly number[]> = { told: [], untold: [] }
  for (let round = 1; round <= rounds; round += 1) {
    const measure = async (name: keyof typeof credentials): Promise<void> => {
      const token = await scene.refresh(name)
      took[name] = [...took[name], ...(await untilAllRead(name, token)).map(({ at }) => at - token.at)]
    }
    await Promise.all([measure('told'), measure('untold')])
  }
  console.log(`seconds to another file: AnnotatePods ${seconds(took.told)}; WaitForKubelet ${seconds(took.untold)}`)
  expect(Math.max(...took.told)).toBeLessThan(5000)
  expect(Math.max(...took.told)).toBeLessThan(Math.max(...took.untold))
})

test('no container reads another token by subPath or from its environment, and that is what the condition says', async () => {
  const tokens = scene.read('told-0', 'volume').map(({ digest }) => digest)
  expect(tokens).toHaveLength(rounds + 1)
  expect(scene.read('part', 'subPath').map(({ digest }) => digest)).toEqual(tokens.slice(0, 1))
  expect(scene.read('variable', 'env').map(({ digest }) => digest)).toEqual(tokens.slice(0, 1))
  await vi.waitFor(async () =>
    expect(await conditionOf('told', 'ConsumersUpdatable')).toMatchObject({ status: 'False' }),
  )
  const { message = '' } = (await conditionOf('told', 'ConsumersUpdatable')) ?? {}
  expect(message).toContain('reaches Pod part (subPath), Pod variable (environment), for as long')
  expect(await conditionOf('untold', 'ConsumersUpdatable')).toBeUndefined()
})

test('a pod that waits for the Secret begins with the first token, and one that does not gets it while it runs', async () => {
  const secret = 'late-token'
  await scene.targets.bed.apply(
    readingPod('waiting', namespace, { secret, way: 'volume' }),
    readingPod('optional', namespace, { secret, way: 'volume', optional: true }),
  )
  await scene.untilRead('optional', 'volume', { digest: 'absent', at: 0 }, twoMinutesMs)
  await scene.targets.published('late', { propagation: 'AnnotatePods' })
  const token = await published('late')
  for (const pod of ['waiting', 'optional']) await scene.untilRead(pod, 'volume', token, twoMinutesMs)
  expect(scene.read('waiting', 'volume').map(({ digest }) => digest)).toEqual([token.digest])
  expect(scene.read('optional', 'volume').map(({ digest }) => digest)).toEqual(['absent', token.digest])
})

test('a target that is made anew, for another type, is never gone from a pod that has it mounted', async () => {
  const { targets } = scene
  const outputs = [{ format: 'raw' }, { format: 'docker-config', host: 'registry.example.com', username: 'ci' }]
  const target = { name: 'typed-token', propagation: 'AnnotatePods', outputs }
  const manifest = await targets.published('typed', target)
  await targets.bed.apply(readingPod('typed', namespace, { secret: 'typed-token', way: 'volume' }))
  const before = await published('typed')
  await scene.untilRead('typed', 'volume', before, twoMinutesMs)
  const type = 'kubernetes.io/dockerconfigjson'
  await targets.retarget(manifest, { ...target, type })
  await targets.until('typed-token', (secret) => secret.type === type, 20_000)
  const token = await scene.refresh('typed')
  await scene.untilRead('typed', 'volume', token, twoMinutesMs)
  expect(scene.read('typed', 'volume').map(({ digest }) => digest)).toEqual([before.digest, token.digest])
})

test('makes no token visible', async () => {
  await expectNothingSecret(scene.targets.bed)
})
