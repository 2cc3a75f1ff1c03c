import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Result } from '../../../src/domain/result.ts'
import type { VaultAuth } from '../../../src/domain/token-store.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { FakeVault } from '../../support/fake-vault.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import { appRoleAuth, VaultBench } from './vault-bench.ts'

const key = 'teams/ci/claude'
const kubernetesAuth: VaultAuth = {
  method: 'kubernetes',
  mount: 'kubernetes',
  role: 'operator',
  serviceAccount: { name: 'reader', audiences: [] },
}
let clock: SkippingClock
let vault: FakeVault
const benches: VaultBench[] = []

beforeEach(async () => {
  clock = new SkippingClock()
  vault = await new FakeVault({ nowMs: () => clock.monotonicMs() }).start()
  vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
})

afterEach(async () => {
  await Promise.all(benches.splice(0).map(({ store }) => store.close()))
  await vault.stop()
})

type Deps = ConstructorParameters<typeof VaultBench>[1]

function benchWith(auth?: VaultAuth, deps: Deps = {}): VaultBench {
  const bench = new VaultBench({ address: vault.address, ...(auth === undefined ? {} : { auth }) }, { clock, ...deps })
  bench.secrets.values.set('operator/vault/secret-id', `${vault.secretId}\n`)
  bench.serviceAccounts.tokens.set('operator/reader', vault.acceptedJwt)
  bench.serviceAccounts.tokens.set('ci/reader', vault.acceptedJwt)
  bench.serviceAccounts.tokens.set('own', vault.acceptedJwt)
  benches.push(bench)
  return bench
}

async function read(bench: VaultBench, changes?: Parameters<VaultBench['at']>[1]): Promise<string> {
  return describeResult(await bench.store.read(bench.at(key, changes)))
}

function describeResult(result: Result<unknown>): string {
  if (result.ok) return 'ok'
  observeOutput('a failure of the Vault store', JSON.stringify(result.failure))
  return `${result.failure.code}: ${result.failure.message}`
}

function sent(path: string): number {
  return vault.requests.filter((request) => request.path === `/v1/${path}`).length
}

const logins = (): number => sent('auth/approle/login')
const renewals = (): number => sent('auth/token/renew-self')

describe('a login', () => {
  test('by AppRole serves every read until two thirds of its life, then is renewed', async () => {
    const bench = benchWith(appRoleAuth)
    expect(await read(bench)).toBe('ok')
    clock.skip(2390)
    expect(await read(bench)).toBe('ok')
    expect([logins(), renewals()]).toEqual([1, 0])
    clock.skip(20)
    expect(await read(bench)).toBe('ok')
    clock.skip(2390)
    expect(await read(bench)).toBe('ok')
    expect([logins(), renewals()]).toEqual([1, 1])
    expect(bench.counts.get('storeRequest vault renew')).toBe(1)
  })

  test('is replaced once renewals bring less than half of what it began with', async () => {
    vault.loginMaxTtlSeconds = 4000
    const bench = benchWith(appRoleAuth)
    await read(bench)
    clock.skip(2410)
    expect(await read(bench)).toBe('ok')
    expect([logins(), renewals()]).toEqual([2, 1])
  })

  test('that cannot be renewed is replaced in time', async () => {
    vault.loginRenewable = false
    const bench = benchWith(appRoleAuth)
    await read(bench)
    clock.skip(2410)
    expect(await read(bench)).toBe('ok')
    expect([logins(), renewals()]).toEqual([2, 0])
  })

  test('that cannot be prolonged now is used while it is good', async () => {
    const bench = benchWith(appRoleAuth)
    await read(bench)
    clock.skip(2410)
    vault.fault('POST', '/auth/', { status: 500 }, 2)
    expect(await read(bench)).toBe('ok')
    expect(await read(bench)).toBe('ok')
    expect([logins(), renewals()]).toEqual([2, 1])
    clock.skip(31)
    expect(await read(bench)).toBe('ok')
    expect(renewals()).toBe(2)
  })

  test('that is over and cannot be had again now is a failure', async () => {
    const bench = benchWith(appRoleAuth)
    await read(bench)
    clock.skip(3601)
    vault.fault('POST', '/auth/', { status: 500 }, 2)
    expect(await read(bench)).toMatch(/^STORE_UNAVAILABLE: Could not log in to ClusterTokenStore vault by AppRole/)
  })

  test('that was revoked is replaced within the same read, and once', async () => {
    const bench = benchWith(appRoleAuth)
    await read(bench)
    vault.tokens.clear()
    expect(await read(bench)).toBe('ok')
    expect(logins()).toBe(2)
  })

  test('that Vault never accepts is not repeated without end', async () => {
    const bench = benchWith(appRoleAuth)
    vault.fault('GET', '/data/', { status: 403, errors: ['permission denied', 'invalid token'] }, 9)
    expect(await read(bench)).toMatch(/^STORE_LOGIN_REJECTED: .* Vault does not accept the token \(HTTP 403\)/)
    expect(logins()).toBe(2)
  })

  test('whose policies forbid is made anew at most once a minute', async () => {
    const bench = benchWith(appRoleAuth)
    vault.forbidden = true
    for (let reads = 0; reads < 3; reads += 1) expect(await read(bench)).toMatch(/^STORE_FORBIDDEN/)
    expect(logins()).toBe(1)
    clock.skip(61)
    vault.fault('GET', '/data/', { status: 403 })
    vault.forbidden = false
    expect(await read(bench)).toBe('ok')
    expect(logins()).toBe(2)
  })

  test('is made once for reads that begin together', async () => {
    const bench = benchWith(appRoleAuth)
    expect(await Promise.all(Array.from({ length: 20 }, () => read(bench)))).toEqual(Array(20).fill('ok'))
    expect(logins()).toBe(1)
  })

  test('with a wrong SecretID is refused, and the Secret is read anew', async () => {
    const bench = benchWith(appRoleAuth)
    bench.secrets.values.set('operator/vault/secret-id', canary('secret'))
    expect(await read(bench)).toMatch(
      /^STORE_LOGIN_REJECTED: Could not log in to ClusterTokenStore vault by AppRole at auth\/approle: Vault refused it \(HTTP 400\)/,
    )
    expect(bench.secrets.forgotten).toEqual(['operator/vault'])
    bench.secrets.values.set('operator/vault/secret-id', vault.secretId)
    expect(await read(bench)).toBe('ok')
  })

  test('at a method that is not mounted is refused', async () => {
    const bench = benchWith({ ...appRoleAuth, mount: 'elsewhere' } as VaultAuth)
    vault.fault('POST', '/auth/elsewhere/login', { status: 404 })
    expect(await read(bench)).toMatch(/^STORE_LOGIN_REJECTED: .* at auth\/elsewhere: nothing is mounted there/)
  })

  test('of which the answer is not readable is a failure', async () => {
    const bench = benchWith(appRoleAuth)
    vault.fault('POST', '/auth/', { status: 200 })
    expect(await read(bench)).toMatch(/^STORE_UNAVAILABLE/)
  })

  test('without its Secret names the Secret', async () => {
    const bench = benchWith()
    expect(await read(bench)).toMatch(/^CLIENT_SECRET_UNAVAILABLE: There is no Secret operator\/vault\/token/)
  })
})

