import { tokenFingerprint } from '../../src/adapters/system/token-fingerprint.ts'
import { keyText } from '../../src/domain/credential.ts'
import { type Failure, failure } from '../../src/domain/failures.ts'
import { type KeptTokens, newestIn, type RetainedTokens } from '../../src/domain/refresh-record.ts'
import { sourcesOf } from '../../src/domain/inherited-record.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import type { Sensitive } from '../../src/domain/sensitive.ts'
import type { RotatedTokens } from '../../src/domain/tokens.ts'
import type {
  ListedRecord,
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
    const open = <Tokens extends RetainedTokens>(one: Tokens): Tokens => {
      const tokens = this.#shared.sealed.get(one.sealed ?? '')?.tokens
      return tokens === undefined ? one : { ...one, tokens }
    }
    return record && eachOf(record, open)
  }

  /** Puts a record there whatever was there, as another process would; returns it with its version. */
  put(record: RefreshRecord, sealingKey?: Sensitive): RefreshRecord {
    const { records } = this.#shared
    const before = newestIn(records.get(record.uid) ?? {})
    const retained = record.retained && this.#seal(record.retained, sealingKey)
    const kept = record.kept?.map((one) => this.#sealKept(one, before, sealingKey))
    const { retained: _tokens, kept: _others, ...rest } = record
    const known = { ...rest, ...(retained && { retained }), ...(kept && { kept }) }
    const stored = { ...known, version: this.#nextVersion() }
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
    const written = withKnown(this.put(record, sealingKey), record)
    this.replacements += 1
    await this.afterReplace?.(written)
    return unknown === undefined ? ok(written) : failed(resultUnknown(record))
  }

  async list(see: (entry: ListedRecord) => void): Promise<Result<void>> {
    await Promise.resolve()
    if (this.listFault !== undefined) return failed(this.listFault)
    for (const record of this.#shared.records.values()) {
      const { uid, credential, version } = record
      see({ uid, credential, sources: sourcesOf(record), version })
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

  #seal<Tokens extends RetainedTokens>(one: Tokens, sealingKey: Sensitive | undefined): Tokens {
    const { tokens, sealedWith: _before, ...retained } = one
    if (tokens === undefined) return one
    const sealed = `sealed-${this.#shared.sealed.size + 1}`
    this.#shared.sealed.set(sealed, { tokens, key: sealingKey?.reveal() })
    return { ...(retained as Tokens), sealed }
  }

  /** As it was sealed at its place, whatever key is at hand. */
  #sealKept(one: KeptTokens, before: readonly RetainedTokens[], sealingKey: Sensitive | undefined): KeptTokens {
    const { tokens: _opened, sealedWith: _key, ...rest } = one
    const sealed = one.sealed ?? before.find(({ fingerprint }) => fingerprint === one.fingerprint)?.sealed
    return sealed === undefined ? this.#seal(one, sealingKey) : { ...rest, sealed }
  }

  #opened(record: RefreshRecord, sealingKey: Sensitive | undefined): RefreshRecord {
    const opened = eachOf(record, (one) => this.#openedWith(one, sealingKey))
    if (opened.retained?.tokens === undefined) return opened
    const { sealed: _notNeeded, ...retained } = opened.retained
    return { ...opened, retained }
  }

  #openedWith<Tokens extends RetainedTokens>(one: Tokens, sealingKey: Sensitive | undefined): Tokens {
    const found = this.#shared.sealed.get(one.sealed ?? '')
    if (found === undefined || (found.key !== undefined && found.key !== sealingKey?.reveal())) return one
    return { ...one, tokens: found.tokens, sealedWith: found.key === undefined ? 'operator' : 'document' }
  }

  #nextVersion(): string {
    this.#shared.versions += 1
    return `v${this.#shared.versions}`
  }
}

/** A process goes on knowing what it knew of other places, whatever key it has written with. */
function withKnown(written: RefreshRecord, { kept: known = [] }: RefreshRecord): RefreshRecord {
  const kept = written.kept?.map((one) => {
    const tokens = known.find(({ fingerprint }) => fingerprint === one.fingerprint)?.tokens
    return tokens === undefined ? one : { ...one, tokens }
  })
  return kept === undefined ? written : { ...written, kept }
}

/** The record with all its tokens as something else. */
function eachOf(record: RefreshRecord, change: <Tokens extends RetainedTokens>(one: Tokens) => Tokens): RefreshRecord {
  const { retained, kept, ...rest } = record
  return { ...rest, ...(retained && { retained: change(retained) }), ...(kept && { kept: kept.map(change) }) }
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
