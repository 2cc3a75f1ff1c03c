import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Result } from '../../src/domain/result.ts'
import type { StoredRefreshToken } from '../../src/ports/refresh-token-store.ts'
import { canary } from '../support/canary.ts'
import { Bench, document, documentWith, hook, issued, type StoreHarness, valueOf } from './store-bench.ts'
import { claiming } from './store-claim.ts'
import { proving } from './store-proof.ts'

export type { StoreHarness } from './store-bench.ts'

/** What every {@link RefreshTokenStore} keeps to. Hooks that a harness does not have skip their tests. */
export function refreshTokenStoreContract(name: string, makeStore: () => Promise<StoreHarness>): void {
  describe(`${name} keeps the contract of a refresh token store`, () => {
    const bench = benches(makeStore)
    reading(bench)
    writing(bench)
    racing(bench)
    failing(bench)
    proving(bench)
    claiming(bench)
  })
}

/** The part of the contract for a store that stands in for others in tests of the engine. */
export function proofAndClaimContract(name: string, makeStore: () => Promise<StoreHarness>): void {
  describe(`${name} keeps the contract of proofs and claims`, () => {
    const bench = benches(makeStore)
    proving(bench)
    claiming(bench)
  })
}

function benches(makeStore: () => Promise<StoreHarness>): () => Bench {
  const current: { harness?: StoreHarness } = {}
  beforeEach(async () => {
    current.harness = await makeStore()
  })
  afterEach(async () => {
    await current.harness?.stop?.()
  })
  return () => new Bench(current.harness)
}

function reading(bench: () => Bench): void {
  test('it reads what was put', async () => {
    const { harness, key, token } = await bench().seeded()
    const stored = valueOf(await harness.store.read(harness.location(key)))
    expect(stored.refreshToken.reveal()).toBe(token)
    expect(JSON.parse(stored.document.reveal())).toEqual(JSON.parse(await harness.get(key)))
  })

  test('it reads a document as it is, in the version of its tokens', async () => {
    const { harness, key, read } = await bench().seeded()
    const found = valueOf(await harness.store.readDocument(harness.location(key)))
    expect(JSON.parse(found.text.reveal())).toEqual(JSON.parse(await harness.get(key)))
    expect(found.version).toBe((await read()).version)
  })

  test('it reads a document that has no refresh token, and follows its changes', async () => {
    const { harness, key } = bench()
    await harness.put(key, JSON.stringify({ access_token: canary('at') }))
    const found = valueOf(await harness.store.readDocument(harness.location(key)))
    await harness.put(key, JSON.stringify({ access_token: canary('at') }))
    const next = valueOf(await harness.store.readDocument(harness.location(key)))
    expect(next.version).not.toBe(found.version)
    expect(JSON.parse(next.text.reveal())).toEqual(JSON.parse(await harness.get(key)))
  })

  test('it says that there is no document', async () => {
    const { harness, key, expectFailure } = bench()
    expectFailure(await harness.store.readDocument(harness.location(key)), ['REFRESH_TOKEN_MISSING'])
  })

  test('it reads what a property points at', async () => {
    const { harness, key } = bench()
    const token = canary('rt')
    await harness.put(key, JSON.stringify({ a: JSON.stringify({ b: token }), refresh_token: canary('rt') }))
    const stored = valueOf(await harness.store.read(harness.location(key, '/a/b')))
    expect(stored.refreshToken.reveal()).toBe(token)
  })

  test('it says that nothing is there', async () => {
    const { harness, key, expectFailure } = bench()
    expectFailure(await harness.store.read(harness.location(key)), ['REFRESH_TOKEN_MISSING'])
  })

  test('it says that the token is empty', async () => {
    const { harness, key, expectFailure } = bench()
    await harness.put(key, JSON.stringify({ refresh_token: '', access_token: canary('at') }))
    expectFailure(await harness.store.read(harness.location(key)), ['REFRESH_TOKEN_MISSING'])
  })

  test('it says that it does not understand the document', async () => {
    const { harness, key, expectFailure } = bench()
    await harness.put(key, JSON.stringify({ password: canary('secret') }))
    expectFailure(await harness.store.read(harness.location(key)), ['REFRESH_TOKEN_MALFORMED'])
  })

  test('the version stays while the document does, and changes with it', async () => {
    const { harness, key, read } = await bench().seeded()
    const first = await read()
    expect((await read()).version).toBe(first.version)
    await harness.put(key, document(canary('rt')))
    expect((await read()).version).not.toBe(first.version)
  })
}

