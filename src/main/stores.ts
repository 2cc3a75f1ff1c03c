import type { StoreBackendType } from '../domain/token-store.ts'
import { AwsSecretsManagerStore } from '../adapters/aws-secrets-manager/aws-store.ts'
import { VaultStore } from '../adapters/vault/vault-store.ts'
import type { EndpointFlags } from '../cli/shared-options.ts'
import type { Clock } from '../ports/clock.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { RefreshTokenStore } from '../ports/refresh-token-store.ts'
import type { SecretReader, ServiceAccountTokens } from '../ports/secret-reader.ts'

export interface StoreParts {
  readonly secrets: SecretReader
  readonly serviceAccountTokens: ServiceAccountTokens
  readonly clock: Clock
  readonly metrics: Metrics
  readonly flags: EndpointFlags
}

/** The stores that exist with and without a cluster. */
export function remoteStores({ flags, ...parts }: StoreParts): {
  readonly stores: Readonly<Partial<Record<StoreBackendType, RefreshTokenStore>>>
  readonly close: () => Promise<void>
} {
  const { allowPlainHttp, allowPrivateAddresses, ambientStoreCredentials } = flags
  const policy = { allowPlainHttp, allowPrivateAddresses }
  const vault = new VaultStore({ ...parts, policy, ambientCredentials: ambientStoreCredentials })
  const aws = new AwsSecretsManagerStore({ ...parts, policy, ambientCredentials: ambientStoreCredentials })
  return {
    stores: { vault, awsSecretsManager: aws },
    close: async () => {
      aws.close()
      await vault.close()
    },
  }
}
