import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { requestAnnotations, targetLabels } from '../../src/domain/names.ts'
import type { Manifest } from '../support/manifests.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import { namespace, type TargetObject, TargetScene } from './target-scene.ts'

// Whose a target is, from the first publication to the end of its credential, with the operator as it is deployed.

const key = 'access_token'
const manager = 'oauth-credential-operator'
const adopt = { [requestAnnotations.adopt]: 'true' }

let scene: TargetScene

beforeAll(async () => {
  scene = await TargetScene.start()
})
afterEach(() => scene?.bed.observeEverything())
afterAll(() => scene?.stop())

interface Seed {
  readonly data?: Readonly<Record<string, string>>
  readonly type?: string
  readonly immutable?: boolean
  readonly annotations?: Readonly<Record<string, string>>
}

/** A Secret of somebody else. */
async function seed(name: string, { data = {}, annotations = {}, ...rest }: Seed): Promise<TargetObject> {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, annotations }, stringData: data }
  const path = `/api/v1/namespaces/${namespace}/secrets`
  const { status, text } = await scene.bed.cluster.request('POST', path, { ...secret, ...rest })
  expect(status, text).toBe(201)
  return scene.until(name, () => true, 1000)
}

/** Runs `act`, and expects that no refresh token was sent meanwhile. */
async function withoutRefresh(act: () => Promise<void>): Promise<void> {
  const { refreshes, refusals } = scene.server.statistics
  await act()
  expect(scene.server.statistics).toMatchObject({ refreshes, refusals })
}

function managersOf({ metadata }: TargetObject): readonly string[] {
  return (metadata.managedFields ?? []).filter(({ operation }) => operation === 'Apply').map((entry) => entry.manager)
}

interface Policy {
  readonly creationPolicy: 'Owner' | 'Merge' | 'Orphan'
  readonly deletionPolicy: 'Delete' | 'Retain'
}

const policies = (['Owner', 'Orphan', 'Merge'] as const).flatMap((creationPolicy) =>
  (['Delete', 'Retain'] as const).map((deletionPolicy): Policy => ({ creationPolicy, deletionPolicy })),
)

describe.each(policies)('under $creationPolicy and $deletionPolicy', (policy) => {
  const { creationPolicy, deletionPolicy } = policy
  const name = `${creationPolicy}-${deletionPolicy}`.toLowerCase()
  const target = { name: `${name}-token`, ...policy }
  const merges = creationPolicy === 'Merge'
  const vanishes = deletionPolicy === 'Delete'
  let manifest: Manifest
  let uid: string

  test('the Secret is made, and says whose it is', async () => {
    if (merges) await seed(target.name, { data: { theirs: 'kept' } })
    manifest = await scene.published(name, target)
    uid = (await scene.bed.credential(namespace, name)).metadata.uid
    const secret = await scene.until(target.name, ({ data }) => data?.[key] !== undefined, 5000)
    expect(managersOf(secret)).toEqual([merges ? `${manager}-${uid}` : manager])
    const labels = { [targetLabels.managedBy]: manager, [targetLabels.credentialUid]: uid }
    expect(secret.metadata.labels).toEqual(merges ? undefined : labels)
    const owners = secret.metadata.ownerReferences?.map((owner) => owner.uid) ?? []
    expect(owners).toEqual(vanishes && creationPolicy === 'Owner' ? [uid] : [])
    expect(secret.data?.['theirs']).toBe(merges ? 'kept' : undefined)
  })

  test('another output is published from the token at hand, and one that is gone vanishes', async () => {
    await withoutRefresh(async () => {
      await scene.retarget(manifest, { ...target, outputs: [{ format: 'raw', key: 'renamed' }] })
      const wanted = merges ? ['renamed', 'theirs'] : ['renamed']
      await scene.until(target.name, ({ data = {} }) => Object.keys(data).toSorted().join() === wanted.join(), 10_000)
    })
  })

  test('what is to stay stays when the credential is deleted, and nothing else', async () => {
    await scene.remove(name)
    const left = await scene.until(target.name, () => true, 1000)
    // There is no garbage collector here: what it would delete is what has the reference of the credential.
    const owners = left.metadata.ownerReferences ?? []
    expect(owners.some((owner) => owner.uid === uid)).toBe(vanishes && creationPolicy === 'Owner')
    const keys = Object.keys(left.data ?? {}).toSorted()
    expect(keys).toEqual([...(merges && vanishes ? [] : ['renamed']), ...(merges ? ['theirs'] : [])])
    expect(managersOf(left)).toEqual(merges && vanishes ? [] : [merges ? `${manager}-${uid}` : manager])
  })
})