function writing(bench: () => Bench): void {
  test('a write-back replaces the tokens and keeps everything else', async () => {
    const { harness, key, read } = await bench().seeded()
    const base = await read()
    const tokens = issued()
    const written = valueOf(await harness.store.writeBack(harness.location(key), base, tokens))
    expect(JSON.parse(await harness.get(key))).toEqual(JSON.parse(documentWith(tokens)))
    const now = await read()
    expect(written.refreshToken.reveal()).toBe(tokens.refreshToken.reveal())
    expect(JSON.parse(written.document.reveal())).toEqual(JSON.parse(now.document.reveal()))
    expect(written.version).toBe(now.version)
    expect(written.version).not.toBe(base.version)
  })

  test('a write-back follows another', async () => {
    const { harness, key, read } = await bench().seeded()
    const [first, second] = [issued(), issued()]
    const base = valueOf(await harness.store.writeBack(harness.location(key), await read(), first))
    valueOf(await harness.store.writeBack(harness.location(key), base, second))
    expect(JSON.parse(await harness.get(key))).toEqual(JSON.parse(documentWith(second)))
  })

  test('a write-back reaches into a file that is one value of the document', async () => {
    const { harness, key, read } = bench()
    await harness.put(key, JSON.stringify({ 'token.json': document(canary('rt')), other: 'kept' }))
    const tokens = issued()
    valueOf(await harness.store.writeBack(harness.location(key), await read(), tokens))
    expect(JSON.parse(await harness.get(key))).toEqual({ 'token.json': documentWith(tokens), other: 'kept' })
  })

  test('without a new refresh token the access token is written and the refresh token kept', async () => {
    const { harness, key, read, token } = await bench().seeded()
    const { accessToken } = issued()
    valueOf(await harness.store.writeBack(harness.location(key), await read(), { accessToken }))
    expect(JSON.parse(await harness.get(key))).toEqual(JSON.parse(document(token, accessToken.value.reveal())))
  })

  test('a refresh token without an access token is written alone', async () => {
    const { harness, key, read } = await bench().seeded()
    const base = await read()
    const { refreshToken } = issued()
    valueOf(await harness.store.writeBack(harness.location(key), base, { refreshToken }))
    const before = JSON.parse(base.document.reveal()) as object
    expect(JSON.parse(await harness.get(key))).toEqual({ ...before, refresh_token: refreshToken.reveal() })
  })

  test('a write-back that changes nothing makes no version', async () => {
    const { harness, key, read } = bench()
    await harness.put(key, JSON.stringify({ refresh_token: canary('rt'), label: 'no access token here' }))
    const base = await read()
    const { accessToken } = issued()
    const written = valueOf(await harness.store.writeBack(harness.location(key), base, { accessToken }))
    expect(written.version).toBe(base.version)
    expect((await read()).version).toBe(base.version)
  })

  test('the same write-back again succeeds and leaves one new version', async () => {
    const { harness, key, read, versions } = await bench().seeded()
    const [base, before] = [await read(), await versions()]
    const tokens = issued()
    const first = valueOf(await harness.store.writeBack(harness.location(key), base, tokens))
    const again = valueOf(await harness.store.writeBack(harness.location(key), base, tokens))
    expect(again.version).toBe(first.version)
    expect((await read()).version).toBe(first.version)
    expect(await versions()).toBe(before + 1)
  })
}

