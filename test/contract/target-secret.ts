import { beforeAll, describe, expect, test } from 'vitest'
import { groupVersion, requestAnnotations, targetAnnotations, targetLabels } from '../../src/domain/names.ts'
import type { TargetIdentity } from '../../src/ports/access-token-sink.ts'
import type { ApiHands, SecretSeed } from '../support/api-hands.ts'
import { canary } from '../support/canary.ts'
import type { Json } from '../support/fake-managed-fields.ts'
import { codeOf, expiresAt, issuedAt, messageOf, TargetBench } from '../support/target-bench.ts'

const adopt = { [requestAnnotations.adopt]: 'true' }

type MakeBench = (identity?: Partial<TargetIdentity>) => TargetBench

/** What target Secrets keep to, against the real API server and the fake. */
export function targetSecretContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe(`target Secrets in ${name}`, () => {
    const current: { hands?: ApiHands } = {}
    beforeAll(async () => {
      current.hands = await makeHands()
    })
    const bench: MakeBench = (identity) => {
      if (current.hands === undefined) throw new Error('the API server was not started')
      return new TargetBench(current.hands, identity)
    }
    publishing(bench)
    marking(bench)
    racing(bench)
    ownership(bench)
    adoption(bench)
    drift(bench)
    lostMarks(bench)
  })
}

function publishing(bench: MakeBench): void {
  test('the first publication creates an Opaque Secret that the credential owns', async () => {
    const b = bench()
    const token = canary('at')
    expect(await b.observed()).toEqual({ kind: 'absent' })
    await b.published({ access_token: token, 'auth.json': `{"t":"${token}","name":"Grüße"}\n` })
    const secret = await b.hands.secret(b.name)
    expect(secret).toMatchObject({
      type: 'Opaque',
      metadata: {
        labels: {
          'app.kubernetes.io/managed-by': 'oauth-credential-operator',
          'oauth-operator.dev/credential-uid': b.identity.credentialUid,
        },
        annotations: {
          'oauth-operator.dev/credential': `${b.hands.namespace}/claude`,
          'oauth-operator.dev/issued-at': '2026-11-20T12:00:00Z',
          'oauth-operator.dev/expires-at': '2026-11-20T13:00:00Z',
          'oauth-operator.dev/outputs-digest': 'digest of access_token,auth.json',
        },
        ownerReferences: [
          {
            apiVersion: 'oauth-operator.dev/v1alpha1',
            kind: 'OAuthCredential',
            name: 'claude',
            uid: b.identity.credentialUid,
            controller: true,
          },
        ],
      },
    })
    expect(await b.hands.data(b.name)).toEqual({
      access_token: token,
      'auth.json': `{"t":"${token}","name":"Grüße"}\n`,
    })
    expect(await b.observed(['access_token', 'auth.json'])).toEqual({
      kind: 'ours',
      digest: 'digest of access_token,auth.json',
      issuedAt,
      expiresAt,
      intact: true,
    })
  })

  test('a refresh is one write and no read', async () => {
    const b = bench()
    await b.observe()
    await b.published()
    b.client.methods.splice(0)
    const token = canary('at')
    await b.published({ access_token: token })
    expect(b.client.methods).toEqual(['PATCH'])
    expect(await b.hands.data(b.name)).toEqual({ access_token: token })
  })

  test('publishing the same thing twice is the same as once', async () => {
    const b = bench()
    const token = canary('at')
    await b.published({ access_token: token })
    expect(b.change).toBe('changed')
    const { resourceVersion } = await b.hands.metadata(b.name)
    await b.published({ access_token: token })
    expect(b.change).toBe('unchanged')
    b.restart()
    await b.published({ access_token: token })
    expect(b.change).toBe('unchanged')
    expect((await b.hands.metadata(b.name))['resourceVersion']).toBe(resourceVersion)
  })

  test('a key that is no longer published vanishes, the first publication included', async () => {
    const b = bench()
    const [token, header] = [canary('at'), canary('at')]
    await b.published({ access_token: token, header })
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token })
  })

  test('a Secret that was deleted is made again', async () => {
    const b = bench()
    await b.published()
    await b.hands.deleteSecret(b.name)
    expect(await b.observed()).toEqual({ kind: 'absent' })
    await b.published()
    await b.hands.deleteSecret(b.name)
    const token = canary('at')
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token })
  })

  test('labels, annotations and keys that others put on the target stay', async () => {
    const b = bench()
    await b.published()
    await b.hands.edit(b.name, { metadata: { labels: { team: 'ci' }, annotations: { 'example.com/note': 'x' } } })
    await b.hands.editData(b.name, { theirs: 'kept' })
    const token = canary('at')
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token, theirs: 'kept' })
    expect(await b.hands.metadata(b.name)).toMatchObject({
      labels: { team: 'ci' },
      annotations: { 'example.com/note': 'x' },
    })
  })
}

