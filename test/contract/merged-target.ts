import { beforeAll, describe, expect, test } from 'vitest'
import { requestAnnotations, targetLabels } from '../../src/domain/names.ts'
import type { TargetIdentity } from '../../src/ports/access-token-sink.ts'
import type { ApiHands } from '../support/api-hands.ts'
import { canary } from '../support/canary.ts'
import { codeOf, expiresAt, issuedAt, messageOf, TargetBench } from '../support/target-bench.ts'

const adopt = { [requestAnnotations.adopt]: 'true' }

type MakeBench = (identity?: Partial<TargetIdentity>) => TargetBench

/** What target Secrets keep to under `creationPolicy: Merge`, against the real API server and the fake. */
export function mergedTargetContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe(`keys merged into Secrets of others in ${name}`, () => {
    const current: { hands?: ApiHands } = {}
    beforeAll(async () => {
      current.hands = await makeHands()
    })
    const bench: MakeBench = (identity) => {
      if (current.hands === undefined) throw new Error('the API server was not started')
      return new TargetBench(current.hands, { creationPolicy: 'Merge', ...identity })
    }
    merging(bench)
    sharing(bench)
    changingPolicy(bench)
  })
}

function merging(bench: MakeBench): void {
  test('our keys are added, and nothing else of the Secret changes', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, { data: { theirs: 'kept' }, labels: { [targetLabels.managedBy]: 'Helm' } })
    expect(await b.observed()).toEqual({ kind: 'adoptable' })
    const token = canary('at')
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token, theirs: 'kept' })
    const { labels, ownerReferences } = await b.hands.metadata(b.name)
    expect(labels).toEqual({ [targetLabels.managedBy]: 'Helm' })
    expect(ownerReferences ?? []).toEqual([])
    const published = { digest: 'digest of access_token', issuedAt, expiresAt }
    expect(await b.observed()).toEqual({ kind: 'ours', ...published, intact: true })
  })

  test('a refresh is one write and no read', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, {})
    await b.published()
    b.client.methods.splice(0)
    await b.published()
    expect(b.client.methods).toEqual(['PATCH'])
  })

  test('a missing Secret is made, without a mark that anybody would delete it by', async () => {
    const b = bench()
    expect(await b.observed()).toEqual({ kind: 'absent' })
    await b.published()
    expect(await b.hands.secret(b.name)).toMatchObject({ type: 'Opaque' })
    const { labels, ownerReferences } = await b.hands.metadata(b.name)
    expect([labels ?? {}, ownerReferences ?? []]).toEqual([{}, []])
  })

  test('removal takes our keys away and leaves the rest', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, { data: { theirs: 'kept' }, annotations: { 'example.com/note': 'x' } })
    await b.published()
    expect(b.sink.needsCleanup(b.identity)).toBe(true)
    expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
    expect(await b.hands.data(b.name)).toEqual({ theirs: 'kept' })
    expect((await b.hands.metadata(b.name))['annotations']).toEqual({ 'example.com/note': 'x' })
    expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
  })

  test('removal follows a change at the moment of its write', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, {})
    await b.published()
    b.client.beforeNextWrite = async () => b.hands.editData(b.name, { theirs: 'kept' })
    expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
    expect(await b.hands.data(b.name)).toEqual({ theirs: 'kept' })
  })

  test('removal succeeds when there is nothing of ours, or nothing at all', async () => {
    const b = bench()
    expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
    await b.hands.createSecret(b.name, { data: { access_token: 'theirs' } })
    const { resourceVersion } = await b.hands.metadata(b.name)
    expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
    expect((await b.hands.metadata(b.name))['resourceVersion']).toBe(resourceVersion)
  })

  test('under Retain the keys stay', async () => {
    const b = bench({ deletionPolicy: 'Retain' })
    await b.published({ access_token: 'kept' })
    expect(b.sink.needsCleanup(b.identity)).toBe(false)
    expect(codeOf(await b.sink.remove(b.identity))).toBe('ok')
    expect(await b.hands.data(b.name)).toEqual({ access_token: 'kept' })
  })

  test('a key that somebody else put there is not overwritten, unless it may be adopted', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, { data: { access_token: 'theirs' } })
    expect(await b.observed()).toEqual({ kind: 'foreign', owner: 'somebody else, who put the key access_token there' })
    expect(codeOf(await b.publish())).toBe('TARGET_NOT_OWNED')
    expect(await b.hands.data(b.name)).toEqual({ access_token: 'theirs' })
    await b.hands.edit(b.name, { metadata: { annotations: adopt } })
    const token = canary('at')
    await b.published({ access_token: token })
    expect(await b.hands.data(b.name)).toEqual({ access_token: token })
  })

  test('a key that is published later is looked up first', async () => {
    const b = bench()
    await b.hands.createSecret(b.name, { data: { header: 'theirs' } })
    await b.published({ access_token: canary('at') })
    const result = await b.publish({ access_token: canary('at'), header: canary('at') })
    expect(codeOf(result)).toBe('TARGET_NOT_OWNED')
    expect(messageOf(result)).toContain('header')
    expect((await b.hands.data(b.name))['header']).toBe('theirs')
  })

  test('it is told that a key was changed, which is not a reason to leave it', async () => {
    const b = bench()
    await b.published()
    await b.hands.editData(b.name, { access_token: null })
    expect(await b.observed()).toMatchObject({ kind: 'ours', intact: false })
    await b.published()
    expect(await b.observed()).toMatchObject({ kind: 'ours', intact: true })
  })
}

