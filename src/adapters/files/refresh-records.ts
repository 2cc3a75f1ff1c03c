import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { keyText } from '../../domain/credential.ts'
import { type Failure, failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import { sourcesOf } from '../../domain/inherited-record.ts'
import type { ListedRecord, RecordSubject, RefreshRecord, RefreshRecords } from '../../ports/refresh-records.ts'
import { classifyFileError, isMissing } from './file-error.ts'
import { fileSteps, type FileSteps } from './file-steps.ts'
import { privateDirectoryProblem } from './private-directory.ts'
import { createRecord, removeRecord } from './record-changes.ts'
import { decodeRecordFile, encodeRecordFile, isRecordName, recordPath } from './record-file.ts'
import { replaceDocument, type ReplaceOutcome } from './replace-document.ts'
import { readDocument } from './store-document.ts'

export interface FileRefreshRecordsOptions {
  /** Made with mode 0700, one level; nobody else may write into it. */
  readonly directory: string
  readonly fingerprint: (refreshToken: Sensitive) => string
  readonly steps?: FileSteps
}

/** Another process at the same record is one with the same state directory. It is not waited for long. */
const patienceMs = 1000

/**
 * Refresh records without a cluster: one file of mode 0600 for each credential, in a directory that is the
 * operator's own, as its journal's is. So tokens are not sealed there, and sealing keys are not used.
 *
 * The version is a digest of the file, which has a random mark in it. What `replace` wrote is on the
 * disk when it returns ok.
 */
export class FileRefreshRecords implements RefreshRecords {
  readonly #directory: string
  readonly #steps: FileSteps
  readonly fingerprint: (refreshToken: Sensitive) => string

  constructor({ directory, fingerprint, steps = fileSteps }: FileRefreshRecordsOptions) {
    this.#directory = directory
    this.#steps = steps
    this.fingerprint = fingerprint
  }

  async read(subject: RecordSubject): Promise<Result<RefreshRecord | undefined>> {
    try {
      const problem = privateDirectoryProblem(this.#directory)
      if (problem !== undefined) return failed(this.#notPrivate(problem))
      const document = await readDocument(this.#path(subject))
      if ('problem' in document) return failed(this.#damaged(subject, document.problem))
      const decoded = decodeRecordFile(document, subject.uid)
      if ('problem' in decoded) return failed(this.#damaged(subject, decoded.problem))
      return ok(decoded)
    } catch (error) {
      return isMissing(error) ? ok(undefined) : failed(this.#unavailable('Reading', subject, error))
    }
  }

  async replace(record: RefreshRecord): Promise<Result<RefreshRecord>> {
    const content = encodeRecordFile(record, randomBytes(8).toString('hex'))
    try {
      const problem = await this.#directoryProblem()
      if (problem !== undefined) return failed(this.#notPrivate(problem))
      const outcome = await this.#write(record, content.text.reveal())
      const problemOfWrite = this.#problemOf(outcome, record)
      return problemOfWrite === undefined ? ok({ ...record, version: content.version }) : failed(problemOfWrite)
    } catch (error) {
      return failed(this.#unavailable('Writing', record, error))
    }
  }

  async list(see: (entry: ListedRecord) => void): Promise<Result<void>> {
    try {
      const problem = privateDirectoryProblem(this.#directory)
      if (problem !== undefined) return failed(this.#notPrivate(problem))
      for (const name of readdirSync(this.#directory)) {
        const entry = isRecordName(name) ? await this.#entry(join(this.#directory, name)) : undefined
        if (entry !== undefined) see(entry)
      }
      return ok(undefined)
    } catch (error) {
      if (isMissing(error)) return ok(undefined)
      return failed(
        this.#failure(`Listing the refresh records in ${this.#directory} failed: ${classifyFileError(error).cause}.`),
      )
    }
  }

  /** Undefined for one that is damaged, was removed meanwhile, or is no file of a record. */
  async #entry(path: string): Promise<ListedRecord | undefined> {
    try {
      const document = await readDocument(path)
      const decoded = 'problem' in document ? document : decodeRecordFile(document)
      // One under another name is a copy that somebody made.
      if ('problem' in decoded || this.#path(decoded) !== path) return undefined
      const { uid, credential, version } = decoded
      return { uid, credential, sources: sourcesOf(decoded), version }
    } catch (error) {
      if (['missing', 'unsuitable'].includes(classifyFileError(error).problem)) return undefined
      throw error
    }
  }

  async remove(record: RefreshRecord): Promise<Result<void>> {
    try {
      const removed = await removeRecord(this.#path(record), record.version, this.#steps)
      return removed ? ok(undefined) : failed(this.#conflict(record))
    } catch (error) {
      return isMissing(error) ? ok(undefined) : failed(this.#unavailable('Removing', record, error))
    }
  }

  /** Makes the directory if there is none. */
  async #directoryProblem(): Promise<string | undefined> {
    try {
      return privateDirectoryProblem(this.#directory)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    await this.#steps.makeDirectory(this.#directory, 0o700)
    await this.#steps.sync(dirname(this.#directory))
    return privateDirectoryProblem(this.#directory)
  }

  #write(record: RefreshRecord, content: string): Promise<ReplaceOutcome> {
    const path = this.#path(record)
    const steps = this.#steps
    if (record.version === '') return createRecord(path, content, steps)
    return replaceDocument({ path, baseVersion: record.version, content, steps, patienceMs })
  }

  #problemOf(outcome: ReplaceOutcome, subject: RecordSubject): Failure | undefined {
    switch (outcome.kind) {
      case 'written':
        return undefined
      case 'conflict':
        return this.#conflict(subject)
      case 'busy':
        return this.#failure(`${this.#text(subject)} is being written by ${outcome.by}.`)
      case 'refused':
        if (outcome.error.problem === 'missing') return this.#conflict(subject)
        return this.#failure(`Writing ${this.#text(subject)} failed: ${outcome.error.cause}.`)
      case 'unknown':
        return this.#failure(`It is not known whether ${this.#text(subject)} lasts: ${outcome.error.cause}.`)
    }
  }

  #conflict(subject: RecordSubject): Failure {
    return failure('REFRESH_RECORD_CONFLICT', `${this.#text(subject)} was changed since it was read.`)
  }

  #damaged(subject: RecordSubject, problem: string): Failure {
    const help =
      'Restore it from a backup. If there is none, make sure that the store holds a refresh token that works, then delete this file.'
    return failure('REFRESH_RECORD_DAMAGED', `${this.#text(subject)} ${problem}. ${help}`)
  }

  #notPrivate(problem: string): Failure {
    return this.#failure(`The directory ${this.#directory} of the refresh records ${problem}.`)
  }

  #unavailable(doing: string, subject: RecordSubject, error: unknown): Failure {
    return this.#failure(`${doing} ${this.#text(subject)} failed: ${classifyFileError(error).cause}.`)
  }

  #failure(what: string): Failure {
    return failure('REFRESH_RECORD_UNAVAILABLE', what)
  }

  #text(subject: RecordSubject): string {
    return `${this.#path(subject)}, the refresh record of OAuthCredential ${keyText(subject.credential)},`
  }

  #path({ uid }: RecordSubject): string {
    return recordPath(this.#directory, uid)
  }
}
