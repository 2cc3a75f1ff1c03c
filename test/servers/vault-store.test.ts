import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Result } from '../../src/domain/result.ts'
import { Sensitive } from '../../src/domain/sensitive.ts'
import type { VaultAuth } from '../../src/domain/token-store.ts'
import type { StoredRefreshToken } from '../../src/ports/refresh-token-store.ts'
import { refreshTokenStoreContract, type StoreHarness } from '../contract/refresh-token-store.ts'
import { canary, observeOutput, watchForLeak } from '../support/canary.ts'
import { LossyProxy } from '../support/lossy-proxy.ts'
import { appRoleAuth, VaultBench } from '../unit/vault/vault-bench.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'
import { startVault, type Vault } from './vault.ts'

const policy = `path "secret/data/*" { capabilities = ["create", "read", "update"] }`
let vault: Vault
let keys = 0

beforeAll(async () => {
  vault = await startVault()
  await vault.requestOrThrow('PUT', 'sys/policies/acl/operator', { policy })
})

afterAll(() => vault.stop())

/** A token of the operator's policy and of the default one, which lets it renew itself. */
async function issueToken(fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { json } = await vault.requestOrThrow('POST', 'auth/token/create', { policies: ['operator'], ...fields })
  return watchForLeak((json['auth'] as { client_token: string }).client_token)
}

async function benchAt(address: string, token: string): Promise<VaultBench> {
  const bench = new VaultBench({ address })
  bench.secrets.values.set('operator/vault/token', token)
  return Promise.resolve(bench)
}

function describeResult(result: Result<unknown>): string {
  if (result.ok) return 'ok'
  observeOutput('a failure of the Vault store', JSON.stringify(result.failure))
  return `${result.failure.code}: ${result.failure.message}`
}

function isWrite({ method, path }: { method: string; path: string }): boolean {
  return method === 'PUT' && path.includes('/data/')
}

refreshTokenStoreContract('VaultStore, over a real server,', async (): Promise<StoreHarness> => {
  const proxy = await new LossyProxy(vault.address).start()
  const bench = await benchAt(proxy.address, await issueToken())
  return {
    store: bench.store,
    location: (key, property) => bench.at(key, {}, property),
    put: async (key, text) => {
      const { status } = await vault.request('POST', `secret/data/${key}`, `{"data":${text}}`)
      expect(status).toBe(200)
    },
    get: async (key) => JSON.stringify((await vault.kvRead(key)).data),
    freshKey: () => `teams/ci/contract-${(keys += 1)}`,
    versions: async (key) => (await vault.kvRead(key)).version ?? 0,
    forbid: async () => {
      const denying = await issueToken({ policies: ['default'] })
      bench.secrets.values.set('operator/vault/token', denying)
      await vault.requestOrThrow('PUT', 'sys/policies/acl/operator', {
        policy: 'path "secret/data/other" { capabilities = ["read"] }',
      })
    },
    forbidWriting: async () => {
      await vault.requestOrThrow('PUT', 'sys/policies/acl/operator', {
        policy: 'path "secret/data/*" { capabilities = ["read"] }',
      })
    },
    takeDown: () => vault.seal(),
    bringUp: async () => {
      proxy.bringUp()
      await vault.unseal()
    },
    loseNextWriteAnswer: () => Promise.resolve(proxy.loseNextAnswer(isWrite)),
    takeDownAfterNextWrite: () => Promise.resolve(proxy.loseNextAnswer(isWrite, true)),
    stop: async () => {
      await vault.requestOrThrow('PUT', 'sys/policies/acl/operator', { policy })
      await bench.store.close()
      await proxy.stop()
    },
  }
})

