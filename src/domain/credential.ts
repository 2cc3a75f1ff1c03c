import type { CredentialState } from './credential-state.ts'
import type { EpochSeconds } from './time.ts'

/** Names one `OAuthCredential`. */
export interface CredentialKey {
  readonly namespace: string
  readonly name: string
}

/** `namespace/name`: the queue's key, also used in messages and logs. */
export function keyText(key: CredentialKey): string {
  return `${key.namespace}/${key.name}`
}

export type ProviderKind = 'OAuthProvider' | 'ClusterOAuthProvider'
export type StoreKind = 'TokenStore' | 'ClusterTokenStore'

export interface ProviderRef {
  readonly kind: ProviderKind
  readonly name: string
}

export interface StoreRef {
  readonly kind: StoreKind
  readonly name: string
}

/** One `OAuthCredential` with its defaults filled in. */
export interface Credential {
  readonly key: CredentialKey
  readonly uid: string
  readonly generation: number
  readonly createdAt: EpochSeconds
  readonly deleting: boolean
  /** True when our finalizer is on the object. */
  readonly finalized: boolean
  /** Value of the annotation `oauth-operator.dev/refresh-requested-at`. */
  readonly refreshRequest?: string
  /** Value of the annotation `oauth-operator.dev/take-ownership-requested-at`. */
  readonly ownershipRequest?: string
  /** Value of the annotation `oauth-operator.dev/allow-token-origin`. */
  readonly allowedOrigin?: string
  readonly spec: CredentialSpec
  /** What an earlier process left in the object's status. */
  readonly state: CredentialState
}

export interface CredentialSpec {
  readonly provider: ProviderRef
  readonly refreshToken: RefreshTokenSource
  readonly scopes: readonly string[]
  readonly refresh: RefreshPolicy
  readonly target: Target
  readonly suspend: boolean
}

export interface RefreshTokenSource {
  readonly store: StoreRef
  /** Vault path below the mount, AWS secret id, Secret name, or file name. */
  readonly key: string
  /** JSON pointer (RFC 6901) to the refresh token; absent: found by the document's known shape. */
  readonly property?: string
}

/** True when both name the same place. */
export function sameSource(one: RefreshTokenSource, other: RefreshTokenSource): boolean {
  return (
    one.store.kind === other.store.kind &&
    one.store.name === other.store.name &&
    one.key === other.key &&
    one.property === other.property
  )
}

/** When to refresh. `beforeSeconds` and `beforePercent` exclude each other. */
export interface RefreshPolicy {
  readonly beforeSeconds?: number
  readonly beforePercent?: number
  /** Refresh at least this often, so that an idle refresh token does not die. */
  readonly keepAliveSeconds?: number
  /** Near the end of the access token's life while the store takes no writes. `RecordOnly`: the record alone keeps the successor. */
  readonly storeOutage: 'Wait' | 'RecordOnly'
}

export type OutputFormat = 'raw' | 'header' | 'dotenv' | 'oauth2-json' | 'vibekit' | 'claude-code'

/** One file of the target. */
export interface Output {
  readonly format: OutputFormat
  /** The data key; absent: the format's own. */
  readonly key?: string
  /** `dotenv` only: the variable's name. */
  readonly variable?: string
}

export type CreationPolicy = 'Owner' | 'Merge' | 'Orphan'
export type DeletionPolicy = 'Delete' | 'Retain'

export interface Target {
  readonly name: string
  readonly outputs: readonly Output[]
  readonly creationPolicy: CreationPolicy
  readonly deletionPolicy: DeletionPolicy
}
