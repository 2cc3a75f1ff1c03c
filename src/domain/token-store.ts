import type { StoreKind } from './credential.ts'
import type { SecretKeyRef, TlsTrust } from './provider.ts'

/** One place that holds refresh tokens, with its defaults filled in. */
export interface TokenStore {
  readonly kind: StoreKind
  readonly name: string
  /** Absent for `ClusterTokenStore`. */
  readonly namespace?: string
  readonly generation: number
  /** Who may use which keys. Only for `ClusterTokenStore`; empty: nobody. */
  readonly access: readonly StoreAccess[]
  readonly backend: StoreBackend
}

/** One grant of a `ClusterTokenStore`. */
export interface StoreAccess {
  readonly namespaceSelector: LabelSelector
  /** Key patterns: `*` is any text without `/`, `**` any text, `{namespace}` the credential's namespace. */
  readonly keys: readonly string[]
  /** Whether refresh tokens of these keys may go to an `OAuthProvider` that the namespace wrote itself. */
  readonly namespacedProviders: 'Allow' | 'Deny'
  /** Whether access tokens under these keys may be published as they are. */
  readonly staticTokens: 'Allow' | 'Deny'
}

/** `metav1.LabelSelector`. An empty selector matches every namespace. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>
  readonly matchExpressions: readonly LabelSelectorRequirement[]
}

export interface LabelSelectorRequirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values: readonly string[]
}

export type StoreBackend = VaultBackend | AwsSecretsManagerBackend | KubernetesBackend | FileBackend
export type StoreBackendType = StoreBackend['type']

export interface VaultBackend {
  readonly type: 'vault'
  readonly address: string
  /** Vault or OpenBao namespace. */
  readonly namespace?: string
  /** Mount of the KV version 2 engine. */
  readonly mount: string
  readonly tls: TlsTrust
  readonly auth: VaultAuth
}

export type VaultAuth =
  | { readonly method: 'token'; readonly secretRef: SecretKeyRef }
  | {
      readonly method: 'appRole'
      readonly mount: string
      readonly roleId: string
      readonly secretIdRef: SecretKeyRef
    }
  | {
      readonly method: 'kubernetes'
      readonly mount: string
      readonly role: string
      /** Absent: the operator's own ServiceAccount token. */
      readonly serviceAccount?: ServiceAccountRef
    }

export interface ServiceAccountRef {
  readonly name: string
  readonly audiences: readonly string[]
}

export interface AwsSecretsManagerBackend {
  readonly type: 'awsSecretsManager'
  readonly region?: string
  /** Replaces the regional endpoint: VPC endpoints, emulators. */
  readonly endpoint?: string
  /** Absent: the operator's default credential chain. */
  readonly credentials?: {
    readonly accessKeyId: SecretKeyRef
    readonly secretAccessKey: SecretKeyRef
    readonly sessionToken?: SecretKeyRef
  }
  /** A secret keeps about 100 versions of a day: refresh tokens that rotate more often are written at this interval. */
  readonly minimumWriteIntervalSeconds: number
}

/** A Secret in the credential's own namespace; its data is the document. */
export interface KubernetesBackend {
  readonly type: 'kubernetes'
}

/** A directory of files; only without a cluster. */
export interface FileBackend {
  readonly type: 'file'
  readonly directory: string
}

/** `TokenStore ns/name` or `ClusterTokenStore name`, for messages. */
export function storeText(store: Pick<TokenStore, 'kind' | 'name' | 'namespace'>): string {
  return store.namespace === undefined
    ? `${store.kind} ${store.name}`
    : `${store.kind} ${store.namespace}/${store.name}`
}