function marking(bench: MakeBench): void {
  test('labels and annotations of the spec are put on the target, beside those of others, and vanish with the spec', async () => {
    const b = bench()
    await b.published({ a: 'x' }, { labels: { team: 'ci', tier: 'x' }, annotations: { 'example.com/note': 'y' } })
    await b.hands.edit(b.name, { metadata: { labels: { theirs: 'kept' }, annotations: { theirs: 'kept' } } })
    const { labels: before } = await b.hands.metadata(b.name)
    expect(before).toMatchObject({ team: 'ci', tier: 'x', theirs: 'kept' })
    await b.published({ a: 'x' }, { labels: { team: 'cd' } })
    const { labels, annotations } = await b.hands.metadata(b.name)
    expect(labels).toEqual({
      team: 'cd',
      theirs: 'kept',
      [targetLabels.managedBy]: 'oauth-credential-operator',
      [targetLabels.credentialUid]: b.identity.credentialUid,
    })
    expect(annotations).toMatchObject({ theirs: 'kept' })
    expect(annotations).not.toHaveProperty(['example.com/note'])
    expect(await b.observed(['a'])).toMatchObject({ kind: 'ours', intact: true })
  })

  test('none of them takes the place of what says whose the target is', async () => {
    const b = bench()
    const labels = { [targetLabels.credentialUid]: 'other', [targetLabels.managedBy]: 'other' }
    await b.published({ a: 'x' }, { labels, annotations: { [targetAnnotations.credential]: 'ci/other' } })
    expect(await b.observed(['a'])).toMatchObject({ kind: 'ours', intact: true })
    expect((await b.hands.metadata(b.name))['annotations']).toMatchObject({
      [targetAnnotations.credential]: `${b.hands.namespace}/claude`,
    })
  })
}

function racing(bench: MakeBench): void {
  test('a Secret that somebody made after the target was seen absent is not touched', async () => {
    const b = bench()
    expect(await b.observed()).toEqual({ kind: 'absent' })
    await b.hands.createSecret(b.name, { data: { access_token: 'theirs' } })
    expect(codeOf(await b.publish())).toBe('TARGET_NOT_OWNED')
    expect(await b.hands.data(b.name)).toEqual({ access_token: 'theirs' })
  })

  test('a Secret that somebody made at the moment of the first write is not touched', async () => {
    const b = bench()
    b.client.beforeNextWrite = async () => {
      await b.hands.createSecret(b.name, { data: { theirs: 'kept' } })
    }
    expect(codeOf(await b.publish())).toBe('TARGET_NOT_OWNED')
    expect(await b.hands.data(b.name)).toEqual({ theirs: 'kept' })
  })

  test('a Secret that somebody made in place of ours is not touched', async () => {
    const b = bench()
    await b.published()
    b.client.beforeNextWrite = async () => {
      await b.hands.deleteSecret(b.name)
      await b.hands.createSecret(b.name, { data: { theirs: 'kept' } })
    }
    expect(codeOf(await b.publish())).toBe('TARGET_NOT_OWNED')
    expect(await b.hands.data(b.name)).toEqual({ theirs: 'kept' })
  })

  test('a Secret from which our label was taken is let go at once', async () => {
    const b = bench()
    await b.published()
    await b.hands.edit(b.name, { metadata: { labels: { [targetLabels.managedBy]: 'somebody' } } })
    await b.hands.editData(b.name, { access_token: 'theirs' })
    const result = await b.publish()
    expect(codeOf(result)).toBe('TARGET_NOT_OWNED')
    expect(await b.hands.data(b.name)).toEqual({ access_token: 'theirs' })
  })

  test('an adoption that is taken back at the moment of the write does not happen', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, { data: { access_token: 'theirs' }, annotations: adopt })
    expect(await b.observed()).toEqual({ kind: 'adoptable' })
    b.client.beforeNextWrite = async () => {
      await b.hands.edit(b.name, { metadata: { annotations: { [requestAnnotations.adopt]: null } } })
    }
    expect(codeOf(await b.publish())).toBe('TARGET_NOT_OWNED')
    expect(await b.hands.data(b.name)).toEqual({ access_token: 'theirs' })
  })

  test('two processes that publish at once leave one whole publication', async () => {
    const b = bench()
    const other = b.as({})
    const [one, two] = [canary('at'), canary('at')]
    await Promise.all([b.published({ a: one, b: one }), other.published({ a: two, b: two })])
    const { a, b: second } = await b.hands.data(b.name)
    expect([one, two]).toContain(a)
    expect(second).toBe(a)
  })
}

