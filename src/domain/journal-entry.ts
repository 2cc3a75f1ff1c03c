import type { RefreshTokenSource } from './credential.ts'
import type { Sensitive } from './sensitive.ts'
import type { EpochSeconds } from './time.ts'
import type { TokenAnswer } from './token-exchange.ts'

/** A refresh that was begun and is not settled. */
export type JournalEntry = SentEntry | AnsweredEntry

/** The request may have left; no answer is known. */
export interface SentEntry {
  readonly phase: 'sent'
  readonly uid: string
  /** When the refresh token was first sent: a server's leeway counts from its first use. */
  readonly startedAt: EpochSeconds
  /** Version of the store document whose refresh token was sent. */
  readonly storeVersion: string
  /** The refresh token that was sent. A document may change beside it, and be another version with the same token. */
  readonly refreshToken: Sensitive
  /** Where it was read, and where its successor belongs, whatever the spec says by now. */
  readonly source: RefreshTokenSource
  /** How often this refresh token was sent without an answer, this time included. */
  readonly sends: number
}

/** The answer is here, and its refresh token is not yet known to be in the store. */
export interface AnsweredEntry {
  readonly phase: 'answered'
  readonly uid: string
  /** When the request began that was answered: the tokens' lives count from it. */
  readonly startedAt: EpochSeconds
  /** Version of the store document whose refresh token was sent. */
  readonly storeVersion: string
  /** The refresh token that was sent. A document may change beside it, and be another version with the same token. */
  readonly refreshToken: Sensitive
  /** Where it was read, and where its successor belongs, whatever the spec says by now. */
  readonly source: RefreshTokenSource
  readonly sends: number
  readonly answer: TokenAnswer
}
