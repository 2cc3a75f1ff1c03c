import { beforeAll, describe, expect, test } from 'vitest'
import type { KubeClient, KubeOutcome } from '../../src/adapters/kubernetes/kube-client.ts'
import { metadataList, metadataOnly } from '../../src/adapters/kubernetes/metadata-only.ts'
import { credentialPath, secretPath } from '../../src/adapters/kubernetes/object-paths.ts'
import { type ApiHands, freshName } from '../support/api-hands.ts'
import { type Json, jsonAt } from '../support/fake-managed-fields.ts'

/**
 * What our objects rely on of the Kubernetes API. The real server and the fake are both held to it, so
 * that what is proven with the fake means something.
 */
export function kubeApiContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe(`${name} does what our objects rely on`, () => {
    const current: { hands?: ApiHands } = {}
    beforeAll(async () => {
      current.hands = await makeHands()
    })
    const hands = (): ApiHands => {
      if (current.hands === undefined) throw new Error('the API server was not started')
      return current.hands
    }
    preconditions(hands)
    ownership(hands)
    subresources(hands)
    lists(hands)
  })
}

function preconditions(hands: () => ApiHands): void {
  test('an apply at resource version 1 creates what is not there, and conflicts with what is', async () => {
    const name = freshName()
    const first = await apply(hands(), name, { metadata: { resourceVersion: '1' }, data: { a: 'YQ==' } })
    expect(first.ok).toBe(true)
    const second = await apply(hands(), name, { metadata: { resourceVersion: '1' }, data: { a: 'Yg==' } })
    expect(statusOf(second)).toBe(409)
    expect(await hands().data(name)).toEqual({ a: 'a' })
  })

  test('a patch that is only rehearsed meets the precondition and changes nothing', async () => {
    const name = freshName()
    const before = jsonAt(await hands().createSecret(name, { data: { a: 'a' } }), ['metadata'])
    const rehearse = (resourceVersion: unknown): Promise<KubeOutcome> =>
      hands().operator.request({
        method: 'PATCH',
        path: secretPath(hands().namespace, name),
        query: { dryRun: 'All' },
        contentType: 'application/merge-patch+json',
        body: { metadata: { resourceVersion }, data: { a: 'Yg==', b: 'Yg==' } },
      })
    expect(statusOf(await rehearse(before['resourceVersion']))).toBe(200)
    expect(await hands().secret(name)).toMatchObject({ metadata: { resourceVersion: before['resourceVersion'] } })
    expect(await hands().data(name)).toEqual({ a: 'a' })
    await hands().editData(name, { a: 'c' })
    expect(statusOf(await rehearse(before['resourceVersion']))).toBe(409)
  })

  test('keys of data come in their order, whenever they were added', async () => {
    const name = freshName()
    await hands().createSecret(name, { data: { b: 'b', a: 'a' } })
    await hands().editData(name, { c: 'c', _: '_' })
    expect(Object.keys(await hands().data(name))).toEqual(['_', 'a', 'b', 'c'])
  })

  test('an apply to a past version conflicts, although it is forced', async () => {
    const name = freshName()
    const before = jsonAt(await hands().createSecret(name, { data: { a: 'a' } }), ['metadata'])
    await hands().edit(name, { metadata: { labels: { touched: 'yes' } } })
    const { uid, resourceVersion } = before
    const outcome = await apply(hands(), name, { metadata: { uid, resourceVersion }, data: { a: 'Yg==' } })
    expect(statusOf(outcome)).toBe(409)
    expect(await hands().data(name)).toEqual({ a: 'a' })
  })

  test('an apply to a version of an object that is gone conflicts and creates nothing', async () => {
    const name = freshName()
    const { uid, resourceVersion } = jsonAt(await hands().createSecret(name, {}), ['metadata'])
    await hands().deleteSecret(name)
    const outcome = await apply(hands(), name, { metadata: { uid, resourceVersion }, data: { a: 'YQ==' } })
    expect(statusOf(outcome)).toBe(409)
    expect(await hands().secretExists(name)).toBe(false)
  })

  test('an apply to a version of an object that was made anew conflicts', async () => {
    const name = freshName()
    const { uid, resourceVersion } = jsonAt(await hands().createSecret(name, {}), ['metadata'])
    await hands().deleteSecret(name)
    await hands().createSecret(name, { data: { theirs: 'kept' } })
    const outcome = await apply(hands(), name, { metadata: { uid, resourceVersion }, data: { a: 'YQ==' } })
    expect(statusOf(outcome)).toBe(409)
    expect(await hands().data(name)).toEqual({ theirs: 'kept' })
  })

  test('a merge patch of a past version conflicts', async () => {
    const name = freshName()
    const { resourceVersion } = jsonAt(await hands().createSecret(name, { data: { a: 'a' } }), ['metadata'])
    await hands().editData(name, { a: 'b' })
    const outcome = await hands().client.request({
      method: 'PATCH',
      path: secretPath(hands().namespace, name),
      contentType: 'application/merge-patch+json',
      body: { metadata: { resourceVersion }, data: { a: 'Yw==' } },
    })
    expect(statusOf(outcome)).toBe(409)
    expect(await hands().data(name)).toEqual({ a: 'b' })
  })

  test('a delete of a past version, or of another object, conflicts', async () => {
    const name = freshName()
    const { uid, resourceVersion } = jsonAt(await hands().createSecret(name, { data: { a: 'a' } }), ['metadata'])
    await hands().editData(name, { a: 'b' })
    const path = secretPath(hands().namespace, name)
    const current = (await hands().metadata(name))['resourceVersion']
    const conditions = [
      { uid, resourceVersion },
      { uid: crypto.randomUUID(), resourceVersion: current },
    ]
    for (const preconditions of conditions) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions }
      expect(statusOf(await hands().client.request({ method: 'DELETE', path, body }))).toBe(409)
    }
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion: current } }
    expect((await hands().client.request({ method: 'DELETE', path, body })).ok).toBe(true)
    expect(await hands().secretExists(name)).toBe(false)
  })

  test('an apply that changes nothing makes no version', async () => {
    const name = freshName()
    const first = await apply(hands(), name, { data: { a: 'YQ==' } })
    const second = await apply(hands(), name, { data: { a: 'YQ==' } })
    expect(versionOf(second)).toBe(versionOf(first))
  })

  test('neither the type nor the data of an immutable Secret changes', async () => {
    const name = freshName()
    await hands().createSecret(name, { data: { a: 'a' }, immutable: true })
    expect(statusOf(await apply(hands(), name, { data: { a: 'Yg==' } }))).toBe(422)
    expect(statusOf(await apply(hands(), name, { type: 'example.com/other' }))).toBe(422)
  })
}

