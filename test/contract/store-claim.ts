import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { claimMember, type DocumentClaim } from '../../src/domain/document-claim.ts'
import type { Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { StoredRefreshToken } from '../../src/ports/refresh-token-store.ts'
import { canary, watchForLeak } from '../support/canary.ts'
import { type Bench, document, hook, issued, type StoreHarness, valueOf } from './store-bench.ts'

/** What a claim in a document is, and that documents without room have none. */
export function claiming(bench: () => Bench): void {
  test('a document without room for a claim takes none', async (context) => {
    const { harness, key, read } = await bench().seeded()
    if (harness.hasNoRoom !== true) context.skip('the documents have room')
    const base = await read()
    expect(base).not.toHaveProperty('claim')
    await expect(claim(harness, key, base, aClaim('prod/1'))).rejects.toThrow('no room')
    expect((await read()).version).toBe(base.version)
  })

  const roomy = (name: string, run: (bench: Bench) => Promise<void>, wholeDocuments = false): void => {
    test(name, async (context) => {
      const { harness } = bench()
      if (harness.hasNoRoom === true) context.skip('the documents have no room')
      if (wholeDocuments && harness.holdsBareTokens === true) context.skip('the documents are bare tokens')
      await run(bench())
    })
  }

  claims(roomy)
  racing(roomy)
  sharing(roomy)

  test('a lost answer to a claim is found out', async (context) => {
    const { harness, key, read, expectFailure, versions } = await bench().seeded()
    if (harness.hasNoRoom === true) context.skip('the documents have no room')
    const [base, before] = [await read(), await versions()]
    const mine = aClaim('prod/1')
    await hook(context, harness, 'loseNextWriteAnswer')
    const lost = await claim(harness, key, base, mine)
    if (!lost.ok) expectFailure(lost, ['STORE_WRITE_UNKNOWN'])
    expect(shown(await read())).toEqual(plain(mine))
    valueOf(await claim(harness, key, base, mine))
    expect(await versions()).toBe(before + 1)
  })
}

type Roomy = (name: string, run: (bench: Bench) => Promise<void>, wholeDocuments?: boolean) => void

function claims(roomy: Roomy): void {
  roomy('a claim is put beside the token, read back, and kept by a write-back', async (bench) => {
    const { harness, key, read } = await bench.seeded()
    const base = await read()
    expect(base.claim).toEqual({ kind: 'free' })
    const others = membersBeside(await harness.get(key))
    const mine = aClaim('prod/1')
    const claimed = valueOf(await claim(harness, key, base, mine))
    expect(shown(claimed)).toEqual(plain(mine))
    expect(claimed.version).not.toBe(base.version)
    expect((await read()).version).toBe(claimed.version)
    expect(membersBeside(await harness.get(key))).toEqual(others)
    const written = valueOf(await harness.store.writeBack(harness.location(key), claimed, issued()))
    expect(shown(written)).toEqual(plain(mine))
    expect(shown(await read())).toEqual(plain(mine))
  })

  roomy('the claim of another owner is read, and taken over with its key', async (bench) => {
    const { harness, key, read } = await bench.seeded()
    const [theirs, mine] = [aClaim('blue/1'), aClaim('green/2')]
    valueOf(await claim(harness, key, await read(), theirs))
    const found = await read()
    expect(shown(found)).toEqual(plain(theirs))
    const taken = valueOf(await claim(harness, key, found, mine))
    expect(shown(taken)).toEqual({ ...plain(mine), sealingKey: theirs.sealingKey.reveal() })
    expect(shown(await read())).toEqual(shown(taken))
    expect((await read()).refreshToken.reveal()).toBe(found.refreshToken.reveal())
  })

  roomy('the same claim again succeeds and leaves one new version', async (bench) => {
    const { harness, key, read, versions } = await bench.seeded()
    const [base, before] = [await read(), await versions()]
    const mine = aClaim('prod/1')
    const first = valueOf(await claim(harness, key, base, mine))
    const again = valueOf(await claim(harness, key, base, mine))
    expect(again.version).toBe(first.version)
    expect(shown(again)).toEqual(plain(mine))
    expect(await versions()).toBe(before + 1)
  })

  roomy('a claim follows a proof, and a proof a claim', async (bench) => {
    const { harness, key, read } = await bench.seeded()
    const base = await read()
    valueOf(await harness.store.proveWritable(harness.location(key), base))
    const claimed = valueOf(await claim(harness, key, base, aClaim('prod/1')))
    valueOf(await harness.store.proveWritable(harness.location(key), claimed))
    valueOf(await harness.store.writeBack(harness.location(key), claimed, issued()))
  })
}

function racing(roomy: Roomy): void {
  roomy('of two claims at once exactly one wins', async (bench) => {
    const { harness, key, read, expectFailure } = await bench.seeded()
    const base = await read()
    const attempts = [aClaim('blue/1'), aClaim('green/2')]
    const results = await Promise.all(attempts.map((attempt) => claim(harness, key, base, attempt)))
    const winner = results.findIndex(({ ok }) => ok)
    const won = attempts[winner]
    if (won === undefined) throw new Error('nobody won')
    expectFailure(results[1 - winner], ['STORE_CONFLICT'])
    expect(shown(await read())).toEqual(plain(won))
  })

  roomy('of a claim and a write-back at once exactly one wins', async (bench) => {
    const { harness, key, read, expectFailure } = await bench.seeded()
    const base = await read()
    const [mine, tokens] = [aClaim('blue/1'), issued()]
    const [claimed, written] = await Promise.all([
      claim(harness, key, base, mine),
      harness.store.writeBack(harness.location(key), base, tokens),
    ])
    expectFailure(claimed.ok ? written : claimed, ['STORE_CONFLICT'])
    const now = await read()
    expect(now.refreshToken.reveal()).toBe((claimed.ok ? base : tokens).refreshToken.reveal())
    expect(shown(now)).toEqual(claimed.ok ? plain(mine) : 'free')
    expect(claimed.ok).toBe(!written.ok)
  })

  roomy('a claim over a document that was changed is a conflict', async (bench) => {
    const { harness, key, read, expectFailure } = await bench.seeded()
    const base = await read()
    const theirs = canary('rt')
    await harness.put(key, document(theirs))
    expectFailure(await claim(harness, key, base, aClaim('prod/1')), ['STORE_CONFLICT'])
    const now = await read()
    expect(now.refreshToken.reveal()).toBe(theirs)
    expect(now.claim).toEqual({ kind: 'free' })
  })
}

function sharing(roomy: Roomy): void {
  const two = async ({ harness, key }: Bench): Promise<void> =>
    harness.put(key, JSON.stringify({ 'a.json': document(canary('rt')), 'b.json': document(canary('rt')) }))

  roomy(
    'each token of a document has an owner of its own, and all have one key',
    async (bench) => {
      const { harness, key } = bench
      await two(bench)
      const [a, b] = [harness.location(key, '/a.json'), harness.location(key, '/b.json')]
      const [mine, theirs] = [aClaim('prod/1'), aClaim('prod/2')]
      valueOf(await harness.store.claim(a, valueOf(await harness.store.read(a)), mine))
      const other = valueOf(await harness.store.read(b))
      expect(other.claim).toEqual({ kind: 'free' })
      const claimed = valueOf(await harness.store.claim(b, other, theirs))
      expect(shown(claimed)).toEqual({ ...plain(theirs), sealingKey: mine.sealingKey.reveal() })
      expect(shown(valueOf(await harness.store.read(a)))).toEqual(plain(mine))
    },
    true,
  )

  roomy(
    'a member in the place of claims that holds none is named, and stays',
    async (bench) => {
      const { harness, key, expectFailure } = bench
      const text = JSON.stringify({ ...(JSON.parse(document(canary('rt'))) as object), [claimMember]: 'nobody' })
      await harness.put(key, text)
      const result = await harness.store.read(harness.location(key))
      expectFailure(result, ['REFRESH_TOKEN_MALFORMED'])
      expect(!result.ok && result.failure.message).toContain(claimMember)
      expect(JSON.parse(await harness.get(key))).toEqual(JSON.parse(text))
    },
    true,
  )
}

/** A store without room may throw at once. */
async function claim(
  harness: StoreHarness,
  key: string,
  base: StoredRefreshToken,
  put: DocumentClaim,
): Promise<Result<StoredRefreshToken>> {
  return harness.store.claim(harness.location(key), base, put)
}

function aClaim(owner: string): DocumentClaim {
  const sealingKey = new Sensitive(watchForLeak(randomBytes(32).toString('base64')))
  return { owner, ownerName: `claude of ${owner}`, sealingKey }
}

function plain({ owner, ownerName, sealingKey }: DocumentClaim): Readonly<Record<string, string>> {
  return { owner, ownerName, sealingKey: sealingKey.reveal() }
}

function shown({ claim: state }: StoredRefreshToken): Readonly<Record<string, string>> | string | undefined {
  return state?.kind === 'claimed' ? plain(state.claim) : state?.kind
}

/** The members that are not of claims. */
function membersBeside(text: string): unknown {
  const { [claimMember]: _, ...others } = JSON.parse(text) as Record<string, unknown>
  return others
}
