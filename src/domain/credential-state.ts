import type { ConsumersState } from './consumers-state.ts'
import type { FailureCode } from './failures.ts'
import type { Grant } from './grant.ts'
import type { EpochSeconds } from './time.ts'

/**
 * What is remembered of a credential between two reconciles. It is the content of the object's
 * status, so a restarted process continues where the last one stopped.
 */
export interface CredentialState {
  /** The grant that all this is about; absent: RefreshToken. */
  readonly grant?: Exclude<Grant, 'RefreshToken'>
  /** The spec generation that was last acted on; 0 before the first. */
  readonly observedGeneration: number
  /** Expiry of the access token that is **in the target**. */
  readonly accessTokenExpiresAt?: EpochSeconds
  /** Until when the target holds the access token before that one; absent: it holds none. */
  readonly previousExpiresAt?: EpochSeconds
  /** `issuedAt` of that token. */
  readonly lastRefreshAt?: EpochSeconds
  readonly refreshTokenExpiresAt?: EpochSeconds
  /** True when that stays where it is however often the refresh token is used. */
  readonly refreshTokenExpiryIsFixed?: boolean
  /** When a refresh token of this login was first used. */
  readonly loginUsedAt?: EpochSeconds
  /**
   * Since when the target is known to hold a token of an earlier login than the one to use: another one was found in
   * the store, or presented after a refusal. Absent once the target holds a token of that one.
   */
  readonly loginReplacedAt?: EpochSeconds
  /** Count of successful refreshes; seeds the jitter. */
  readonly refreshes: number
  /** Failed attempts since the last success. */
  readonly consecutiveFailures: number
  readonly lastFailure?: RememberedFailure
  /** The last value of the refresh annotation that was handled. */
  readonly handledRefreshRequest?: string
  /** The last value of the ownership annotation that was handled. */
  readonly handledOwnershipRequest?: string
  /** True once an answer has brought another refresh token; false when answers came and none did. */
  readonly rotates?: boolean
  /**
   * Which ones have answered, the last one last, and of which of the tokens that may be alive. Absent before the first
   * answer, and in a status of an earlier version.
   */
  readonly servers?: readonly KnownServer[]
  /** The newest generation of refresh tokens that was known: what knows it when the record is gone, and the document old. */
  readonly refreshTokenGeneration?: number
  /** Of the newest refresh token that the store was seen to hold: what says so when the store is gone. */
  readonly seenInStore?: string
  /** Version of the store document that the last attempt used. */
  readonly storeVersion?: string
  /** Identifies the target's name, outputs and policy as last published. */
  readonly targetDigest?: string
  /** The target that was published into last. */
  readonly targetName?: string
  /** Targets of earlier names, which are still to be removed. */
  readonly formerTargets?: readonly string[]
  /** Who was told of the last publication. Absent for a target that tells nobody. */
  readonly consumers?: ConsumersState
  readonly conditions: readonly Condition[]
}

/** An authorization server as a client was told of it. Nothing in it is secret. */
export interface AskedServer {
  /** Scheme, host and port: what it has issued is sent nowhere else. */
  readonly origin: string
  /** Identifies it and the client. */
  readonly digest: string
}

/** One that has answered. */
export interface KnownServer extends AskedServer {
  /** Tells the refresh token that it issued, or let stand, from others. @see tokenMark */
  readonly mark: string
}

export interface RememberedFailure {
  readonly code: FailureCode
  readonly message: string
  readonly at: EpochSeconds
  /** Seconds that the other side asked to wait. */
  readonly retryAfterSeconds?: number
  /** How often in a row the authorization server has refused like this; absent: once, or it is no refusal. */
  readonly refusals?: number
  /** Identifies the manifests that the failed attempt used: once they differ, it is tried again at once. */
  readonly inputs?: string
}

export type ConditionType =
  | 'Ready'
  | 'Reconciling'
  | 'Stalled'
  | 'RefreshTokenPersisted'
  | 'RefreshTokenExpiring'
  | 'PreviousTokenKept'
  | 'ConsumersNotified'
  | 'ConsumersUpdatable'

/** A `metav1.Condition`. */
export interface Condition {
  readonly type: ConditionType
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly observedGeneration: number
  readonly lastTransitionTime: EpochSeconds
}

/** The state of a credential that nothing is known of yet. */
export const noState: CredentialState = {
  observedGeneration: 0,
  refreshes: 0,
  consecutiveFailures: 0,
  conditions: [],
}
