import { randomBytes } from 'node:crypto'
import { type Failure, failure } from '../../domain/failures.ts'
import { fieldManager } from '../../domain/names.ts'
import type { RetainedTokens } from '../../domain/refresh-record.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { RecordEntry, RecordSubject, RefreshRecord, RefreshRecords } from '../../ports/refresh-records.ts'
import { classifyKubeError, problemOf } from './classify.ts'
import type { KubeClient, KubeError, KubeOutcome } from './kube-client.ts'
import { listPages } from './list-pages.ts'
import { metadataList } from './metadata-only.ts'
import { secretPath } from './object-paths.ts'
import { OperatorKey } from './operator-key.ts'
import { listTimeoutMs, recordCodes, recordTimeoutMs, secretsPath } from './record-calls.ts'
import {
  ownerLabel,
  preconditions,
  readRecordSecret,
  recordEntry,
  recordBody,
  type RecordContent,
  recordSecretName,
  recordText,
  type SealedPart,
  versionAsSent,
} from './record-secret.ts'
import { Secret } from './schema.ts'
import { keyNameOf, keyText, seal, sealedWith, type SealingKey, sealingKey as keyFrom, unseal } from './sealing.ts'

export interface KubernetesRefreshRecordsOptions {
  readonly client: KubeClient
  /** The operator's own: whoever reads Secrets there sees what is not sealed. */
  readonly namespace: string
  readonly fingerprint: (refreshToken: Sensitive) => string
}

/**
 * Refresh records in Secrets of the operator's namespace, one for each credential, named by its uid.
 *
 * What is no token stands in an annotation, as JSON, for people with `kubectl get secret -o yaml`; the
 * tokens are sealed, with the key of the store document or with the operator's own. The version is
 * the Secret's uid and resource version. A write is a create, or a merge patch conditional on both; each
 * carries a random mark, by which it is found again when its answer was lost.
 *
 * Needs `get`, `list`, `create`, `patch` and `delete` on Secrets of that namespace.
 */
export class KubernetesRefreshRecords implements RefreshRecords {
  readonly #client: KubeClient
  readonly #namespace: string
  readonly #key: OperatorKey
  /** A refresh writes twice with the key that it read once, and deriving is half of what sealing costs. */
  readonly #documentKeys = new Map<Sensitive, SealingKey>()
  readonly fingerprint: (refreshToken: Sensitive) => string

  constructor({ client, namespace, fingerprint }: KubernetesRefreshRecordsOptions) {
    this.#client = client
    this.#namespace = namespace
    this.#key = new OperatorKey(client, namespace)
    this.fingerprint = fingerprint
  }

  async read(subject: RecordSubject, sealingKey: Sensitive | undefined): Promise<Result<RefreshRecord | undefined>> {
    const read = await this.#content(subject)
    if (!read.ok) return read
    return read.value === undefined ? ok(undefined) : this.#opened(subject, read.value, sealingKey)
  }

