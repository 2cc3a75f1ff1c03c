import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StoredRefreshToken } from '../../../src/ports/refresh-token-store.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { Result } from '../../../src/domain/result.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { FakeVault, type VaultFault } from '../../support/fake-vault.ts'
import { VaultBench } from './vault-bench.ts'

const key = 'teams/ci/claude'
let vault: FakeVault
let bench: VaultBench

beforeEach(async () => {
  vault = await new FakeVault().start()
  bench = new VaultBench({ address: vault.address }, { timeoutMs: 300 })
  bench.secrets.values.set('operator/vault/token', vault.issue())
})

afterEach(async () => {
  await bench.store.close()
  await vault.stop()
})

function codeOf(result: Result<unknown>): string {
  if (result.ok) return 'ok'
  observeOutput('a failure of the Vault store', JSON.stringify(result.failure))
  return result.failure.code
}

function messageOf(result: Result<unknown>): string {
  codeOf(result)
  return result.ok ? 'ok' : result.failure.message
}

async function readBase(): Promise<StoredRefreshToken> {
  const base = await bench.store.read(bench.at(key))
  if (!base.ok) throw new Error(base.failure.message)
  return base.value
}

function rotated(): { refreshToken: Sensitive } {
  return { refreshToken: new Sensitive(canary('rt')) }
}

describe('the document', () => {
  test('is what Vault sends, character for character, and so is what is written', async () => {
    const [old, tokens] = [canary('rt'), rotated()]
    const text = `{ "n": 12345678901234567890, "e": 1.50e+3,\n "refresh_token": "${old}", "u": "\\u00e9" }`
    vault.put(key, text)
    const base = await readBase()
    expect(base.document.reveal()).toBe(text)
    expect(codeOf(await bench.store.writeBack(bench.at(key), base, tokens))).toBe('ok')
    expect(vault.get(key)).toBe(text.replace(old, tokens.refreshToken.reveal()))
  })

  test('has another version when the metadata was deleted and the numbers began again', async () => {
    vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
    const base = await readBase()
    vault.deleteMetadata(key)
    const theirs = `{"refresh_token":"${canary('rt')}"}`
    vault.put(key, theirs)
    expect((await readBase()).version).not.toBe(base.version)
    expect(codeOf(await bench.store.writeBack(bench.at(key), base, rotated()))).toBe('STORE_CONFLICT')
    expect(vault.get(key)).toBe(theirs)
  })

  test('that was deleted between is not put back', async () => {
    vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
    const base = await readBase()
    vault.markGone(key, 'deleted')
    expect(codeOf(await bench.store.writeBack(bench.at(key), base, rotated()))).toBe('STORE_CONFLICT')
    expect(vault.versions(key)).toBe(1)
  })

  test('has its segments encoded in the path, and travels with the namespace', async () => {
    const spaced = new VaultBench({ address: `${vault.address}/`, namespace: 'team/a' })
    spaced.secrets.values.set('operator/vault/token', vault.issue())
    vault.put('a b/c+d', `{"refresh_token":"${canary('rt')}"}`)
    expect(codeOf(await spaced.store.read(spaced.at('a b/c+d')))).toBe('ok')
    expect(vault.requests.at(-1)).toMatchObject({
      path: '/v1/secret/data/a%20b/c%2Bd',
      headers: { 'x-vault-namespace': 'team/a', 'x-vault-request': 'true' },
    })
    await spaced.store.close()
  })

  test('is asked for with the newest storage index that was seen', async () => {
    vault.fault('GET', '/data/', { status: 412, headers: { 'x-vault-index': 'bmV3ZXN0' } })
    expect(codeOf(await bench.store.read(bench.at(key)))).toBe('STORE_UNAVAILABLE')
    await bench.store.read(bench.at(key))
    const read = vault.requests.findLast(({ path }) => path.includes('/data/'))
    expect(read?.headers).toMatchObject({
      'x-vault-index': 'bmV3ZXN0',
      'x-vault-inconsistent': 'forward-active-node',
    })
  })
})

