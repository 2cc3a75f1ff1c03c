import { beforeEach, describe, expect, test } from 'vitest'
import type { KubeRequest } from '../../src/adapters/kubernetes/kube-client.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { RefreshRecord } from '../../src/ports/refresh-records.ts'
import type { ApiHands } from '../support/api-hands.ts'
import { canary } from '../support/canary.ts'
import { denied, lost, tooMany } from '../support/faulty-client.ts'
import { keyName, SecretBench } from '../support/secret-bench.ts'
import { plain, valueOf } from './refresh-records.ts'

/** What records in a cluster do when an API server, real or not, refuses or is not heard of. */
export function recordFaultsContract(name: string, makeHands: () => Promise<ApiHands>): void {
  describe(`records in Secrets of ${name}, when something is wrong`, () => {
    const current: { bench?: SecretBench } = {}
    beforeEach(async () => {
      current.bench = new SecretBench(await makeHands())
    })
    const bench = (): SecretBench => {
      if (current.bench === undefined) throw new Error('no bench')
      return current.bench
    }
    ownKey(bench)
    lostAnswers(bench)
    refusals(bench)
    unlisted(bench)
  })
}

function ownKey(bench: () => SecretBench): void {
  test('an intent makes sure of the key before there is anything to seal', async () => {
    const { records, full, hands, forgetKey, small } = bench()
    await forgetKey()
    valueOf(await records.replace({ ...small(), intent: full().intent }, undefined))
    expect(await hands.secret(keyName)).toMatchObject({ type: 'oauth-operator.dev/sealing-key', immutable: true })
  })

  test('nothing waits for the key when there is nothing to seal, now or soon', async () => {
    const { faulty, client, small, full } = bench()
    client.takeDown(({ path }) => path.endsWith(keyName))
    const { holder: _left, ...unanswered } = full().intent
    const first = valueOf(await faulty.replace(small(), undefined))
    expect((await faulty.replace({ ...first, intent: unanswered }, undefined)).ok).toBe(true)
  })

  test('no intent is written when the key can be neither read nor made', async () => {
    const { faulty, client, full, hands, small, name, expectFailure, forgetKey } = bench()
    await forgetKey()
    const ofKey = ({ method, path }: { method: string; path: string }): boolean =>
      method === 'POST' && path.endsWith('/secrets')
    client.once({ matches: ofKey, carriedOut: false, outcome: denied('create') })
    const armed: RefreshRecord = { ...small(), intent: full().intent }
    expectFailure(await faulty.replace(armed, undefined), 'KUBERNETES_FORBIDDEN')
    client.once({ matches: ({ path }) => path.endsWith(keyName), carriedOut: false, outcome: denied('get') })
    expectFailure(await faulty.replace(armed, undefined), 'KUBERNETES_FORBIDDEN')
    client.takeDown(({ path }) => path.endsWith(keyName))
    expectFailure(await faulty.replace(armed, undefined), 'REFRESH_RECORD_UNAVAILABLE')
    expect(await hands.secretExists(name)).toBe(false)
  })

  test('one whose creation got no answer is used', async () => {
    const { faulty, client, full, forgetKey, harness, subject } = bench()
    await forgetKey()
    client.once({ matches: ({ method }) => method === 'POST', carriedOut: true, outcome: lost })
    const written = valueOf(await faulty.replace(full(), undefined))
    expect(plain(valueOf(await harness.process().read(subject, undefined)))).toEqual(plain(written))
  })

  test('a process that has used it puts it back before the next token is spent', async () => {
    const b = bench()
    const sibling = valueOf(await b.records.replace({ ...b.full(), uid: `${b.subject.uid}-sibling` }, undefined))
    const first = valueOf(await b.records.replace(b.full(), undefined))
    await b.forgetKey()
    expect(valueOf(await b.harness.process().read(b.subject, undefined))?.retained?.tokens).toBeUndefined()
    const second = valueOf(await b.records.replace({ ...b.full(), version: first.version }, undefined))
    for (const record of [second, sibling]) {
      expect(plain(valueOf(await b.harness.process().read(record, undefined)))).toEqual(plain(record))
    }
  })

  test('tokens that a lost key sealed are left out, and a new key seals the next', async () => {
    const b = bench()
    valueOf(await b.records.replace(b.atOnePlace(), undefined))
    await b.forgetKey()
    const next = b.harness.process()
    const blind = await b.readBy(next, undefined)
    expect(blind.retained?.tokens).toBeUndefined()
    const written = valueOf(await next.replace({ ...b.atOnePlace(), version: blind.version }, undefined))
    expect(plain(await b.readBy(b.harness.process(), undefined))).toEqual(plain(written))
    expect(plain(await b.readBy(b.records, undefined))).toEqual(plain(written))
  })

  test('one that is no key is told, and what to do', async () => {
    const b = bench()
    valueOf(await b.records.replace(b.atOnePlace(), undefined))
    await b.forgetKey()
    await b.hands.createSecret(keyName, { data: { key: canary('secret') } })
    const results = [
      await b.harness.process().read(b.subject, undefined),
      await b.harness.process().replace(b.atOnePlace(), undefined),
    ]
    await b.forgetKey()
    for (const result of results) {
      const message = b.expectFailure(result, 'REFRESH_RECORD_DAMAGED')
      expect(message).toContain(`Secret ${b.hands.namespace}/${keyName}, the key of the refresh records,`)
      expect(message).toContain('if there is none, delete it')
    }
  })

  test('a key of the document that is none seals nothing', async () => {
    const { records, full, hands, name, expectFailure } = bench()
    const short = new Sensitive(Buffer.alloc(16).toString('base64'))
    expectFailure(await records.replace(full(), short), 'REFRESH_RECORD_UNAVAILABLE')
    expect(await hands.secretExists(name)).toBe(false)
  })
}