describe('a Secret of somebody else', () => {
  test('is not touched, no refresh token is spent, and one warning says what helps; then it is adopted', async () => {
    const before = await seed('foreign-token', { data: { [key]: 'theirs', other: 'kept' } })
    await withoutRefresh(async () => {
      await scene.bed.apply(await scene.credential('foreign'))
      const { message } = await scene.stalled('foreign', 'TargetNotOwned')
      expect(message).toContain('foreign-token')
      expect(message).toContain('oauth-operator.dev/adopt')
      await new Promise((resolve) => setTimeout(resolve, 20_000))
      expect(await scene.warnings('foreign')).toHaveLength(1)
    })
    expect(await scene.secret('foreign-token')).toEqual(before)
    await scene.kubectl('annotate', 'secret', 'foreign-token', 'oauth-operator.dev/adopt=true')
    await scene.bed.condition(namespace, 'foreign', 'Ready', 60_000)
    const adopted = await scene.until('foreign-token', ({ data }) => data?.[key] !== 'theirs', 5000)
    expect(adopted.data?.['other']).toBe('kept')
    expect(adopted.metadata.uid).toBe(before.metadata.uid)
    expect(adopted.metadata.ownerReferences?.map(({ name }) => name)).toEqual(['foreign'])
  })

  const special: Readonly<Record<string, Seed>> = {
    'kubernetes.io/service-account-token': { annotations: { 'kubernetes.io/service-account.name': 'default' } },
    'kubernetes.io/tls': { data: { 'tls.crt': '', 'tls.key': '' } },
    'kubernetes.io/dockerconfigjson': { data: { '.dockerconfigjson': '{}' } },
    'bootstrap.kubernetes.io/token': { data: { 'token-id': 'abcdef' } },
    'helm.sh/release.v1': { data: { release: 'x' } },
  }
  test.each(Object.entries(special))('of the type %s is refused, also where it may be adopted', async (type, what) => {
    const name = `type-${Object.keys(special).indexOf(type)}`
    const annotations = { ...what.annotations, ...adopt }
    const before = await seed(`${name}-token`, { ...what, type, annotations })
    await withoutRefresh(async () => {
      await scene.bed.apply(
        await scene.credential(name),
        await scene.credential(`${name}-merge`, { name: `${name}-token`, creationPolicy: 'Merge' }),
      )
      for (const each of [name, `${name}-merge`]) {
        const { message } = await scene.stalled(each, 'TargetRejected')
        expect(message).toContain(`is of the type ${type}, which cannot be changed`)
        expect(message).toContain('choose another spec.target.name')
      }
    })
    expect(await scene.secret(`${name}-token`)).toEqual(before)
  })

  test('that is immutable is refused under Merge, and nothing is sent', async () => {
    const before = await seed('fixed-token', { data: { theirs: 'kept' }, immutable: true })
    await withoutRefresh(async () => {
      await scene.bed.apply(await scene.credential('fixed', { creationPolicy: 'Merge' }))
      const { message } = await scene.stalled('fixed', 'TargetRejected')
      expect(message).toContain(`Secret ${namespace}/fixed-token is immutable`)
      expect(message).toContain('delete it')
    })
    expect(await scene.secret('fixed-token')).toEqual(before)
  })
})

describe('a target that changes', () => {
  test('its name: the token is in the new one before the former one goes', async () => {
    const manifest = await scene.published('renamed')
    await withoutRefresh(async () => {
      await scene.retarget(manifest, { name: 'renamed-again' })
      await scene.until('renamed-again', ({ data }) => data?.[key] !== undefined, 10_000)
      await vi.waitFor(async () => expect(await scene.secret('renamed-token')).toBeUndefined(), { timeout: 10_000 })
    })
  })

  test('its type: an image pull secret is made in its place', async () => {
    const manifest = await scene.published('typed')
    const outputs = [{ format: 'docker-config', host: 'registry.example.com', username: 'ci' }]
    await withoutRefresh(async () => {
      const type = 'kubernetes.io/dockerconfigjson'
      await scene.retarget(manifest, { name: 'typed-token', type, outputs })
      const secret = await scene.until('typed-token', (found) => found.type === type, 10_000)
      expect(Object.keys(JSON.parse(secret.data?.['.dockerconfigjson'] ?? '') as object)).toEqual(['auths'])
    })
  })

  test('ours, made immutable: it is told with what helps, spends nothing however often it is tried, and goes on', async () => {
    await scene.published('frozen')
    await scene.edit('frozen-token', { immutable: true })
    await withoutRefresh(async () => {
      await scene.bed.requestRefresh(namespace, 'frozen')
      const { message } = await scene.stalled('frozen', 'TargetRejected')
      expect(message).toContain(`Secret ${namespace}/frozen-token`)
      expect(message).toContain('is immutable, so no fresh token can ever be put into it: delete it')
      await new Promise((resolve) => setTimeout(resolve, 35_000))
      expect(await scene.warnings('frozen')).toHaveLength(1)
    })
    await scene.kubectl('delete', 'secret', 'frozen-token')
    await scene.until('frozen-token', ({ data }) => data?.[key] !== undefined, 90_000)
    await vi.waitFor(async () => {
      const { status } = await scene.bed.credential(namespace, 'frozen')
      expect(status?.conditions?.map(({ type }) => type)).toEqual(['Ready', 'RefreshTokenPersisted'])
    })
  })
})

test('of two credentials with one target the younger one is told who is first, and takes over', async () => {
  const target = { name: 'shared-token' }
  await scene.published('first', target)
  await withoutRefresh(async () => {
    await scene.bed.apply(await scene.credential('second', target))
    const first = `OAuthCredential ${namespace}/first`
    const { message } = await scene.stalled('second', 'TargetNotOwned')
    expect(message).toContain(first)
    expect(message).not.toContain('oauth-operator.dev/adopt')
    const { status } = await scene.bed.credential(namespace, 'second')
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')
    expect(ready).toMatchObject({ status: 'False', reason: 'TargetNotOwned' })
    expect(ready?.message).toContain(first)
    await vi.waitFor(async () => expect(await scene.warnings('second')).toEqual([expect.stringContaining(first)]))
  })
  const { metadata } = await scene.until(target.name, () => true, 1000)
  await scene.remove('first')
  // As the garbage collector does.
  await scene.kubectl('delete', 'secret', target.name)
  const next = await scene.until(target.name, ({ data }) => data?.[key] !== undefined, 60_000)
  expect(next.metadata.uid).not.toBe(metadata.uid)
  expect(next.metadata.ownerReferences?.map(({ name }) => name)).toEqual(['second'])
})

test('makes no token visible', async () => {
  await expectNothingSecret(scene.bed)
  expect(scene.server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
})
