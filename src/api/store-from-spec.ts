import { parseGoDuration } from '../domain/duration.ts'
import type {
  AwsSecretsManagerBackend,
  StoreAccess,
  StoreBackend,
  TokenStore,
  VaultAuth,
  VaultBackend,
} from '../domain/token-store.ts'
import { tlsFrom } from './provider-from-spec.ts'
import type { AwsSecretsManagerManifest, VaultManifest } from './store-backends.ts'
import type { ClusterTokenStoreSpec, TokenStoreSpec } from './token-store.ts'

/** The domain's view of a spec that the schema accepted. */
export function storeFromSpec(spec: TokenStoreSpec | ClusterTokenStoreSpec): Pick<TokenStore, 'access' | 'backend'> {
  return { access: 'access' in spec ? spec.access.map(grant) : [], backend: backend(spec) }
}

function grant({
  namespaceSelector,
  keys,
  namespacedProviders,
  staticTokens,
}: ClusterTokenStoreSpec['access'][number]): StoreAccess {
  return { namespaceSelector, keys, namespacedProviders, staticTokens }
}

function backend(spec: TokenStoreSpec): StoreBackend {
  if (spec.vault !== undefined) return vault(spec.vault)
  if (spec.awsSecretsManager !== undefined) return awsSecretsManager(spec.awsSecretsManager)
  if (spec.file !== undefined) return { type: 'file', directory: spec.file.directory }
  return { type: 'kubernetes' }
}

function vault({ address, namespace, mount, tls, auth }: NonNullable<VaultManifest>): VaultBackend {
  return {
    type: 'vault',
    address,
    ...(namespace !== undefined && { namespace }),
    mount,
    tls: tlsFrom(tls),
    auth: vaultAuth(auth),
  }
}

function vaultAuth({ token, appRole, kubernetes }: NonNullable<VaultManifest>['auth']): VaultAuth {
  if (token !== undefined) return { method: 'token', secretRef: token.secretRef }
  if (appRole !== undefined) {
    const { mount, roleId, secretIdRef } = appRole
    return { method: 'appRole', mount, roleId, secretIdRef }
  }
  if (kubernetes === undefined) throw new Error('a Vault login that the schema accepts has no method')
  const { mount, role, serviceAccountRef } = kubernetes
  return {
    method: 'kubernetes',
    mount,
    role,
    ...(serviceAccountRef !== undefined && { serviceAccount: serviceAccountRef }),
  }
}

function awsSecretsManager(spec: AwsSecretsManagerManifest): AwsSecretsManagerBackend {
  const { region, endpoint, auth, minimumWriteInterval } = spec
  const minimumWriteIntervalSeconds = parseGoDuration(minimumWriteInterval)
  if (minimumWriteIntervalSeconds === undefined) throw new Error('a duration that the schema accepts has no length')
  return {
    type: 'awsSecretsManager',
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(auth !== undefined && { credentials: accessKey(auth.secretRef) }),
    minimumWriteIntervalSeconds,
  }
}

function accessKey(ref: NonNullable<AwsSecretsManagerManifest['auth']>['secretRef']) {
  const { name, accessKeyIdKey, secretAccessKeyKey, sessionTokenKey } = ref
  return {
    accessKeyId: { name, key: accessKeyIdKey },
    secretAccessKey: { name, key: secretAccessKeyKey },
    ...(sessionTokenKey !== undefined && { sessionToken: { name, key: sessionTokenKey } }),
  }
}
