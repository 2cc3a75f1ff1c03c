import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { targetLabels } from '../../src/domain/names.ts'
import { operatorAccount, operatorNamespace } from './operator-bed.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import { type TargetObject, TargetScene } from './target-scene.ts'

// With --drift-repair what somebody does to a target is undone at once, and our own writes wake nobody.

const within = 2000
const key = 'access_token'

let scene: TargetScene

beforeAll(async () => {
  scene = await TargetScene.start(['--drift-repair'], watchRights)
})
afterEach(() => scene?.bed.observeEverything())
afterAll(() => scene?.stop())

/** What the chart grants with driftRepair.enabled. */
const watchRights = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'drift-repair' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list', 'watch'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'drift-repair' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'drift-repair' },
    subjects: [{ kind: 'ServiceAccount', namespace: operatorNamespace, name: operatorAccount }],
  },
]

async function target(name: string): Promise<TargetObject> {
  return scene.until(`${name}-token`, ({ data }) => data?.[key] !== undefined, 5000)
}

/** Requests that read one object, which is what a look is. */
async function reads(): Promise<number> {
  const series = (await scene.operator.metrics()).series('rest_client_requests_total')
  return series.filter(({ labels }) => labels['method'] === 'GET').reduce((sum, { value }) => sum + value, 0)
}

describe('with drift repair', () => {
  test('a target that is deleted by hand is back within two seconds, without a refresh', async () => {
    await scene.published('deleted')
    const before = await target('deleted')
    const { refreshes } = scene.server.statistics
    await scene.kubectl('delete', 'secret', 'deleted-token')
    const after = await scene.until('deleted-token', ({ metadata }) => metadata.uid !== before.metadata.uid, within)
    expect(after.data).toEqual(before.data)
    expect(scene.server.statistics.refreshes).toBe(refreshes)
  })

  const edits: Readonly<Record<string, object>> = {
    'a key that is changed': { data: { [key]: Buffer.from('edited').toString('base64') } },
    'a key that is gone': { data: { [key]: null } },
    'the label of the manager': { metadata: { labels: { [targetLabels.managedBy]: null } } },
    'the label of the credential': { metadata: { labels: { [targetLabels.credentialUid]: null } } },
    'every label': { metadata: { labels: null } },
    'the owner reference': { metadata: { ownerReferences: null } },
  }
  test.each(Object.entries(edits))('%s is put back within two seconds', async (what, patch) => {
    const name = `edited-${Object.keys(edits).indexOf(what)}`
    await scene.published(name)
    const before = await target(name)
    await scene.edit(`${name}-token`, patch)
    const isBack = ({ data, metadata }: TargetObject): boolean =>
      data?.[key] === before.data?.[key] &&
      JSON.stringify([metadata.labels, metadata.ownerReferences]) ===
        JSON.stringify([before.metadata.labels, before.metadata.ownerReferences])
    const after = await scene.until(`${name}-token`, isBack, within)
    expect(after.metadata.uid).toBe(before.metadata.uid)
  })

  test('what somebody adds is left alone, and is no reason to look', async () => {
    await scene.published('added')
    await target('added')
    const before = await reads()
    await scene.edit('added-token', { data: { theirs: 'eA==' }, metadata: { labels: { theirs: 'kept' } } })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(await reads()).toBe(before)
    expect((await target('added')).data).toMatchObject({ theirs: 'x' })
  })

  test('a hundred writes of our own lead to no look that they would not lead to without it', async () => {
    let manifest = await scene.published('written')
    const before = await reads()
    for (let write = 1; write <= 100; write += 1) {
      manifest = await scene.retarget(manifest, { name: 'written-token', annotations: { write: String(write) } })
    }
    await scene.until('written-token', ({ metadata }) => metadata.annotations?.['write'] === '100', 10_000)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    // A changed spec is looked at once before it is published, and two that come together once for both.
    expect((await reads()) - before).toBeLessThanOrEqual(100)
  })

  test('two that put a target back in turns do so ever more seldom', async () => {
    await scene.published('fought')
    const { data } = await target('fought')
    let rounds = 0
    const end = Date.now() + 12_000
    while (Date.now() < end) {
      await scene.edit('fought-token', { data: { [key]: Buffer.from('theirs').toString('base64') } })
      const mended = await scene
        .until('fought-token', (secret) => secret.data?.[key] === data?.[key], Math.max(1, end - Date.now()))
        .catch(() => undefined)
      if (mended !== undefined) rounds += 1
    }
    expect(rounds).toBeGreaterThan(1)
    expect(rounds).toBeLessThanOrEqual(5)
  })

  test('a process that starts finds at once what happened while there was none', async () => {
    await scene.published('absent')
    await target('absent')
    await scene.operator.stop()
    await scene.kubectl('delete', 'secret', 'absent-token')
    await scene.operator.start()
    // The new process has no token at hand, so it gets one.
    await scene.until('absent-token', ({ data }) => data?.[key] !== undefined, 30_000)
  })

  test('makes no token visible, and asks for none', async () => {
    await expectNothingSecret(scene.bed)
    expect(scene.server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
  })
})
