import { beforeEach, describe, expect, test } from 'vitest'
import { metadataList } from '../../src/adapters/kubernetes/metadata-only.ts'
import { KubernetesSecretReader } from '../../src/adapters/kubernetes/secret-reader.ts'
import { KubernetesSecretStore } from '../../src/adapters/kubernetes/secret-store.ts'
import type { ListedRecord, RefreshRecords } from '../../src/ports/refresh-records.ts'
import { type ApiHands, freshName } from '../support/api-hands.ts'
import { aStore } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { ScaledClock } from '../support/scaled-clock.ts'
import { clearAnnotation, keyName, SecretBench } from '../support/secret-bench.ts'
import { codeOf, TargetBench } from '../support/target-bench.ts'
import { aKey, keptAt, valueOf } from './refresh-records.ts'

const ownerLabel = 'oauth-operator.dev/refresh-record-of'
const sealedWith = 'oauth-operator.dev/refresh-record-sealed-with'

/** What records do in a cluster beyond the contract of all records, against any API server. */
export function recordSecretsContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe(`records in Secrets of ${name}`, () => {
    const current: { bench?: SecretBench } = {}
    beforeEach(async () => {
      current.bench = new SecretBench(await makeHands())
    })
    const bench = (): SecretBench => {
      if (current.bench === undefined) throw new Error('no bench')
      return current.bench
    }
    forPeople(bench)
    damaged(bench)
    listed(bench)
    watched(bench)
  })
}

function forPeople(bench: () => SecretBench): void {
  test('a person sees what is known, and by its labels whose it is', async () => {
    const { records, full, hands, name, subject } = bench()
    valueOf(await records.replace(full(), aKey()))
    const { metadata, type } = await hands.secret(name)
    const { annotations, labels } = metadata as Record<'annotations' | 'labels', Record<string, string>>
    expect(type).toBe('oauth-operator.dev/refresh-record')
    expect(labels).toEqual({
      'app.kubernetes.io/managed-by': 'oauth-credential-operator',
      [ownerLabel]: subject.uid,
    })
    expect(annotations['oauth-operator.dev/credential']).toBe('ci/claude')
    expect(annotations[sealedWith]).toMatch(/^document\/[0-9a-f]{16}$/)
    expect(JSON.parse(annotations[clearAnnotation] ?? '')).toEqual({
      format: 4,
      uid: subject.uid,
      credential: 'ci/claude',
      epoch: 7,
      generation: 5,
      intent: { ...full().intent, startedAt: '2027-01-15T08:00:00.123Z' },
      refused: full().refused,
      left: full().left.map((intent) => ({ ...intent, startedAt: '2027-01-15T08:00:00.123Z' })),
      retained: { fingerprint: full().retained.fingerprint, source: full().retained.source },
      kept: [{ ...keptAt('teams/left'), storeWrittenAt: '2023-11-14T22:13:20.500Z' }],
      spent: full().spent,
      stored: full().stored,
      origin: 'https://gateway.example.com',
      storeWrittenAt: '2027-01-15T08:00:00.250Z',
    })
    expect(annotations[clearAnnotation]?.split('\n')).toContain('  "epoch": 7,')
  })

  test('what others put on the Secret stays', async () => {
    const { records, small, hands, name } = bench()
    const first = valueOf(await records.replace(small(), undefined))
    await hands.edit(name, { metadata: { labels: { team: 'a' }, annotations: { note: 'b' } } })
    const { version } = valueOf(await records.read(first, undefined)) ?? first
    valueOf(await records.replace({ ...first, version, epoch: 1 }, undefined))
    expect(await hands.metadata(name)).toMatchObject({ labels: { team: 'a' }, annotations: { note: 'b' } })
  })

  test('nothing else of the operator takes it for its own', async () => {
    const { records, full, hands, name, subject } = bench()
    valueOf(await records.replace(full(), undefined))
    const { namespace, operator: client } = hands
    const before = await hands.secret(name)
    for (const creationPolicy of ['Owner', 'Merge', 'Orphan'] as const) {
      const target = new TargetBench(hands, { name, credentialUid: subject.uid, creationPolicy })
      expect(codeOf(await target.publish())).toBe('TARGET_NOT_OWNED')
    }
    const store = new KubernetesSecretStore(client)
    expect(codeOf(await store.read({ store: aStore(), namespace, key: name }))).toBe('SPEC_INVALID')
    for (const [secret, key] of [[name, 'sealed'] as const, [keyName, 'key'] as const]) {
      const reader = new KubernetesSecretReader({ client, clock: new ScaledClock(1), operatorNamespace: namespace })
      expect(codeOf(await reader.read(undefined, { name: secret, key }))).toBe('CLIENT_SECRET_UNAVAILABLE')
    }
    expect(await hands.secret(name)).toEqual(before)
  })
}