function ownership(bench: MakeBench): void {
  test.each([
    ['Orphan', 'Delete'],
    ['Orphan', 'Retain'],
    ['Owner', 'Retain'],
  ] as const)('under %s and %s the Secret stays when the credential goes', async (creationPolicy, deletionPolicy) => {
    const b = bench({ creationPolicy, deletionPolicy })
    await b.published()
    expect((await b.hands.metadata(b.name))['ownerReferences'] ?? []).toEqual([])
    expect(await b.observed()).toMatchObject({ kind: 'ours', intact: true })
    expect(b.sink.needsCleanup(b.identity)).toBe(false)
    expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
    expect(await b.hands.secretExists(b.name)).toBe(true)
  })

  test('the owner reference goes when the policy says Retain', async () => {
    const b = bench()
    await b.published()
    const retained = b.as({ deletionPolicy: 'Retain' })
    await retained.published()
    expect((await b.hands.metadata(b.name))['ownerReferences'] ?? []).toEqual([])
  })

  const foreign: Record<string, [seed: SecretSeed, owner: string]> = {
    somebody: [{}, 'somebody else'],
    'another operator': [{ labels: { [targetLabels.managedBy]: 'Helm' } }, 'Helm'],
    'a controller': [
      {
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'first', uid: '1', controller: false },
          { apiVersion: 'example.com/v1', kind: 'Database', name: 'main', uid: '2', controller: true },
        ],
      },
      'Database main',
    ],
    'the operator itself': [
      { labels: { [targetLabels.managedBy]: 'oauth-credential-operator' } },
      'the operator itself',
    ],
    'another credential, although it may be adopted': [
      {
        labels: { [targetLabels.managedBy]: 'oauth-credential-operator', [targetLabels.credentialUid]: 'other' },
        annotations: { [targetAnnotations.credential]: 'ci/other', ...adopt },
      },
      'OAuthCredential ci/other',
    ],
    'a credential whose name is not told, because it is none': [
      {
        labels: { [targetLabels.managedBy]: 'oauth-credential-operator', [targetLabels.credentialUid]: 'other' },
        annotations: { [targetAnnotations.credential]: 'a b\nc' },
      },
      'another OAuthCredential',
    ],
  }
  test.each(Object.entries(foreign))('a Secret of %s is not touched', async (_who, [seed, owner]) => {
    const b = bench()
    await b.hands.createSecret(b.name, { ...seed, data: { access_token: 'theirs' } })
    expect(await b.observed()).toMatchObject({ kind: 'foreign', owner })
    const result = await b.publish()
    expect(codeOf(result)).toBe('TARGET_NOT_OWNED')
    expect(messageOf(result)).toContain(`Secret ${b.hands.namespace}/${b.name} exists and belongs to ${owner}.`)
    expect(messageOf(result).includes('oauth-operator.dev/adopt')).toBe(!owner.includes('OAuthCredential'))
    expect(await b.hands.data(b.name)).toEqual({ access_token: 'theirs' })
  })

  test('a Secret on its way out is waited for', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, { finalizers: ['example.com/hold'] })
    await b.hands.deleteSecret(b.name)
    expect(await b.observed()).toBe('TARGET_UNAVAILABLE')
    expect(codeOf(await b.publish())).toBe('TARGET_UNAVAILABLE')
    await b.hands.edit(b.name, { metadata: { finalizers: [] } })
    await b.published()
  })

  test('what an earlier credential of the same name owned is waited for, until the garbage collector was there', async () => {
    const b = bench()
    await b.published()
    const next = b.as({ credentialUid: crypto.randomUUID() })
    expect(await next.observed()).toBe('TARGET_UNAVAILABLE')
    expect(codeOf(await next.publish())).toBe('TARGET_UNAVAILABLE')
    await b.hands.deleteSecret(b.name)
    await next.published()
  })
}

