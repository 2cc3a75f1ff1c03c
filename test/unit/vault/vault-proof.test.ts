import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { StoredRefreshToken } from '../../../src/ports/refresh-token-store.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { FakeVault, type VaultFault } from '../../support/fake-vault.ts'
import { ScaledClock } from '../../support/scaled-clock.ts'
import { VaultBench } from './vault-bench.ts'

const key = 'teams/ci/claude'
const day = 86_400

class HandClock extends ScaledClock {
  aheadMs = 0

  constructor() {
    super(1)
  }

  override monotonicMs(): number {
    return super.monotonicMs() + this.aheadMs
  }
}

let vault: FakeVault
let clock: HandClock
let bench: VaultBench

beforeEach(async () => {
  vault = await new FakeVault().start()
  clock = new HandClock()
  bench = new VaultBench({ address: vault.address }, { timeoutMs: 300, clock })
  bench.secrets.values.set('operator/vault/token', vault.issue())
})

afterEach(async () => {
  await bench.store.close()
  await vault.stop()
})

/** A document with so many versions, as it is read; from here on requests are counted. */
async function stored(versions = 1): Promise<StoredRefreshToken> {
  while (vault.versions(key) < versions) vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
  const base = await bench.store.read(bench.at(key))
  if (!base.ok) throw new Error(base.failure.message)
  vault.requests.splice(0)
  return base.value
}

function methods(): readonly string[] {
  return vault.requests.map(({ method }) => method)
}

async function prove(base: StoredRefreshToken): Promise<string> {
  return textOf(await bench.store.proveWritable(bench.at(key), base))
}

async function write(base: StoredRefreshToken): Promise<string> {
  const tokens = { refreshToken: new Sensitive(canary('rt')) }
  return textOf(await bench.store.writeBack(bench.at(key), base, tokens))
}

function textOf(result: Result<unknown>): string {
  if (result.ok) return 'ok'
  observeOutput('a failure of the Vault store', JSON.stringify(result.failure))
  return `${result.failure.code}: ${result.failure.message}`
}

describe('a proof', () => {
  test('is a read, and a write of the same document that can never be carried out', async () => {
    const base = await stored()
    expect(await prove(base)).toBe('ok')
    expect(methods().toSorted()).toEqual(['GET', 'PUT'])
    const put = vault.requests.find(({ method }) => method === 'PUT')
    expect(put?.body).toBe(`{"options":{"cas":-1},"data":${base.document.reveal()}}`)
    expect(vault.versions(key)).toBe(1)
  })

  test('over a document that is gone is a conflict', async () => {
    const base = await stored()
    vault.markGone(key, 'deleted')
    expect(await prove(base)).toMatch(/^STORE_CONFLICT/)
    vault.deleteMetadata(key)
    expect(await prove(base)).toMatch(/^STORE_CONFLICT/)
    expect(vault.versions(key)).toBe(0)
  })

  test('over numbers that began again is a conflict', async () => {
    const base = await stored()
    vault.deleteMetadata(key)
    vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
    expect(await prove(base)).toMatch(/^STORE_CONFLICT/)
  })

  test('against an engine that ignores check-and-set loses nothing and says so', async () => {
    const base = await stored()
    vault.ignoresCas = true
    expect(await prove(base)).toMatch(/^STORE_INVALID: .* check-and-set/)
    expect(vault.get(key)).toBe(base.document.reveal())
  })

  test.for<[string, number | undefined, string]>([
    ['never', undefined, 'ok'],
    ['after a week', 7 * day, 'ok'],
    ['a second before a week is over', 7 * day - 1, 'delete_version_after of it or of its mount is 604799s'],
    ['after an hour', 3600, 'delete_version_after of it or of its mount is 3600s'],
  ])('of a document that Vault deletes %s', async ([, lengthSeconds, says]) => {
    vault.deleteVersionAfterSeconds = lengthSeconds
    const text = await prove(await stored())
    if (says === 'ok') expect(text).toBe('ok')
    else expect(text).toMatch(new RegExp(`^STORE_UNFIT: .* at 2026-11-.*${says}`))
  })

  const faults: Readonly<Record<string, [VaultFault, string]>> = {
    'a refusal': [{ status: 403, errors: ['permission denied'] }, 'STORE_FORBIDDEN'],
    'a sealed Vault': [{ status: 503, errors: ['Vault is sealed'] }, 'STORE_UNAVAILABLE'],
    'too many requests': [{ status: 429, headers: { 'retry-after': '7' } }, 'STORE_THROTTLED'],
    'an error after the fact': [{ status: 500 }, 'STORE_UNAVAILABLE'],
    'another 400': [{ status: 400, errors: ['no data provided'] }, 'STORE_UNAVAILABLE'],
    'a redirect': [{ status: 307 }, 'STORE_UNAVAILABLE'],
    'a broken connection': [{ break: true, carryOut: true }, 'STORE_UNAVAILABLE'],
    'no answer': ['hang', 'STORE_UNAVAILABLE'],
  }
  test.for(Object.entries(faults))('whose write meets %s', async ([, [fault, code]]) => {
    const base = await stored()
    vault.fault('PUT', '/data/', fault)
    expect(await prove(base)).toContain(code)
    expect(vault.get(key)).toBe(base.document.reveal())
    expect(vault.versions(key)).toBe(1)
    expect(await prove(base)).toBe('ok')
  })

  test.for(Object.entries(faults))('whose read meets %s', async ([, [fault, code]]) => {
    const base = await stored()
    vault.fault('GET', '/data/', fault)
    expect(await prove(base)).toContain(code)
  })

  test('takes a server that cannot parse the number for one that is there', async () => {
    const base = await stored()
    vault.fault('PUT', '/data/', { status: 400, errors: ['error parsing check-and-set parameter'] })
    expect(await prove(base)).toBe('ok')
  })
})

describe('the read before a write', () => {
  test('is made without a proof', async () => {
    expect(await write(await stored(9))).toBe('ok')
    expect(methods()).toEqual(['GET', 'PUT'])
  })

  test('is the one of the proof that was just made', async () => {
    const base = await stored(9)
    await prove(base)
    vault.requests.splice(0)
    expect(await write(base)).toBe('ok')
    expect(methods()).toEqual(['PUT'])
  })

  test('is made again when the proof is old, or failed', async () => {
    const base = await stored(9)
    await prove(base)
    clock.aheadMs += 15_000
    vault.requests.splice(0)
    expect(await write(base)).toBe('ok')
    expect(methods()).toEqual(['GET', 'PUT'])

    const next = await stored()
    vault.fault('PUT', '/data/', { status: 503 })
    await prove(next)
    vault.requests.splice(0)
    expect(await write(next)).toBe('ok')
    expect(methods()).toEqual(['GET', 'PUT'])
  })

  test.for([1, 2, 3, 4])('is made again while the number is %i, which new metadata soon has too', async (versions) => {
    const base = await stored(versions)
    await prove(base)
    vault.deleteMetadata(key)
    while (vault.versions(key) < versions) vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
    const theirs = vault.get(key)
    expect(await write(base)).toMatch(/^STORE_CONFLICT/)
    expect(vault.get(key)).toBe(theirs)
  })

  test('that a proof has made does not see a deletion after it, and nothing is lost', async () => {
    const base = await stored(9)
    await prove(base)
    vault.markGone(key, 'deleted')
    expect(await write(base)).toBe('ok')
    expect(vault.versions(key)).toBe(10)
  })
})