function racing(bench: () => Bench): void {
  test('a foreign write between is not overwritten', async () => {
    const { harness, key, read, expectFailure } = await bench().seeded()
    const base = await read()
    const theirs = document(canary('rt'))
    await harness.put(key, theirs)
    expectFailure(await harness.store.writeBack(harness.location(key), base, issued()), ['STORE_CONFLICT'])
    expect(JSON.parse(await harness.get(key))).toEqual(JSON.parse(theirs))
  })

  test('of two write-backs over one base at once exactly one wins', async () => {
    const { harness, key, read, expectFailure, versions } = await bench().seeded()
    const [base, before] = [await read(), await versions()]
    const attempts = [issued(), issued()]
    const results = await Promise.all(
      attempts.map((tokens) => harness.store.writeBack(harness.location(key), base, tokens)),
    )
    const winner = results.findIndex(({ ok }) => ok)
    const [won, lost] = winner === 0 ? attempts : attempts.toReversed()
    if (won === undefined || lost === undefined) throw new Error('there are two attempts')
    expect(results.filter(({ ok }) => ok)).toHaveLength(1)
    expectFailure(results[1 - winner], ['STORE_CONFLICT'])
    expect(JSON.parse(await harness.get(key))).toEqual(JSON.parse(documentWith(won)))
    valueOf(await harness.store.writeBack(harness.location(key), base, won))
    expectFailure(await harness.store.writeBack(harness.location(key), base, lost), ['STORE_CONFLICT'])
    expect(await versions()).toBe(before + 1)
  })

  test('the same write-back twice at once succeeds twice and leaves one new version', async () => {
    const { harness, key, read, versions } = await bench().seeded()
    const [base, before] = [await read(), await versions()]
    const tokens = issued()
    const write = (): Promise<Result<StoredRefreshToken>> =>
      harness.store.writeBack(harness.location(key), base, tokens)
    const [first, second] = await Promise.all([write(), write()])
    expect(valueOf(first).version).toBe(valueOf(second).version)
    expect(await versions()).toBe(before + 1)
  })
}

function failing(bench: () => Bench): void {
  test('it says that it may not', async (context) => {
    const { harness, key, read, expectFailure } = await bench().seeded()
    const base = await read()
    await hook(context, harness, 'forbid')
    expectFailure(await harness.store.read(harness.location(key)), ['STORE_FORBIDDEN'])
    expectFailure(await harness.store.writeBack(harness.location(key), base, issued()), ['STORE_FORBIDDEN'])
  })

  test('it says that the store does not answer, and goes on when it does', async (context) => {
    const { harness, key, read, expectFailure, token } = await bench().seeded()
    const base = await read()
    await hook(context, harness, 'takeDown')
    expectFailure(await harness.store.read(harness.location(key)), ['STORE_UNAVAILABLE'])
    const write = await harness.store.writeBack(harness.location(key), base, issued())
    expectFailure(write, ['STORE_UNAVAILABLE', 'STORE_WRITE_UNKNOWN'])
    await hook(context, harness, 'bringUp')
    expect((await read()).refreshToken.reveal()).toBe(token)
  })

  test('a lost answer to a write is found out', async (context) => {
    const { harness, key, read, expectFailure, versions } = await bench().seeded()
    const [base, before] = [await read(), await versions()]
    const tokens = issued()
    await hook(context, harness, 'loseNextWriteAnswer')
    const result = await harness.store.writeBack(harness.location(key), base, tokens)
    if (!result.ok) expectFailure(result, ['STORE_WRITE_UNKNOWN'])
    expect((await read()).refreshToken.reveal()).toBe(tokens.refreshToken.reveal())
    valueOf(await harness.store.writeBack(harness.location(key), base, tokens))
    expect(await versions()).toBe(before + 1)
  })

  test('a write whose outcome cannot be found out is unknown, and reading back tells', async (context) => {
    const { harness, key, read, expectFailure, versions } = await bench().seeded()
    const [base, before] = [await read(), await versions()]
    const tokens = issued()
    await hook(context, harness, 'takeDownAfterNextWrite')
    expectFailure(await harness.store.writeBack(harness.location(key), base, tokens), ['STORE_WRITE_UNKNOWN'])
    await hook(context, harness, 'bringUp')
    expect((await read()).refreshToken.reveal()).toBe(tokens.refreshToken.reveal())
    valueOf(await harness.store.writeBack(harness.location(key), base, tokens))
    expect(await versions()).toBe(before + 1)
  })
}
