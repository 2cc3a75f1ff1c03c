import type { ServerResponse } from 'node:http'
import { apiGroup, apiVersion, fieldManager, groupVersion } from '../../src/domain/names.ts'
import { type ApiCall, type BenchApi, send } from './api-call.ts'
import type { FleetMember } from './fleet.ts'
import {
  type BenchEndpoints,
  benchNamespace,
  credentialObject,
  loginSecret,
  loginSecretObject,
  providerObjects,
  recordObject,
  statusOf,
  storeObject,
  targetObject,
} from './objects.ts'

type Json = Readonly<Record<string, unknown>>
type StoredObject = Json & { readonly metadata: Json }

const credentialsPath = `/apis/${apiGroup}/${apiVersion}/oauthcredentials`
/** Its uid tells one installation from another. */
const installationPath = '/api/v1/namespaces/kube-system'
const installation = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'kube-system', uid: '00000000-0000-4000-8000-000000000000', resourceVersion: '1' },
}
/** kube-apiserver sends about one a minute. */
const bookmarkMs = 60_000
/** How much of an initial list is handed to the socket at once. */
const eventsPerWrite = 100

/**
 * As much of an API server as the controller asks for, from memory: lists by WatchList, watches that
 * echo every status write as a real one does, a Lease with compare-and-swap, target Secrets with the
 * account of managed fields.
 */
export class MemoryApi implements BenchApi {
  readonly #fixed: ReadonlyMap<string, readonly string[]>
  readonly #credentials = new Map<string, StoredObject>()
  readonly #secrets = new Map<string, StoredObject>()
  readonly #watchers = new Set<ServerResponse>()
  /** The initial state as it goes over the wire, so that a start measures the controller and not this server. */
  #initial: readonly string[] = []
  #lease: Json | undefined
  #version = 1_000_000

