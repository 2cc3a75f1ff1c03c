import type { Credential, CredentialKey } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import type { ProviderDraft } from './provider-draft.ts'
import type { Provider } from './provider.ts'
import type { TokenStore } from './token-store.ts'

/** One thing that is wrong with a manifest. */
export interface Problem {
  /** Path of the field, for example `spec.refreshToken.key`. */
  readonly field: string
  readonly message: string
}

/** A credential whose spec cannot be acted on. */
export interface InvalidCredential {
  readonly key: CredentialKey
  readonly uid: string
  readonly generation: number
  readonly deleting: boolean
  readonly finalized: boolean
  readonly problems: readonly Problem[]
  readonly state: CredentialState
}

/** A provider or a store that cannot be used. */
export interface InvalidReferent {
  readonly namespace?: string
  readonly name: string
  readonly problems: readonly Problem[]
}

/** What a manifest says once it is parsed. */
export type Resource =
  | { readonly type: 'credential'; readonly credential: Credential }
  | { readonly type: 'invalid-credential'; readonly credential: InvalidCredential }
  | { readonly type: 'provider'; readonly provider: Provider }
  /** A provider that is something only with its preset, or only as one. */
  | { readonly type: 'provider-draft'; readonly draft: ProviderDraft }
  | { readonly type: 'invalid-provider'; readonly kind: Provider['kind']; readonly referent: InvalidReferent }
  | { readonly type: 'store'; readonly store: TokenStore }
  | { readonly type: 'invalid-store'; readonly kind: TokenStore['kind']; readonly referent: InvalidReferent }
  | { readonly type: 'namespace'; readonly name: string; readonly labels: Readonly<Record<string, string>> }

/** The kinds that the operator reads. */
export type ResourceKind =
  'OAuthCredential' | 'OAuthProvider' | 'ClusterOAuthProvider' | 'TokenStore' | 'ClusterTokenStore' | 'Namespace'
