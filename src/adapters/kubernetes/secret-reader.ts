import { failure } from '../../domain/failures.ts'
import type { SecretKeyRef } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SecretReader, SecretUse } from '../../ports/secret-reader.ts'
import { classifyKubeError, clusterCodes, problemOf } from './classify.ts'
import type { KubeClient } from './kube-client.ts'
import { isObjectName, secretPath, secretText } from './object-paths.ts'
import { Secret } from './schema.ts'
import { decodeSecretValue } from './secret-text.ts'

const keptMs = 60_000

/** Types of Secrets that may be named, and which of their keys for which use. */
const readableKeys: Readonly<Record<SecretUse, ReadonlyMap<string, 'all' | ReadonlySet<string>>>> = {
  send: readable(new Set(['ca.crt', 'tls.crt'])),
  sign: readable(new Set(['ca.crt', 'tls.crt', 'tls.key'])),
}

function readable(ofCertificates: ReadonlySet<string>): ReadonlyMap<string, 'all' | ReadonlySet<string>> {
  return new Map<string, 'all' | ReadonlySet<string>>()
    .set('Opaque', 'all')
    .set('kubernetes.io/basic-auth', 'all')
    .set('kubernetes.io/tls', ofCertificates)
}

/** Failures are kept only so long that thousands of credentials of one provider ask once. */
const failureKeptMs = 5_000

export interface KubernetesSecretReaderOptions {
  readonly client: KubeClient
  readonly clock: Clock
  /** Where names in cluster-scoped kinds resolve. */
  readonly operatorNamespace: string
}

interface Kept {
  readonly result: Result<Sensitive>
  readonly untilMs: number
}

interface Reading {
  readonly startedMs: number
  readonly secret: Promise<Result<Secret | undefined>>
  /** True when {@link KubernetesSecretReader.forget} was called meanwhile. */
  stale: boolean
}

/**
 * Values out of Secrets, by name.
 *
 * Of a Secret only the keys that were asked for are kept, for a minute from the start of the request.
 * Callers that ask at the same time share one request. One line break at the end of a value does not
 * belong to it: `echo secret | kubectl create secret --from-file` leaves one there, and neither a client
 * secret (RFC 6749 appendix A.2) nor a password can end with it. Every other byte stays.
 *
 * Secrets that other parts of a cluster keep for themselves are refused by their type, so that nobody
 * sends one of them away by naming it in a manifest: private keys, ServiceAccount tokens and the like.
 * The private key of a certificate is read for use in this process alone.
 *
 * Needs `get` on the named Secrets.
 */
export class KubernetesSecretReader implements SecretReader {
  readonly #options: KubernetesSecretReaderOptions
  /** By namespace, name, key and use. */
  readonly #kept = new Map<string, Kept>()
  /** By namespace and name. */
  readonly #readings = new Map<string, Reading>()

  constructor(options: KubernetesSecretReaderOptions) {
    this.#options = options
  }

  async read(
    namespace: string | undefined,
    { name, key }: SecretKeyRef,
    use: SecretUse = 'send',
  ): Promise<Result<Sensitive>> {
    const { clock, operatorNamespace } = this.#options
    const place = { namespace: namespace ?? operatorNamespace, name }
    const id = `${placeText(place)}/${key} ${use}`
    const kept = this.#kept.get(id)
    if (kept !== undefined && clock.monotonicMs() < kept.untilMs) return kept.result
    const reading = this.#reading(place)
    const secret = await reading.secret
    const result = secret.ok ? valueOf(secret.value, { key, use }, secretText(place.namespace, name)) : secret
    if (!reading.stale) this.#keep(id, result, reading.startedMs)
    return result
  }

  forget(namespace: string | undefined, name: string): void {
    const text = placeText({ namespace: namespace ?? this.#options.operatorNamespace, name })
    for (const key of this.#kept.keys()) if (key.startsWith(`${text}/`)) this.#kept.delete(key)
    const reading = this.#readings.get(text)
    if (reading === undefined) return
    reading.stale = true
    this.#readings.delete(text)
  }

  /** The request for a Secret that is under way, or a new one. */
  #reading(place: Place): Reading {
    const text = placeText(place)
    const under = this.#readings.get(text)
    if (under !== undefined) return under
    const reading: Reading = {
      startedMs: this.#options.clock.monotonicMs(),
      secret: this.#request(place).finally(() => {
        if (this.#readings.get(text) === reading) this.#readings.delete(text)
      }),
      stale: false,
    }
    this.#readings.set(text, reading)
    return reading
  }

  /** Brings `undefined` for a Secret that does not exist. */
  async #request({ namespace, name }: Place): Promise<Result<Secret | undefined>> {
    const text = secretText(namespace, name)
    if (!isObjectName(name)) return unavailable(`${text} cannot exist, because the name is not valid.`)
    const outcome = await this.#options.client.request({ method: 'GET', path: secretPath(namespace, name) })
    if (!outcome.ok) {
      if (problemOf(outcome.error) === 'missing') return ok(undefined)
      const permission = `get secrets in the namespace ${namespace}`
      return failed(classifyKubeError(outcome.error, { what: `Reading ${text}`, permission, codes: clusterCodes }))
    }
    const secret = Secret.safeParse(outcome.body)
    if (secret.success) return ok(secret.data)
    return failed(failure('KUBERNETES_UNAVAILABLE', `Reading ${text} brought no Secret.`))
  }

  /** Also lets go of what is too old, so that no secret stays in memory because nobody asks for it. */
  #keep(id: string, result: Result<Sensitive>, startedMs: number): void {
    const now = this.#options.clock.monotonicMs()
    for (const [other, { untilMs }] of this.#kept) if (untilMs <= now) this.#kept.delete(other)
    this.#kept.set(id, { result, untilMs: startedMs + (result.ok ? keptMs : failureKeptMs) })
  }
}

interface Place {
  readonly namespace: string
  readonly name: string
}

function placeText({ namespace, name }: Place): string {
  return `${namespace}/${name}`
}

function valueOf(
  secret: Secret | undefined,
  { key, use }: { readonly key: string; readonly use: SecretUse },
  text: string,
): Result<Sensitive> {
  if (secret === undefined) return unavailable(`${text}, whose key ${key} is needed, does not exist.`)
  const keys = readableKeys[use].get(secret.type)
  if (keys === undefined || (keys !== 'all' && !keys.has(key))) {
    return unavailable(`${text} is of type ${secret.type}, of which the key ${key} is not read.`)
  }
  const encoded = secret.data.get(key)
  if (encoded === undefined) return unavailable(`${text} has no key ${key}.`)
  const value = decodeSecretValue(encoded)
  if (value === undefined) return unavailable(`The key ${key} of ${text} does not hold UTF-8 text.`)
  const trimmed = value.reveal().replace(/\r?\n$/, '')
  return trimmed === '' ? unavailable(`The key ${key} of ${text} is empty.`) : ok(new Sensitive(trimmed))
}

function unavailable(what: string): Result<never> {
  return failed(failure('CLIENT_SECRET_UNAVAILABLE', what))
}
