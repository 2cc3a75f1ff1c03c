import { resolve } from 'node:path'
import { type Failure, failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { seconds } from '../../domain/time.ts'
import { findRefreshToken, replaceTokens } from '../../domain/token-document.ts'
import { storeText } from '../../domain/token-store.ts'
import type { RotatedTokens } from '../../domain/tokens.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type {
  RefreshTokenLocation,
  RefreshTokenStore,
  StoreDocument,
  StoredRefreshToken,
} from '../../ports/refresh-token-store.ts'
import { classifyFileError, type FileError } from './file-error.ts'
import { type FileSteps, fileSteps } from './file-steps.ts'
import { proveReplaceable, replaceDocument, type ReplaceOutcome, type Replacement } from './replace-document.ts'
import { readDocument, versionOf } from './store-document.ts'
import { type DocumentPlace, findDocument } from './store-path.ts'

export interface FileStoreOptions {
  /** Absolute. Where relative directories of stores begin. */
  readonly baseDirectory: string
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly metrics: Pick<Metrics, 'storeRequest'>
  readonly steps?: FileSteps
  /** Milliseconds to wait for another process that is writing a document; default 5000. */
  readonly patienceMs?: number
}

/**
 * Refresh tokens in files below a store's directory; the key is the path relative to it. Links are
 * followed as long as they stay inside, and the file they lead to is the one that is replaced.
 *
 * The documents have no room for claims: other programs read them, and would meet a member that is none
 * of theirs. The version is a digest of the content. Permissions are kept as they are: a file that others may
 * read is used nevertheless.
 *
 * Failures: STORE_UNAVAILABLE also when the directory is not there, because a volume may not be
 * mounted yet; STORE_FORBIDDEN also when the key leads out of the directory; STORE_CONFLICT also
 * when the document is gone.
 */
export class FileRefreshTokenStore implements RefreshTokenStore {
  readonly #options: FileStoreOptions

  constructor(options: FileStoreOptions) {
    this.#options = options
  }

  readDocument(location: RefreshTokenLocation): Promise<Result<StoreDocument>> {
    return this.#measured('read', () => this.#document(location))
  }

  read(location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>> {
    return this.#measured('read', () => this.#read(location))
  }

  async writeBack(
    location: RefreshTokenLocation,
    base: StoredRefreshToken,
    tokens: RotatedTokens,
  ): Promise<Result<StoredRefreshToken>> {
    const document = replaceTokens(base.document, location.property, tokens)
    const content = document.reveal()
    if (content === base.document.reveal()) return ok(base)
    const replaced = await this.#replace(location, { base, content, by: replaceDocument })
    if (!replaced.ok) return replaced
    return ok({ refreshToken: tokens.refreshToken ?? base.refreshToken, version: versionOf(content), document })
  }

  proveWritable(location: RefreshTokenLocation, base: StoredRefreshToken): Promise<Result<void>> {
    return this.#replace(location, { base, content: base.document.reveal(), by: proveReplaceable })
  }

  /** Always a bug: no document has room. */
  claim(location: RefreshTokenLocation): Promise<never> {
    return Promise.reject(new Error(`the documents of ${storeText(location.store)} have no room for a claim`))
  }

  #replace(location: RefreshTokenLocation, { base, content, by }: Replacing): Promise<Result<void>> {
    return this.#measured('write', async () => {
      const place = await this.#find(location)
      if (place.kind === 'missing') return failed(conflict(location))
      if (place.kind !== 'found') return failed(placeFailure(place, location))
      const { steps = fileSteps, patienceMs = 5000 } = this.#options
      const { path } = place
      const outcome = await by({ path, baseVersion: base.version, content, steps, patienceMs })
      return outcome.kind === 'written' ? ok(undefined) : failed(writeFailure(outcome, location))
    })
  }

  async #read(location: RefreshTokenLocation): Promise<Result<StoredRefreshToken>> {
    const document = await this.#document(location)
    if (!document.ok) return document
    const { text, version } = document.value
    const found = findRefreshToken(text, location.property)
    if (found.ok) return ok({ refreshToken: found.refreshToken, version, document: text })
    const code = found.problem === 'missing' ? 'REFRESH_TOKEN_MISSING' : 'REFRESH_TOKEN_MALFORMED'
    return failed(about(location, code, found.detail))
  }

  async #document(location: RefreshTokenLocation): Promise<Result<StoreDocument>> {
    const place = await this.#find(location)
    if (place.kind !== 'found') return failed(placeFailure(place, location))
    try {
      const document = await readDocument(place.path)
      if ('problem' in document) return failed(about(location, 'REFRESH_TOKEN_MALFORMED', document.problem))
      return ok({ text: document.text, version: document.version })
    } catch (error) {
      return failed(fileFailure(classifyFileError(error), 'read', location))
    }
  }

  #find({ store, key }: RefreshTokenLocation): Promise<DocumentPlace> {
    if (store.backend.type !== 'file') throw new Error(`${storeText(store)} is not a store of files`)
    return findDocument(resolve(this.#options.baseDirectory, store.backend.directory), key)
  }

  async #measured<T>(operation: 'read' | 'write', work: () => Promise<Result<T>>): Promise<Result<T>> {
    const { clock, metrics } = this.#options
    const startedMs = clock.monotonicMs()
    const result = await work()
    metrics.storeRequest('file', operation, result.ok, seconds((clock.monotonicMs() - startedMs) / 1000))
    return result
  }
}

interface Replacing {
  readonly base: StoredRefreshToken
  readonly content: string
  readonly by: (replacement: Replacement) => Promise<ReplaceOutcome>
}

function placeFailure(place: Exclude<DocumentPlace, { kind: 'found' }>, location: RefreshTokenLocation): Failure {
  switch (place.kind) {
    case 'missing':
      return about(location, 'REFRESH_TOKEN_MISSING', 'does not exist')
    case 'outside':
      return about(location, 'STORE_FORBIDDEN', "is not a file below the store's directory")
    case 'file-unusable':
      return fileFailure(place.error, 'read', location)
    case 'directory-unusable': {
      const code = place.error.problem === 'denied' ? 'STORE_FORBIDDEN' : 'STORE_UNAVAILABLE'
      return about(location, code, `cannot be reached, because of the directory: ${place.error.cause}`)
    }
  }
}

function writeFailure(outcome: Exclude<ReplaceOutcome, { kind: 'written' }>, location: RefreshTokenLocation): Failure {
  switch (outcome.kind) {
    case 'conflict':
      return conflict(location)
    case 'busy':
      return about(location, 'STORE_UNAVAILABLE', `is being written by ${outcome.by}`)
    case 'refused':
      return fileFailure(outcome.error, 'written', location)
    case 'unknown':
      return about(location, 'STORE_WRITE_UNKNOWN', `may or may not have been written: ${outcome.error.cause}`)
  }
}

function conflict(location: RefreshTokenLocation): Failure {
  return about(location, 'STORE_CONFLICT', 'is not what it was when it was read')
}

function fileFailure(error: FileError, done: 'read' | 'written', location: RefreshTokenLocation): Failure {
  const clause = `could not be ${done}: ${error.cause}`
  if (error.problem === 'denied') return about(location, 'STORE_FORBIDDEN', clause)
  const malformed = error.problem === 'unsuitable' && done === 'read'
  return about(location, malformed ? 'REFRESH_TOKEN_MALFORMED' : 'STORE_UNAVAILABLE', clause)
}

function about({ store, key }: RefreshTokenLocation, code: Failure['code'], clause: string): Failure {
  return failure(code, `The document "${key}" of ${storeText(store)} ${clause}.`)
}
