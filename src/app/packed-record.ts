import type { Credential } from '../domain/credential.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import { packFingerprints, unpackFingerprints } from './packed-fingerprints.ts'

/**
 * A refresh record as this process keeps it between two reconciles. As it is worked with, the tokens that it
 * says to be spent alone are more than everything else that is known of ten thousand credentials.
 */
export class PackedRecord {
  readonly #record: Omit<RefreshRecord, 'spent'>
  readonly #spent: string

  constructor({ spent, ...record }: RefreshRecord, { uid, key }: Pick<Credential, 'uid' | 'key'>) {
    // What the credential has as well is there once.
    const isOf =
      record.uid === uid && record.credential.name === key.name && record.credential.namespace === key.namespace
    this.#record = isOf ? { ...record, uid, credential: key } : record
    this.#spent = packFingerprints(spent)
  }

  /** What was packed. */
  unpacked(): RefreshRecord {
    return { ...this.#record, spent: unpackFingerprints(this.#spent) }
  }
}
