import type {
  KubeClient,
  KubeError,
  KubeOutcome,
  KubeRequest,
  KubeWatchEnd,
} from '../../src/adapters/kubernetes/kube-client.ts'
import {
  applyFields,
  type Json,
  jsonAt,
  managedFieldsOf,
  type ManagerEntry,
  sameJson,
  updateFields,
} from './fake-managed-fields.ts'
import { applyJsonPatch, applyMergePatch } from './fake-patches.ts'

interface Stored {
  readonly object: Json
  readonly entries: readonly ManagerEntry[]
}

interface Watcher {
  /** Of what is in the collection. */
  readonly prefix: string
  readonly request: KubeRequest
  readonly onEvent: (event: unknown) => void
}

interface Target {
  readonly group: string
  readonly namespace: string
  readonly resource: string
  readonly name: string | undefined
  readonly subresource: string
  readonly id: string
}

const customResource = 'oauthcredentials'

/**
 * An API server in memory, as far as our objects need one: create, get, delete, merge patch, JSON patch
 * and server-side apply with field ownership; resource versions as preconditions; lists of the metadata of what has a
 * label, in one page, as a server may answer whatever the limit, and watches of it; a status subresource for our kind;
 * TokenRequest. It keeps the same contract (kube-api-contract.ts) as the real one. Every namespace exists, and nobody is refused anything: {@link FakeKubeClient.intercept} adds that.
 */
export class FakeKubeClient implements KubeClient {
  /** What was asked for, in order. */
  readonly requests: KubeRequest[] = []
  /** Runs in place of every request; `carryOut` does what would have been done. */
  intercept: (request: KubeRequest, carryOut: () => KubeOutcome) => KubeOutcome | Promise<KubeOutcome>
  readonly #objects = new Map<string, Stored>()
  readonly #watchers = new Set<Watcher>()
  #version = 100
  #issued = 0

  constructor() {
    this.intercept = (_request, carryOut) => carryOut()
  }

