import type { ProviderKind } from './credential.ts'

/** Names of the IANA registry "OAuth Token Endpoint Authentication Methods". */
export type ClientAuthentication =
  'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'tls_client_auth'

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
  /** Absolute URL; never followed through a redirect. Absent: the metadata of the issuer name it. */
  readonly tokenEndpoint?: string
  /** Where refresh requests go instead, for servers that keep them apart. */
  readonly refreshEndpoint?: string
  /** Issuer identifier (RFC 8414 §2). Its metadata name the endpoints that are not given here, on its own origin. */
  readonly issuer?: string
  /** Where access tokens are revoked (RFC 7009); absent: as the issuer's metadata say. */
  readonly revocationEndpoint?: string
  /** Absent: the server is not asked about its tokens. */
  readonly introspection?: Introspection
  readonly client: OAuthClient
  readonly request: RequestForm
  readonly response: ResponseForm
  readonly rotation: Rotation
  /** Lifetime in seconds assumed when the answer has no `expires_in`. */
  readonly accessTokenLifetimeSeconds: number
  readonly refreshTokenLifetime: RefreshTokenLifetime
  /** No two refreshes of one credential begin closer than this, in seconds, whatever asks for them. */
  readonly minimumRefreshIntervalSeconds: number
  readonly limits: RequestLimits
  readonly tls: TlsTrust
}

export interface OAuthClient {
  readonly id: string
  readonly authentication: ClientAuthentication
  /** The client secret, for `client_secret_basic` and `client_secret_post`. */
  readonly secretRef?: SecretKeyRef
  /** For `private_key_jwt` alone. */
  readonly assertion?: ClientAssertion
  /** For `tls_client_auth` alone: a Secret of type kubernetes.io/tls. */
  readonly certificateSecretName?: string
}

/** How a client signs what it says of itself. @see RFC 7523 §2.2 */
export interface ClientAssertion {
  /** A private key: PEM (PKCS #8) or a JWK. */
  readonly keyRef: SecretKeyRef
  readonly algorithm: 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA'
  /** `kid` of the header; absent: none is sent, or that of the JWK. */
  readonly keyId?: string
  /** `aud`; absent: the URL of the token endpoint. */
  readonly audience?: string
}

/** @see RFC 7662 */
export interface Introspection {
  /** Absent: named by the issuer's metadata. */
  readonly endpoint?: string
}

export interface RequestForm {
  readonly bodyFormat: 'form' | 'json'
  readonly parameters: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Where an answer has what RFC 6749 §5 puts at its top level. Each is a JSON pointer (RFC 6901) from the outermost object.
 * Absent, or leading to nothing: as the RFC says, or as known dialects have it.
 */
export interface ResponseForm {
  readonly accessToken?: string
  readonly refreshToken?: string
  readonly expiresIn?: string
  readonly refreshTokenExpiresIn?: string
  readonly error?: string
  /** What every answer that brings tokens says, for servers that report errors with status 200. */
  readonly success?: { readonly pointer: string; readonly value: string | number | boolean }
  /** The first that fits decides, before anything that is known of other servers. */
  readonly errors: readonly ErrorRule[]
}

/** What an answer of this server means. At least one of `code` and `status` is there, and both have to fit. */
export interface ErrorRule {
  /** The error code, without regard to case. */
  readonly code?: string
  /** The HTTP status. */
  readonly status?: number
  readonly meaning: ErrorClass
}

export const errorClasses = [
  'RefreshTokenRejected',
  'RefreshTokenReused',
  'InteractionRequired',
  'ClientRejected',
  'ScopeRejected',
  'RequestRejected',
  'Throttled',
  'Unavailable',
] as const

export type ErrorClass = (typeof errorClasses)[number]

/** How long the server keeps a refresh token. An answer that says more is believed. */
export interface RefreshTokenLifetime {
  /** Seconds from its last use. */
  readonly idleSeconds?: number
  /** Seconds from the login, however often it is used. */
  readonly absoluteSeconds?: number
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
