import type { CredentialState } from './credential-state.ts'
import type { Failure } from './failures.ts'
import type { AnsweredEntry } from './journal-entry.ts'
import type { ClaimState } from './document-claim.ts'
import type { Answering } from './known-server.ts'
import type { IntentWatch, LeftPlaces, PendingTokens } from './observed.ts'
import type { PredecessorRecord, Preflight } from './preflight-finding.ts'
import type { KeptTokens, RefreshRecord, RetainedTokens } from './refresh-record.ts'
import type { Result } from './result.ts'
import type { Sensitive } from './sensitive.ts'
import type { StaticTokenLook } from './static-token.ts'
import type { Publishing, TargetRemoval, TargetState } from './target-state.ts'
import type { EpochSeconds } from './time.ts'
import type { TokenAnswerReading } from './token-exchange.ts'
import type { AccessToken, StoredAccessToken, StoredRefreshToken } from './tokens.ts'
import type { EarlierSends } from './uncertainty.ts'

/** One effect. Executing it never throws for an expected failure. */
export type Action =
  | { readonly kind: 'add-finalizer' }
  /** The spec asks for nothing any more that needs it. */
  | { readonly kind: 'remove-finalizer' }
  | { readonly kind: 'clean-up' }
  /** The published access token ends with its credential. */
  | { readonly kind: 'revoke' }
  /** `unlessSameAs`: the refresh token was refused with this; go on only if another one is there now. */
  | { readonly kind: 'read-refresh-token'; readonly unlessSameAs?: Failure }
  | {
      readonly kind: 'pre-flight'
      readonly stored: StoredRefreshToken
      /** Why the store could not be read; `stored` then comes from the record. */
      readonly storeFailure?: Failure
    }
  | { readonly kind: 'claim-document'; readonly stored: StoredRefreshToken; readonly preflight: Preflight }
  | SendAction
  /** The client asks for itself. */
  | { readonly kind: 'request-access-token' }
  /** The token that somebody else keeps in the store. */
  | { readonly kind: 'read-access-token' }
  | { readonly kind: 'read-journaled-answer' }
  /** Whether the record holds what the store does not. */
  | { readonly kind: 'read-record' }
  /** What the store of a place that was left lacks goes there. */
  | { readonly kind: 'bring-home'; readonly tokens: KeptTokens }
  | { readonly kind: 'write-back'; readonly pending: PendingTokens }
  | { readonly kind: 'publish'; readonly accessToken: AccessToken }
  /** The access token before the present one is over. */
  | { readonly kind: 'end-previous' }
  /** One of an earlier name. */
  | { readonly kind: 'remove-former-target'; readonly name: string }

export interface SendAction {
  readonly kind: 'send-refresh-token'
  readonly base: StoredRefreshToken
  /** Sends of the same refresh token whose answers were lost. */
  readonly earlier?: EarlierSends
  /** Replaced by an intent before the request leaves; absent for a server that does not rotate. */
  readonly record?: RefreshRecord
  /** What they know of the token is in `record`. */
  readonly before?: readonly PredecessorRecord[]
  /** True when the store does not hold the refresh token of `base` yet. */
  readonly storeBehind?: boolean
  /** Fingerprint of the refresh token that the store holds; absent when nobody can tell now. */
  readonly stored?: string
}

/** What came of an action. `kind` is the action's. */
export type Outcome =
  | { readonly kind: 'add-finalizer' | 'remove-finalizer'; readonly result: Result<void> }
  /** In the order in which they were removed. */
  | { readonly kind: 'clean-up'; readonly result: Result<readonly RemovedTarget[]> }
  /** `isOver`: false when the process ended before it was settled, so that the next one begins anew. `result`: once it is over. */
  | { readonly kind: 'revoke'; readonly isOver: boolean; readonly result?: Result<void> }
  | { readonly kind: 'remove-former-target'; readonly name: string; readonly result: Result<TargetRemoval> }
  /** `isOpen`: somebody else may be at the token, as far as this process knows without a look. */
  | { readonly kind: 'read-refresh-token'; readonly result: Result<StoredRefreshToken>; readonly isOpen: boolean }
  | {
      readonly kind: 'pre-flight'
      readonly stored: StoredRefreshToken
      readonly preflight: Preflight
      readonly intentWatch?: IntentWatch
    }
  | {
      readonly kind: 'claim-document'
      readonly preflight: Preflight
      readonly result: Result<StoredRefreshToken>
    }
  | {
      readonly kind: 'send-refresh-token'
      readonly action: SendAction
      readonly sent: SendOutcome
      /** The record as it was left; absent when it is not known how. */
      readonly record?: RefreshRecord
      /** As in what is observed; absent where the record was not told, or the request not made. */
      readonly foundAlone?: string
    }
  | { readonly kind: 'request-access-token'; readonly result: Result<AccessToken> }
  | { readonly kind: 'read-access-token'; readonly result: Result<StoredAccessToken> }
  | { readonly kind: 'read-record'; readonly result: Result<RecordLook> }
  | { readonly kind: 'bring-home'; readonly tokens: KeptTokens; readonly result: Result<BroughtHome> }
  | { readonly kind: 'read-journaled-answer'; readonly result: Result<JournaledAnswer> }
  | {
      readonly kind: 'write-back'
      readonly pending: PendingTokens
      readonly written: WriteBackOutcome
      /** The record with these tokens in it. */
      readonly committed: Result<RefreshRecord>
    }
  /** `accessToken`: as it was published, with what more is known of it by now. */
  | { readonly kind: 'publish'; readonly accessToken: AccessToken; readonly result: Result<Publishing> }
  | { readonly kind: 'end-previous'; readonly result: Result<void> }