describe('a token that a human made', () => {
  test('is renewed while nobody uses it, and while renewing fails it is tried again', async () => {
    const token = vault.issue(3600, 1e6)
    const bench = benchWith()
    bench.secrets.values.set('operator/vault/token', token)
    await read(bench)
    for (let hours = 0; hours < 5; hours += 1) {
      clock.skip(2500)
      await vi.waitFor(() => expect(renewals()).toBe(hours + 1))
      await vi.waitFor(() => expect(clock.waiting).toBe(1))
    }
    expect(await read(bench)).toBe('ok')
    await bench.store.close()
    expect(clock.waiting).toBe(0)
  })

  test('is not renewed any more when the store was closed while the login was under way', async () => {
    const bench = benchWith()
    bench.secrets.values.set('operator/vault/token', vault.issue())
    const closed = new Promise<void>((resolve) => {
      vault.beforeNext('GET', () => void bench.store.close().then(resolve))
    })
    await Promise.all([read(bench), closed])
    expect(clock.waiting).toBe(0)
  })

  test('without an end is never renewed', async () => {
    vault.loginRenewable = false
    const bench = benchWith()
    bench.secrets.values.set('operator/vault/token', vault.issue())
    await read(bench)
    expect(clock.waiting).toBe(0)
    expect(renewals()).toBe(0)
  })

  test('that may not look at itself is used nevertheless', async () => {
    const bench = benchWith()
    bench.secrets.values.set('operator/vault/token', vault.issue())
    vault.fault('GET', '/auth/token/lookup-self', { status: 403 }, 9)
    expect(await read(bench)).toBe('ok')
    clock.skip(301)
    expect(await read(bench)).toBe('ok')
    expect(sent('auth/token/lookup-self')).toBe(2)
  })

  test('that is over is read from its Secret again', async () => {
    const bench = benchWith()
    bench.secrets.values.set('operator/vault/token', canary('secret'))
    expect(await read(bench)).toMatch(/^STORE_LOGIN_REJECTED/)
    expect(bench.secrets.forgotten).toContain('operator/vault')
    bench.secrets.values.set('operator/vault/token', vault.issue())
    expect(await read(bench)).toBe('ok')
  })
})

describe('the identity', () => {
  const namespaced = { kind: 'TokenStore', namespace: 'ci' } as const
  const withoutAccount: VaultAuth = { method: 'kubernetes', mount: 'kubernetes', role: 'operator' }
  const open = { policy: { allowPlainHttp: true, allowPrivateAddresses: true } }

  test('is that of the ServiceAccount in the namespace of the store', async () => {
    const bench = benchWith(kubernetesAuth, open)
    expect(await read(bench)).toBe('ok')
    expect(await read(bench, namespaced)).toBe('ok')
    expect(bench.serviceAccounts.asked).toEqual(['operator/reader', 'ci/reader'])
  })

  test('is that of the operator for cluster-scoped stores without a ServiceAccount', async () => {
    const bench = benchWith(withoutAccount, open)
    expect(await read(bench)).toBe('ok')
    expect(bench.serviceAccounts.asked).toEqual(['own'])
  })

  test('is not that of the operator for namespaced stores', async () => {
    const bench = benchWith(withoutAccount, open)
    expect(await read(bench, namespaced)).toMatch(/^STORE_ACCESS_NOT_GRANTED: TokenStore ci\/vault names no Service/)
    expect(bench.serviceAccounts.asked).toEqual([])
    expect(vault.requests).toEqual([])
  })

  test('is that of the operator for all stores where all are one person', async () => {
    const bench = benchWith(withoutAccount, { ...open, ambientCredentials: 'all' })
    expect(await read(bench, namespaced)).toBe('ok')
  })
})
