import { beforeEach, describe, expect, test } from 'vitest'
import { newKey } from '../../../src/adapters/kubernetes/sealing.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { aKey, plain, valueOf } from '../../contract/refresh-records.ts'
import { canary } from '../../support/canary.ts'
import { FakeKubeClient } from '../../support/fake-kube-client.ts'
import { recordsOver } from '../../support/record-harnesses.ts'

const namespace = 'operator'
const subject = { uid: 'a-uid', credential: { namespace: 'ci', name: 'claude' } }
const source = { store: { kind: 'TokenStore', name: 'vault' }, key: 'ci/claude' } as const

function withTokens(record: RefreshRecord, fingerprint: string): RefreshRecord {
  const tokens = { refreshToken: new Sensitive(canary('rt')) }
  return { ...record, retained: { fingerprint: fingerprint.repeat(32), source, tokens } }
}

interface Bodied {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> }
  readonly data?: Readonly<Record<string, string>>
}

describe('the records of refreshes', () => {
  const bench = { client: new FakeKubeClient() }
  const records = () => recordsOver(bench.client, namespace)
  const sentSeals = () =>
    bench.client.requests.flatMap(({ body }) => (body as Bodied | undefined)?.data?.['sealed'] ?? [])

  beforeEach(() => {
    bench.client = new FakeKubeClient()
  })

  test('tokens that are sealed already are neither sealed nor sent again for an intent', async () => {
    const key = newKey()
    const here = records()
    const first = valueOf(await here.replace(withTokens(newRecord(subject.uid, subject.credential), 'a'), key))
    const second = valueOf(await here.replace({ ...first, epoch: 1 }, key))
    expect(sentSeals()).toHaveLength(1)
    const read = valueOf(await records().read(subject, key))
    expect(plain(read)).toEqual(plain(second))
  })

  test('tokens that were not sent again have to be there', async () => {
    const { methods } = await writeAnswered((body) => ({ ...body, data: {} }), 'a')
    expect(methods).toEqual(['PATCH', 'GET'])
  })

  test('other tokens, and tokens under another key, are', async () => {
    const key = newKey()
    const here = records()
    const first = valueOf(await here.replace(withTokens(newRecord(subject.uid, subject.credential), 'a'), key))
    const second = valueOf(await here.replace(withTokens(first, 'b'), key))
    const otherKey = aKey()
    valueOf(await here.replace(second, otherKey))
    expect(new Set(sentSeals()).size).toBe(3)
    const read = valueOf(await records().read(subject, otherKey))
    expect(plain(read?.retained?.tokens)).toEqual(plain(second.retained?.tokens))
  })

  test.each([
    ['the clear part is another', (body: Bodied) => annotated(body, 'oauth-operator.dev/refresh-record', '{}')],
    ['the sealed part is another', (body: Bodied) => ({ ...body, data: { sealed: 'eA==' } })],
    ['the sealed part is gone', (body: Bodied) => ({ ...body, data: {} })],
    ['it has become immutable', (body: Bodied) => ({ ...body, immutable: true })],
    ['it is of another type', (body: Bodied) => ({ ...body, type: 'Opaque' })],
    ['it is being deleted', (body: Bodied) => withMetadata(body, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['it has no uid', (body: Bodied) => withMetadata(body, { uid: '' })],
    ['it has no version', (body: Bodied) => withMetadata(body, { resourceVersion: '' })],
  ])('what is there is read when, by the answer to a write, %s', async (_, change) => {
    const { second, methods } = await writeAnswered(change)
    expect(methods).toEqual(['PATCH', 'GET'])
    expect(second.version).toBe(valueOf(await records().read(subject, undefined))?.version)
  })

  test.each([
    ['has more of others', (body: Bodied) => annotated(body, 'example.com/note', 'a')],
    ['has all that matters', (body: Bodied) => annotated(body, 'oauth-operator.dev/refresh-record-write', 'another')],
  ])('the answer to a write is enough when it %s', async (_, change) => {
    const { second, methods } = await writeAnswered(change)
    expect(methods).toEqual(['PATCH'])
    expect(second.version).toBe(valueOf(await records().read(subject, undefined))?.version)
  })

  test('more documents than keys are remembered have their keys all the same', async () => {
    const here = records()
    const written = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const key = newKey()
        const record = withTokens(newRecord(`uid-${index}`, subject.credential), 'a')
        return { key, record: valueOf(await here.replace(record, key)) }
      }),
    )
    for (const { key, record } of written) {
      const read = valueOf(await here.read({ ...subject, uid: record.uid }, key))
      expect(plain(read)).toEqual(plain(record))
    }
  })

  /** Writes a record for the second time, with other tokens unless it is said; the first write is answered as it is. */
  async function writeAnswered(change: (body: Bodied) => object, tokens = 'b') {
    const key = newKey()
    const here = records()
    const first = valueOf(await here.replace(withTokens(newRecord(subject.uid, subject.credential), 'a'), key))
    bench.client.intercept = ({ method }, carryOut) => {
      const outcome = carryOut()
      return outcome.ok && method === 'PATCH' ? { ...outcome, body: change(outcome.body as Bodied) } : outcome
    }
    const before = bench.client.requests.length
    const next = tokens === 'a' ? { ...first, epoch: 1 } : withTokens(first, tokens)
    const second = valueOf(await here.replace(next, key))
    return { second, methods: bench.client.requests.slice(before).map(({ method }) => method) }
  }
})

function annotated(body: Bodied, name: string, value: string): Bodied {
  return withMetadata(body, { annotations: { ...body.metadata.annotations, [name]: value } })
}

function withMetadata(body: Bodied, change: object): Bodied {
  return { ...body, metadata: { ...body.metadata, ...change } }
}