const writes: Readonly<Record<string, (b: SecretBench) => Promise<RefreshRecord>>> = {
  'a first record': (b) => Promise.resolve(b.small()),
  'a later record': async (b) => valueOf(await b.records.replace(b.small(), undefined)),
}

const aWrite = ({ method }: KubeRequest): boolean => method === 'POST' || method === 'PATCH'
const aDelete = ({ method }: KubeRequest): boolean => method === 'DELETE'

function lostAnswers(bench: () => SecretBench): void {
  describe.each(Object.entries(writes))('the answer to the write of %s is lost, and', (_what, seed) => {
    test('it was carried out: it counts', async () => {
      const b = bench()
      const base = await seed(b)
      b.client.once({ matches: aWrite, carriedOut: true, outcome: lost })
      const written = valueOf(await b.faulty.replace({ ...base, epoch: 5 }, undefined))
      expect(await b.readBy(b.records, undefined)).toEqual({ ...base, epoch: 5, version: written.version })
    })

    test('it was not carried out: it is told, and can be tried again', async () => {
      const b = bench()
      const base = await seed(b)
      b.client.once({ matches: aWrite, carriedOut: false, outcome: lost })
      const message = b.expectFailure(
        await b.faulty.replace({ ...base, epoch: 5 }, undefined),
        'REFRESH_RECORD_UNAVAILABLE',
      )
      expect(message).toContain('was not written: the API server gave no answer.')
      expect((await b.faulty.replace({ ...base, epoch: 5 }, undefined)).ok).toBe(true)
    })

    test('nobody can say whether it was carried out', async () => {
      const b = bench()
      const base = await seed(b)
      const afterwards = (): Promise<void> => Promise.resolve(b.client.takeDown())
      b.client.once({ matches: aWrite, carriedOut: true, outcome: lost, afterwards })
      const message = b.expectFailure(
        await b.faulty.replace({ ...base, epoch: 5 }, undefined),
        'REFRESH_RECORD_UNAVAILABLE',
      )
      expect(message).toContain('It is not known whether Secret')
    })

    test('somebody else wrote meanwhile: it is a conflict', async () => {
      const b = bench()
      const base = await seed(b)
      const afterwards = async (): Promise<void> =>
        void valueOf(await b.records.replace({ ...base, epoch: 9 }, undefined))
      b.client.once({ matches: aWrite, carriedOut: false, outcome: lost, afterwards })
      b.expectFailure(await b.faulty.replace({ ...base, epoch: 5 }, undefined), 'REFRESH_RECORD_CONFLICT')
      expect((await b.readBy(b.records, undefined)).epoch).toBe(9)
    })
  })

  test('a write that arrives twice is one write', async () => {
    const b = bench()
    const afterwards = async (): Promise<void> => {
      const again = b.client.requests.findLast(aWrite)
      if (again !== undefined) expect((await b.hands.operator.request(again)).ok).toBe(false)
    }
    const base = valueOf(await b.records.replace(b.small(), undefined))
    const outcome = { ok: false, error: { status: 409, reason: 'Conflict', message: '', ambiguous: false } } as const
    b.client.once({ matches: aWrite, carriedOut: true, outcome, afterwards })
    const written = valueOf(await b.faulty.replace({ ...base, epoch: 5 }, undefined))
    expect(await b.readBy(b.records, undefined)).toEqual(written)
  })

  test('a delete whose answer is lost is looked up', async () => {
    const b = bench()
    const first = valueOf(await b.records.replace(b.small(), undefined))
    b.client.once({ matches: aDelete, carriedOut: false, outcome: lost })
    b.expectFailure(await b.faulty.remove(first), 'REFRESH_RECORD_UNAVAILABLE')
    expect(await b.hands.secretExists(b.name)).toBe(true)
    b.client.once({ matches: aDelete, carriedOut: true, outcome: lost })
    expect((await b.faulty.remove(first)).ok).toBe(true)
    expect(await b.hands.secretExists(b.name)).toBe(false)
  })
}

