import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Failure, failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { AnsweredEntry, ArmedEntry, JournalEntry, RefreshJournal, SentEntry } from '../../ports/refresh-journal.ts'
import { classifyFileError } from './file-error.ts'
import { type Durability, JournalFile } from './journal-file.ts'
import { claimJournal, journalContent } from './journal-opening.ts'
import { encodeRecord, type JournalRecord, type StoredRecord } from './journal-record.ts'
import { journalSteps, type JournalSteps } from './journal-steps.ts'
import { privateDirectoryProblem } from './private-directory.ts'
import type { ProcessClaim } from './process-claim.ts'

export interface JournalOptions {
  /** The journal's file. Its directory is made with mode 0700 if there is none. */
  readonly file: string
  readonly durability: Durability
  /**
   * True where others may write beside the directory, as below the temporary directory: then it must be
   * a directory of this user into which nobody else may write, and no link to one.
   */
  readonly private?: boolean
  /** The file is rewritten when it is larger than this many bytes and most of it is settled. Default 4 MiB. */
  readonly compactAboveBytes?: number
  /**
   * Bytes kept occupied beside the journal while no answer needs them, so that an answer still finds
   * room when the disk fills up between request and answer. Default 512 KiB, twice the longest answer.
   */
  readonly reserveBytes?: number
  readonly steps?: JournalSteps
}

interface LiveEntry {
  readonly entry: JournalEntry
  readonly bytes: number
}

/**
 * Opens the journal and replays it.
 *
 * Failures: JOURNAL_UNAVAILABLE, whose message names the file and says why: another process uses it
 * (with its pid), the disk refuses, the file is damaged before its end, it is not a journal, or it is in
 * the hands of another user. A record that was torn when the last process died is dropped: nothing was ever told that it is there.
 */
export async function openRefreshJournal(options: JournalOptions): Promise<Result<FileRefreshJournal>> {
  const { file } = options
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const problem = options.private === true ? privateDirectoryProblem(dirname(file)) : undefined
    if (problem !== undefined) return failed(failure('JOURNAL_UNAVAILABLE', notPrivate(dirname(file), problem)))
    const claimed = await claimJournal(file)
    if (claimed.kind === 'taken') {
      const what = `The refresh journal ${file} is used by ${claimed.by}. End that process, or give this one another --journal (or --state).`
      return failed(failure('JOURNAL_UNAVAILABLE', what))
    }
    try {
      const opened = replay(options, claimed.claim)
      if (!opened.ok) claimed.claim.release()
      return opened
    } catch (error) {
      claimed.claim.release()
      throw error
    }
  } catch (error) {
    return failed(unavailable('Opening', file, error))
  }
}

function replay(options: JournalOptions, claim: ProcessClaim): Result<FileRefreshJournal> {
  const { file: path, durability, steps = journalSteps } = options
  const file = new JournalFile({ path, durability, steps })
  try {
    const content = journalContent(file)
    if (content.kind === 'unreadable') {
      file.close()
      const what = `The refresh journal ${path} ${content.problem}; move it away to go on without what it holds.`
      return failed(failure('JOURNAL_UNAVAILABLE', what))
    }
    file.begin(content.end)
    const journal = new FileRefreshJournal(options, { file, claim, records: content.records })
    return ok(journal)
  } catch (error) {
    file.close()
    throw error
  }
}

function notPrivate(directory: string, problem: string): string {
  return `The directory ${directory} of the refresh journal ${problem}; remove it, or name another one with --journal.`
}

function unavailable(doing: string, file: string, error: unknown): Failure {
  const { cause } = classifyFileError(error)
  return failure('JOURNAL_UNAVAILABLE', `${doing} the refresh journal ${file} failed: ${cause}.`)
}

interface OpenJournal {
  readonly file: JournalFile
  readonly claim: ProcessClaim
  readonly records: readonly StoredRecord[]
}

/**
 * The refresh journal as one append-only file of mode 0600: the standalone mode's, and the pod-local
 * one in a memory-backed volume. Open it with {@link openRefreshJournal}.
 *
 * Guarantees: a method that returns ok has its record in the file, to the degree of
 * `durability`; a process that dies at any instant, also while the file is rewritten, loses no
 * earlier record; as soon as nothing is unsettled, no token is left in the file.
 */
export class FileRefreshJournal implements RefreshJournal {
  readonly #path: string
  readonly #file: JournalFile
  readonly #claim: ProcessClaim
  readonly #steps: JournalSteps
  readonly #compactAboveBytes: number
  readonly #reserveBytes: number
  readonly #live = new Map<string, LiveEntry>()
  #liveBytes = 0
  #compactAtBytes: number
  #closed = false

