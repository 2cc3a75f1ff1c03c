import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { operatorAccount, operatorNamespace } from './operator-bed.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import { namespace, type TargetObject, TargetScene } from './target-scene.ts'

// Where the chart does not let the operator list or watch Secrets, as by default: what somebody does to a target is
// found when it is looked at. That is every ten minutes unless it is said; here it is every ten seconds.

const within = 15_000
const key = 'access_token'

let scene: TargetScene

beforeAll(async () => {
  scene = await TargetScene.start(['--target-check-interval=10s'])
})
afterEach(() => scene?.bed.observeEverything())
afterAll(() => scene?.stop())

function target(name: string): Promise<TargetObject> {
  return scene.until(`${name}-token`, ({ data }) => data?.[key] !== undefined, 5000)
}

describe('without the right to watch', () => {
  test.each(['list', 'watch'])('the operator may not %s Secrets', async (verb) => {
    const account = `--as=system:serviceaccount:${operatorNamespace}:${operatorAccount}`
    const { stdout } = await scene.bed.cluster.kubectl(['auth', 'can-i', verb, 'secrets', '-n', namespace, account])
    expect(stdout.trim()).toBe('no')
  })

  test('a target that is deleted by hand is back with the same token', async () => {
    await scene.published('deleted')
    const before = await target('deleted')
    const { refreshes } = scene.server.statistics
    await scene.kubectl('delete', 'secret', 'deleted-token')
    const after = await scene.until('deleted-token', ({ metadata }) => metadata.uid !== before.metadata.uid, within)
    expect(after.data).toEqual(before.data)
    expect(scene.server.statistics.refreshes).toBe(refreshes)
  })

  test.each([
    ['changed', Buffer.from('edited').toString('base64')],
    ['removed', null],
  ])('a key that is %s by hand is put back, and what somebody added stays', async (name, value) => {
    await scene.published(name)
    const before = await target(name)
    const { refreshes } = scene.server.statistics
    await scene.edit(`${name}-token`, { data: { [key]: value, theirs: 'eA==' } })
    const after = await scene.until(`${name}-token`, ({ data }) => data?.[key] === before.data?.[key], within)
    expect(after.data?.['theirs']).toBe('x')
    expect(after.metadata.uid).toBe(before.metadata.uid)
    expect(scene.server.statistics.refreshes).toBe(refreshes)
  })

  test('a target that is left alone is looked at, and not written', async () => {
    await scene.published('quiet')
    const { metadata } = await target('quiet')
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    expect((await target('quiet')).metadata.resourceVersion).toBe(metadata.resourceVersion)
  })

  test('makes no token visible', async () => {
    await expectNothingSecret(scene.bed)
  })
})