type Damages = Readonly<Record<string, (b: SecretBench) => Promise<unknown>>>

/** What a list sees as well, which brings no data and no type. */
const damagesOfMetadata: Damages = {
  'its record is gone': (b) => b.annotate({ [clearAnnotation]: null }),
  'its record is no JSON': (b) => b.editClear((text) => text.slice(0, -2)),
  'a number became a text': (b) => b.editClear((text) => text.replace('"epoch": 7', '"epoch": "7"')),
  'a fingerprint was cut': (b) => b.editClear((text) => text.replace(/a{32}/, 'a')),
  'a member was added': (b) => b.editClear((text) => text.replace('{', '{ "checked": true,')),
  'a time is none': (b) => b.editClear((text) => text.replace('2027-01-15T', '2027-13-15T')),
  'a newer version wrote it': (b) => b.editClear((text) => text.replace(/"format": \d/, '"format": 9')),
  'it holds the record of another credential': (b) =>
    b.editClear((text) => text.replaceAll(b.subject.uid, 'another-uid')),
  'somebody else made it': async (b) => {
    await b.hands.deleteSecret(b.name)
    await b.hands.createSecret(b.name, { data: { password: canary('secret') } })
  },
  'somebody else made it, with its label': async (b) => {
    await b.hands.deleteSecret(b.name)
    await b.hands.createSecret(b.name, {
      data: { password: canary('secret') },
      labels: { [ownerLabel]: b.subject.uid },
    })
  },
}

const damages: Damages = {
  ...damagesOfMetadata,
  'its tokens belong to another refresh token': (b) => b.editClear((text) => text.replaceAll(/e{32}/g, 'f'.repeat(32))),
  'its tokens are gone': (b) => b.hands.editData(b.name, { sealed: null }),
  'its tokens are empty': (b) => b.hands.editData(b.name, { sealed: '' }),
  'a byte of its tokens changed': async (b) => {
    const { sealed = '' } = await b.hands.data(b.name)
    const at = sealed.length - 40
    const other = sealed[at] === 'A' ? 'B' : 'A'
    await b.hands.editData(b.name, { sealed: `${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}` })
  },
  'its tokens were cut': async (b) => {
    const { sealed = '' } = await b.hands.data(b.name)
    await b.hands.editData(b.name, { sealed: sealed.slice(0, 50) })
  },
  'its tokens are those of another record': async (b) => {
    const other = { ...b.full(), uid: `${b.subject.uid}-other` }
    valueOf(await b.records.replace(other, undefined))
    const { sealed = '' } = await b.hands.data(`oauth-refresh-${other.uid}`)
    await b.hands.editData(b.name, { sealed })
  },
  'the name of its key is gone': (b) => b.annotate({ [sealedWith]: null }),
  'it is immutable': (b) => b.hands.edit(b.name, { immutable: true }),
  'it is on its way out': async (b) => {
    await b.hands.edit(b.name, { metadata: { finalizers: ['example.com/keep'] } })
    await b.hands.deleteSecret(b.name)
  },
}

function damaged(bench: () => SecretBench): void {
  test.each(Object.entries(damages))('nothing is believed, and nothing is written, when %s', async (_what, damage) => {
    const b = bench()
    const written = valueOf(await b.records.replace(b.atOnePlace(), undefined))
    await damage(b)
    const before = await b.state()
    const message = b.expectFailure(await b.records.read(b.subject, undefined), 'REFRESH_RECORD_DAMAGED')
    expect(message).toContain(`Secret ${b.hands.namespace}/${b.name}, the refresh record of OAuthCredential ci/claude,`)
    expect(message).toContain('then delete this Secret.')
    for (const version of [written.version, '']) {
      b.expectFailure(await b.records.replace({ ...b.atOnePlace(), version }, undefined), 'REFRESH_RECORD_CONFLICT')
    }
    expect(await b.state()).toEqual(before)
  })
}