const calls: Readonly<Record<string, (b: SecretBench, first: RefreshRecord) => Promise<unknown>>> = {
  get: (b) => b.faulty.read(b.subject, undefined),
  create: (b, first) => b.faulty.replace({ ...first, version: '' }, undefined),
  patch: (b, first) => b.faulty.replace(first, undefined),
  delete: (b, first) => b.faulty.remove(first),
}

function refusals(bench: () => SecretBench): void {
  test.each(Object.entries(calls))('a missing right to %s is told by its name', async (verb, call) => {
    const b = bench()
    const first = valueOf(await b.records.replace(b.small(), undefined))
    b.client.once({ matches: () => true, carriedOut: false, outcome: denied(verb) })
    const message = b.expectFailure((await call(b, first)) as never, 'KUBERNETES_FORBIDDEN')
    expect(message).toContain(`the operator may not ${verb} secrets in the namespace ${b.hands.namespace}.`)
    expect(message).toContain(`Secret ${b.hands.namespace}/${b.name}`)
  })

  test.each(Object.entries(calls))('to be put off at %s is told with the time', async (_verb, call) => {
    const b = bench()
    const first = valueOf(await b.records.replace(b.small(), undefined))
    b.client.once({ matches: () => true, carriedOut: false, outcome: tooMany })
    const result = await call(b, first)
    expect(result).toMatchObject({ failure: { code: 'REFRESH_RECORD_UNAVAILABLE', retryAfterSeconds: 7 } })
  })

  test('an answer that is no Secret is read back', async () => {
    const b = bench()
    const base = valueOf(await b.records.replace(b.small(), undefined))
    const outcome = { ok: true, status: 200, body: { kind: 'Page' } } as const
    b.client.once({ matches: aWrite, carriedOut: true, outcome })
    expect((await b.faulty.replace({ ...base, epoch: 5 }, undefined)).ok).toBe(true)
    b.client.once({ matches: () => true, carriedOut: false, outcome })
    b.expectFailure(await b.faulty.read(b.subject, undefined), 'REFRESH_RECORD_UNAVAILABLE')
  })
}

function unlisted(bench: () => SecretBench): void {
  const any = { matches: () => true, carriedOut: false }
  const see = (): void => {}

  test('a missing right to list is told by its name', async () => {
    const b = bench()
    b.client.once({ ...any, outcome: denied('list') })
    const message = b.expectFailure(await b.faulty.list(see), 'KUBERNETES_FORBIDDEN')
    expect(message).toContain(`Listing the refresh records in the namespace ${b.hands.namespace} is forbidden`)
    expect(message).toContain(`the operator may not list secrets in the namespace ${b.hands.namespace}.`)
  })

  test('to be put off at the list is told with the time', async () => {
    const b = bench()
    b.client.once({ ...any, outcome: tooMany })
    const failure = { code: 'REFRESH_RECORD_UNAVAILABLE', retryAfterSeconds: 7 }
    expect(await b.faulty.list(see)).toMatchObject({ failure })
  })

  test('nothing is shown while the API server is away, or answers with something else', async () => {
    const b = bench()
    valueOf(await b.records.replace(b.small(), undefined))
    const seen: unknown[] = []
    b.client.once({ ...any, outcome: { ok: true, status: 200, body: { kind: 'Page' } } })
    b.expectFailure(await b.faulty.list((entry) => seen.push(entry)), 'REFRESH_RECORD_UNAVAILABLE')
    b.client.takeDown()
    const message = b.expectFailure(await b.faulty.list((entry) => seen.push(entry)), 'REFRESH_RECORD_UNAVAILABLE')
    expect(message).toContain('the API server gave no answer (ECONNREFUSED)')
    expect(seen).toEqual([])
  })

  test('a list that expired begins again', async () => {
    const b = bench()
    const { version } = valueOf(await b.records.replace(b.small(), undefined))
    const error = { status: 410, reason: 'Expired', message: '', ambiguous: false }
    b.client.once({ ...any, outcome: { ok: false, error } })
    expect(await b.listedBy(b.faulty)).toEqual([{ ...b.subject, sources: [], version }])
  })
}
