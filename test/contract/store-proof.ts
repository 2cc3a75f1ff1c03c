import { expect, test } from 'vitest'
import { canary } from '../support/canary.ts'
import { type Bench, document, hook, issued, valueOf } from './store-bench.ts'

/** So many writes that the version is none of the first few. */
const someWrites = 6

/** What a proof of writability is: a look that changes nothing, and says what a write would meet. */
export function proving(bench: () => Bench): void {
  proofs(bench)
  refutations(bench)
  harmlessness(bench)
}

function proofs(bench: () => Bench): void {
  test('a proof of writability changes nothing', async () => {
    const { harness, key, read, versions } = await bench().seeded()
    const [base, text, before] = [await read(), await harness.get(key), await versions()]
    valueOf(await harness.store.proveWritable(harness.location(key), base))
    valueOf(await harness.store.proveWritable(harness.location(key), base))
    const after = await read()
    expect(after.version).toBe(base.version)
    expect(after.document.reveal()).toBe(base.document.reveal())
    expect(await harness.get(key)).toBe(text)
    if (harness.versions !== undefined) expect(await versions()).toBe(before)
  })

  test('refreshes follow one another, each a read, a proof and a write', async () => {
    const { harness, key, read } = await bench().seeded()
    let token = (await read()).refreshToken.reveal()
    for (let count = 0; count < someWrites; count += 1) {
      const base = await read()
      expect(base.refreshToken.reveal()).toBe(token)
      valueOf(await harness.store.proveWritable(harness.location(key), base))
      const tokens = issued()
      valueOf(await harness.store.writeBack(harness.location(key), base, tokens))
      token = tokens.refreshToken.reveal()
    }
    expect((await read()).refreshToken.reveal()).toBe(token)
  })
}

function refutations(bench: () => Bench): void {
  test('a proof over a document that was changed is a conflict', async () => {
    const { harness, key, read, expectFailure } = await bench().seeded()
    const base = await read()
    const theirs = document(canary('rt'))
    await harness.put(key, theirs)
    expectFailure(await harness.store.proveWritable(harness.location(key), base), ['STORE_CONFLICT'])
    if (harness.holdsBareTokens !== true) expect(JSON.parse(await harness.get(key))).toEqual(JSON.parse(theirs))
    valueOf(await harness.store.proveWritable(harness.location(key), await read()))
  })

  test('a proof over the document before a write-back is a conflict', async () => {
    const { harness, key, read, expectFailure } = await bench().seeded()
    const base = await read()
    const written = valueOf(await harness.store.writeBack(harness.location(key), base, issued()))
    expectFailure(await harness.store.proveWritable(harness.location(key), base), ['STORE_CONFLICT'])
    valueOf(await harness.store.proveWritable(harness.location(key), written))
  })

  test.each([1, someWrites])('a foreign write after a proof is not overwritten, after %i versions', async (count) => {
    const { harness, key, read, expectFailure } = bench()
    for (let version = 0; version < count; version += 1) await harness.put(key, document(canary('rt')))
    const base = await read()
    valueOf(await harness.store.proveWritable(harness.location(key), base))
    const theirs = canary('rt')
    await harness.put(key, document(theirs))
    expectFailure(await harness.store.writeBack(harness.location(key), base, issued()), ['STORE_CONFLICT'])
    expect((await read()).refreshToken.reveal()).toBe(theirs)
  })

  test('a proof says that it may not', async (context) => {
    const { harness, key, read, expectFailure } = await bench().seeded()
    const base = await read()
    await hook(context, harness, 'forbid')
    expectFailure(await harness.store.proveWritable(harness.location(key), base), ['STORE_FORBIDDEN'])
  })

  test('a proof says that it may read, and not write', async (context) => {
    const { harness, key, read, expectFailure } = await bench().seeded()
    await hook(context, harness, 'forbidWriting')
    expectFailure(await harness.store.proveWritable(harness.location(key), await read()), ['STORE_FORBIDDEN'])
  })
}

function harmlessness(bench: () => Bench): void {
  test('a proof says that the store does not answer, and succeeds when it does', async (context) => {
    const { harness, key, read, expectFailure } = await bench().seeded()
    const base = await read()
    await hook(context, harness, 'takeDown')
    expectFailure(await harness.store.proveWritable(harness.location(key), base), ['STORE_UNAVAILABLE'])
    await hook(context, harness, 'bringUp')
    expect((await read()).version).toBe(base.version)
    valueOf(await harness.store.proveWritable(harness.location(key), base))
  })

  test('a proof whose answer is lost has changed nothing', async (context) => {
    const { harness, key, read, expectFailure, versions } = await bench().seeded()
    const [base, text, before] = [await read(), await harness.get(key), await versions()]
    await hook(context, harness, 'loseNextWriteAnswer')
    const lost = await harness.store.proveWritable(harness.location(key), base)
    if (!lost.ok) expectFailure(lost, ['STORE_UNAVAILABLE'])
    expect((await read()).version).toBe(base.version)
    expect(await harness.get(key)).toBe(text)
    if (harness.versions !== undefined) expect(await versions()).toBe(before)
  })
}