describe('a real server', () => {
  let bench: VaultBench
  const key = 'teams/ci/claude'

  beforeEach(async () => {
    bench = await benchAt(vault.address, await issueToken())
    await vault.request('DELETE', `secret/metadata/${key}`)
    return () => bench.store.close()
  })

  async function stored(): Promise<StoredRefreshToken> {
    const result = await bench.store.read(bench.at(key))
    if (!result.ok) throw new Error(result.failure.message)
    return result.value
  }

  async function seed(extra = ''): Promise<string> {
    const token = canary('rt')
    await vault.requestOrThrow('POST', `secret/data/${key}`, `{"data":{"refresh_token":"${token}"${extra}}}`)
    return token
  }

  test('keeps every character but the token through a write-back', async () => {
    const old = await seed(',"n":9007199254740991,"e":1.50,"u":"<é>&\\u2028","list":[{"b":1,"a":null}]')
    const base = await stored()
    const tokens = { refreshToken: new Sensitive(canary('rt')) }
    const written = await bench.store.writeBack(bench.at(key), base, tokens)
    expect(describeResult(written)).toBe('ok')
    const now = await stored()
    expect(now.document.reveal()).toBe(base.document.reveal().replace(old, tokens.refreshToken.reveal()))
    expect(written).toEqual({ ok: true, value: now })
  })

  test('begins its numbers again after the metadata was deleted, which is not taken for the same document', async () => {
    await seed()
    const base = await stored()
    await vault.requestOrThrow('DELETE', `secret/metadata/${key}`)
    const theirs = await seed()
    const result = await bench.store.writeBack(bench.at(key), base, { refreshToken: new Sensitive(canary('rt')) })
    expect(describeResult(result)).toMatch(/^STORE_CONFLICT/)
    expect((await stored()).refreshToken.reveal()).toBe(theirs)
  })

  test('writes nothing at a proof, neither a version nor metadata', async () => {
    await seed(',"n":9007199254740991,"e":1.50')
    const base = await stored()
    const before = await vault.kvMetadata(key)
    expect(describeResult(await bench.store.proveWritable(bench.at(key), base))).toBe('ok')
    expect(await vault.kvMetadata(key)).toEqual(before)
    expect(await stored()).toEqual(base)
    await vault.requestOrThrow('DELETE', `secret/metadata/${key}`)
    expect(describeResult(await bench.store.proveWritable(bench.at(key), base))).toMatch(/^STORE_CONFLICT/)
    expect(await vault.kvMetadata(key)).toBeUndefined()
  })

  test('takes a negative check-and-set for a number that no version has', async () => {
    await seed()
    for (const path of [key, 'teams/ci/nothing-here']) {
      const body = '{"options":{"cas":-1},"data":{"refresh_token":"x"}}'
      const { status, text } = await vault.request('PUT', `secret/data/${path}`, body)
      expect(status).toBe(400)
      expect(text).toContain('check-and-set parameter did not match the current version')
    }
    expect(await vault.kvMetadata('teams/ci/nothing-here')).toBeUndefined()
  })

  test('deletes versions by itself, which is told by a proof, whether the path says so or the mount', async () => {
    await vault.requestOrThrow('POST', `secret/metadata/${key}`, { delete_version_after: '1h' })
    await seed()
    expect(describeResult(await bench.store.proveWritable(bench.at(key), await stored()))).toMatch(
      /^STORE_UNFIT: .* delete_version_after of it or of its mount is 3600s/,
    )
    await vault.requestOrThrow('DELETE', `secret/metadata/${key}`)
    await vault.requestOrThrow('POST', 'secret/config', { delete_version_after: '30m' })
    await seed()
    expect(describeResult(await bench.store.proveWritable(bench.at(key), await stored()))).toMatch(/ is 1800s/)
    await vault.requestOrThrow('POST', 'secret/config', { delete_version_after: '0s' })
    await seed()
    expect(describeResult(await bench.store.proveWritable(bench.at(key), await stored()))).toBe('ok')
  })

  test('keeps every character beside a claim', async () => {
    await seed(',"n":9007199254740991,"e":1.50,"z":{"b":1,"a":null}')
    const base = await stored()
    const claim = { owner: 'prod/1', ownerName: 'ci/"claude"', sealingKey: new Sensitive('A'.repeat(43) + '=') }
    const claimed = await bench.store.claim(bench.at(key), base, claim)
    expect(describeResult(claimed)).toBe('ok')
    const now = await stored()
    expect(claimed.ok && claimed.value.version).toBe(now.version)
    expect(now.document.reveal().replace(/"_oauthop":\{.*?\}\}\},/, '')).toBe(base.document.reveal())
    expect(now.claim).toEqual({ kind: 'claimed', claim })
  })

  test('says of a deleted and of a destroyed version that it is gone', async () => {
    await seed()
    await vault.requestOrThrow('DELETE', `secret/data/${key}`)
    expect(describeResult(await bench.store.read(bench.at(key)))).toMatch(
      /^REFRESH_TOKEN_MISSING: .* version 1 was deleted/,
    )
    await vault.requestOrThrow('PUT', `secret/destroy/${key}`, { versions: [1] })
    expect(describeResult(await bench.store.read(bench.at(key)))).toMatch(
      /^REFRESH_TOKEN_MISSING: .* version 1 was destroyed/,
    )
  })

  test('has no KV version 2 engine at a mount of version 1, and none where nothing is mounted', async () => {
    await vault.requestOrThrow('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
    const root = await benchAt(vault.address, vault.rootToken)
    for (const mount of ['old', 'nowhere']) {
      const backend = { ...root.at(key).store.backend, mount } as never
      expect(describeResult(await root.store.read(root.at(key, { backend })))).toMatch(/^STORE_INVALID: .*at its mount/)
    }
    await root.store.close()
  })

  test('is sealed, and then is not', async () => {
    await seed()
    await stored()
    await vault.seal()
    expect(describeResult(await bench.store.read(bench.at(key)))).toMatch(
      /^STORE_UNAVAILABLE: .* Vault is sealed \(HTTP 503\)/,
    )
    await vault.unseal()
    expect(describeResult(await bench.store.read(bench.at(key)))).toBe('ok')
  })

  test('is gone, and comes back', async () => {
    await seed()
    await stored()
    await vault.kill()
    expect(describeResult(await bench.store.read(bench.at(key)))).toMatch(
      /^STORE_UNAVAILABLE: .* the connection to Vault/,
    )
    await vault.start()
    await vault.unseal()
    expect(describeResult(await bench.store.read(bench.at(key)))).toBe('ok')
  })

  test('limits requests', async () => {
    await seed()
    await stored()
    await vault.requestOrThrow('POST', 'sys/quotas/config', { enable_rate_limit_response_headers: true })
    await vault.requestOrThrow('POST', 'sys/quotas/rate-limit/low', { path: 'secret', rate: 1, interval: '1m' })
    const results = [await bench.store.read(bench.at(key)), await bench.store.read(bench.at(key))]
    await vault.requestOrThrow('DELETE', 'sys/quotas/rate-limit/low')
    const throttled = results.find(({ ok }) => !ok)
    expect(throttled && describeResult(throttled)).toMatch(/^STORE_THROTTLED/)
    expect(throttled).toMatchObject({ failure: { retryAfterSeconds: expect.any(Number) as number } })
  })

  test('renews a token that a human made, while nobody uses it', async () => {
    await seed()
    const token = await issueToken({ ttl: '3s', renewable: true, explicit_max_ttl: '1h' })
    const idle = await benchAt(vault.address, token)
    expect(describeResult(await idle.store.read(idle.at(key)))).toBe('ok')
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    expect(describeResult(await idle.store.read(idle.at(key)))).toBe('ok')
    expect(idle.counts.get('storeRequest vault renew')).toBeGreaterThanOrEqual(2)
    await idle.store.close()
  })

  test('disowns a token that has ended', async () => {
    await seed()
    const ended = await benchAt(vault.address, await issueToken({ ttl: '1s', renewable: false }))
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(describeResult(await ended.store.read(ended.at(key)))).toMatch(
      /^STORE_LOGIN_REJECTED: .* does not accept the token/,
    )
    await ended.store.close()
  })
})

