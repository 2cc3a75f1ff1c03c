import type { CredentialState } from './credential-state.ts'
import type { Failure } from './failures.ts'
import type { AnsweredEntry } from './journal-entry.ts'
import type { PendingTokens } from './observed.ts'
import type { Result } from './result.ts'
import type { Sensitive } from './sensitive.ts'
import type { TargetState } from './target-state.ts'
import type { EpochSeconds } from './time.ts'
import type { TokenAnswerReading } from './token-exchange.ts'
import type { AccessToken, StoredRefreshToken } from './tokens.ts'

/** One effect. Executing it never throws for an expected failure. */
export type Action =
  | { readonly kind: 'add-finalizer' }
  | { readonly kind: 'clean-up' }
  /** `unlessSameAs`: the refresh token was refused with this; go on only if another one is there now. */
  | { readonly kind: 'read-refresh-token'; readonly unlessSameAs?: Failure }
  | {
      readonly kind: 'send-refresh-token'
      readonly base: StoredRefreshToken
      /** Sends of the same refresh token whose answers were lost. */
      readonly earlierSends: number
      /** When the first of them began. */
      readonly firstSentAt?: EpochSeconds
    }
  | { readonly kind: 'read-journaled-answer' }
  | { readonly kind: 'write-back'; readonly pending: PendingTokens }
  | { readonly kind: 'publish'; readonly accessToken: AccessToken }

/** What came of an action. `kind` is the action's. */
export type Outcome =
  | { readonly kind: 'add-finalizer'; readonly result: Result<void> }
  | { readonly kind: 'clean-up'; readonly result: Result<void> }
  | { readonly kind: 'read-refresh-token'; readonly result: Result<StoredRefreshToken> }
  | { readonly kind: 'send-refresh-token'; readonly base: StoredRefreshToken; readonly sent: SendOutcome }
  | { readonly kind: 'read-journaled-answer'; readonly result: Result<JournaledAnswer> }
  | { readonly kind: 'write-back'; readonly pending: PendingTokens; readonly written: WriteBackOutcome }
  | { readonly kind: 'publish'; readonly result: Result<void> }

export type SendOutcome =
  | { readonly kind: 'not-sent'; readonly failure: Failure }
  /** Sent, and no answer that settles whether the refresh token was used. `sends` counts all of them. */
  | { readonly kind: 'unknown'; readonly failure: Failure; readonly sends: number }
  | {
      readonly kind: 'answered'
      readonly reading: TokenAnswerReading
      readonly sends: number
      readonly startedAt: EpochSeconds
    }

/** An answer that an earlier process received, and what the store holds now. */
export interface JournaledAnswer {
  readonly reading: TokenAnswerReading
  readonly entry: AnsweredEntry
  readonly stored: StoredRefreshToken
}

export type WriteBackOutcome =
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
  readonly target?: TargetState
  /** True once this reconcile has put a rotated refresh token into the store. */
  readonly writtenBack?: boolean
  /** True once all that an answer brought has arrived where it belongs, so that the journal may forget it. */
  readonly answerSettled?: boolean
  /** A failure on the way that did not end the reconcile, and is told at its end. */
  readonly cause?: Failure
  /** True when the finalizer is to be taken off because nothing is left to clean up. */
  readonly release?: boolean
}

/** How a reconcile ends. */
export type Settlement =
  | { readonly kind: 'fine' }
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
