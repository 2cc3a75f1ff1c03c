import { AwsSecretsManagerStore } from '../../../src/adapters/aws-secrets-manager/aws-store.ts'
import type { AwsSecretsManagerBackend, TokenStore } from '../../../src/domain/token-store.ts'
import type { RefreshTokenLocation } from '../../../src/ports/refresh-token-store.ts'
import { canary } from '../../support/canary.ts'
import { memoryMetrics } from '../../support/memory-metrics.ts'
import { MemorySecrets } from '../../support/memory-secrets.ts'
import { ScaledClock } from '../../support/scaled-clock.ts'

type Deps = ConstructorParameters<typeof AwsSecretsManagerStore>[0]

export const accessKey: NonNullable<AwsSecretsManagerBackend['credentials']> = {
  accessKeyId: { name: 'aws', key: 'id' },
  secretAccessKey: { name: 'aws', key: 'secret' },
}

/** A store over the Secrets Manager at `endpoint`, with an access key in memory. */
export class AwsBench {
  readonly secrets = new MemorySecrets()
  readonly counts: ReadonlyMap<string, number>
  readonly store: AwsSecretsManagerStore
  readonly #config: TokenStore

  constructor(backend: Partial<AwsSecretsManagerBackend>, deps: Partial<Deps> = {}) {
    const { metrics, counts } = memoryMetrics()
    this.counts = counts
    for (const namespace of ['operator', 'ci']) {
      this.secrets.values.set(`${namespace}/aws/id`, 'AKIDEXAMPLE\n')
      this.secrets.values.set(`${namespace}/aws/secret`, canary('secret'))
    }
    this.store = new AwsSecretsManagerStore({
      clock: new ScaledClock(1),
      metrics,
      secrets: this.secrets,
      policy: { allowPlainHttp: true, allowPrivateAddresses: false },
      ambientCredentials: 'cluster-stores-only',
      ...deps,
    })
    this.#config = {
      kind: 'ClusterTokenStore',
      name: 'aws',
      generation: 1,
      access: [],
      backend: {
        type: 'awsSecretsManager',
        region: 'eu-central-1',
        credentials: accessKey,
        minimumWriteIntervalSeconds: 0,
        ...backend,
      },
    }
  }

  /** Where a key is; `changes` make it another store. */
  at(key: string, changes: Partial<TokenStore> = {}, property?: string): RefreshTokenLocation {
    const store = { ...this.#config, ...changes }
    return { store, namespace: 'ci', key, ...(property === undefined ? {} : { property }) }
  }
}
