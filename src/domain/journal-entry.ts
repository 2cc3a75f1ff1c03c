import type { CredentialKey, RefreshTokenSource } from './credential.ts'
import type { AskedServer } from './credential-state.ts'
import type { ResponseForm } from './provider.ts'
import type { Sensitive } from './sensitive.ts'
import type { EpochSeconds } from './time.ts'
import type { TokenAnswer } from './token-exchange.ts'

/** A refresh that was begun and is not settled. */
export type JournalEntry = ArmedEntry | SentEntry | AnsweredEntry

/** What the journal knows of every request. */
export interface RequestEntry {
  readonly uid: string
  readonly credential: CredentialKey
  /** Version of the store document whose refresh token was sent. */
  readonly storeVersion: string
  /** The refresh token that was sent. A document may change beside it, and be another version with the same token. */
  readonly refreshToken: Sensitive
  /** Opens the credential's record; absent when the document carries no key. */
  readonly sealingKey?: Sensitive
  /** Where it was read, and where its successor belongs, whatever the spec says by now. */
  readonly source: RefreshTokenSource
  /** Where it was sent. Absent in journals of versions before this member. */
  readonly server?: AskedServer
  /** How often this refresh token was sent without an answer, this time included. */
  readonly sends: number
}

/** The record is about to say that this process sends; nothing has been sent this time. */
export interface ArmedEntry extends RequestEntry {
  readonly phase: 'armed'
  /** When the refresh token was first sent, or is to be. */
  readonly startedAt: EpochSeconds
}

/** The request may have left; no answer is known. */
export interface SentEntry extends RequestEntry {
  readonly phase: 'sent'
  /** When the refresh token was first sent: a server's leeway counts from its first use. */
  readonly startedAt: EpochSeconds
}

/** The answer is here, and its refresh token is not yet known to be in the store. */
export interface AnsweredEntry extends RequestEntry {
  readonly phase: 'answered'
  /** When the connection stood for the request that was answered: the tokens' lives count from it. */
  readonly startedAt: EpochSeconds
  readonly answer: TokenAnswer
  /** How the provider answers that was asked, and which one that is. Absent in journals of versions before these members. */
  readonly response?: ResponseForm
  readonly provider?: string
  /** Whether its intent was put into the record first. Absent where that is not known, as in journals of versions before this member. */
  readonly announced?: boolean
}
