import { expect } from 'vitest'
import type { KubeClient, KubeOutcome, KubeRequest } from '../../src/adapters/kubernetes/kube-client.ts'
import { credentialPath, secretPath } from '../../src/adapters/kubernetes/object-paths.ts'
import { groupVersion } from '../../src/domain/names.ts'
import { isJson, type Json, jsonAt } from './fake-managed-fields.ts'

/** What a Secret is to be made of. */
export interface SecretSeed {
  readonly data?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly object[]
  readonly finalizers?: readonly string[]
  readonly type?: string
  readonly immutable?: boolean
}

let names = 0

/** A name that no other test has; lower case, so that it names an object. */
export function freshName(stem = 'object'): string {
  names += 1
  return `${stem}-${process.pid}-${names}`
}

/** The humans and tools that share one namespace with the operator. */
export class ApiHands {
  readonly client: KubeClient
  readonly namespace: string
  /** Logged in as the operator, with its rights. */
  readonly operator: KubeClient

  constructor(client: KubeClient, namespace: string, operator: KubeClient = client) {
    this.client = client
    this.namespace = namespace
    this.operator = operator
  }

  async createSecret(name: string, { data = {}, type = 'Opaque', immutable, ...metadata }: SecretSeed): Promise<Json> {
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: this.namespace, ...metadata },
      type,
      data: encoded(data),
      ...(immutable === undefined ? {} : { immutable }),
    }
    const path = `/api/v1/namespaces/${this.namespace}/secrets`
    return done(await this.client.request({ method: 'POST', path, query: { fieldManager: 'kubectl-create' }, body }))
  }

  /** As `kubectl edit` does; null takes a key away. */
  async editData(name: string, data: Readonly<Record<string, string | null>>): Promise<void> {
    const patch = Object.entries(data).map(([key, value]) => [key, value === null ? null : base64(value)])
    await this.edit(name, { data: Object.fromEntries(patch) })
  }

  async edit(name: string, body: Json): Promise<Json> {
    return done(await this.client.request(mergePatch(secretPath(this.namespace, name), body)))
  }

  async deleteSecret(name: string): Promise<void> {
    done(await this.client.request({ method: 'DELETE', path: secretPath(this.namespace, name) }))
  }

  async secret(name: string): Promise<Json> {
    return done(await this.client.request({ method: 'GET', path: secretPath(this.namespace, name) }))
  }

  async secretExists(name: string): Promise<boolean> {
    return (await this.client.request({ method: 'GET', path: secretPath(this.namespace, name) })).ok
  }

  /** The data of a Secret as text. */
  async data(name: string): Promise<Readonly<Record<string, string>>> {
    const data = jsonAt(await this.secret(name), ['data'])
    const texts = Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()])
    return Object.fromEntries(texts) as Record<string, string>
  }

  async metadata(name: string): Promise<Json> {
    return jsonAt(await this.secret(name), ['metadata'])
  }

  /** Creates an `OAuthCredential`; returns its uid. */
  async createCredential(name: string, finalizers: readonly string[] = []): Promise<string> {
    const path = credentialPath({ namespace: this.namespace, name: '' }).slice(0, -1)
    const body = {
      apiVersion: groupVersion,
      kind: 'OAuthCredential',
      metadata: { name, namespace: this.namespace, finalizers },
      spec: {
        providerRef: { kind: 'ClusterOAuthProvider', name: 'gateway' },
        refreshToken: { storeRef: { kind: 'ClusterTokenStore', name: 'vault' }, key: 'teams/ci/claude' },
        target: { name: 'token' },
      },
    }
    const created = done(await this.client.request({ method: 'POST', path, body }))
    return String(jsonAt(created, ['metadata'])['uid'])
  }

  async credential(name: string): Promise<Json> {
    return done(await this.client.request({ method: 'GET', path: this.#credential(name) }))
  }

  async editCredential(name: string, body: Json): Promise<void> {
    done(await this.client.request(mergePatch(this.#credential(name), body)))
  }

  async deleteCredential(name: string): Promise<void> {
    done(await this.client.request({ method: 'DELETE', path: this.#credential(name) }))
  }

  #credential(name: string): string {
    return credentialPath({ namespace: this.namespace, name })
  }
}

/** Passes requests on and keeps them, for tests of how many there are. */
export class CountingClient implements KubeClient {
  readonly #inner: KubeClient
  readonly methods: string[] = []
  /** Runs once, before the next write. */
  beforeNextWrite: (() => Promise<void>) | undefined

  constructor(inner: KubeClient) {
    this.#inner = inner
  }

  async request(request: KubeRequest): Promise<KubeOutcome> {
    this.methods.push(request.method)
    const act = request.method === 'GET' ? undefined : this.beforeNextWrite
    if (act !== undefined) {
      this.beforeNextWrite = undefined
      await act()
    }
    return this.#inner.request(request)
  }

  watch: KubeClient['watch'] = (request, onEvent, signal) => this.#inner.watch(request, onEvent, signal)
}

function mergePatch(path: string, body: Json): KubeRequest {
  const contentType = 'application/merge-patch+json'
  return { method: 'PATCH', path, query: { fieldManager: 'kubectl-edit' }, contentType, body }
}

function encoded(data: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)]))
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function done(outcome: KubeOutcome): Json {
  expect(outcome, JSON.stringify(outcome.ok ? {} : outcome.error)).toMatchObject({ ok: true })
  return outcome.ok && isJson(outcome.body) ? outcome.body : {}
}