function sharing(bench: MakeBench): void {
  test('two credentials share a Secret, and each removes its own keys', async () => {
    const one = bench()
    const two = one.as({
      credentialUid: crypto.randomUUID(),
      credential: { ...one.identity.credential, name: 'codex' },
    })
    await one.published({ claude: 'a' })
    await two.published({ codex: 'b' })
    await one.published({ claude: 'c' })
    expect(await one.hands.data(one.name)).toEqual({ claude: 'c', codex: 'b' })
    expect(await one.observed(['claude'])).toMatchObject({ kind: 'ours', intact: true })
    expect(await two.observed(['codex'])).toMatchObject({ kind: 'ours', intact: true })
    expect(codeOf(await one.sink.remove(one.identity))).toBe('ok')
    expect(await one.hands.data(one.name)).toEqual({ codex: 'b' })
    expect(await two.observed(['codex'])).toMatchObject({ kind: 'ours', intact: true })
  })

  test('a credential merges into the target that another one owns', async () => {
    const merged = bench()
    const owner = merged.as({ creationPolicy: 'Owner', credentialUid: crypto.randomUUID() })
    await owner.published({ claude: 'a' })
    await merged.published({ codex: 'b' })
    await owner.published({ claude: 'c' })
    expect(await merged.hands.data(merged.name)).toEqual({ claude: 'c', codex: 'b' })
    expect(await owner.observed(['claude'])).toMatchObject({ kind: 'ours', intact: true })
  })

  test.each(['Owner', 'Merge'] as const)(
    'a key that another credential publishes under %s is never taken from it',
    async (creationPolicy) => {
      const b = bench()
      const other = b.as({ creationPolicy, credentialUid: crypto.randomUUID() })
      await other.published({ access_token: 'theirs' })
      await b.hands.edit(b.name, { metadata: { annotations: adopt } })
      expect(await b.observed()).toEqual({
        kind: 'foreign',
        owner: 'another OAuthCredential, which publishes the key access_token',
        byCredential: true,
      })
      expect(codeOf(await b.publish())).toBe('TARGET_NOT_OWNED')
      expect(await b.hands.data(b.name)).toEqual({ access_token: 'theirs' })
    },
  )
}

function changingPolicy(bench: MakeBench): void {
  test('from Owner to Merge the Secret keeps its keys and loses what it would be deleted by', async () => {
    const merged = bench()
    const owner = merged.as({ creationPolicy: 'Owner' })
    await owner.published({ access_token: 'a', header: 'b' })
    expect(await merged.observed()).toMatchObject({ kind: 'ours', intact: false })
    await merged.published({ access_token: 'a' })
    expect(await merged.hands.data(merged.name)).toEqual({ access_token: 'a' })
    const { labels, ownerReferences } = await merged.hands.metadata(merged.name)
    expect([labels ?? {}, ownerReferences ?? []]).toEqual([{}, []])
    merged.client.methods.splice(0)
    await merged.published({ access_token: 'c' })
    expect(merged.client.methods).toEqual(['PATCH'])
    expect(await merged.observed()).toMatchObject({ kind: 'ours', intact: true })
  })

  test('a replica that was stopped before a change of the policy takes nothing back', async () => {
    const late = bench()
    const owner = late.as({ creationPolicy: 'Owner' })
    await owner.published({ access_token: 'newer' }, { after: 60 })
    const { resourceVersion } = await late.hands.metadata(late.name)
    await late.published({ access_token: 'older' })
    expect((await late.hands.metadata(late.name))['resourceVersion']).toBe(resourceVersion)
    expect(await owner.observed()).toMatchObject({ kind: 'ours', intact: true })
  })

  test('from Merge to Owner the Secret is somebody else’s until it may be adopted', async () => {
    const merged = bench()
    await merged.published({ access_token: 'a', header: 'b' })
    const owner = merged.as({ creationPolicy: 'Owner' })
    expect(await owner.observed()).toEqual({ kind: 'foreign', owner: 'somebody else' })
    await merged.hands.edit(merged.name, { metadata: { annotations: adopt } })
    await owner.published({ access_token: 'c' })
    expect(await merged.hands.data(merged.name)).toEqual({ access_token: 'c' })
    expect(await owner.observed()).toMatchObject({ kind: 'ours', intact: true })
  })
}