function ownership(hands: () => ApiHands): void {
  test('a key that a manager leaves out vanishes, and the keys of others stay', async () => {
    const name = freshName()
    await hands().createSecret(name, { data: { theirs: 'kept' } })
    await apply(hands(), name, { data: { a: 'YQ==', b: 'Yg==' } })
    await apply(hands(), name, { data: { a: 'YQ==' } }, 'another')
    await apply(hands(), name, { data: { b: 'Yg==' } })
    expect(Object.keys(await hands().data(name)).toSorted()).toEqual(['a', 'b', 'theirs'])
    await apply(hands(), name, {}, 'another')
    expect(Object.keys(await hands().data(name)).toSorted()).toEqual(['b', 'theirs'])
  })

  test('who changes a key takes it away from its manager, and who adds one does not', async () => {
    const name = freshName()
    await apply(hands(), name, { data: { a: 'YQ==', b: 'Yg==', 'c.json': 'Yw==' } })
    expect(await appliedData(hands(), name)).toEqual(['f:a', 'f:b', 'f:c.json'])
    await hands().editData(name, { d: 'added' })
    expect(await appliedData(hands(), name)).toEqual(['f:a', 'f:b', 'f:c.json'])
    await hands().editData(name, { a: 'changed', b: null })
    expect(await appliedData(hands(), name)).toEqual(['f:c.json'])
  })

  test('an empty apply lets labels, annotations and the owner reference go', async () => {
    const name = freshName()
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '00000000-0000-4000-8000-000000000001' }
    const metadata = { labels: { ours: 'x' }, annotations: { ours: 'x' }, ownerReferences: [owner] }
    await hands().createSecret(name, { labels: { theirs: 'x' } })
    await apply(hands(), name, { metadata })
    expect(await hands().metadata(name)).toMatchObject({ labels: { ours: 'x', theirs: 'x' }, ownerReferences: [owner] })
    await apply(hands(), name, {})
    const after = await hands().metadata(name)
    expect(after['labels']).toEqual({ theirs: 'x' })
    expect(after['annotations'] ?? {}).toEqual({})
    expect(after['ownerReferences'] ?? []).toEqual([])
  })

  test('a Secret without data has no member for it', async () => {
    const name = freshName()
    await hands().createSecret(name, { data: { a: 'a' } })
    await hands().editData(name, { a: null })
    expect(Object.keys(await hands().secret(name))).not.toContain('data')
  })

  test('an answer with metadata alone holds no data', async () => {
    const name = freshName()
    const outcome = await apply(hands(), name, { data: { a: 'YQ==' } })
    const body = outcome.ok ? (outcome.body as Json) : {}
    expect(body['data']).toBeUndefined()
    expect(jsonAt(body, ['metadata'])).toMatchObject({ name, uid: (await hands().metadata(name))['uid'] })
  })
}

