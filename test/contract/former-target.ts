import { beforeAll, describe, expect, test } from 'vitest'
import { requestAnnotations } from '../../src/domain/names.ts'
import { ok } from '../../src/domain/result.ts'
import type { TargetIdentity } from '../../src/ports/access-token-sink.ts'
import type { ApiHands } from '../support/api-hands.ts'
import { TargetBench } from '../support/target-bench.ts'

/** What is left of a Secret once its credential has another target, against the real API server and the fake. */
export function formerTargetContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe(`the removal of target Secrets in ${name}`, () => {
    const current: { hands?: ApiHands } = {}
    beforeAll(async () => {
      current.hands = await makeHands()
    })
    const bench = (identity: Partial<TargetIdentity> = {}): TargetBench => {
      if (current.hands === undefined) throw new Error('the API server was not started')
      return new TargetBench(current.hands, identity)
    }

    test('a Secret that the credential owns is deleted, once and for all', async () => {
      const b = bench()
      await b.published()
      expect(await b.sink.remove(b.identity)).toEqual(ok('removed'))
      expect(await b.hands.secretExists(b.name)).toBe(false)
      expect(await b.sink.remove(b.identity)).toEqual(ok('absent'))
      await b.published()
    })

    test('keys that others put into it stay, and are nobody’s of ours by then', async () => {
      const b = bench()
      await b.published()
      await b.hands.editData(b.name, { theirs: 'kept' })
      expect(await b.sink.remove(b.identity)).toEqual(ok('removed'))
      expect(await b.hands.data(b.name)).toEqual({ theirs: 'kept' })
      const { labels, ownerReferences } = await b.hands.metadata(b.name)
      expect([labels ?? {}, ownerReferences ?? []]).toEqual([{}, []])
    })

    test('of a Secret that was adopted, what its owner had there stays', async () => {
      const b = bench()
      await b.hands.createSecret(b.name, {
        data: { other: 'kept' },
        annotations: { [requestAnnotations.adopt]: 'true' },
      })
      await b.published()
      expect(await b.sink.remove(b.identity)).toEqual(ok('removed'))
      expect(await b.hands.data(b.name)).toEqual({ other: 'kept' })
    })

    test('the keys of a credential that merges into it stay', async () => {
      const b = bench()
      const merged = b.as({ creationPolicy: 'Merge', credentialUid: crypto.randomUUID() })
      await b.published({ claude: 'a' })
      await merged.published({ codex: 'b' })
      expect(await b.sink.remove(b.identity)).toEqual(ok('removed'))
      expect(await b.hands.data(b.name)).toEqual({ codex: 'b' })
      expect(await merged.observed(['codex'])).toMatchObject({ kind: 'ours', intact: true })
    })

    test('what was merged under the former policy goes, although the credential owns its target by now', async () => {
      const owner = bench()
      const merged = owner.as({ creationPolicy: 'Merge' })
      await owner.hands.createSecret(owner.name, { data: { theirs: 'kept' } })
      await merged.published()
      expect(await owner.sink.remove(owner.identity)).toEqual(ok('removed'))
      expect(await owner.hands.data(owner.name)).toEqual({ theirs: 'kept' })
    })

    test.each([
      { creationPolicy: 'Orphan', deletionPolicy: 'Delete' },
      { creationPolicy: 'Owner', deletionPolicy: 'Retain' },
      { creationPolicy: 'Merge', deletionPolicy: 'Retain' },
    ] as const)('under $creationPolicy and $deletionPolicy everything stays', async (policy) => {
      const b = bench(policy)
      await b.published({ access_token: 'a' })
      expect(await b.sink.remove(b.identity)).toEqual(ok('kept'))
      expect(await b.hands.data(b.name)).toEqual({ access_token: 'a' })
    })

    test('what was published to stay does, although another policy would remove it by now', async () => {
      const b = bench()
      await b.as({ deletionPolicy: 'Retain' }).published({ access_token: 'a' })
      expect(await b.sink.remove(b.identity)).toEqual(ok('kept'))
      expect(await b.hands.data(b.name)).toEqual({ access_token: 'a' })
    })

    test('what another credential publishes is not touched, nor what somebody made in its place', async () => {
      const b = bench()
      const other = b.as({ credentialUid: crypto.randomUUID() })
      await other.published({ access_token: 'theirs' })
      expect(await b.sink.remove(b.identity)).toEqual(ok('kept'))
      expect(await other.observed()).toMatchObject({ kind: 'ours', intact: true })
    })

    test('a Secret that somebody made at the moment of the deletion is not touched', async () => {
      const b = bench()
      await b.published()
      b.client.beforeNextWrite = async () => {
        await b.hands.deleteSecret(b.name)
        await b.hands.createSecret(b.name, { data: { theirs: 'kept' } })
      }
      expect(await b.sink.remove(b.identity)).toEqual(ok('kept'))
      expect(await b.hands.data(b.name)).toEqual({ theirs: 'kept' })
    })
  })
}
