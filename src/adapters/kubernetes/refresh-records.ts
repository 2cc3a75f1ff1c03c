import { randomBytes } from 'node:crypto'
import { type Failure, failure } from '../../domain/failures.ts'
import { fieldManager } from '../../domain/names.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { ListedRecord, RecordSubject, RefreshRecord, RefreshRecords } from '../../ports/refresh-records.ts'
import { classifyKubeError, problemOf } from './classify.ts'
import type { KubeClient, KubeError, KubeOutcome } from './kube-client.ts'
import { listPages } from './list-pages.ts'
import { metadataList } from './metadata-only.ts'
import { secretPath } from './object-paths.ts'
import { OperatorKey } from './operator-key.ts'
import { damagedRecord, listTimeoutMs, recordCodes, recordTimeoutMs, secretsPath } from './record-calls.ts'
import { RecordSeals, writtenWith } from './record-seals.ts'
import type { RecordWatch } from './record-watch.ts'
import {
  ownerLabel,
  preconditions,
  readRecordSecret,
  listedRecord,
  recordBody,
  type RecordContent,
  recordSecretName,
  recordText,
  versionAsSent,
} from './record-secret.ts'
import { Secret } from './schema.ts'

export interface KubernetesRefreshRecordsOptions {
  readonly client: KubeClient
  /** The operator's own: whoever reads Secrets there sees what is not sealed. */
  readonly namespace: string
  readonly fingerprint: (refreshToken: Sensitive) => string
  /** Absent: each list asks for all records. */
  readonly watch?: Pick<RecordWatch, 'current'>
}

/**
 * Refresh records in Secrets of the operator's namespace, one for each credential, named by its uid.
 *
 * What is no token stands in an annotation, as JSON, for people with `kubectl get secret -o yaml`; the
 * tokens are sealed, with the key of the store document or with the operator's own. The version is
 * the Secret's uid and resource version. A write is a create, or a merge patch conditional on both; each
 * carries a random mark, by which it is found again when its answer was lost.
 *
 * Needs `get`, `list`, `create`, `patch` and `delete` on Secrets of that namespace; what a watch needs it says itself.
 */
export class KubernetesRefreshRecords implements RefreshRecords {
  readonly #client: KubeClient
  readonly #namespace: string
  readonly #seals: RecordSeals
  readonly #watch: Pick<RecordWatch, 'current'> | undefined
  readonly fingerprint: (refreshToken: Sensitive) => string

  constructor({ client, namespace, fingerprint, watch }: KubernetesRefreshRecordsOptions) {
    this.#client = client
    this.#watch = watch
    this.#namespace = namespace
    this.#seals = new RecordSeals(new OperatorKey(client, namespace), namespace)
    this.fingerprint = fingerprint
  }

  async read(subject: RecordSubject, sealingKey: Sensitive | undefined): Promise<Result<RefreshRecord | undefined>> {
    const read = await this.#content(subject)
    if (!read.ok) return read
    return read.value === undefined ? ok(undefined) : this.#seals.opened(subject, read.value, sealingKey)
  }

