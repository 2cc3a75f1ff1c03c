import type { ProviderKind } from './credential.ts'
import type { ClientAssertion, OAuthClient, Provider } from './provider.ts'

/** A provider as it was written: what it leaves open comes from its preset, and else from the defaults. */
export interface ProviderDraft {
  readonly kind: ProviderKind
  readonly name: string
  /** Absent for `ClusterOAuthProvider`. */
  readonly namespace?: string
  readonly generation: number
  readonly presetRef?: PresetRef
  /** What the placeholders in its endpoints stand for. Only a `ClusterOAuthProvider` without preset has some. */
  readonly variables?: Readonly<Record<string, Variable>>
  readonly spec: ProviderSpec
}

/** Names a `ClusterOAuthProvider`, and says what its variables are here. */
export interface PresetRef {
  readonly name: string
  readonly values: Readonly<Record<string, string>>
}

/** Part of an endpoint that whoever inherits it fills in. */
export interface Variable {
  readonly form: VariableForm
  /** The only values; absent: all of the form. */
  readonly allowed?: readonly string[]
  /** Absent: a value has to be given. */
  readonly default?: string
}

/**
 * What a value may look like. A `HostLabel` has no dot, a `HostName` may have some, `HostAndPort` a port
 * too; a `PathSegment` has no slash, a `Path` may have some inside.
 */
export type VariableForm = 'HostLabel' | 'HostName' | 'HostAndPort' | 'PathSegment' | 'Path'

/** Members of a provider, each of which may be left open. */
export type ProviderSpec = {
  readonly [K in Open]?: Provider[K]
} & {
  readonly [K in Merged]?: Partial<Provider[K]>
} & {
  readonly client?: ClientDraft
}

export type ClientDraft = Partial<Omit<OAuthClient, 'assertion'>> & { readonly assertion?: Partial<ClientAssertion> }

/** Given as a whole, or not at all. */
type Open =
  | 'issuer'
  | 'tokenEndpoint'
  | 'refreshEndpoint'
  | 'revocationEndpoint'
  | 'accessTokenLifetimeSeconds'
  | 'minimumRefreshIntervalSeconds'
  | 'tls'

/** Each member by itself. */
type Merged = 'introspection' | 'request' | 'response' | 'rotation' | 'refreshTokenLifetime' | 'limits'