  constructor(endpoints: BenchEndpoints) {
    const path = `/apis/${apiGroup}/${apiVersion}`
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: benchNamespace, labels: {} } }
    this.#fixed = new Map([
      ['/api/v1/namespaces', [added(this.#stored(namespace, 'namespace'))]],
      [
        `${path}/oauthproviders`,
        providerObjects(endpoints).map((object, index) => added(this.#stored(object, `provider-${index}`))),
      ],
      [`${path}/tokenstores`, [added(this.#stored(storeObject(endpoints), 'store'))]],
      [`${path}/clusteroauthproviders`, []],
      [`${path}/clustertokenstores`, []],
    ])
  }

  replace(members: readonly FleetMember[]): void {
    this.#secrets.clear()
    this.#credentials.clear()
    this.#secrets.set(loginSecret, this.#stored(loginSecretObject(), 'login'))
    for (const member of members) this.#add(member)
    const events = [...this.#credentials.values()].map(added)
    this.#initial = Array.from({ length: Math.ceil(events.length / eventsPerWrite) }, (_, chunk) =>
      events.slice(chunk * eventsPerWrite, (chunk + 1) * eventsPerWrite).join(''),
    )
  }

  handle(call: ApiCall): void {
    const { url, request, response } = call
    if (url.searchParams.get('watch') === 'true') return this.#watch(url, response)
    if (url.pathname.includes('/leases')) return this.#leaseCall(call)
    if (url.pathname === installationPath) return answer(response, installation)
    if (request.method === 'GET' && url.pathname.endsWith('/secrets')) return this.#listSecrets(url, response)
    if (request.method === 'GET') return this.#get(url, response)
    if (request.method === 'PATCH') return this.#patch(call)
    if (request.method === 'POST' && url.pathname.endsWith('/secrets')) return this.#createSecret(call)
    return send(response, 201, {})
  }

  #get({ pathname }: URL, response: ServerResponse): void {
    const isCredential = pathname.includes('/oauthcredentials/')
    const credential = this.#credentials.get(lastPart(pathname))
    // Nobody asks for more of one than whether it is there.
    if (isCredential) return answer(response, credential && metadataOf(credential))
    return answer(response, this.#secrets.get(lastPart(pathname)))
  }

  /** By the presence of a label, in one page. */
  #listSecrets(url: URL, response: ServerResponse): void {
    const label = url.searchParams.get('labelSelector') ?? ''
    const listed = [...this.#secrets.values()].filter(({ metadata }) => label in objectAt(metadata['labels']))
    const metadata = { resourceVersion: String(this.#version) }
    const items = listed.map(metadataOf)
    return send(response, 200, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items })
  }

  #patch(call: ApiCall): void {
    if (call.url.pathname.endsWith('/status')) return this.#patchStatus(call)
    return isMergePatch(call) ? this.#mergeSecret(call) : this.#applySecret(call)
  }

  #add(member: FleetMember): void {
    const { name, uid } = member
    const status = statusOf(member)
    const managedFields = [
      accountOf('Update', groupVersion, { status: fieldsOf(status) }, 'status'),
      accountOf('Apply', groupVersion, { spec: fieldsOf(credentialObject(member).spec) }),
    ]
    const object = this.#stored({ ...credentialObject(member), status }, uid)
    this.#credentials.set(name, { ...object, metadata: { ...object.metadata, managedFields } })
    const target = this.#applied(targetObject(member), `target-${uid}`)
    this.#secrets.set(String(target.metadata['name']), target)
    if (member.provider !== 'rotating') return
    const record = recordObject(member)
    this.#secrets.set(record.metadata.name, this.#stored(record, `record-${uid}`))
  }

  #stored(object: object, uid: string): StoredObject {
    const { metadata } = object as StoredObject
    const creationTimestamp = '2026-01-01T00:00:00Z'
    const added = { uid, generation: 1, resourceVersion: this.#nextVersion(), creationTimestamp }
    return { ...object, metadata: { ...metadata, ...added } }
  }

  #applied(object: StoredObject, uid: string): StoredObject {
    const { metadata, data } = object
    const { annotations, labels, ownerReferences } = metadata
    const fields = { data: fieldsOf(data), metadata: fieldsOf({ annotations, labels, ownerReferences }), type: {} }
    const managedFields = [accountOf('Apply', 'v1', fields)]
    return { ...object, metadata: { ...metadata, uid, resourceVersion: this.#nextVersion(), managedFields } }
  }

  #nextVersion(): string {
    this.#version += 1
    return String(this.#version)
  }

  #watch(url: URL, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    const isCredentials = url.pathname === credentialsPath
    if (url.searchParams.get('sendInitialEvents') === 'true') {
      const initial = isCredentials ? this.#initial : (this.#fixed.get(url.pathname) ?? [])
      for (const events of initial) response.write(events)
      response.write(this.#bookmark({ 'k8s.io/initial-events-end': 'true' }))
    }
    if (isCredentials) this.#watchers.add(response)
    const timer = setInterval(() => response.write(this.#bookmark({})), bookmarkMs)
    response.on('close', () => {
      clearInterval(timer)
      this.#watchers.delete(response)
    })
  }

  #bookmark(annotations: object): string {
    const metadata = { resourceVersion: String(this.#version), annotations }
    return eventLine('BOOKMARK', { kind: 'Bookmark', apiVersion: 'v1', metadata })
  }

  #patchStatus({ url, body, response, ofFloor }: ApiCall): void {
    const name = lastPart(url.pathname.slice(0, -'/status'.length))
    const known = this.#credentials.get(name)
    if (known === undefined || ofFloor) return answer(response, known && metadataOf(known))
    const operations = JSON.parse(body) as readonly { readonly path: string; readonly value: unknown }[]
    const status = operations.find(({ path }) => path === '/status')?.value
    const next = { ...known, status, metadata: { ...known.metadata, resourceVersion: this.#nextVersion() } }
    this.#credentials.set(name, next)
    send(response, 200, metadataOf(next))
    const event = eventLine('MODIFIED', next)
    for (const watcher of this.#watchers) watcher.write(event)
  }

  #applySecret({ url, body, response, ofFloor }: ApiCall): void {
    const name = lastPart(url.pathname)
    const known = this.#secrets.get(name)
    if (ofFloor) return answer(response, known && metadataOf(known))
    const applied = JSON.parse(body) as StoredObject
    if (isOutdated(applied, known)) return conflict(response)
    if (url.searchParams.get('dryRun') === 'All') return answer(response, known && metadataOf(known))
    const next = this.#applied(applied, known === undefined ? name : uidOf(known))
    this.#secrets.set(name, next)
    return send(response, 200, metadataOf(next))
  }

  #createSecret({ body, response, ofFloor }: ApiCall): void {
    const object = JSON.parse(body) as StoredObject
    const name = String(object.metadata['name'])
    const next = this.#stored(object, `secret-${name}`)
    if (!ofFloor) this.#secrets.set(name, next)
    return send(response, 201, next)
  }

  /** As far as the controller merges: members of metadata and of data, one level down. */
  #mergeSecret({ url, body, response, ofFloor }: ApiCall): void {
    const name = lastPart(url.pathname)
    const known = this.#secrets.get(name)
    if (known === undefined || ofFloor) return answer(response, known)
    const patch = JSON.parse(body) as { readonly metadata: Json; readonly data?: Json }
    if (isOutdated(patch, known)) return conflict(response)
    const { annotations, labels } = patch.metadata
    const metadata = {
      ...known.metadata,
      annotations: merged(known.metadata['annotations'], annotations),
      labels: merged(known.metadata['labels'], labels),
      resourceVersion: this.#nextVersion(),
    }
    const next = { ...known, metadata, data: merged(known['data'], patch.data) }
    this.#secrets.set(name, next)
    return send(response, 200, next)
  }

  #leaseCall({ request, body, response }: ApiCall): void {
    if (request.method === 'GET') return answer(response, this.#lease)
    const lease = JSON.parse(body) as { metadata: object }
    this.#lease = { ...lease, metadata: { ...lease.metadata, uid: 'lease', resourceVersion: this.#nextVersion() } }
    return send(response, request.method === 'POST' ? 201 : 200, this.#lease)
  }
}

function isMergePatch({ request }: ApiCall): boolean {
  return request.headers['content-type'] === 'application/merge-patch+json'
}

/** True when the write is for another state than the one that is there. */
function isOutdated({ metadata }: { readonly metadata: Json }, known: StoredObject | undefined): boolean {
  return metadata['resourceVersion'] !== known?.metadata['resourceVersion']
}

function conflict(response: ServerResponse): void {
  return send(response, 409, { kind: 'Status', status: 'Failure', reason: 'Conflict', code: 409 })
}

function objectAt(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}

/** Null takes a member away. */
function merged(known: unknown, patch: unknown): object {
  const members = Object.entries({ ...objectAt(known), ...objectAt(patch) })
  return Object.fromEntries(members.filter(([, value]) => value !== null))
}

function answer(response: ServerResponse, object: object | undefined): void {
  if (object !== undefined) return send(response, 200, object)
  return send(response, 404, { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 })
}

function metadataOf({ metadata }: StoredObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
}

function added(object: object): string {
  return eventLine('ADDED', object)
}

function eventLine(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** An entry of `metadata.managedFields`. */
function accountOf(operation: 'Apply' | 'Update', apiVersion: string, fields: Json, subresource?: string): object {
  const fieldsV1 = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`f:${name}`, value]))
  const what = { apiVersion, fieldsType: 'FieldsV1', fieldsV1, manager: fieldManager, operation }
  return { ...what, ...(subresource !== undefined && { subresource }), time: '2026-01-01T00:00:00Z' }
}

/** The account of whoever has set all of `value`. */
function fieldsOf(value: unknown): Json {
  if (Array.isArray(value)) return Object.fromEntries(value.flatMap(keyedItem))
  if (typeof value !== 'object' || value === null) return {}
  const members = Object.entries(value).map(([name, member]) => [`f:${name}`, fieldsOf(member)])
  return Object.fromEntries([['.', {}], ...members]) as Json
}

/** Conditions are a map by their type; other lists are atomic. */
function keyedItem(item: unknown): readonly (readonly [string, Json])[] {
  if (typeof item !== 'object' || item === null || !('type' in item)) return []
  return [[`k:${JSON.stringify({ type: item.type })}`, fieldsOf(item)]]
}

function uidOf({ metadata }: StoredObject): string {
  const { uid } = metadata
  return typeof uid === 'string' ? uid : ''
}
