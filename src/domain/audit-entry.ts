import type { TargetChange, TargetRemoval } from './target-state.ts'

/**
 * What an auditor asks of the life of a credential, and how a line says it. docs/logs.md is tested against this list.
 */
export const auditEvents = {
  RefreshTokenPresented: 'The refresh token was presented to the authorization server.',
  RefreshTokenRotated: 'The authorization server issued another refresh token.',
  RefreshTokenRecorded: 'The new refresh token is in the record; its store does not have it yet.',
  RefreshTokenWrittenBack: 'The newest refresh token is in its store.',
  RefreshTokenWriteBackFailed: 'The new refresh token cannot be written into its store.',
  RefreshTokenSuperseded: 'Another refresh token was put there meanwhile, and stays.',
  AccessTokenRequested: 'The client asked the authorization server for an access token of its own.',
  AccessTokenPublished: 'An access token was published into the target, or found there.',
  PreviousTokenRemoved: 'The access token before the present one was taken out of the target.',
  TargetRemoved: 'What was published is out of the target, or the target is gone.',
  AccessTokenRevoked: 'The published access token was revoked at its server.',
  AccessTokenRevocationFailed: 'The published access token could not be revoked.',
  OwnershipTaken: 'The refresh token has this credential as its owner from now on.',
  OwnershipDenied: 'The refresh token belongs to somebody else, and is not presented.',
  LoginLost: 'The login is over: only a human brings another one.',
  SecondSpenderSeen: 'Somebody else has used the refresh token.',
  WorkloadRestarted: 'A workload was restarted for a new access token.',
  Suspended: 'Refreshing was suspended.',
  Resumed: 'Refreshing is no longer suspended.',
  RefreshRequested: 'Somebody has asked for a refresh.',
  RefreshRequestHandled: 'The refresh that was asked for is over.',
} as const

export type AuditEvent = keyof typeof auditEvents

/** What came of a request; whose token came before ours; or what was done to a target. */
type AuditOutcome = 'issued' | 'refused' | 'unknown' | 'superseded' | TargetChange | Exclude<TargetRemoval, 'kept'>

/** What an event is about beside its credential. Never a token: a fingerprint stands for one. */
export interface AuditDetails {
  /** Name of the provider object. */
  readonly provider?: string | undefined
  /** Scheme, host and port of the authorization server. */
  readonly tokenHost?: string | undefined
  /** Of the refresh token that it is about, as the record has it. */
  readonly fingerprint?: string
  /** Fingerprint of the refresh token that came instead. */
  readonly successor?: string
  /** How often the refresh token was presented without an answer that settled it, this time included. */
  readonly sends?: number
  readonly outcome?: AuditOutcome
  readonly code?: string | undefined
  /** True when it was found out from what an earlier process left. */
  readonly recovered?: true
  /** Kind and name. */
  readonly store?: string
  readonly storeKey?: string
  readonly storeVersion?: string
  /** True when the record has the refresh token as well. */
  readonly recorded?: boolean
  readonly target?: string
  /** Of the access token; RFC 3339. */
  readonly expiresAt?: string
  /** Who a document named as owner before. */
  readonly previousOwner?: string | undefined
  /** Kind and name. */
  readonly workload?: string
  /** Value of the annotation, as far as it is shown. */
  readonly request?: string
}

/** One event of the life of a credential. */
export interface AuditEntry extends AuditDetails {
  readonly event: AuditEvent
  /** `namespace/name`. */
  readonly credential: string
  readonly uid: string
  /** Of the spec that was acted on. */
  readonly generation: number
  /** Successful refreshes so far. */
  readonly refreshes: number
  /** Counts the refresh tokens that came one after the other; absent where no record is kept. */
  readonly tokenGeneration?: number | undefined
}

export type AuditDetail = AuditDetails & Pick<AuditEntry, 'event'>
