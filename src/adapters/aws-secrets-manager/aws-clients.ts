import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { type AwsSecretsManagerBackend, storeText, type TokenStore } from '../../domain/token-store.ts'
import { sameSecret, type Sensitive } from '../../domain/sensitive.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { SecretReader } from '../../ports/secret-reader.ts'
import type { AmbientCredentials, ConnectionPolicy } from './connection-policy.ts'
import { httpHandler } from './http-handler.ts'

export interface ClientDeps {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly secrets: SecretReader
  readonly policy: ConnectionPolicy
  readonly ambientCredentials: AmbientCredentials
  /** Milliseconds for one request to AWS; default 20,000. */
  readonly timeoutMs?: number
}

interface AccessKey {
  readonly accessKeyId: Sensitive
  readonly secretAccessKey: Sensitive
  readonly sessionToken?: Sensitive
}

interface Client {
  /** What the client was made from, credentials apart. */
  readonly madeFrom: string
  readonly accessKey: AccessKey | undefined
  readonly sdk: SecretsManagerClient
  lastUsedMs: number
}

const defaultTimeoutMs = 20_000
const unusedMs = 26 * 3600 * 1000
const mostClients = 256

/**
 * One client of the SDK for each store. It is made anew when the manifest or the access key changes,
 * and closed when it was not used for 26 hours, or was unused the longest of 256. The SDK is loaded
 * at the first use: it is large, and most installations have no such store.
 */
export class AwsClients {
  readonly #deps: ClientDeps
  readonly #clients = new Map<string, Client>()

  constructor(deps: ClientDeps) {
    this.#deps = deps
  }

  /** Failures: ENDPOINT_NOT_ALLOWED, STORE_ACCESS_NOT_GRANTED, and those of reading the access key. */
  async client(store: TokenStore): Promise<Result<SecretsManagerClient>> {
    const backend = backendOf(store)
    if (backend.endpoint?.startsWith('https:') === false && !this.#deps.policy.allowPlainHttp) {
      const what = `spec.awsSecretsManager.endpoint of ${storeText(store)} is not an https URL.`
      return failed(failure('ENDPOINT_NOT_ALLOWED', what))
    }
    const accessKey = await this.#accessKey(store, backend)
    if (!accessKey.ok) return accessKey
    const sdk = await import('./sdk.ts')
    const client = this.#clientFor(store, accessKey.value, (config) => new sdk.SecretsManagerClient(config))
    client.lastUsedMs = this.#deps.clock.monotonicMs()
    this.#closeUnused()
    return ok(client.sdk)
  }

  /** After a refusal: what was read of Secrets may be an older version than what is there now. */
  forgetCredentials(store: TokenStore): void {
    const { credentials } = backendOf(store)
    if (credentials !== undefined) this.#deps.secrets.forget(store.namespace, credentials.accessKeyId.name)
  }

  close(): void {
    for (const { sdk } of this.#clients.values()) sdk.destroy()
    this.#clients.clear()
  }

  #clientFor(store: TokenStore, accessKey: AccessKey | undefined, make: MakeClient): Client {
    const name = storeText(store)
    const madeFrom = JSON.stringify([store.generation, store.backend])
    const known = this.#clients.get(name)
    const usable = known?.madeFrom === madeFrom && sameKey(known.accessKey, accessKey)
    if (known !== undefined && !usable) known.sdk.destroy()
    const client = known !== undefined && usable ? known : this.#open(store, accessKey, make, madeFrom)
    // The order of the map is the order of use.
    this.#clients.delete(name)
    this.#clients.set(name, client)
    return client
  }

  #open(store: TokenStore, accessKey: AccessKey | undefined, make: MakeClient, madeFrom: string): Client {
    const { region, endpoint } = backendOf(store)
    const { clock, policy, timeoutMs = defaultTimeoutMs } = this.#deps
    // Inside a VPC, the endpoint that the SDK knows of has private addresses.
    const allowPrivateAddresses =
      endpoint === undefined || store.namespace === undefined || policy.allowPrivateAddresses
    const sdk = make({
      // Repeating is ours to decide: only we know which write may be repeated and what its failure means.
      maxAttempts: 1,
      requestHandler: httpHandler({ clock, timeoutMs, allowPrivateAddresses }),
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(accessKey === undefined ? {} : { credentials: revealed(accessKey) }),
    })
    return { madeFrom, accessKey, sdk, lastUsedMs: clock.monotonicMs() }
  }

  async #accessKey(
    store: TokenStore,
    { credentials }: AwsSecretsManagerBackend,
  ): Promise<Result<AccessKey | undefined>> {
    if (credentials === undefined) {
      if (store.namespace === undefined || this.#deps.ambientCredentials === 'all') return ok(undefined)
      const what = `${storeText(store)} names no access key to log in with, and the identity of the operator is not for namespaced stores.`
      return failed(failure('STORE_ACCESS_NOT_GRANTED', what))
    }
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    const { secrets } = this.#deps
    const id = await secrets.read(store.namespace, accessKeyId)
    if (!id.ok) return id
    const secret = await secrets.read(store.namespace, secretAccessKey)
    if (!secret.ok) return secret
    const session = sessionToken === undefined ? undefined : await secrets.read(store.namespace, sessionToken)
    if (session?.ok === false) return session
    const key = { accessKeyId: id.value, secretAccessKey: secret.value }
    return ok(session === undefined ? key : { ...key, sessionToken: session.value })
  }

  #closeUnused(): void {
    const now = this.#deps.clock.monotonicMs()
    for (const [name, client] of this.#clients) {
      if (now - client.lastUsedMs < unusedMs && this.#clients.size <= mostClients) return
      this.#clients.delete(name)
      client.sdk.destroy()
    }
  }
}

type MakeClient = (config: NonNullable<ConstructorParameters<typeof SecretsManagerClient>[0]>) => SecretsManagerClient

function backendOf({ backend }: TokenStore): AwsSecretsManagerBackend {
  if (backend.type !== 'awsSecretsManager') throw new Error('a store of another type was handed to the AWS adapter')
  return backend
}

function sameKey(a: AccessKey | undefined, b: AccessKey | undefined): boolean {
  return (
    same(a?.accessKeyId, b?.accessKeyId) &&
    same(a?.secretAccessKey, b?.secretAccessKey) &&
    same(a?.sessionToken, b?.sessionToken)
  )
}

function same(a: Sensitive | undefined, b: Sensitive | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameSecret(a, b)
}

function revealed({ accessKeyId, secretAccessKey, sessionToken }: AccessKey) {
  return {
    accessKeyId: accessKeyId.reveal().trim(),
    secretAccessKey: secretAccessKey.reveal().trim(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal().trim() }),
  }
}