function subresources(hands: () => ApiHands): void {
  test('a JSON patch of the status tests the uid', async () => {
    const name = freshName('credential')
    const uid = await hands().createCredential(name)
    expect(statusOf(await patchStatus(hands(), name, uid, 3))).toBe(200)
    expect(jsonAt(await hands().credential(name), ['status'])['observedGeneration']).toBe(3)
    const other = await patchStatus(hands(), name, '00000000-0000-4000-8000-000000000002', 4)
    expect(statusOf(other)).toBe(422)
    expect(jsonAt(await hands().credential(name), ['status'])['observedGeneration']).toBe(3)
  })

  test('an apply of the status does not look at the uid, which is why it is not used', async () => {
    const name = freshName('credential')
    await hands().createCredential(name)
    const path = `${credentialPath({ namespace: hands().namespace, name })}/status`
    const { apiVersion, kind } = await hands().credential(name)
    const outcome = await hands().client.request({
      method: 'PATCH',
      path,
      query: { fieldManager: 'contract', force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: {
        apiVersion,
        kind,
        metadata: { name, uid: '00000000-0000-4000-8000-000000000003' },
        status: { observedGeneration: 5 },
      },
    })
    expect(statusOf(outcome)).toBe(200)
    expect(jsonAt(await hands().credential(name), ['status'])['observedGeneration']).toBe(5)
  })

  test('a status of what is not there is a 404', async () => {
    expect(statusOf(await patchStatus(hands(), freshName('credential'), 'any', 1))).toBe(404)
  })

  test('an object with a finalizer stays until that is taken off', async () => {
    const name = freshName('credential')
    await hands().createCredential(name, ['example.com/hold'])
    await hands().deleteCredential(name)
    expect(jsonAt(await hands().credential(name), ['metadata'])['deletionTimestamp']).toBeTypeOf('string')
    await hands().editCredential(name, { metadata: { finalizers: [] } })
    const path = credentialPath({ namespace: hands().namespace, name })
    expect(statusOf(await hands().client.request({ method: 'GET', path }))).toBe(404)
  })
}

function lists(hands: () => ApiHands): void {
  test('a list by label has what has the label, as metadata alone', async () => {
    const [one, other, none] = [freshName(), freshName(), freshName()]
    const label = `example.com/${freshName('listed')}`
    await hands().createSecret(one, { data: { a: 'a' }, labels: { [label]: 'x' }, annotations: { note: 'one' } })
    await hands().createSecret(other, { data: { a: 'a' }, labels: { [label]: 'y' }, type: 'example.com/typed' })
    await hands().createSecret(none, { data: { a: 'a' }, labels: { other: 'x' } })
    const items = itemsOf(await list(hands(), label)) ?? []
    const named = new Set(items.map((item) => jsonAt(item, ['metadata'])['name']))
    expect(named).toEqual(new Set([one, other]))
    expect(items.find((item) => jsonAt(item, ['metadata'])['name'] === one)).toMatchObject({
      metadata: { annotations: { note: 'one' }, labels: { [label]: 'x' } },
    })
    for (const item of items) expect([item['data'], item['type']]).toEqual([undefined, undefined])
    await hands().deleteSecret(one)
    expect(itemsOf(await list(hands(), label))).toHaveLength(1)
  })

  test('a list of the metadata of what is not there has no items, instead of an empty list, and a version', async () => {
    const outcome = await list(hands(), `example.com/${freshName('listed')}`)
    expect(itemsOf(outcome)).toBeNull()
    expect(versionOf(outcome)).toMatch(/./)
  })
}

function list(hands: ApiHands, labelSelector: string): ReturnType<KubeClient['request']> {
  const path = `/api/v1/namespaces/${hands.namespace}/secrets`
  return hands.client.request({ method: 'GET', path, query: { labelSelector, limit: '500' }, accept: metadataList })
}

function itemsOf(outcome: KubeOutcome): readonly Json[] | null {
  return outcome.ok ? (outcome.body as { readonly items: readonly Json[] | null }).items : []
}

function apply(hands: ApiHands, name: string, fields: Json, manager = 'contract'): ReturnType<KubeClient['request']> {
  const metadata = { ...jsonAt(fields, ['metadata']), name, namespace: hands.namespace }
  return hands.client.request({
    method: 'PATCH',
    path: secretPath(hands.namespace, name),
    query: { fieldManager: manager, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    accept: metadataOnly,
    body: { ...fields, apiVersion: 'v1', kind: 'Secret', metadata },
  })
}

function patchStatus(
  hands: ApiHands,
  name: string,
  uid: string,
  generation: number,
): ReturnType<KubeClient['request']> {
  return hands.client.request({
    method: 'PATCH',
    path: `${credentialPath({ namespace: hands.namespace, name })}/status`,
    contentType: 'application/json-patch+json',
    body: [
      { op: 'test', path: '/metadata/uid', value: uid },
      { op: 'add', path: '/status', value: { observedGeneration: generation } },
    ],
  })
}

/** The data keys that the manager `contract` applied, as the API server files them. */
async function appliedData(hands: ApiHands, name: string): Promise<readonly string[]> {
  const { managedFields } = await hands.metadata(name)
  const entries = managedFields as { manager: string; operation: string; fieldsV1: Json }[]
  const ours = entries.find(({ manager, operation }) => manager === 'contract' && operation === 'Apply')
  return Object.keys(jsonAt(ours?.fieldsV1 ?? {}, ['f:data']))
    .filter((key) => key !== '.')
    .toSorted()
}

function statusOf(outcome: KubeOutcome): number | undefined {
  return outcome.ok ? outcome.status : outcome.error.status
}

function versionOf(outcome: KubeOutcome): unknown {
  return outcome.ok ? jsonAt(outcome.body as Json, ['metadata'])['resourceVersion'] : outcome.error
}
