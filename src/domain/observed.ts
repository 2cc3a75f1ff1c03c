import type { Credential, CredentialKey, RefreshTokenSource } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import type { Failure } from './failures.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { ClaimState } from './document-claim.ts'
import type { Provider } from './provider.ts'
import type { RefreshRecord, RetainedTokens } from './refresh-record.ts'
import type { InvalidCredential, InvalidReferent } from './resources.ts'
import type { Sensitive } from './sensitive.ts'
import type { StaticTokenLook } from './static-token.ts'
import type { TargetState } from './target-state.ts'
import type { EpochSeconds } from './time.ts'
import type { TokenStore } from './token-store.ts'
import type { AccessToken, RotatedTokens, StoredRefreshToken } from './tokens.ts'

/** Something that a credential refers to. */
export type Referent<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'missing' }
  | { readonly kind: 'invalid'; readonly referent: InvalidReferent }
  /** The grant of the credential needs none. */
  | { readonly kind: 'none' }

/** What is known of the target. */
export type TargetObservation =
  | { readonly kind: 'observed'; readonly state: TargetState }
  /** Not looked at since the process began; the status is believed until it is. */
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'unreadable'; readonly failure: Failure }

/** Tokens that were issued and have not arrived everywhere yet. */
export interface PendingTokens {
  readonly tokens: RotatedTokens
  /** What the store held when the refresh token was sent. */
  readonly base: StoredRefreshToken
  /** Where that was, and where the successor belongs, whatever the spec says by now. */
  readonly source: RefreshTokenSource
  /** The refresh token that was presented for these. */
  readonly presented: Sensitive
  /** True once the newest refresh token is known to be in the store. */
  readonly persisted: boolean
  /** Somebody else's refresh token is there instead, so that the store holds none of these. */
  readonly superseded?: true
  /** True once it is known to be in the record, or nothing of these has to be. */
  readonly recorded: boolean
  /** The request was made without an intent in the record, because the server was not thought to rotate. */
  readonly unannounced?: true
  /** Since when the store does not hold the newest refresh token, while it does not. */
  readonly behindSince: EpochSeconds
  /** The store is not written before this, because it bears only so many writes; the record holds the tokens. */
  readonly storeWriteDueAt?: EpochSeconds
  readonly published: boolean
  /** How often the store refused or was unreachable for this write-back. */
  readonly writeBackFailures: number
}

/** A store at a place that was left has not got its newest tokens. */
export interface LeftFailure {
  readonly fingerprint: string
  readonly at: EpochSeconds
  /** Absent where the place was taken away: nobody is told of that. */
  readonly failure?: Failure
}

/** What this process has done for the places that a credential has left. */
export interface LeftPlaces {
  /** Fingerprints of newest tokens for which nothing is to be done there any more. */
  readonly settled: readonly string[]
  /** Of which tokens a store there could not be brought up to date, why, and when that was tried. The latest last. */
  readonly failed: readonly LeftFailure[]
}

/** How long an intent has been watched, on a clock that never jumps. */
export interface IntentWatch {
  readonly epoch: number
  readonly journalId: string
  readonly sinceMs: number
}

/** Everything that a decision may look at, gathered once. */
export interface Observed {
  readonly credential: Credential
  readonly state: CredentialState
  readonly provider: Referent<Provider>
  readonly store: Referent<TokenStore>
  /** Absent when the namespace is not known. */
  readonly namespaceLabels?: Readonly<Record<string, string>>
  readonly target: TargetObservation
  /** Digest of the target as the spec wants it, and of the login that is to be in it. */
  readonly targetDigest: string
  /** True when only {@link AccessTokenSink.remove} cleans up after this credential. */
  readonly needsCleanup: boolean
  /** True when cleaning up, or revoking the access token, needs a finalizer, because the object is gone otherwise before anybody can act. */
  readonly needsFinalizer: boolean
  /** When the target is to be looked at again. */
  readonly targetCheckAt: EpochSeconds
  readonly journal?: JournalEntry
  readonly pending?: PendingTokens
  /** The access token in the target, when this process issued it. */
  readonly accessToken?: AccessToken
  /** The refresh token that was definitely refused, when this process presented it. */
  readonly rejected?: Sensitive
  /** The record of its refreshes as this process last saw it; every write of it says whether that is still so. */
  readonly record?: RefreshRecord
  /** Tokens of records that somebody else may have written since this process opened them. */
  readonly opened?: readonly RetainedTokens[]
  /** Which refresh token, and where, a look at all that is known of it found nobody else at, before a request that was made. */
  readonly foundAlone?: string
  /** What the store document said of its owner when it was last read. */
  readonly claim?: ClaimState
  /** Another process's intent, and since when this one has seen it unchanged. */
  readonly intentWatch?: IntentWatch
  /** When tokens of the record were last put into a store that was behind. */
  readonly rolledForwardAt?: EpochSeconds
  readonly left?: LeftPlaces
  /** True once this reconcile has found the newest tokens of a place that was left in its store, or put them there. */
  readonly broughtHome?: true
  /** True once this reconcile has looked at such a place: the next one looks at another. */
  readonly leftTried?: true
  /** Absent until this process has looked. */
  readonly look?: StaticTokenLook
  /** The credential that was first at the same place of the same store. */
  readonly firstOwner?: CredentialKey
  /** The credential that came first of those with this target. */
  readonly targetHolder?: CredentialKey
  /** How many refresh tokens of this installation are in the store document; absent: this one. */
  readonly documentTokens?: number
  /** Identifies everything that an attempt would use: manifests, and what a human asked for. */
  readonly inputs: string
  /** Identifies the part of it that the authorization server sees: only a change there can turn a refusal. */
  readonly grantInputs: string
  /** True without a cluster: nobody who reads the target can be told of anything. */
  readonly withoutConsumers?: true
  /** True once this reconcile has tried to take a previous access token that is over out of the target. */
  readonly previousTried?: true
  /** True once it was tried to revoke what was published, now that the credential goes. */
  readonly revocationTried?: true
  /** True when the client proves itself with something else than when the server refused it. */
  readonly clientChanged?: true
}

/** A credential that cannot be acted on, with what is remembered of it. */
export interface ObservedInvalid {
  readonly credential: InvalidCredential
  readonly state: CredentialState
}
