import type { Ownership } from './ownership.ts'
import type { RecordHolder, RefreshRecord } from './refresh-record.ts'
import type { Result } from './result.ts'

/** The record of a credential that may have used the same refresh token before, as it was read. */
export interface PredecessorRecord {
  readonly record: RefreshRecord
  /** True when the record of its heir has all of it that is still worth anything, and its credential is gone. */
  readonly isInherited: boolean
}

/** What was found before a refresh token is spent that the server may replace. Finding it changed nothing. */
export interface Preflight {
  /** With what those knew that had the token before. */
  readonly record: Result<RefreshRecord>
  readonly before: readonly PredecessorRecord[]
  /** Fingerprints of tokens that the server refused when another credential, or one that had them before, presented them. */
  readonly refusedElsewhere: readonly string[]
  /** Of the refresh token in the store, or of what stands for it. */
  readonly fingerprint: string
  /** The store could not be read, or takes nothing: the token is the newest that the record keeps. */
  readonly withoutStore?: true
  /** Of whether the store would take a write over this document. */
  readonly writable: Result<void>
  /** Of whether the target would take a publication. */
  readonly target: Result<void>
  readonly self: RecordHolder
  /** Somebody held an intent that stands in the way, and all who did are gone for certain, and for long enough. */
  readonly holdersAreOver: boolean
  /** Somebody else's intent has not changed for so long that a human ought to look. */
  readonly holderIsSilent: boolean
  readonly ownership: Ownership
}
