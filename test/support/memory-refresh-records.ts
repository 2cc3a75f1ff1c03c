import { tokenFingerprint } from '../../src/adapters/system/token-fingerprint.ts'
import { keyText } from '../../src/domain/credential.ts'
import { type Failure, failure } from '../../src/domain/failures.ts'
import type { RetainedTokens } from '../../src/domain/refresh-record.ts'
import { sourcesOf } from '../../src/domain/inherited-record.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import type { Sensitive } from '../../src/domain/sensitive.ts'
import type { RotatedTokens } from '../../src/domain/tokens.ts'
import type {
  RecordEntry,
  RecordHolder,
  RecordHolders,
  RecordSubject,
  RefreshRecord,
  RefreshRecords,
} from '../../src/ports/refresh-records.ts'
import { observeOutput } from './canary.ts'

/** What a sealed text stands for. */
interface SealedTokens {
  readonly tokens: RotatedTokens
  /** The key of the document; absent: the operator's own. */
  readonly key: string | undefined
}

/** What all replicas see. */
interface SharedRecords {
  readonly records: Map<string, RefreshRecord>
  readonly sealed: Map<string, SealedTokens>
  versions: number
}

/**
 * Records in memory. Faults are switched on from outside and stay until they are switched off, except
 * those called `next…`, which happen once.
 */
export class MemoryRefreshRecords implements RefreshRecords {
  readonly #shared: SharedRecords
  reads = 0
  /** Replacements that took place. */
  replacements = 0
  readFault: Failure | undefined
  replaceFault: Failure | undefined
  removeFault: Failure | undefined
  listFault: Failure | undefined
  /**
   * The next replacement is reported as REFRESH_RECORD_UNAVAILABLE because nobody could find out what
   * became of it: it was carried out, or was not.
   */
  nextUnknown: 'carried-out' | 'not-carried-out' | undefined
  /** The next replacement finds another version there. */
  nextConflict = false
  /** Runs between the moment a replacement is asked for and the moment it takes place; may be held back. */
  beforeReplace: ((record: RefreshRecord) => void | Promise<void>) | undefined
  /** Runs when a replacement took place, before it is told. */
  afterReplace: ((record: RefreshRecord) => void | Promise<void>) | undefined

  constructor(shared: SharedRecords = { records: new Map(), sealed: new Map(), versions: 0 }) {
    this.#shared = shared
  }

