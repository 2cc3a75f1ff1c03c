import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newKey } from '../../../src/adapters/kubernetes/sealing.ts'
import type { KubeTransport } from '../../../src/adapters/kubernetes/transport.ts'
import { newRecord, type RefreshRecord } from '../../../src/domain/refresh-record.ts'
import type { Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { aKey, plain, valueOf } from '../../contract/refresh-records.ts'
import { canary } from '../../support/canary.ts'
import { FakeKubeClient } from '../../support/fake-kube-client.ts'
import { transportTo } from '../../support/kube-test-bed.ts'
import { recordsOver } from '../../support/record-harnesses.ts'
import { ScriptedApiServer } from '../../support/scripted-api-server.ts'
import type { ScriptedObject } from '../../support/scripted-collections.ts'

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

describe('a list of records', () => {
  const path = `/api/v1/namespaces/${namespace}/secrets`
  const uids = Array.from({ length: 1001 }, (_, index) => `uid-${index}`).toSorted()
  const server = new ScriptedApiServer()
  const bed: { client?: KubeTransport } = {}

  beforeEach(async () => {
    const client = new FakeKubeClient()
    const here = recordsOver(client, namespace)
    for (const uid of uids) valueOf(await here.replace(newRecord(uid, subject.credential), undefined))
    for (const secret of client.objects('secrets')) server.objects.put(path, secret as unknown as ScriptedObject)
    await server.start()
    bed.client = transportTo(server).transport
  })
  afterEach(async () => {
    await bed.client?.close()
    await server.stop()
  })

  const listed = async (): Promise<{ readonly result: Result<void>; readonly seen: readonly string[] }> => {
    const seen: string[] = []
    if (bed.client === undefined) throw new Error('no client')
    const result = await recordsOver(bed.client, namespace).list(({ uid }) => seen.push(uid))
    return { result, seen: seen.toSorted() }
  }

  test('comes in pages, each of metadata alone', async () => {
    const before = server.requests.length
    const { result, seen } = await listed()
    expect(result).toEqual({ ok: true, value: undefined })
    expect(seen).toEqual(uids)
    const requests = server.requests.slice(before)
    expect(requests.map(({ query }) => query['limit'])).toEqual(['500', '500', '500'])
    for (const { headers, query } of requests) {
      expect(headers['accept']).toBe('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1')
      expect(query['labelSelector']).toBe('oauth-operator.dev/refresh-record-of')
    }
  })

  test('fails when a page does, whatever was shown before', async () => {
    server.script(({ query }) => query['continue'] !== undefined, { status: 500 }, 1)
    const { result, seen } = await listed()
    expect(result).toMatchObject({ ok: false, failure: { code: 'REFRESH_RECORD_UNAVAILABLE' } })
    expect(seen).toHaveLength(500)
  })
})

function annotated(body: Bodied, name: string, value: string): Bodied {
  return withMetadata(body, { annotations: { ...body.metadata.annotations, [name]: value } })
}

function withMetadata(body: Bodied, change: object): Bodied {
  return { ...body, metadata: { ...body.metadata, ...change } }
}
