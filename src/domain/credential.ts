import type { CredentialState } from './credential-state.ts'
import type { FormatOutput } from './output-format.ts'
import type { SecretType } from './secret-type.ts'
import type { DurationSeconds, EpochSeconds } from './time.ts'
import type { Template } from './template/template.ts'
import type { Propagation, Workload } from './workload.ts'

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

export type CredentialSpec = RefreshTokenSpec | ClientCredentialsSpec | StaticTokenSpec

interface CommonSpec {
  /** Nothing in it speaks of a token that is never refreshed. */
  readonly refresh: RefreshPolicy
  readonly target: Target
  readonly suspend: boolean
  /** What becomes of the published access token at its server once its credential is deleted; absent: nothing. */
  readonly revocationPolicy?: RevocationPolicy
}

export interface RefreshTokenSpec extends CommonSpec {
  readonly grant: 'RefreshToken'
  readonly provider: ProviderRef
  readonly refreshToken: RefreshTokenSource
  readonly scopes: readonly string[]
}

/** The client asks for itself: nobody has logged in, and nothing is kept. */
export interface ClientCredentialsSpec extends CommonSpec {
  readonly grant: 'ClientCredentials'
  readonly provider: ProviderRef
  readonly scopes: readonly string[]
}

/** An access token that is published as it is, and never written. */
export interface StaticTokenSpec extends CommonSpec {
  readonly grant: 'StaticToken'
  readonly accessToken: StaticTokenSource
}

/** Where a store holds a token. */
export interface TokenSource {
  readonly store: StoreRef
  /** Vault path below the mount, AWS secret id, Secret name, or file name. */
  readonly key: string
  /** JSON pointer (RFC 6901) to the token; absent: found by the document's known shape. */
  readonly property?: string
}

export type RefreshTokenSource = TokenSource

export interface StaticTokenSource extends TokenSource {
  /** When the token ends, where neither its document nor itself says. */
  readonly expiresAt?: EpochSeconds
}

/** The spec of a credential of the grant RefreshToken. For what is done with refresh tokens alone: another grant is a bug there. */
export function refreshTokenSpec({ spec }: Pick<Credential, 'spec'>): RefreshTokenSpec {
  if (spec.grant !== 'RefreshToken') throw new Error(`a credential of the grant ${spec.grant} has no refresh token`)
  return spec
}

/** The place in a store that a grant reads, if it reads one. */
export function sourceOf(spec: CredentialSpec): TokenSource | undefined {
  if (spec.grant === 'ClientCredentials') return undefined
  return spec.grant === 'RefreshToken' ? spec.refreshToken : spec.accessToken
}

/** The authorization server that a grant asks, if it asks one. */
export function providerOf(spec: CredentialSpec): ProviderRef | undefined {
  return spec.grant === 'StaticToken' ? undefined : spec.provider
}

/** The scopes that a grant asks for. */
export function scopesOf(spec: CredentialSpec): readonly string[] {
  return spec.grant === 'StaticToken' ? [] : spec.scopes
}

/** True when the spec names this place as that of its refresh token. */
export function isRefreshTokenAt(spec: CredentialSpec, source: RefreshTokenSource): boolean {
  return spec.grant === 'RefreshToken' && isSameSource(source, spec.refreshToken)
}

/** True when both name the same place. */
export function isSameSource(one: TokenSource, other: TokenSource): boolean {
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

/** One file of the target. */
export type Output = FormatOutput | TemplateOutput

/** For readers that no format is for. */
export interface TemplateOutput {
  readonly key: string
  readonly template: Template
}

export type CreationPolicy = 'Owner' | 'Merge' | 'Orphan'
/** `WithTarget`: only where the target is removed as well. */
export type RevocationPolicy = 'WithTarget' | 'Always'
export type DeletionPolicy = 'Delete' | 'Retain'

export interface Target {
  readonly name: string
  readonly outputs: readonly Output[]
  readonly creationPolicy: CreationPolicy
  readonly deletionPolicy: DeletionPolicy
  /** Absent: Opaque. */
  readonly type?: Exclude<SecretType, 'Opaque'>
  /** What the Secret is labelled with beside our own labels. */
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Absent: WaitForKubelet. */
  readonly propagation?: Propagation
  /** What is restarted for each new token, in this order. */
  readonly restart?: readonly Workload[]
  /** Between two restarts of one workload; absent: 5 minutes. */
  readonly restartIntervalSeconds?: DurationSeconds
  /** Where the access token before the present one stays until it expires; absent: nowhere. */
  readonly previous?: { readonly key: string }
}
