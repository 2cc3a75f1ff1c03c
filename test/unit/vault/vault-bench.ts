import { VaultStore } from '../../../src/adapters/vault/vault-store.ts'
import { ok, type Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { TokenStore, VaultAuth, VaultBackend } from '../../../src/domain/token-store.ts'
import type { RefreshTokenLocation } from '../../../src/ports/refresh-token-store.ts'
import type { ServiceAccountTokens } from '../../../src/ports/secret-reader.ts'
import { memoryMetrics } from '../../support/memory-metrics.ts'
import { MemorySecrets } from '../../support/memory-secrets.ts'
import { ScaledClock } from '../../support/scaled-clock.ts'

type Deps = ConstructorParameters<typeof VaultStore>[0]

/** ServiceAccount tokens in memory: `<namespace>/<name>`, and `own`. */
class MemoryServiceAccounts implements ServiceAccountTokens {
  readonly tokens = new Map<string, string>()
  readonly asked: string[] = []

  token(namespace: string | undefined, serviceAccount?: { name: string }): Promise<Result<Sensitive>> {
    const place = serviceAccount === undefined ? 'own' : `${namespace ?? 'operator'}/${serviceAccount.name}`
    this.asked.push(place)
    return Promise.resolve(ok(new Sensitive(this.tokens.get(place) ?? '')))
  }
}

export const tokenAuth: VaultAuth = { method: 'token', secretRef: { name: 'vault', key: 'token' } }
export const appRoleAuth: VaultAuth = {
  method: 'appRole',
  mount: 'approle',
  roleId: 'role',
  secretIdRef: { name: 'vault', key: 'secret-id' },
}

/** A store over a Vault at `address`, with what it reads in memory. */
export class VaultBench {
  readonly secrets = new MemorySecrets()
  readonly serviceAccounts = new MemoryServiceAccounts()
  readonly counts: ReadonlyMap<string, number>
  readonly store: VaultStore
  readonly #config: TokenStore

  constructor(backend: Partial<VaultBackend> & { address: string }, deps: Partial<Deps> = {}) {
    const { metrics, counts } = memoryMetrics()
    this.counts = counts
    this.store = new VaultStore({
      clock: new ScaledClock(1),
      metrics,
      secrets: this.secrets,
      serviceAccountTokens: this.serviceAccounts,
      policy: { allowPlainHttp: true, allowPrivateAddresses: false },
      ambientCredentials: 'cluster-stores-only',
      ...deps,
    })
    this.#config = {
      kind: 'ClusterTokenStore',
      name: 'vault',
      generation: 1,
      access: [],
      backend: { type: 'vault', mount: 'secret', tls: {}, auth: tokenAuth, ...backend },
    }
  }

  /** Where a key is; `changes` make it another store. */
  at(key: string, changes: Partial<TokenStore> = {}, property?: string): RefreshTokenLocation {
    const store = { ...this.#config, ...changes }
    return { store, namespace: 'ci', key, ...(property === undefined ? {} : { property }) }
  }
}
