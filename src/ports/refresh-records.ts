import type { CredentialKey, RefreshTokenSource } from '../domain/credential.ts'
import type { RecordHolder, RefreshRecord } from '../domain/refresh-record.ts'
import type { Result } from '../domain/result.ts'
import type { Sensitive } from '../domain/sensitive.ts'

export type { RecordHolder, RefreshRecord } from '../domain/refresh-record.ts'

/** Whose record. */
export interface RecordSubject {
  readonly uid: string
  readonly credential: CredentialKey
}

/** What a record tells without its tokens: whose it is, and where they were read. */
export interface RecordEntry extends RecordSubject {
  readonly sources: readonly RefreshTokenSource[]
}

/** A record as a list shows it. */
export interface ListedRecord extends RecordEntry {
  /** As {@link RefreshRecord.version}. */
  readonly version: string
}

/**
 * The records of all refreshes, where every replica sees the same: Secrets in the operator's
 * namespace, or a file without a cluster.
 *
 * Guarantees: a read is never served from a cache. Of two that replace the same version of a record
 * one succeeds. When `replace` returns ok, the record survives the end of the process and of its
 * machine. Tokens are sealed wherever others than the operator could read them.
 *
 * Failures: REFRESH_RECORD_UNAVAILABLE, REFRESH_RECORD_DAMAGED, KUBERNETES_FORBIDDEN; replacing also REFRESH_RECORD_CONFLICT
 * (another version is there, nothing was written). A write whose result is unknown is read back
 * before it is reported.
 */
export interface RefreshRecords {
  /**
   * Undefined when there is none. `sealingKey` is the one of the store document, absent for documents
   * that carry none; tokens that it does not open are left out.
   */
  read(subject: RecordSubject, sealingKey: Sensitive | undefined): Promise<Result<RefreshRecord | undefined>>
  /** Compare-and-set on `record.version`; returns the record with its new version. */
  replace(record: RefreshRecord, sealingKey: Sensitive | undefined): Promise<Result<RefreshRecord>>
  /** Forgets the record of a credential that is gone, if it is still the one given. Succeeds when there is none. */
  remove(record: RefreshRecord): Promise<Result<void>>
  /**
   * Shows every record that is there, in no order; one that is damaged is left out. What was written before the call
   * is among them, unless it was removed since. A list that fails halfway may have shown some, or one twice.
   */
  list(see: (entry: ListedRecord) => void): Promise<Result<void>>
  /** Identifies a refresh token without telling it; the same for the same token everywhere. 32 hexadecimal digits. */
  fingerprint(refreshToken: Sensitive): string
}

/**
 * The processes that hold intents.
 *
 * Failures: KUBERNETES_UNAVAILABLE, KUBERNETES_FORBIDDEN.
 */
export interface RecordHolders {
  readonly self: RecordHolder
  /**
   * True when it is certain that this holder's journal is gone: its Pod does not exist any more, has ended,
   * or is our own, which has another journal by now.
   */
  isGone(holder: RecordHolder): Promise<Result<boolean>>
}
