import { type Failure, failure } from '../../domain/failures.ts'
import { apiGroup, fieldManager, targetLabels } from '../../domain/names.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import { classifyKubeError, problemOf } from './classify.ts'
import type { KubeClient, KubeError } from './kube-client.ts'
import { secretPath, secretText } from './object-paths.ts'
import { recordCodes, recordTimeoutMs, secretsPath } from './record-calls.ts'
import { Secret } from './schema.ts'
import { newKey, type SealingKey, sealingKey } from './sealing.ts'
import { decodeSecretValue } from './secret-text.ts'

const name = 'oauth-credential-operator-key'
/** As the type of a record: nothing else takes it for a Secret of its own. */
const keyType = `${apiGroup}/sealing-key`
const dataKey = 'key'

/** Reads and creates in turn: each turn means that somebody else did the opposite in between. */
const mostTurns = 3

/** A key as it is stored, and as it is used. */
interface KnownKey {
  readonly stored: Sensitive
  readonly key: SealingKey
}

/**
 * The operator's own key, in a Secret of its namespace: for the tokens of store documents that bring
 * no key. It is made when it is first needed. Of replicas that make it at the same time one does, and
 * all use that one.
 *
 * Failures: REFRESH_RECORD_UNAVAILABLE, REFRESH_RECORD_DAMAGED, KUBERNETES_FORBIDDEN.
 */
export class OperatorKey {
  readonly #client: KubeClient
  readonly #namespace: string
  #known: KnownKey | undefined
  #ensuring: Promise<Result<SealingKey>> | undefined

  constructor(client: KubeClient, namespace: string) {
    this.#client = client
    this.#namespace = namespace
  }

  /**
   * The key, which is in its Secret now: before a refresh token is spent it must be certain that its
   * successor can be sealed, and opened again by another process. A key that this process has used, and
   * whose Secret somebody deleted, is put back.
   */
  ensure(): Promise<Result<SealingKey>> {
    this.#ensuring ??= this.#ensure().finally(() => {
      this.#ensuring = undefined
    })
    return this.#ensuring
  }

  /** The key, without asking again for one that is known. */
  async current(): Promise<Result<SealingKey>> {
    return this.#known === undefined ? this.ensure() : ok(this.#known.key)
  }

  /** The key that is called so; undefined when it is not there. Makes none. */
  async withId(id: string): Promise<Result<SealingKey | undefined>> {
    if (this.#known?.key.id === id) return ok(this.#known.key)
    const read = await this.#read()
    if (!read.ok) return read
    if (read.value !== undefined) this.#known = read.value
    return ok(read.value?.key.id === id ? read.value.key : undefined)
  }

  async #ensure(): Promise<Result<SealingKey>> {
    for (let turn = 0; turn < mostTurns; turn += 1) {
      const read = await this.#read()
      if (!read.ok) return read
      if (read.value !== undefined) {
        this.#known = read.value
        return ok(read.value.key)
      }
      const problem = await this.#create(this.#known?.stored ?? newKey())
      if (problem !== undefined) return failed(problem)
    }
    return failed(failure('REFRESH_RECORD_UNAVAILABLE', `${this.#text()} was made and deleted again and again.`))
  }

  async #read(): Promise<Result<KnownKey | undefined>> {
    const path = secretPath(this.#namespace, name)
    const outcome = await this.#client.request({ method: 'GET', path, timeoutMs: recordTimeoutMs })
    if (!outcome.ok) {
      return problemOf(outcome.error) === 'missing' ? ok(undefined) : failed(this.#failure(outcome.error, 'get'))
    }
    const secret = Secret.safeParse(outcome.body)
    if (!secret.success) {
      return failed(failure('REFRESH_RECORD_UNAVAILABLE', `Reading ${this.#text()} brought no Secret.`))
    }
    const known = keyOf(secret.data)
    return known === undefined ? failed(this.#damaged()) : ok(known)
  }

  /** Undefined when it is there, or may be: it is read again either way. */
  async #create(stored: Sensitive): Promise<Failure | undefined> {
    const encoded = Buffer.from(stored.reveal()).toString('base64')
    const metadata = { name, labels: { [targetLabels.managedBy]: fieldManager } }
    const outcome = await this.#client.request({
      method: 'POST',
      path: secretsPath(this.#namespace),
      query: { fieldManager },
      timeoutMs: recordTimeoutMs,
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata,
        type: keyType,
        immutable: true,
        data: { [dataKey]: encoded },
      },
    })
    if (outcome.ok || outcome.error.ambiguous || problemOf(outcome.error) === 'conflict') return undefined
    return this.#failure(outcome.error, 'create', [stored, new Sensitive(encoded)])
  }

  #failure(error: KubeError, verb: 'get' | 'create', confidential: readonly Sensitive[] = []): Failure {
    return classifyKubeError(error, {
      what: `${verb === 'get' ? 'Reading' : 'Creating'} ${this.#text()}`,
      permission: `${verb} secrets in the namespace ${this.#namespace}`,
      codes: recordCodes,
      confidential,
    })
  }

  #damaged(): Failure {
    const help = 'Restore it from a backup; if there is none, delete it: tokens that it sealed can then not be opened.'
    return failure('REFRESH_RECORD_DAMAGED', `${this.#text()} holds no key of 32 bytes. ${help}`)
  }

  #text(): string {
    return `${secretText(this.#namespace, name)}, the key of the refresh records,`
  }
}

function keyOf({ type, data }: Secret): KnownKey | undefined {
  const value = data.get(dataKey)
  const stored = type === keyType && value !== undefined ? decodeSecretValue(value) : undefined
  const key = stored && sealingKey('operator', stored)
  return stored && key && { stored, key }
}