function listed(bench: () => SecretBench): void {
  test.each(Object.entries(damagesOfMetadata))('the other records are shown when of one %s', async (_what, damage) => {
    const b = bench()
    valueOf(await b.records.replace(b.full(), undefined))
    const other = valueOf(await b.records.replace({ ...b.small(), uid: `${b.subject.uid}-other` }, undefined))
    await damage(b)
    expect((await b.listedBy(b.records)).map(({ uid }) => uid)).toEqual([other.uid])
  })

  test('a copy under another name is not shown', async () => {
    const b = bench()
    valueOf(await b.records.replace(b.small(), undefined))
    const { labels, annotations } = (await b.hands.metadata(b.name)) as Record<string, Record<string, string>>
    await b.hands.createSecret(freshName('copy'), { ...(labels && { labels }), ...(annotations && { annotations }) })
    expect(await b.listedBy(b.records)).toHaveLength(1)
    await b.hands.deleteSecret(b.name)
    expect(await b.listedBy(b.records)).toEqual([])
  })

  test('one whose tokens are damaged is shown, and whoever reads it is told', async () => {
    const b = bench()
    valueOf(await b.records.replace(b.full(), undefined))
    await b.hands.editData(b.name, { sealed: null })
    expect(await b.listedBy(b.records)).toHaveLength(1)
    b.expectFailure(await b.records.read(b.subject, undefined), 'REFRESH_RECORD_DAMAGED')
  })

  test('no token travels, sealed or not: metadata is asked for, and nothing else is taken', async () => {
    const b = bench()
    valueOf(await b.records.replace(b.full(), undefined))
    expect(await b.listedBy(b.faulty)).toHaveLength(1)
    const path = `/api/v1/namespaces/${b.hands.namespace}/secrets`
    for (const request of b.client.requests) {
      expect(request).toMatchObject({ method: 'GET', path, query: { labelSelector: ownerLabel }, accept: metadataList })
    }
    expect(metadataList).not.toMatch(/(^|,)application\/json($|,)/)
  })
}

function watched(bench: () => SecretBench): void {
  test('lists in quick succession show at once what others create, change and remove', async () => {
    const b = bench()
    const { records, watch } = b.watching()
    try {
      await b.listedBy(records)
      await b.listedBy(records)
      const before = b.client.requests.length
      const created = valueOf(await b.records.replace(b.small(), undefined))
      expect((await b.listedBy(records)).map(({ version }) => version)).toEqual([created.version])
      const changed = valueOf(await b.records.replace({ ...created, epoch: 1 }, undefined))
      expect((await b.listedBy(records)).map(({ version }) => version)).toEqual([changed.version])
      await b.editClear((text) => text.slice(0, -2))
      expect(await b.listedBy(records)).toEqual([])
      const other = valueOf(await b.records.replace({ ...b.small(), uid: `${b.subject.uid}-other` }, undefined))
      expect((await b.listedBy(records)).map(({ uid }) => uid)).toEqual([other.uid])
      valueOf(await b.records.remove(other))
      expect(await b.listedBy(records)).toEqual([])
      expect(b.client.requests.slice(before).map(({ method }) => method)).toEqual(Array(5).fill('PATCH'))
    } finally {
      await watch.stop()
    }
  })

  test('the mark that tells how far a watch has come is no record', async () => {
    const b = bench()
    const { records, watch } = b.watching()
    valueOf(await b.records.replace(b.small(), undefined))
    try {
      await entriesOf(records)
      const told = await entriesOf(records)
      expect(await b.hands.secretExists('oauth-refresh-mark')).toBe(true)
      expect(told).toEqual(await entriesOf(b.records))
      expect(told.map(({ uid }) => uid)).toContain(b.subject.uid)
    } finally {
      await watch.stop()
    }
  })
}

/** All that are at the place, those of others too. */
async function entriesOf(records: RefreshRecords): Promise<readonly ListedRecord[]> {
  const entries: ListedRecord[] = []
  valueOf(await records.list((entry) => entries.push(entry)))
  return entries.toSorted((one, other) => (one.uid < other.uid ? -1 : 1))
}