function adoption(bench: MakeBench): void {
  test('a Secret that may be adopted becomes ours, and keeps its other keys', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, { data: { access_token: 'theirs', other: 'kept' }, annotations: adopt })
    expect(await b.observed()).toEqual({ kind: 'adoptable' })
    const token = canary('at')
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token, other: 'kept' })
    expect(await b.observed()).toMatchObject({ kind: 'ours', intact: true })
  })

  test('what a backup restored with another uid is foreign, and ours once it may be adopted', async () => {
    const b = bench({ deletionPolicy: 'Retain' })
    await b.published()
    const restored = b.as({ credentialUid: crypto.randomUUID() })
    expect(await restored.observed()).toEqual({
      kind: 'foreign',
      owner: `an earlier OAuthCredential ${b.hands.namespace}/claude, which had another uid`,
    })
    await b.hands.edit(b.name, { metadata: { annotations: adopt } })
    expect(await restored.observed()).toEqual({ kind: 'adoptable' })
    await restored.published()
    expect(await restored.observed()).toMatchObject({ kind: 'ours', intact: true })
  })

  const unfit: Record<string, [seed: SecretSeed, words: string]> = {
    'of another type': [{ type: 'kubernetes.io/basic-auth', data: { username: 'x' } }, 'kubernetes.io/basic-auth'],
    immutable: [{ immutable: true }, 'immutable'],
  }
  test.each(Object.entries(unfit))('a Secret that is %s is not adopted', async (_what, [seed, words]) => {
    const b = bench()
    await b.hands.createSecret(b.name, { ...seed, annotations: adopt })
    expect(await b.observed()).toBe('TARGET_REJECTED')
    const result = await b.publish()
    expect(codeOf(result)).toBe('TARGET_REJECTED')
    expect(messageOf(result)).toContain(words)
  })

  test('ours, made immutable, is told as such', async () => {
    const b = bench()
    await b.published()
    await b.hands.edit(b.name, { immutable: true })
    const result = await b.publish()
    expect(codeOf(result)).toBe('TARGET_REJECTED')
    expect(messageOf(result)).toContain(`Secret ${b.hands.namespace}/${b.name} is immutable`)
  })
}

function drift(bench: MakeBench): void {
  const changes: Record<string, Readonly<Record<string, string | null>>> = {
    'was changed': { access_token: 'changed' },
    'is gone': { access_token: null },
  }
  test.each(Object.entries(changes))('it is told that a key %s, and mended', async (_what, change) => {
    const b = bench()
    const token = canary('at')
    await b.published({ access_token: token, header: token })
    await b.hands.editData(b.name, change)
    expect(await b.observed(['access_token', 'header'])).toMatchObject({ kind: 'ours', intact: false })
    await b.published({ access_token: token, header: token })
    expect(await b.observed(['access_token', 'header'])).toMatchObject({ kind: 'ours', intact: true })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token, header: token })
  })

  test('annotations that were removed or made nonsense are not told', async () => {
    const b = bench()
    await b.published()
    const annotations = {
      [targetAnnotations.outputsDigest]: null,
      [targetAnnotations.expiresAt]: 'tomorrow',
      [targetAnnotations.issuedAt]: 'yesterday',
    }
    await b.hands.edit(b.name, { metadata: { annotations } })
    expect(await b.observed()).toEqual({ kind: 'ours', intact: true })
  })

  test('an output that was never published makes the target incomplete', async () => {
    const b = bench()
    await b.published({ access_token: canary('at') })
    expect(await b.observed(['access_token', '.env'])).toMatchObject({ kind: 'ours', intact: false })
  })
}

const lost: Readonly<Record<string, readonly [identity: Partial<TargetIdentity>, edit: Json]>> = {
  'the label that says who manages it': [{}, { labels: { [targetLabels.managedBy]: null } }],
  'the label that says whose it is': [{}, { labels: { [targetLabels.credentialUid]: null } }],
  'every label': [{}, { labels: null }],
  'the owner reference': [{}, { ownerReferences: null }],
  'the manager, without an owner reference': [
    { creationPolicy: 'Orphan' },
    { labels: { [targetLabels.managedBy]: null } },
  ],
}

function lostMarks(bench: MakeBench): void {
  test.each(Object.entries(lost))('a target that has lost %s is ours, and gets it back', async (_what, [as, edit]) => {
    const b = bench(as)
    await b.published({ access_token: 'x' })
    const { labels, ownerReferences } = await b.hands.metadata(b.name)
    await b.hands.edit(b.name, { metadata: edit })
    expect(await b.observed()).toMatchObject({ kind: 'ours', intact: true, marked: false })
    await b.published({ access_token: 'x' })
    expect(await b.hands.metadata(b.name)).toMatchObject({
      labels,
      ...(ownerReferences !== undefined && { ownerReferences }),
    })
    expect(await b.observed()).not.toHaveProperty('marked')
  })

  test('an owner reference that somebody else wrote on a Secret of theirs makes it nobody’s target', async () => {
    const b = bench()
    const owner = { apiVersion: groupVersion, kind: 'OAuthCredential', name: 'claude', uid: b.identity.credentialUid }
    await b.hands.createSecret(b.name, { data: { theirs: 'kept' }, ownerReferences: [{ ...owner, controller: true }] })
    expect(await b.observed()).toMatchObject({ kind: 'foreign' })
  })
}