  constructor(options: JournalOptions, { file, claim, records }: OpenJournal) {
    this.#path = options.file
    this.#file = file
    this.#claim = claim
    this.#steps = options.steps ?? journalSteps
    this.#compactAboveBytes = options.compactAboveBytes ?? 4 * 1024 * 1024
    this.#compactAtBytes = this.#compactAboveBytes
    this.#reserveBytes = options.reserveBytes ?? 512 * 1024
    for (const { record, bytes } of records) this.#remember(record, bytes)
    if (this.#live.size === 0 && file.size > 0) file.clear()
  }

  pending(uid: string): JournalEntry | undefined {
    return this.#live.get(uid)?.entry
  }

  *entries(): Iterable<JournalEntry> {
    for (const { entry } of this.#live.values()) yield entry
  }

  armed(entry: ArmedEntry): Promise<Result<void>> {
    return this.#begin(entry)
  }

  sent(entry: SentEntry): Promise<Result<void>> {
    return this.#begin(entry)
  }

  #begin(entry: ArmedEntry | SentEntry): Promise<Result<void>> {
    return this.#result(() => {
      this.#occupyReserve()
      const bytes = encodeRecord(entry)
      this.#add(entry, bytes, [() => this.#append(entry, bytes), () => this.#rewriteWith(entry)])
    })
  }

  answered(entry: AnsweredEntry): Promise<Result<void>> {
    return this.#result(() => {
      const bytes = encodeRecord(entry)
      this.#add(entry, bytes, this.#waysWithReserve(entry, bytes))
    })
  }

  settled(uid: string): Promise<Result<void>> {
    return this.#result(() => {
      if (!this.#live.has(uid)) return
      const record = { phase: 'settled', uid } as const
      const bytes = encodeRecord(record)
      const last = this.#live.size === 1
      this.#add(record, bytes, last ? [() => this.#file.clear()] : this.#waysWithReserve(record, bytes))
    })
  }

  /** Lets another process open the journal. Idempotent; everything else fails from then on. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      try {
        this.#steps.remove(this.#reserve())
        this.#file.close()
      } catch (error) {
        classifyFileError(error)
      }
      this.#claim.release()
    }
    return Promise.resolve()
  }

  #result(work: () => void): Promise<Result<void>> {
    if (this.#closed) {
      return Promise.resolve(failed(failure('JOURNAL_UNAVAILABLE', `The refresh journal ${this.#path} is closed.`)))
    }
    try {
      work()
      return Promise.resolve(ok(undefined))
    } catch (error) {
      return Promise.resolve(failed(unavailable('Writing', this.#path, error)))
    }
  }

  /** Tries one way after the other; the first failure is the one that says what is wrong. */
  #add(record: JournalRecord, { length }: Buffer, ways: readonly (() => void)[]): void {
    let first: unknown
    for (const way of ways) {
      try {
        way()
      } catch (error) {
        classifyFileError(error)
        first ??= error
        continue
      }
      this.#remember(record, length)
      this.#compactIfWorthwhile()
      return
    }
    throw first
  }

  #waysWithReserve(record: JournalRecord, bytes: Buffer): readonly (() => void)[] {
    return [
      () => this.#append(record, bytes),
      () => {
        this.#steps.remove(this.#reserve())
        this.#append(record, bytes)
      },
      () => this.#rewriteWith(record),
    ]
  }

  #append(record: JournalRecord, bytes: Buffer): void {
    if (this.#file.isUnreliable()) return this.#rewriteWith(record)
    this.#file.append(bytes, { keepUnsynced: record.phase === 'answered' })
  }

  #rewriteWith(record: JournalRecord): void {
    const others = [...this.#live.values()].filter(({ entry }) => entry.uid !== record.uid)
    const records = record.phase === 'settled' ? [] : [record]
    this.#rewrite([...others.map(({ entry }) => entry), ...records])
  }

  #rewrite(entries: readonly JournalEntry[]): void {
    this.#file.rewrite(Buffer.concat(entries.map(encodeRecord)))
  }

  #remember(record: JournalRecord, bytes: number): void {
    this.#liveBytes -= this.#live.get(record.uid)?.bytes ?? 0
    this.#live.delete(record.uid)
    if (record.phase === 'settled') return
    this.#live.set(record.uid, { entry: record, bytes })
    this.#liveBytes += bytes
  }

  /** The record is safe already, so a failure here is no failure of it: the old file stays, and grows until the next try. */
  #compactIfWorthwhile(): void {
    const { size } = this.#file
    if (size <= this.#compactAtBytes || this.#liveBytes * 2 > size) return
    try {
      this.#rewrite([...this.#live.values()].map(({ entry }) => entry))
      this.#compactAtBytes = this.#compactAboveBytes
    } catch (error) {
      classifyFileError(error)
      this.#compactAtBytes = size + this.#compactAboveBytes
    }
  }

  #reserve(): string {
    return `${this.#path}.reserve`
  }

  /** Random bytes, because a file system that compresses would keep no room for zeros. */
  #occupyReserve(): void {
    if (this.#reserveBytes === 0) return
    const existing = lstatSync(this.#reserve(), { throwIfNoEntry: false })
    if (existing?.isFile() === true && existing.size >= this.#reserveBytes) return
    // Made anew, never written through what stands there: that may be a link.
    if (existing !== undefined) this.#steps.remove(this.#reserve())
    writeFileSync(this.#reserve(), randomBytes(this.#reserveBytes), { mode: 0o600, flag: 'wx' })
  }
}