  async replace(record: RefreshRecord, sealingKey: Sensitive | undefined): Promise<Result<RefreshRecord>> {
    const sealed = await this.#sealed(record, sealingKey)
    if (!sealed.ok) return sealed
    const write = randomBytes(8).toString('hex')
    const body = recordBody(record, sealed.value, write)
    const outcome = await this.#write(record, body)
    const version = outcome.ok ? versionIn(outcome.body, body, record.uid) : undefined
    if (version !== undefined) return ok(written(record, sealed.value, version))
    const error = outcome.ok ? undefined : outcome.error
    if (error !== undefined && !mayBeWritten(error, record)) return failed(this.#failure(error, record, verbOf(record)))
    const found = await this.#content(record)
    if (found.ok && found.value?.write === write) return ok(written(record, sealed.value, found.value.version))
    return failed(this.#notFound(record, found, error))
  }

  async list(see: (entry: RecordEntry) => void): Promise<Result<void>> {
    const listed = await listPages(this.#client, {
      path: secretsPath(this.#namespace),
      accept: metadataList,
      query: { labelSelector: ownerLabel },
      keep: (item) => {
        const entry = recordEntry(item)
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

  /** Tokens that the key at hand does not open stay sealed. */
  async #opened(
    subject: RecordSubject,
    { clear, sealed, version }: RecordContent,
    sealingKey: Sensitive | undefined,
  ): Promise<Result<RefreshRecord>> {
    const { retained: known, ...rest } = clear
    if (known === undefined) return ok({ ...rest, version })
    if (sealed === undefined) return ok({ ...rest, version, retained: known })
    const key = await this.#keyOf(sealed, sealingKey)
    if (!key.ok) return key
    if (key.value === undefined) return ok({ ...rest, version, retained: { ...known, sealed } })
    const tokens = unseal(sealed, { uid: subject.uid, fingerprint: known.fingerprint }, key.value)
    if (tokens === undefined) return failed(this.#damaged(subject, 'has sealed tokens that are damaged'))
    return ok({ ...rest, version, retained: { ...known, tokens, sealedWith: keyText(key.value) } })
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
    return read.kind === 'content' ? ok(read.content) : failed(this.#damaged(subject, read.problem))
  }

  /** The key that a sealed text wants, when it is at hand. */
  async #keyOf(sealed: string, sealingKey: Sensitive | undefined): Promise<Result<SealingKey | undefined>> {
    const wanted = keyNameOf(sealed)
    if (wanted?.owner === 'operator') return this.#key.withId(wanted.id)
    const key = sealingKey && this.#documentKey(sealingKey)
    return ok(key?.id === wanted?.id ? key : undefined)
  }

  /** What goes into the Secret for the retained tokens. An intent to send also makes sure of the key that the answer will need. */
  async #sealed(
    { uid, version, intent, retained }: RefreshRecord,
    sealingKey: Sensitive | undefined,
  ): Promise<Result<SealedPart>> {
    const arming = intent?.holder !== undefined
    const { tokens } = retained ?? {}
    if (!arming && tokens === undefined) return ok(asStored(retained))
    const key = await this.#sealingKey(sealingKey, arming)
    if (!key.ok) return key
    return ok(retained && sealedPart(retained, { uid, version }, key.value))
  }

  async #sealingKey(sealingKey: Sensitive | undefined, mustBeThere: boolean): Promise<Result<SealingKey>> {
    if (sealingKey === undefined) return mustBeThere ? this.#key.ensure() : this.#key.current()
    const key = this.#documentKey(sealingKey)
    if (key !== undefined) return ok(key)
    return failed(
      this.#unavailable('The claim in the store document has a sealing key that is not 32 bytes in base64.'),
    )
  }

  #documentKey(sealingKey: Sensitive): SealingKey | undefined {
    const known = this.#documentKeys.get(sealingKey)
    if (known !== undefined) return known
    const key = keyFrom('document', sealingKey)
    if (key !== undefined) this.#documentKeys.set(sealingKey, key)
    const [oldest] = this.#documentKeys.keys()
    if (this.#documentKeys.size > rememberedKeys && oldest !== undefined) this.#documentKeys.delete(oldest)
    return key
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

  #damaged(subject: RecordSubject, problem: string): Failure {
    const help =
      'Restore it from a backup, or undo what was done to it. If neither is possible, make sure that the store holds a refresh token that works, then delete this Secret.'
    return failure('REFRESH_RECORD_DAMAGED', `${this.#text(subject)} ${problem}. ${help}`)
  }

  #unavailable(what: string): Failure {
    return failure('REFRESH_RECORD_UNAVAILABLE', what)
  }

  #text(subject: RecordSubject): string {
    return recordText(this.#namespace, subject)
  }
}

/** More than the refreshes that are under way at one time, and less than would show in the memory of ten thousand credentials. */
const rememberedKeys = 256

const doing = { get: 'Reading', create: 'Creating', patch: 'Writing', delete: 'Deleting' } as const

function verbOf({ version }: RefreshRecord): 'create' | 'patch' {
  return version === '' ? 'create' : 'patch'
}

/** A conflict too: what is there may be this very write, made twice on its way. */
function mayBeWritten(error: KubeError, { version }: RefreshRecord): boolean {
  const problem = problemOf(error)
  return error.ambiguous || problem === 'conflict' || (problem === 'missing' && version !== '')
}

/** An intent changes nothing about the tokens that are there: they are not sealed again under the same key. */
function sealedPart(
  retained: RetainedTokens,
  { uid, version }: Pick<RefreshRecord, 'uid' | 'version'>,
  key: SealingKey,
): SealedPart {
  const { fingerprint, tokens, sealedWith: sealedBefore } = retained
  if (tokens === undefined) return asStored(retained)
  if (version !== '' && sealedBefore === keyText(key)) return { kind: 'kept', sealedWith: sealedBefore }
  return { kind: 'new', text: seal(tokens, { uid, fingerprint }, key) }
}

/** Of tokens that nobody has opened. */
function asStored(retained: RetainedTokens | undefined): SealedPart {
  return retained?.sealed === undefined ? undefined : { kind: 'new', text: retained.sealed }
}

/** What has been written; undefined when what is there cannot be told to be this record. */
function versionIn(answer: unknown, sent: object, uid: string): string | undefined {
  const unchanged = versionAsSent(answer, sent)
  if (unchanged !== undefined) return unchanged
  const secret = Secret.safeParse(answer)
  const read = secret.success ? readRecordSecret(secret.data, uid) : undefined
  return read?.kind === 'content' ? read.content.version : undefined
}

function written(record: RefreshRecord, sealed: SealedPart, version: string): RefreshRecord {
  const { retained, ...rest } = record
  if (retained === undefined) return { ...rest, version }
  if (sealed?.kind !== 'new' || retained.tokens === undefined) return { ...rest, version, retained }
  const key = sealedWith(sealed.text)
  return { ...rest, version, retained: { ...retained, ...(key !== undefined && { sealedWith: key }) } }
}
