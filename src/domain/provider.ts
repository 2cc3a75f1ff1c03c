import type { ProviderKind } from './credential.ts'

export type ClientAuthentication = 'none' | 'client_secret_basic' | 'client_secret_post'

/** Names one key of one Secret. The namespace is the provider's or store's own, or the operator's for cluster-scoped kinds. */
export interface SecretKeyRef {
  readonly name: string
  readonly key: string
}

/** One authorization server, with its defaults filled in. */
export interface Provider {
  readonly kind: ProviderKind
  readonly name: string
  /** Absent for `ClusterOAuthProvider`. */
  readonly namespace?: string
  readonly generation: number
  /** Absolute URL; never followed through a redirect. */
  readonly tokenEndpoint: string
  readonly client: OAuthClient
  readonly request: RequestForm
  readonly rotation: Rotation
  /** Lifetime in seconds assumed when the answer has no `expires_in`. */
  readonly accessTokenLifetimeSeconds: number
  readonly limits: RequestLimits
  readonly tls: TlsTrust
}

export interface OAuthClient {
  readonly id: string
  readonly authentication: ClientAuthentication
  readonly secretRef?: SecretKeyRef
}

export interface RequestForm {
  readonly bodyFormat: 'form' | 'json'
  readonly parameters: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
}

export interface Rotation {
  /** `Detect`: as the answers show. */
  readonly mode: 'Detect' | 'Always' | 'Never'
  /** How long, in seconds, the server accepts the previous refresh token after it issued a new one; 0: unknown or none. */
  readonly reuseLeewaySeconds: number
  /**
   * What the server takes again within the leeway: the same refresh token as often as it comes, or one
   * generation before the newest, so that a second lost answer is final.
   */
  readonly leewayKind: 'SameToken' | 'PreviousGeneration'
  /** True when a refresh kills the access token that was issued before. */
  readonly revokesPreviousAccessToken: boolean
}

export interface RequestLimits {
  readonly requestsPerSecond: number
  readonly maxConcurrent: number
}

/** Extra trust anchors, PEM. At most one of the two. */
export interface TlsTrust {
  readonly caBundle?: string
  readonly caBundleSecretRef?: SecretKeyRef
}

/** `OAuthProvider ns/name` or `ClusterOAuthProvider name`, for messages. */
export function providerText(provider: Pick<Provider, 'kind' | 'name' | 'namespace'>): string {
  return provider.namespace === undefined
    ? `${provider.kind} ${provider.name}`
    : `${provider.kind} ${provider.namespace}/${provider.name}`
}
