import type { CredentialKey } from '../domain/credential.ts'

export type EventReason =
  | 'TargetCreated'
  | 'RefreshTokenRotated'
  | 'TokenExpiring'
  | 'Recovered'
  | 'RefreshFailed'
  | 'ReauthorizationRequired'
  | 'RefreshTokenWriteBackFailed'
  | 'RefreshTokenExpiring'
  | 'Stalled'
  | 'WorkloadRestarted'
  | 'ConsumersNotNotified'
  | 'ConsumersNotUpdatable'
  | 'AccessTokenRevoked'
  | 'RevocationFailed'
  | 'Suspended'
  | 'Resumed'

/** Something that happened to a credential, told once at the transition. */
export interface CredentialEvent {
  readonly key: CredentialKey
  readonly uid: string
  readonly severity: 'Normal' | 'Warning'
  readonly reason: EventReason
  /** Never holds a token. */
  readonly message: string
}

/** Fire and forget: an event that cannot be recorded is logged and dropped. */
export interface EventRecorder {
  record(event: CredentialEvent): void
}
