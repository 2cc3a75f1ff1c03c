import { afterEach, describe, expect, test } from 'vitest'
import type { TokenStore, VaultBackend } from '../../../src/domain/token-store.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { FakeVault } from '../../support/fake-vault.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import { TestAuthority } from '../../support/test-certificates.ts'
import { tokenAuth, VaultBench } from './vault-bench.ts'

const key = 'claude'
const namespaced = { kind: 'TokenStore', namespace: 'ci' } as const
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function aVault(tls?: { cert: string; key: string }): Promise<FakeVault> {
  const vault = await new FakeVault(tls === undefined ? {} : { tls }).start()
  closers.push(() => vault.stop())
  vault.put(key, `{"refresh_token":"${canary('rt')}"}`)
  return vault
}

function aBench(
  backend: Partial<VaultBackend> & { address: string },
  deps?: ConstructorParameters<typeof VaultBench>[1],
) {
  const bench = new VaultBench(backend, deps)
  closers.push(() => bench.store.close())
  return bench
}

async function read(bench: VaultBench, changes?: Partial<TokenStore>): Promise<string> {
  const result = await bench.store.read(bench.at(key, changes))
  if (result.ok) return 'ok'
  observeOutput('a failure of the Vault store', JSON.stringify(result.failure))
  return `${result.failure.code}: ${result.failure.message}`
}

describe('addresses', () => {
  test('of plain http need the flag', async () => {
    const policy = { allowPlainHttp: false, allowPrivateAddresses: true }
    const bench = aBench({ address: 'http://vault.example:8200' }, { policy })
    expect(await read(bench)).toMatch(
      /^ENDPOINT_NOT_ALLOWED: spec.vault.address of ClusterTokenStore vault is not an https/,
    )
  })

  test.for([
    'http://127.0.0.1:8200',
    'http://localhost:8200',
    'http://0x7f.1:8200',
    'http://[::ffff:127.0.0.1]:8200',
    'http://169.254.169.254',
    'http://10.0.0.1',
  ])('in namespaced stores are not private: %s', async (address) => {
    const bench = aBench({ address })
    bench.secrets.values.set('ci/vault/token', canary('secret'))
    expect(await read(bench, namespaced)).toMatch(
      /^ENDPOINT_NOT_ALLOWED: .* TokenStore ci\/vault: spec.vault.address is a private/,
    )
  })

  test.each(['http://169.254.169.254', 'http://[fd00:ec2::254]', 'http://[fe80::1]'])(
    'are never of the platform, whoever names them and whatever the flags: %s',
    async (address) => {
      const bench = aBench({ address }, { policy: { allowPlainHttp: true, allowPrivateAddresses: true } })
      for (const place of ['ci', 'operator']) bench.secrets.values.set(`${place}/vault/token`, canary('secret'))
      for (const who of [{}, namespaced])
        expect(await read(bench, who)).toMatch(/^ENDPOINT_NOT_ALLOWED: .* one of the platform/)
    },
  )

  test('in cluster-scoped stores are what the platform team says, and so with the flag in all', async () => {
    const vault = await aVault()
    const flag = { policy: { allowPlainHttp: true, allowPrivateAddresses: true } }
    const [byDefault, byFlag] = [aBench({ address: vault.address }), aBench({ address: vault.address }, flag)]
    byDefault.secrets.values.set('operator/vault/token', vault.issue())
    byFlag.secrets.values.set('ci/vault/token', vault.issue())
    expect(await read(byDefault)).toBe('ok')
    expect(await read(byFlag, namespaced)).toBe('ok')
  })
})

describe('certificates', () => {
  const authority = new TestAuthority('vault')

  test('of an own authority need its bundle, inline or in a Secret', async () => {
    const vault = await aVault(authority.issue())
    const bench = aBench({ address: vault.address })
    bench.secrets.values.set('operator/vault/token', vault.issue())
    expect(await read(bench)).toMatch(
      /^STORE_UNAVAILABLE: .* the connection to Vault failed \([A-Z_]*(CERT|SIGN|VERIFY)[A-Z_]*\)/,
    )
    expect(await read(bench, { backend: backend(vault, { caBundle: authority.ca }) })).toBe('ok')
    bench.secrets.values.set('operator/ca/ca.crt', authority.ca)
    const bySecret = backend(vault, { caBundleSecretRef: { name: 'ca', key: 'ca.crt' } })
    expect(await read(bench, { backend: bySecret })).toBe('ok')
  })

  test('are judged by the bundle as it is now', async () => {
    const vault = await aVault(authority.issue())
    const bench = aBench(backend(vault, { caBundleSecretRef: { name: 'ca', key: 'ca.crt' } }))
    bench.secrets.values.set('operator/vault/token', vault.issue())
    expect(await read(bench)).toMatch(/^CLIENT_SECRET_UNAVAILABLE/)
    bench.secrets.values.set('operator/ca/ca.crt', new TestAuthority('another').ca)
    expect(await read(bench)).toMatch(/^STORE_UNAVAILABLE/)
    bench.secrets.values.set('operator/ca/ca.crt', authority.ca)
    expect(await read(bench)).toBe('ok')
    bench.secrets.values.set('operator/ca/ca.crt', 'no certificate')
    expect(await read(bench)).toMatch(/^STORE_INVALID: The CA bundle of ClusterTokenStore vault/)
  })
})

describe('clients', () => {
  test('are one for each store, made anew when the manifest changes', async () => {
    const vault = await aVault()
    const bench = aBench({ address: vault.address })
    bench.secrets.values.set('operator/vault/token', vault.issue())
    const logins = (): number => bench.counts.get('storeRequest vault login') ?? 0
    await read(bench)
    await read(bench)
    expect(logins()).toBe(1)
    await read(bench, { name: 'second' })
    expect(logins()).toBe(2)
    await read(bench, { generation: 2 })
    expect(logins()).toBe(3)
  })

  test('are given up when nobody used them for more than a day', async () => {
    const vault = await aVault()
    const clock = new SkippingClock()
    const bench = aBench({ address: vault.address }, { clock })
    const [used, unused] = [{ name: 'used' }, { name: 'unused' }]
    const token = vault.issue(1e6, 1e6)
    bench.secrets.values.set('operator/vault/token', token)
    await read(bench, used)
    await read(bench, unused)
    expect(clock.waiting).toBe(2)
    clock.skip(20 * 3600)
    await read(bench, used)
    clock.skip(7 * 3600)
    await read(bench, used)
    expect(clock.waiting).toBe(1)
  })
})

function backend({ address }: FakeVault, tls: VaultBackend['tls']): VaultBackend {
  return { type: 'vault', address, mount: 'secret', tls, auth: tokenAuth }
}