  /** The same records as another replica sees them: with faults of its own. */
  ofAnotherReplica(): MemoryRefreshRecords {
    return new MemoryRefreshRecords(this.#shared)
  }

  /** What is there, with its tokens. */
  record(uid: string): RefreshRecord | undefined {
    const record = this.#shared.records.get(uid)
    if (record?.retained === undefined) return record
    const tokens = this.#shared.sealed.get(record.retained.sealed ?? '')?.tokens
    return tokens === undefined ? record : { ...record, retained: { ...record.retained, tokens } }
  }

  /** Puts a record there whatever was there, as another process would; returns it with its version. */
  put(record: RefreshRecord, sealingKey?: Sensitive): RefreshRecord {
    const { records } = this.#shared
    const retained = record.retained && this.#seal(record.retained, sealingKey)
    const { retained: _tokens, ...rest } = record
    const stored = { ...rest, ...(retained && { retained }), version: this.#nextVersion() }
    observeOutput('refresh record', JSON.stringify(stored))
    records.set(record.uid, stored)
    return this.#opened(stored, sealingKey)
  }

  /** Takes a record away, as somebody with kubectl would. */
  delete(uid: string): void {
    this.#shared.records.delete(uid)
  }

  async read({ uid }: RecordSubject, sealingKey: Sensitive | undefined): Promise<Result<RefreshRecord | undefined>> {
    this.reads += 1
    await Promise.resolve()
    if (this.readFault !== undefined) return failed(this.readFault)
    const record = this.#shared.records.get(uid)
    return ok(record && this.#opened(record, sealingKey))
  }

  async replace(record: RefreshRecord, sealingKey: Sensitive | undefined): Promise<Result<RefreshRecord>> {
    await this.beforeReplace?.(record)
    if (this.replaceFault !== undefined) return failed(this.replaceFault)
    const unknown = this.nextUnknown
    this.nextUnknown = undefined
    if (unknown === 'not-carried-out') return failed(resultUnknown(record))
    if (this.#isConflict(record)) return failed(conflict(record))
    const written = this.put(record, sealingKey)
    this.replacements += 1
    await this.afterReplace?.(written)
    return unknown === undefined ? ok(written) : failed(resultUnknown(record))
  }

  async list(see: (entry: RecordEntry) => void): Promise<Result<void>> {
    await Promise.resolve()
    if (this.listFault !== undefined) return failed(this.listFault)
    for (const record of this.#shared.records.values()) {
      see({ uid: record.uid, credential: record.credential, sources: sourcesOf(record) })
    }
    return ok(undefined)
  }

  async remove(record: RefreshRecord): Promise<Result<void>> {
    await Promise.resolve()
    if (this.removeFault !== undefined) return failed(this.removeFault)
    const current = this.#shared.records.get(record.uid)
    if (current !== undefined && current.version !== record.version) return failed(conflict(record))
    this.#shared.records.delete(record.uid)
    return ok(undefined)
  }

  fingerprint(refreshToken: Sensitive): string {
    return tokenFingerprint(refreshToken)
  }

  #isConflict({ uid, version }: RefreshRecord): boolean {
    const forced = this.nextConflict
    this.nextConflict = false
    return forced || (this.#shared.records.get(uid)?.version ?? '') !== version
  }

  #seal(
    { tokens, sealedWith: _before, ...retained }: RetainedTokens,
    sealingKey: Sensitive | undefined,
  ): RetainedTokens {
    if (tokens === undefined) return retained
    const sealed = `sealed-${this.#shared.sealed.size + 1}`
    this.#shared.sealed.set(sealed, { tokens, key: sealingKey?.reveal() })
    return { ...retained, sealed }
  }

  #opened(record: RefreshRecord, sealingKey: Sensitive | undefined): RefreshRecord {
    if (record.retained === undefined) return record
    const found = this.#shared.sealed.get(record.retained.sealed ?? '')
    if (found === undefined || (found.key !== undefined && found.key !== sealingKey?.reveal())) return record
    const { sealed: _notNeeded, ...retained } = record.retained
    const sealedWith = found.key === undefined ? 'operator' : 'document'
    return { ...record, retained: { ...retained, tokens: found.tokens, sealedWith } }
  }

  #nextVersion(): string {
    this.#shared.versions += 1
    return `v${this.#shared.versions}`
  }
}

/** Holders that a test lets come and go. */
export class MemoryHolders implements RecordHolders {
  readonly self: RecordHolder
  /** Journal ids of the holders that are certainly gone. */
  readonly gone = new Set<string>()
  fault: Failure | undefined

  constructor(journalId = 'journal-1', self: RecordHolder = { journalId, pod: podOf(journalId) }) {
    this.self = self
  }

  isGone({ journalId }: RecordHolder): Promise<Result<boolean>> {
    if (this.fault !== undefined) return Promise.resolve(failed(this.fault))
    return Promise.resolve(ok(journalId !== this.self.journalId && this.gone.has(journalId)))
  }
}

function podOf(journalId: string): { readonly name: string; readonly uid: string } {
  return { name: `operator-of-${journalId}`, uid: `uid-of-${journalId}` }
}

function conflict({ credential }: RefreshRecord): Failure {
  return failure(
    'REFRESH_RECORD_CONFLICT',
    `The refresh record of ${keyText(credential)} was changed since it was read.`,
  )
}

function resultUnknown({ credential }: RefreshRecord): Failure {
  const what = `It is not known whether the refresh record of ${keyText(credential)} was written.`
  return failure('REFRESH_RECORD_UNAVAILABLE', what)
}