describe('what is missing is named', () => {
  test.for([
    ['a deleted version', 'deleted', 'is gone: version 1 was deleted.'],
    ['a destroyed version', 'destroyed', 'is gone: version 1 was destroyed.'],
  ] as const)('%s', async ([, gone, reason]) => {
    vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
    vault.markGone(key, gone)
    const result = await bench.store.read(bench.at(key))
    expect(codeOf(result)).toBe('REFRESH_TOKEN_MISSING')
    expect(messageOf(result)).toContain(`The document "${key}" of ClusterTokenStore vault ${reason}`)
  })

  test('a mount that is not there', async () => {
    const elsewhere = new VaultBench({ address: vault.address, mount: 'kv' })
    elsewhere.secrets.values.set('operator/vault/token', vault.issue())
    const result = await elsewhere.store.read(elsewhere.at(key))
    expect(codeOf(result)).toBe('STORE_INVALID')
    expect(messageOf(result)).toContain('ClusterTokenStore vault has no KV version 2 engine at its mount "kv"')
    await elsewhere.store.close()
  })

  test('an engine of KV version 1', async () => {
    vault.kvVersion = '1'
    expect(codeOf(await bench.store.read(bench.at(key)))).toBe('STORE_INVALID')
  })

  test('an engine that cannot be looked at is not blamed', async () => {
    vault.fault('GET', '/sys/internal/ui/mounts/', { status: 500 })
    expect(codeOf(await bench.store.read(bench.at(key)))).toBe('REFRESH_TOKEN_MISSING')
  })
})

interface Expected {
  readonly fault: VaultFault
  readonly code: string
  readonly says: string
  readonly retryAfterSeconds?: number
}

const answers: Record<string, Expected> = {
  'a sealed Vault': {
    fault: { status: 503, errors: ['Vault is sealed'], headers: { 'retry-after': '7' } },
    code: 'STORE_UNAVAILABLE',
    says: 'Vault is sealed (HTTP 503).',
    retryAfterSeconds: 7,
  },
  'a proxy in front of nothing': {
    fault: { status: 503 },
    code: 'STORE_UNAVAILABLE',
    says: 'Vault answered HTTP 503.',
  },
  'a quota that is used up': {
    fault: { status: 429, headers: { 'retry-after': 'Wed, 15 Jan 2027 08:01:00 GMT' } },
    code: 'STORE_THROTTLED',
    says: 'Vault answered HTTP 429, too many requests.',
    retryAfterSeconds: 60,
  },
  'a quota without a time': { fault: { status: 429 }, code: 'STORE_THROTTLED', says: 'too many requests.' },
  'a storage that is behind': { fault: { status: 412 }, code: 'STORE_UNAVAILABLE', says: 'behind that of the active' },
  'a disaster recovery secondary': { fault: { status: 472 }, code: 'STORE_UNAVAILABLE', says: 'HTTP 472' },
  'a performance standby': { fault: { status: 473 }, code: 'STORE_UNAVAILABLE', says: 'HTTP 473' },
  'a redirect, which is not followed': {
    fault: { status: 307, headers: { location: 'http://127.0.0.1:1/v1/secret/data/x' } },
    code: 'STORE_UNAVAILABLE',
    says: 'which is not followed',
  },
  'a server error': { fault: { status: 500 }, code: 'STORE_UNAVAILABLE', says: 'Vault answered HTTP 500.' },
  'an answer that is not of Vault': { fault: { status: 200 }, code: 'STORE_UNAVAILABLE', says: 'HTTP 200' },
  'a policy': {
    fault: { status: 403, errors: ['1 error occurred:\n\t* permission denied\n\n'] },
    code: 'STORE_FORBIDDEN',
    says: 'the policies of the login forbid it (HTTP 403).',
  },
  'a broken connection': {
    fault: { break: true, carryOut: false },
    code: 'STORE_UNAVAILABLE',
    says: 'the connection to Vault failed (UND_ERR_SOCKET).',
  },
  'an answer without end': {
    fault: { status: 200, body: 'a'.repeat(3_000_000) },
    code: 'STORE_UNAVAILABLE',
    says: 'the answer is longer than any of Vault.',
  },
  'a server that does not answer': { fault: 'hang', code: 'STORE_UNAVAILABLE', says: 'Vault did not answer in time.' },
}

