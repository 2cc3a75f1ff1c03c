import type { Credential } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import type { IntentWatch, LeftPlaces, PendingTokens, TargetObservation } from '../domain/observed.ts'
import type { RetainedTokens } from '../domain/refresh-record.ts'
import type { Sensitive } from '../domain/sensitive.ts'
import type { StaticTokenLook } from '../domain/static-token.ts'
import type { EpochSeconds } from '../domain/time.ts'
import type { AccessToken } from '../domain/tokens.ts'
import type { PackedClaim } from './packed-claim.ts'
import type { PackedRecord } from './packed-record.ts'

/**
 * What this process knows of a credential beyond its manifest. It begins with the status and is ahead
 * of it from then on: a status write that failed, or has not come back yet, changes no decision.
 */
export interface CredentialMemory {
  readonly uid: string
  /** The manifest as last acted on: what is left to clean up after it has vanished. */
  readonly credential?: Credential
  readonly state: CredentialState
  readonly pending?: PendingTokens
  readonly accessToken?: AccessToken
  readonly rejected?: Sensitive
  readonly record?: PackedRecord
  readonly opened?: readonly RetainedTokens[]
  readonly foundAlone?: string
  readonly claim?: PackedClaim
  readonly intentWatch?: IntentWatch
  /** When tokens of the record were last put into a store that was behind. */
  readonly rolledForwardAt?: EpochSeconds
  readonly left?: LeftPlaces
  readonly look?: StaticTokenLook
  readonly target: TargetObservation
  readonly targetCheckAt: EpochSeconds
  readonly nextRefreshAt?: EpochSeconds
  /** When it was last looked at who reads the target, and how. */
  readonly readersLookedAt?: EpochSeconds
  /** `startedAt` of a journaled answer that has arrived everywhere, though the journal could not forget it. */
  readonly settledAnswerAt?: EpochSeconds
  /** False when the last status write failed. */
  readonly reported: boolean
  /** How many of them have failed in a row; absent: the last one did not. */
  readonly statusFailures?: number
}