export interface RemovedTarget {
  readonly name: string
  readonly removal: TargetRemoval
}

export type SendOutcome =
  | { readonly kind: 'not-sent'; readonly failure: Failure }
  /** Sent, and no answer that settles whether the refresh token was used. `sends` counts all of them. */
  | { readonly kind: 'unknown'; readonly failure: Failure; readonly sends: number }
  | {
      readonly kind: 'answered'
      readonly reading: TokenAnswerReading
      readonly sends: number
      readonly startedAt: EpochSeconds
      /** Who gave it, and to what; absent where no refresh token was issued or let stand, or nobody knows. */
      readonly by?: Answering
    }

/** What a document holds, to a record: its newest refresh token, one that was replaced before, or one that it does not know. */
export type StoreHolds = 'newest' | 'spent' | 'another'

/** A record as it faces a place, and the document there. Both absent: it has no tokens of it, and none was looked at. */
export interface RecordLook {
  readonly record: RefreshRecord
  readonly stored?: StoredRefreshToken
  readonly storeHolds?: StoreHolds
}

/** What was found at a place that was left, and the record as it was read before. */
export type BroughtHome = { readonly record: RefreshRecord } & (
  | { readonly kind: 'written'; readonly stored: StoredRefreshToken }
  /** The store has the tokens, or is to have other ones. */
  | { readonly kind: 'at-home' }
  /** It shows a refresh token that the record does not know. */
  | { readonly kind: 'replaced' }
  /** Somebody has taken the place away, or it is another credential's by now. */
  | { readonly kind: 'given-up' }
)

/** An answer that an earlier process received, and what the store holds now. */
export interface JournaledAnswer {
  readonly reading: TokenAnswerReading
  readonly entry: AnsweredEntry
  readonly by?: Answering
  readonly stored: StoredRefreshToken
  readonly record?: RefreshRecord
  /** On top of a spent one the answer's belongs. */
  readonly storeHolds: StoreHolds
}

export type WriteBackOutcome =
  /** The store is left alone for now. */
  | { readonly kind: 'paced' }
  /** Another process has got a successor of a later token meanwhile: its tokens count. */
  | { readonly kind: 'overtaken' }
  /** It was in the store already. */
  | { readonly kind: 'kept' }
  | { readonly kind: 'written'; readonly stored: StoredRefreshToken }
  /** Somebody put a refresh token there that is neither the one we sent nor the one we got: theirs stays. */
  | { readonly kind: 'superseded'; readonly stored: StoredRefreshToken }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** What a reconcile has changed so far. Grows forward only. */
export interface Progress {
  readonly state: CredentialState
  readonly pending?: PendingTokens
  readonly accessToken?: AccessToken
  readonly rejected?: Sensitive
  readonly record?: RefreshRecord
  readonly opened?: readonly RetainedTokens[]
  readonly foundAlone?: string
  readonly claim?: ClaimState
  readonly intentWatch?: IntentWatch
  /** When tokens of the record were last put into a store that was behind. */
  readonly rolledForwardAt?: EpochSeconds
  readonly left?: LeftPlaces
  readonly look?: StaticTokenLook
  readonly target?: TargetState
  /** True once this reconcile has put a rotated refresh token into the store. */
  readonly writtenBack?: boolean
  /** True once this reconcile has seen that the store holds the newest refresh token that we know of. */
  readonly storeIsNewest?: boolean
  /** True once all that an answer brought has arrived where it belongs, so that the journal may forget it. */
  readonly answerSettled?: boolean
  /** True once this reconcile has begun its request anew, as a record was written meanwhile. */
  readonly isBegunAnew?: boolean
  /** A failure on the way that did not end the reconcile, and is told at its end. */
  readonly cause?: Failure
  /** True when the finalizer is to be taken off because nothing is left to clean up. */
  readonly release?: boolean
}

/** A refresh that somebody wants now, and that has to wait. */
export interface Postponed {
  readonly until: EpochSeconds
  /** A sentence. */
  readonly why: string
}

/** How a reconcile ends. */
export type Settlement =
  | { readonly kind: 'fine'; readonly postponed?: Postponed }
  | { readonly kind: 'suspended' }
  /** Nothing more to do for an object that is being deleted. */
  | { readonly kind: 'gone' }
  /** Waiting after a failure that passes. */
  | { readonly kind: 'retrying'; readonly failure: Failure }
  /** Waiting for a human. */
  | { readonly kind: 'stalled'; readonly failure: Failure }

export type Step =
  | { readonly kind: 'act'; readonly action: Action; readonly progress: Progress }
  | {
      readonly kind: 'settled'
      readonly settlement: Settlement
      readonly progress: Progress
      readonly wakeAt?: EpochSeconds
    }