  async replace(record: RefreshRecord, sealingKey: Sensitive | undefined): Promise<Result<RefreshRecord>> {
    const sealed = await this.#seals.sealed(record, sealingKey, () => this.#content(record))
    if (!sealed.ok) return sealed
    const write = randomBytes(8).toString('hex')
    const body = recordBody(record, sealed.value, write)
    const outcome = await this.#write(record, body)
    const version = outcome.ok ? versionIn(outcome.body, body, record.uid) : undefined
    if (version !== undefined) return ok(writtenWith(record, sealed.value, version))
    const error = outcome.ok ? undefined : outcome.error
    if (error !== undefined && !mayBeWritten(error, record)) return failed(this.#failure(error, record, verbOf(record)))
    const found = await this.#content(record)
    if (found.ok && found.value?.write === write) return ok(writtenWith(record, sealed.value, found.value.version))
    return failed(this.#notFound(record, found, error))
  }

  async list(see: (entry: ListedRecord) => void): Promise<Result<void>> {
    const current = await this.#watch?.current()
    if (current === undefined) return this.#listAll(see)
    for (const entry of current) see(entry)
    return ok(undefined)
  }

  async #listAll(see: (entry: ListedRecord) => void): Promise<Result<void>> {
    const listed = await listPages(this.#client, {
      path: secretsPath(this.#namespace),
      accept: metadataList,
      query: { labelSelector: ownerLabel },
      keep: (item) => {
        const entry = listedRecord(item)
        if (entry !== undefined) see(entry)
        return undefined
      },
      onPage: () => {},
      signal: AbortSignal.timeout(listTimeoutMs),
    })
    if (listed.ok) return ok(undefined)
    const failure = classifyKubeError(listed.error, {
      what: `Listing the refresh records in the namespace ${this.#namespace}`,
      permission: `list secrets in the namespace ${this.#namespace}`,
      codes: recordCodes,
    })
    return failed(failure)
  }

  async remove(record: RefreshRecord): Promise<Result<void>> {
    const outcome = await this.#client.request({
      method: 'DELETE',
      path: secretPath(this.#namespace, recordSecretName(record.uid)),
      timeoutMs: recordTimeoutMs,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: preconditions(record.version) },
    })
    if (outcome.ok || problemOf(outcome.error) === 'missing') return ok(undefined)
    const { error } = outcome
    if (!error.ambiguous) return failed(this.#failure(error, record, 'delete'))
    const found = await this.#content(record)
    if (found.ok && found.value === undefined) return ok(undefined)
    return failed(this.#failure(error, record, 'delete'))
  }

  /** Undefined when there is no Secret. */
  async #content(subject: RecordSubject): Promise<Result<RecordContent | undefined>> {
    const path = secretPath(this.#namespace, recordSecretName(subject.uid))
    const outcome = await this.#client.request({ method: 'GET', path, timeoutMs: recordTimeoutMs })
    if (!outcome.ok) {
      if (problemOf(outcome.error) === 'missing') return ok(undefined)
      return failed(this.#failure(outcome.error, subject, 'get'))
    }
    const secret = Secret.safeParse(outcome.body)
    if (!secret.success) return failed(this.#unavailable(`Reading ${this.#text(subject)} brought no Secret.`))
    const read = readRecordSecret(secret.data, subject.uid)
    return read.kind === 'content' ? ok(read.content) : failed(damagedRecord(this.#namespace, subject, read.problem))
  }

  #write(record: RefreshRecord, body: object): Promise<KubeOutcome> {
    const common = { query: { fieldManager }, timeoutMs: recordTimeoutMs, body }
    const namespace = this.#namespace
    if (record.version === '') return this.#client.request({ method: 'POST', path: secretsPath(namespace), ...common })
    const path = secretPath(namespace, recordSecretName(record.uid))
    const contentType = 'application/merge-patch+json'
    return this.#client.request({ method: 'PATCH', path, contentType, ...common })
  }

  /** The write was looked for, and another one is there, or none, or nobody can tell. */
  #notFound(record: RefreshRecord, found: Result<RecordContent | undefined>, error: KubeError | undefined): Failure {
    const text = this.#text(record)
    const there = found.ok ? (found.value?.version ?? '') : undefined
    const conflicts = error !== undefined && !error.ambiguous
    if (conflicts || (there !== undefined && there !== record.version)) {
      return failure('REFRESH_RECORD_CONFLICT', `${text} was changed since it was read.`)
    }
    if (there === undefined) return this.#unavailable(`It is not known whether ${text} was written.`)
    return this.#unavailable(`${text} was not written: the API server gave no answer.`)
  }

  #failure(error: KubeError, subject: RecordSubject, verb: 'get' | 'create' | 'patch' | 'delete'): Failure {
    return classifyKubeError(error, {
      what: `${doing[verb]} ${this.#text(subject)}`,
      permission: `${verb} secrets in the namespace ${this.#namespace}`,
      codes: recordCodes,
    })
  }

  #unavailable(what: string): Failure {
    return failure('REFRESH_RECORD_UNAVAILABLE', what)
  }

  #text(subject: RecordSubject): string {
    return recordText(this.#namespace, subject)
  }
}

const doing = { get: 'Reading', create: 'Creating', patch: 'Writing', delete: 'Deleting' } as const

function verbOf({ version }: RefreshRecord): 'create' | 'patch' {
  return version === '' ? 'create' : 'patch'
}

/** A conflict too: what is there may be this very write, made twice on its way. */
function mayBeWritten(error: KubeError, { version }: RefreshRecord): boolean {
  const problem = problemOf(error)
  return error.ambiguous || problem === 'conflict' || (problem === 'missing' && version !== '')
}

/** What has been written; undefined when what is there cannot be told to be this record. */
function versionIn(answer: unknown, sent: object, uid: string): string | undefined {
  const unchanged = versionAsSent(answer, sent)
  if (unchanged !== undefined) return unchanged
  const secret = Secret.safeParse(answer)
  const read = secret.success ? readRecordSecret(secret.data, uid) : undefined
  return read?.kind === 'content' ? read.content.version : undefined
}