  async request(request: KubeRequest): Promise<KubeOutcome> {
    this.requests.push(request)
    await Promise.resolve()
    return this.intercept(request, () => this.#carryOut(structuredClone(request)))
  }

  /** From what there is on; with metadata alone where it is asked for. */
  watch(request: KubeRequest, onEvent: (event: unknown) => void, signal: AbortSignal): Promise<KubeWatchEnd> {
    const { id } = targetOf(request.path)
    const watcher: Watcher = { prefix: `${id}/`, request, onEvent }
    for (const stored of this.#selected(id, request)) onEvent({ type: 'ADDED', object: bodyOf(stored, request) })
    const annotations = { 'k8s.io/initial-events-end': 'true' }
    const metadata = { resourceVersion: String(this.#version), annotations }
    onEvent({ type: 'BOOKMARK', object: { metadata } })
    this.#watchers.add(watcher)
    return new Promise((resolve) => {
      const end = (): void => {
        this.#watchers.delete(watcher)
        resolve({ kind: 'closed' })
      }
      if (signal.aborted) end()
      else signal.addEventListener('abort', end, { once: true })
    })
  }

  /** All objects of a resource, for looking at what was created. */
  objects(resource: string): readonly Json[] {
    return [...this.#objects].flatMap(([id, { object }]) => (id.includes(`/${resource}/`) ? [object] : []))
  }

  #carryOut(request: KubeRequest): KubeOutcome {
    const target = targetOf(request.path)
    const body = request.body as Json
    if (request.method === 'POST' && target.subresource === 'token') return this.#issueToken(body)
    if (request.method === 'POST') return this.#create(target, body, request)
    if (request.method === 'GET' && target.name === undefined) return this.#list(target, request)
    const stored = this.#objects.get(target.id)
    if (request.method === 'PATCH') return this.#patch(target, stored, request)
    if (stored === undefined) return notFound(target)
    if (request.method === 'DELETE') return this.#delete(target, stored, body ?? {})
    return answer(200, stored, request)
  }

  #list(target: Target, request: KubeRequest): KubeOutcome {
    const items = this.#selected(target.id, request).map((stored) => bodyOf(stored, request))
    const metadata = { resourceVersion: String(this.#version) }
    return { ok: true, status: 200, body: { metadata, items: items.length === 0 ? null : items } }
  }

  #selected(id: string, request: KubeRequest): readonly Stored[] {
    const inCollection = [...this.#objects].filter(([each]) => each.startsWith(`${id}/`))
    return inCollection.flatMap(([, stored]) => (isSelected(stored, request) ? [stored] : []))
  }

  /** Tells who watches. What has lost its label is gone for them. */
  #publish(id: string, before: Stored | undefined, after: Stored | undefined): void {
    for (const { prefix, request, onEvent } of this.#watchers) {
      if (!id.startsWith(prefix)) continue
      const [was, is] = [before, after].map((one) => (one !== undefined && isSelected(one, request) ? one : undefined))
      const shown = is ?? was
      const upsert = was === undefined ? 'ADDED' : 'MODIFIED'
      const type = is === undefined ? 'DELETED' : upsert
      if (shown !== undefined) onEvent({ type, object: bodyOf(shown, request) })
    }
  }

  #create(target: Target, body: Json, request: KubeRequest): KubeOutcome {
    const metadata = jsonAt(body, ['metadata'])
    const { name = `${textOf(metadata['generateName'])}${this.#nextVersion()}` } = metadata
    const id = `${target.id}/${textOf(name)}`
    if (this.#objects.has(id)) {
      return refused(409, 'AlreadyExists', `${target.resource} "${textOf(name)}" already exists`)
    }
    const object = this.#fresh({ ...defaulted(target.resource, body), metadata: { ...metadata, name } }, target)
    const entries = updateFields({}, object, [], { manager: managerOf(request), subresource: '' })
    return this.#store(id, { object, entries }, { request, status: 201 })
  }

  #patch(target: Target, stored: Stored | undefined, request: KubeRequest): KubeOutcome {
    if (request.contentType === 'application/apply-patch+yaml') return this.#apply(target, stored, request)
    if (stored === undefined) return notFound(target)
    const patched =
      request.contentType === 'application/json-patch+json'
        ? applyJsonPatch(stored.object, request.body)
        : applyMergePatch(stored.object, request.body as Json)
    if (patched === undefined) {
      return refused(422, 'Invalid', 'the server rejected our request due to an error in our request')
    }
    return this.#update(target, stored, { patched, request })
  }

  #apply(target: Target, stored: Stored | undefined, request: KubeRequest): KubeOutcome {
    const wanted = request.body as Json
    const { uid, resourceVersion } = jsonAt(wanted, ['metadata'])
    if (stored === undefined) return this.#applyNew(target, request)
    const live = structuredClone(stored.object)
    const applied = applyFields(live, wanted, stored.entries, applierOf(target, request))
    if ('conflicts' in applied) {
      return refused(409, 'Conflict', `Apply failed with conflicts with ${applied.conflicts.join(', ')}`)
    }
    Object.assign(jsonAt(live, ['metadata']), {
      ...(resourceVersion ? { resourceVersion } : {}),
      ...(uid ? { uid } : {}),
    })
    return this.#update(target, stored, { patched: live, request, entries: applied.entries })
  }

  /** An apply to what does not exist creates it, whatever resource version it carries, unless it carries a uid. */
  #applyNew(target: Target, request: KubeRequest): KubeOutcome {
    const wanted = request.body as Json
    const { uid } = jsonAt(wanted, ['metadata'])
    if (target.subresource !== '') return notFound(target)
    if (typeof uid === 'string') {
      const text = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`
      return refused(409, 'Conflict', `Operation cannot be fulfilled on ${target.resource} "${target.name}": ${text}`)
    }
    const object = this.#fresh(defaulted(target.resource, bare(wanted)), target)
    const applied = applyFields(object, wanted, [], applierOf(target, request))
    const entries = 'entries' in applied ? applied.entries : []
    return this.#store(target.id, { object, entries }, { request, status: 201 })
  }

  /** What the registry does with a changed object, whatever changed it. */
  #update(
    target: Target,
    stored: Stored,
    change: { patched: Json; request: KubeRequest; entries?: readonly ManagerEntry[] },
  ): KubeOutcome {
    const { patched, request } = change
    const [old, now] = [jsonAt(stored.object, ['metadata']), jsonAt(patched, ['metadata'])]
    if (now['resourceVersion'] !== old['resourceVersion']) {
      const text = 'the object has been modified; please apply your changes to the latest version and try again'
      return refused(409, 'Conflict', `Operation cannot be fulfilled on ${target.resource} "${target.name}": ${text}`)
    }
    const object = servedPart(target, stored.object, patched)
    const problem = invalidity(stored.object, object)
    if (problem !== undefined) {
      return refused(422, 'Invalid', `Secret "${target.name}" is invalid: ${problem}`)
    }
    const as = { manager: managerOf(request), subresource: target.subresource }
    const entries = change.entries ?? updateFields(stored.object, object, stored.entries, as)
    return this.#store(target.id, { object, entries }, { request, status: 200 })
  }

  #store(id: string, stored: Stored, { request, status }: { request: KubeRequest; status: number }): KubeOutcome {
    const before = this.#objects.get(id)
    if (request.query?.['dryRun'] === 'All') return answer(status, stored, request)
    const same = before !== undefined && sameJson(before.object, stored.object) && sameEntries(before, stored)
    const metadata = jsonAt(stored.object, ['metadata'])
    if (Object.keys(jsonAt(stored.object, ['data'])).length === 0) delete stored.object['data']
    if (!same) metadata['resourceVersion'] = this.#nextVersion()
    const left = mayGo(metadata) ? undefined : stored
    if (left === undefined) this.#objects.delete(id)
    else this.#objects.set(id, left)
    if (!same) this.#publish(id, before, left)
    return answer(status, stored, request)
  }

  #delete(target: Target, stored: Stored, options: Json): KubeOutcome {
    const preconditions = jsonAt(options, ['preconditions'])
    const metadata = jsonAt(stored.object, ['metadata'])
    if (Object.entries(preconditions).some(([member, value]) => metadata[member] !== value)) {
      return refused(409, 'Conflict', `Operation cannot be fulfilled on ${target.resource} "${target.name}"`)
    }
    if (Array.isArray(options['dryRun'])) return { ok: true, status: 200, body: structuredClone(stored.object) }
    if (isFinalized(metadata)) {
      metadata['deletionTimestamp'] = '2026-01-01T00:00:00Z'
      metadata['resourceVersion'] = this.#nextVersion()
      this.#publish(target.id, stored, stored)
    } else {
      this.#objects.delete(target.id)
      this.#publish(target.id, stored, undefined)
    }
    return { ok: true, status: 200, body: structuredClone(stored.object) }
  }

  #issueToken(body: Json): KubeOutcome {
    this.#issued += 1
    const { expirationSeconds, audiences } = jsonAt(body, ['spec'])
    const life = Number(expirationSeconds)
    const claims = Buffer.from(JSON.stringify({ aud: audiences, n: this.#issued })).toString('base64url')
    const expirationTimestamp = new Date((this.nowSeconds() + life) * 1000).toISOString()
    const status = { token: `header.${claims}.signature`, expirationTimestamp }
    return { ok: true, status: 201, body: { ...body, status } }
  }

  /** The server's clock, for the expiry of the tokens that it issues. */
  nowSeconds: () => number = () => Date.now() / 1000

  #fresh(object: Json, { namespace }: Target): Json {
    const metadata = { ...jsonAt(object, ['metadata']), namespace, uid: crypto.randomUUID() }
    return { ...object, metadata: { ...metadata, resourceVersion: '0', creationTimestamp: '2026-01-01T00:00:00Z' } }
  }

  #nextVersion(): string {
    this.#version += 1
    return String(this.#version)
  }
}

function targetOf(path: string): Target {
  const match = /^\/(?:api|apis\/([^/]+))\/[^/]+\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path)
  if (match === null) throw new Error(`the fake API server does not serve ${path}`)
  const [, group = '', namespace = '', resource = '', name, subresource = ''] = match
  const id = `${group}/${namespace}/${resource}${name === undefined ? '' : `/${name}`}`
  return { group, namespace, resource, name, subresource, id }
}

function managerOf({ query }: KubeRequest): string {
  return query?.['fieldManager'] ?? 'unknown'
}

function applierOf(
  { subresource }: Target,
  request: KubeRequest,
): { readonly manager: string; readonly subresource: string; readonly force: boolean } {
  return { manager: managerOf(request), subresource, force: request.query?.['force'] === 'true' }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** What a subresource lets through: the status alone, or everything but the status. Of a status write, even the uid is not looked at. */
function servedPart({ resource, subresource }: Target, before: Json, after: Json): Json {
  if (resource !== customResource) return defaulted(resource, after)
  const [from, status] = subresource === 'status' ? [before, after['status']] : [after, before['status']]
  const { status: _status, ...rest } = structuredClone(from)
  return status === undefined ? rest : { ...rest, status }
}

function defaulted(resource: string, object: Json): Json {
  return resource === 'secrets' ? { ...object, type: object['type'] ?? 'Opaque' } : object
}

function invalidity(before: Json, after: Json): string | undefined {
  if (jsonAt(before, ['metadata'])['uid'] !== jsonAt(after, ['metadata'])['uid']) {
    return 'metadata.uid: Invalid value: field is immutable'
  }
  if (!sameJson(before['type'], after['type'])) return 'type: Invalid value: field is immutable'
  const frozen = before['immutable'] === true && !sameJson(before['data'], after['data'])
  return frozen ? 'data: Forbidden: field is immutable when `immutable` is set' : undefined
}

/** The object that an apply creates, before the fields are applied. */
function bare(wanted: Json): Json {
  const { name, namespace } = jsonAt(wanted, ['metadata'])
  return { apiVersion: wanted['apiVersion'], kind: wanted['kind'], metadata: { name, namespace } }
}

function sameEntries(one: Stored, other: Stored): boolean {
  return sameJson(managedFieldsOf(one.entries, ''), managedFieldsOf(other.entries, ''))
}

function answer(status: number, { object, entries }: Stored, { accept }: KubeRequest): KubeOutcome {
  const managedFields = managedFieldsOf(entries, object['apiVersion'])
  const metadata = { ...jsonAt(structuredClone(object), ['metadata']), managedFields }
  if (accept?.includes('as=PartialObjectMetadata') === true) {
    return { ok: true, status, body: { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata } }
  }
  const data = object['data'] === undefined ? {} : { data: sorted(jsonAt(object, ['data'])) }
  return { ok: true, status, body: { ...structuredClone(object), ...data, metadata } }
}

function isFinalized({ finalizers }: Json): boolean {
  return Array.isArray(finalizers) && finalizers.length > 0
}

/** True when it is on its way out, and nobody keeps it. */
function mayGo(metadata: Json): boolean {
  return metadata['deletionTimestamp'] !== undefined && !isFinalized(metadata)
}

function bodyOf(stored: Stored, request: KubeRequest): unknown {
  const answered = answer(200, stored, request)
  return answered.ok ? answered.body : undefined
}

function isSelected({ object }: Stored, { query = {} }: KubeRequest): boolean {
  const { labelSelector, fieldSelector } = query
  if (labelSelector === undefined || !/^[^=!,()\s]+$/.test(labelSelector) || fieldSelector !== undefined) {
    throw new Error('the fake API server selects by the presence of one label alone')
  }
  return jsonAt(object, ['metadata', 'labels'])[labelSelector] !== undefined
}

/** Go prints maps in the order of their keys. */
function sorted(map: Json): Json {
  return Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function notFound({ resource, name }: Target): KubeOutcome {
  return refused(404, 'NotFound', `${resource} "${name}" not found`)
}

/** An answer of the API server that is an error. */
export function refused(status: number, reason: string, message: string): KubeOutcome {
  return { ok: false, error: { status, reason, message, ambiguous: false } }
}

/** No answer came. */
export function unanswered(reason: string, ambiguous: boolean): { readonly ok: false; readonly error: KubeError } {
  return { ok: false, error: { status: undefined, reason, message: `got no answer: ${reason}.`, ambiguous } }
}