describe('a login by AppRole', () => {
  const key = 'teams/ci/approle'
  let auth: VaultAuth
  let secretId: string

  beforeAll(async () => {
    await vault.requestOrThrow('POST', 'sys/auth/approle', { type: 'approle' })
    await vault.requestOrThrow('POST', 'auth/approle/role/operator', {
      token_policies: ['operator'],
      token_ttl: '2s',
      token_max_ttl: '5s',
    })
    const role = await vault.requestOrThrow('GET', 'auth/approle/role/operator/role-id')
    const secret = await vault.requestOrThrow('POST', 'auth/approle/role/operator/secret-id', {})
    auth = { ...appRoleAuth, roleId: (role.json['data'] as { role_id: string }).role_id } as VaultAuth
    secretId = watchForLeak((secret.json['data'] as { secret_id: string }).secret_id)
    await vault.requestOrThrow('POST', `secret/data/${key}`, { data: { refresh_token: canary('rt') } })
  })

  function aBench(): VaultBench {
    const bench = new VaultBench({ address: vault.address, auth })
    bench.secrets.values.set('operator/vault/secret-id', secretId)
    return bench
  }

  test('is renewed, then replaced, through three of its lives', async () => {
    const bench = aBench()
    const end = Date.now() + 7_000
    while (Date.now() < end) {
      expect(describeResult(await bench.store.read(bench.at(key)))).toBe('ok')
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    expect(bench.counts.get('storeRequest vault renew')).toBeGreaterThanOrEqual(2)
    expect(bench.counts.get('storeRequest vault login')).toBeGreaterThanOrEqual(2)
    expect(bench.counts.get('storeRequest vault login')).toBeLessThanOrEqual(4)
    await bench.store.close()
  })

  test('is made anew within the read when its token was revoked', async () => {
    const bench = aBench()
    expect(describeResult(await bench.store.read(bench.at(key)))).toBe('ok')
    await vault.requestOrThrow('PUT', 'sys/leases/revoke-prefix/auth/approle/login')
    expect(describeResult(await bench.store.read(bench.at(key)))).toBe('ok')
    expect(bench.counts.get('storeRequest vault login')).toBe(2)
    await bench.store.close()
  })

  test('with another SecretID is refused', async () => {
    const bench = aBench()
    bench.secrets.values.set('operator/vault/secret-id', canary('secret'))
    expect(describeResult(await bench.store.read(bench.at(key)))).toMatch(
      /^STORE_LOGIN_REJECTED: .* by AppRole at auth\/approle/,
    )
    await bench.store.close()
  })

  test('at a mount that is not there is refused', async () => {
    const bench = new VaultBench({ address: vault.address, auth: { ...auth, mount: 'nowhere' } as VaultAuth })
    bench.secrets.values.set('operator/vault/secret-id', secretId)
    expect(describeResult(await bench.store.read(bench.at(key)))).toMatch(/^STORE_LOGIN_REJECTED: .* at auth\/nowhere/)
    await bench.store.close()
  })
})

describe('a login with a ServiceAccount', () => {
  const key = 'teams/ci/kubernetes'
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startCluster()
    await cluster.kubectlOrThrow(['create', 'namespace', 'oauth'])
    const reviewer = watchForLeak(await cluster.serviceAccountToken('oauth', 'reviewer'))
    const binding =
      'create clusterrolebinding reviewer --clusterrole=system:auth-delegator --serviceaccount=oauth:reviewer'
    await cluster.kubectlOrThrow(binding.split(' '))
    await vault.requestOrThrow('POST', 'sys/auth/kubernetes', { type: 'kubernetes' })
    await vault.requestOrThrow('POST', 'auth/kubernetes/config', {
      kubernetes_host: cluster.url,
      kubernetes_ca_cert: cluster.caPem,
      token_reviewer_jwt: reviewer,
    })
    await vault.requestOrThrow('POST', 'auth/kubernetes/role/operator', {
      bound_service_account_names: ['operator'],
      bound_service_account_namespaces: ['oauth'],
      token_policies: ['operator'],
    })
    await vault.requestOrThrow('POST', `secret/data/${key}`, { data: { refresh_token: canary('rt') } })
  })

  afterAll(() => cluster.stop())

  async function readAs(account: string): Promise<string> {
    const auth: VaultAuth = { method: 'kubernetes', mount: 'kubernetes', role: 'operator' }
    const bench = new VaultBench({ address: vault.address, auth })
    bench.serviceAccounts.tokens.set('own', watchForLeak(await cluster.serviceAccountToken('oauth', account)))
    const result = describeResult(await bench.store.read(bench.at(key)))
    await bench.store.close()
    return result
  }

  test('that the role names is accepted', async () => {
    expect(await readAs('operator')).toBe('ok')
  })

  test('that the role does not name is refused', async () => {
    expect(await readAs('stranger')).toMatch(
      /^STORE_LOGIN_REJECTED: .* by Kubernetes role operator at auth\/kubernetes: Vault refused it/,
    )
  })
})

test('a namespace is part of every request', async (context) => {
  const made = await vault.request('POST', 'sys/namespaces/team', {})
  if (made.status >= 300) context.skip('this server has no namespaces')
  await vault.requestOrThrow('POST', 'team/sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  await vault.requestOrThrow('POST', 'team/secret/data/claude', { data: { refresh_token: canary('rt') } })
  const bench = new VaultBench({ address: vault.address, namespace: 'team' })
  bench.secrets.values.set('operator/vault/token', vault.rootToken)
  expect(describeResult(await bench.store.read(bench.at('claude')))).toBe('ok')
  await bench.store.close()
})

test('over TLS its authority is all that is needed', async () => {
  const secured = await startVault({ tls: true })
  const bench = new VaultBench({ address: secured.address, tls: { caBundle: secured.caPem ?? '' } })
  bench.secrets.values.set('operator/vault/token', secured.rootToken)
  await secured.kvWrite('claude', { refresh_token: canary('rt') })
  expect(describeResult(await bench.store.read(bench.at('claude')))).toBe('ok')
  await bench.store.close()
  await secured.stop()
})
