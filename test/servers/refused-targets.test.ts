import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { expectNothingSecret } from './printed-secrets.ts'
import { TargetScene } from './target-scene.ts'

// What the API server does not take is found out before a refresh token is spent, told once, and tried without haste.

const key = 'access_token'

let scene: TargetScene

beforeAll(async () => {
  scene = await TargetScene.start()
})
afterEach(() => scene?.bed.observeEverything())
afterAll(() => scene?.stop())

/** Writes and reads of the operator so far. */
async function requests(): Promise<number> {
  const series = (await scene.operator.metrics()).series('rest_client_requests_total')
  return series.reduce((sum, { value }) => sum + value, 0)
}

/** A credential in a namespace that refuses its target: what it says, after it was tried for a while without a refresh. */
async function refusedIn(at: string, during: () => Promise<void> = () => Promise.resolve()): Promise<string> {
  const { refreshes } = scene.server.statistics
  const manifest = await scene.credential('refused', {}, at)
  await during()
  await scene.bed.apply(manifest)
  const { message } = await scene.stalled('refused', 'TargetRejected', at)
  const before = await requests()
  await new Promise((resolve) => setTimeout(resolve, 20_000))
  expect((await requests()) - before).toBeLessThan(40)
  expect(scene.server.statistics).toMatchObject({ refreshes, refusals: 0 })
  expect(await scene.secret('refused-token', at)).toBeUndefined()
  expect(message).toContain(`Writing Secret ${at}/refused-token was refused by the API server`)
  return message
}

async function published(at: string): Promise<void> {
  await vi.waitFor(async () => expect((await scene.secret('refused-token', at))?.data?.[key]).toBeDefined(), {
    timeout: 90_000,
    interval: 200,
  })
}

test('an exhausted quota: told, nothing is sent, and it goes on when there is room', async () => {
  const at = 'quota'
  await scene.openNamespace(at)
  const hard = { 'count/secrets': '1' }
  // No controller counts here, so the count is written by hand; the admission plugin holds it.
  const count = async (used: string): Promise<void> => {
    const status = JSON.stringify({ status: { hard, used: { 'count/secrets': used } } })
    const patch = ['patch', 'resourcequota', 'few', '-n', at, '--subresource=status', '--type=merge', '-p', status]
    await scene.bed.cluster.kubectlOrThrow(patch)
  }
  const message = await refusedIn(at, async () => {
    await scene.bed.apply({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'few', namespace: at },
      spec: { hard },
    })
    await count('1')
  })
  expect(message).toContain('exceeded quota: few')
  await scene.bed.cluster.kubectlOrThrow(['delete', 'resourcequota', 'few', '-n', at])
  await published(at)
})

test('an admission policy: its words are told, nothing is sent, and it goes on without the policy', async () => {
  const at = 'policed'
  await scene.openNamespace(at)
  const message = await refusedIn(at, async () => {
    await scene.bed.apply(...policy(at))
    await vi.waitFor(
      async () => {
        const probe = ['create', 'secret', 'generic', 'refused-token', '-n', at, '--dry-run=server']
        expect((await scene.bed.cluster.kubectl(probe)).code).toBe(1)
      },
      { timeout: 20_000, interval: 100 },
    )
  })
  expect(message).toContain('no Secret of this name may be made')
  await scene.bed.cluster.kubectlOrThrow(['delete', 'validatingadmissionpolicybinding', 'refuse'])
  await published(at)
})

test('a namespace that is being deleted: told, nothing is sent, and no hot loop', async () => {
  const at = 'going'
  await scene.openNamespace(at)
  const { refreshes } = scene.server.statistics
  const manifest = await scene.credential('refused', {}, at)
  // What exists may still be changed there: that is how a credential gets its first token only now.
  await scene.bed.apply({ ...manifest, spec: { ...manifest.spec, suspend: true } })
  await scene.bed.cluster.kubectlOrThrow(['delete', 'namespace', at, '--wait=false'])
  const patch = '{"spec":{"suspend":false}}'
  await scene.bed.cluster.kubectlOrThrow(['patch', 'oac', 'refused', '-n', at, '--type=merge', '-p', patch])
  const { message } = await scene.stalled('refused', 'TargetRejected', at)
  expect(message).toContain('because it is being terminated')
  const before = await requests()
  await new Promise((resolve) => setTimeout(resolve, 20_000))
  expect((await requests()) - before).toBeLessThan(40)
  expect(scene.server.statistics).toMatchObject({ refreshes, refusals: 0 })
  // Events cannot be made there either, and the log does not say so again and again.
  expect(scene.operator.output.split('\n').filter((line) => line.includes('terminated')).length).toBeLessThan(5)
})

test('makes no token visible', () => expectNothingSecret(scene.bed))

/** Nobody makes a Secret with the name of the target in this namespace. */
function policy(at: string): readonly object[] {
  const name = 'refuse'
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['secrets'] }
  const expression = "object.metadata.name != 'refused-token'"
  const spec = {
    failurePolicy: 'Fail',
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression, message: 'no Secret of this name may be made' }],
  }
  const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': at } } }
  const binding = { policyName: name, validationActions: ['Deny'], matchResources }
  const apiVersion = 'admissionregistration.k8s.io/v1'
  return [
    { apiVersion, kind: 'ValidatingAdmissionPolicy', metadata: { name }, spec },
    { apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name }, spec: binding },
  ]
}