describe('a read meets', () => {
  test.for(Object.entries(answers))('%s', async ([, { fault, code, says, retryAfterSeconds }]) => {
    vault.fault('GET', '/data/', fault)
    const result = await bench.store.read(bench.at(key))
    expect(codeOf(result)).toBe(code)
    expect(messageOf(result)).toContain(`Could not read the document "${key}" of ClusterTokenStore vault: `)
    expect(messageOf(result)).toContain(says)
    if (retryAfterSeconds !== undefined && !result.ok) {
      expect(result.failure.retryAfterSeconds).toBeGreaterThan(retryAfterSeconds - 2)
      expect(result.failure.retryAfterSeconds).toBeLessThanOrEqual(retryAfterSeconds)
    }
  })

  test('nobody at the address', async () => {
    const nobody = new VaultBench({ address: 'http://127.0.0.1:9' })
    nobody.secrets.values.set('operator/vault/token', canary('secret'))
    const result = await nobody.store.read(nobody.at(key))
    expect(codeOf(result)).toBe('STORE_UNAVAILABLE')
    expect(messageOf(result)).toMatch(/failed \((ECONNREFUSED|UND_ERR_[A-Z_]+)\)/)
    await nobody.store.close()
  })
})

interface WriteCase {
  readonly faults: readonly VaultFault[]
  readonly code: string
  readonly written: boolean
}

const writes: Record<string, WriteCase> = {
  'an answer that is lost after the commit': {
    faults: [{ break: true, carryOut: true }],
    code: 'ok',
    written: true,
  },
  'a server error after the commit (audit of the answer failed)': {
    faults: [{ carryOutAndAnswer: 500 }],
    code: 'ok',
    written: true,
  },
  'a connection that is lost before the commit': {
    faults: [{ break: true, carryOut: false }],
    code: 'ok',
    written: true,
  },
  'two answers that are lost': {
    faults: [
      { break: true, carryOut: true },
      { break: true, carryOut: true },
    ],
    code: 'STORE_WRITE_UNKNOWN',
    written: true,
  },
  'a seal after an answer that was lost': {
    faults: [
      { break: true, carryOut: true },
      { status: 503, errors: ['Vault is sealed'] },
    ],
    code: 'STORE_WRITE_UNKNOWN',
    written: true,
  },
  'a seal before anything': {
    faults: [{ status: 503, errors: ['Vault is sealed'] }],
    code: 'STORE_UNAVAILABLE',
    written: false,
  },
  'a quota': { faults: [{ status: 429 }], code: 'STORE_THROTTLED', written: false },
  'a success that is not readable': { faults: [{ carryOutAndAnswer: 200 }], code: 'ok', written: true },
  'two servers that do not answer': { faults: ['hang', 'hang'], code: 'STORE_WRITE_UNKNOWN', written: false },
}

describe('a write meets', () => {
  test.for(Object.entries(writes))('%s', async ([, { faults, code, written }]) => {
    const old = `{"refresh_token":"${canary('rt')}"}`
    vault.put(key, old)
    const base = await readBase()
    for (const fault of faults) vault.fault('PUT', '/data/', fault)
    const tokens = rotated()
    expect(codeOf(await bench.store.writeBack(bench.at(key), base, tokens))).toBe(code)
    expect(vault.versions(key)).toBe(written ? 2 : 1)
    expect(vault.get(key)).toBe(written ? `{"refresh_token":"${tokens.refreshToken.reveal()}"}` : old)
  })

  test('somebody else in the moment before', async () => {
    vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
    const base = await readBase()
    const theirs = `{"refresh_token":"${canary('rt')}"}`
    vault.beforeNext('PUT', () => vault.put(key, theirs))
    expect(codeOf(await bench.store.writeBack(bench.at(key), base, rotated()))).toBe('STORE_CONFLICT')
    expect(vault.get(key)).toBe(theirs)
  })

  test('an unreadable document in the moment before', async () => {
    vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
    const base = await readBase()
    vault.beforeNext('PUT', () => vault.put(key, '{"a":"b"}'))
    expect(codeOf(await bench.store.writeBack(bench.at(key), base, rotated()))).toBe('STORE_CONFLICT')
  })

  test('a mismatch that nobody can explain, because reading fails', async () => {
    vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
    const base = await readBase()
    vault.beforeNext('PUT', () => {
      vault.put(key, '{"a":"b"}')
      vault.fault('GET', '/data/', { status: 500 })
    })
    expect(codeOf(await bench.store.writeBack(bench.at(key), base, rotated()))).toBe('STORE_WRITE_UNKNOWN')
  })
})

test('requests are counted by operation and outcome', async () => {
  vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
  await readBase()
  await bench.store.writeBack(bench.at(key), await readBase(), rotated())
  expect([...bench.counts]).toEqual([
    ['storeRequest vault login', 1],
    ['storeRequest vault read', 3],
    ['storeRequest vault write', 1],
  ])
})
