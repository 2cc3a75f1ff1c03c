import type { ServerResponse } from 'node:http'
import { type ApiCall, answer, lastPart, send } from './api-call.ts'
import { inChunks, openWatch } from './open-watch.ts'
import {
  accountOf,
  eventLine,
  fieldsOf,
  hasLabel,
  type Json,
  merged,
  metadataOf,
  type StoredObject,
  uidOf,
  type Versions,
} from './stored-object.ts'

/** Some page of a list has been sent, and these are left. */
interface Rest {
  readonly resourceVersion: string
  readonly items: readonly StoredObject[]
}

/**
 * The Secrets of a {@link MemoryApi}: lists and watches of metadata by the presence of a label, in pages as asked for;
 * creates, merge patches, and server-side apply with the account of managed fields.
 */
export class MemorySecrets {
  readonly #versions: Versions
  readonly #secrets = new Map<string, StoredObject>()
  readonly #rests = new Map<string, Rest>()
  /** With the label that each is about. */
  readonly #watches = new Map<ServerResponse, string>()

  constructor(versions: Versions) {
    this.#versions = versions
  }

  clear(): void {
    this.#secrets.clear()
    this.#rests.clear()
  }

  /** From the beginning. */
  add(object: StoredObject): void {
    this.#secrets.set(String(object.metadata['name']), object)
  }

  handle(call: ApiCall): void {
    const { url, request, response } = call
    if (url.searchParams.get('watch') === 'true') return this.#watch(url, response)
    if (request.method === 'POST') return this.#create(call)
    if (request.method === 'PATCH') return isMergePatch(call) ? this.#merge(call) : this.#apply(call)
    if (url.pathname.endsWith('/secrets')) return this.#list(url, response)
    return answer(response, this.#secrets.get(lastPart(url.pathname)))
  }

  /** As an apply leaves it. */
  applied(object: StoredObject, uid: string): StoredObject {
    const { metadata, data } = object
    const { annotations, labels, ownerReferences } = metadata
    const fields = { data: fieldsOf(data), metadata: fieldsOf({ annotations, labels, ownerReferences }), type: {} }
    const managedFields = [accountOf('Apply', 'v1', fields)]
    return { ...object, metadata: { ...metadata, uid, resourceVersion: this.#versions.next(), managedFields } }
  }

  /** Page after page, as of the first one. */
  #list({ searchParams }: URL, response: ServerResponse): void {
    const token = searchParams.get('continue') ?? ''
    const { resourceVersion, items } = this.#rests.get(token) ?? this.#all(searchParams)
    this.#rests.delete(token)
    const limit = Number(searchParams.get('limit') ?? items.length)
    const left = items.slice(limit)
    const next = left.length === 0 ? '' : `${resourceVersion}-${left.length}-${this.#versions.next()}`
    if (next !== '') this.#rests.set(next, { resourceVersion, items: left })
    const metadata = { resourceVersion, ...(next !== '' && { continue: next }) }
    const page = items.slice(0, limit).map(metadataOf)
    const kind = 'PartialObjectMetadataList'
    return send(response, 200, { kind, apiVersion: 'meta.k8s.io/v1', metadata, items: page })
  }

  #all(query: URLSearchParams): Rest {
    return { resourceVersion: this.#versions.now(), items: this.#labelled(labelIn(query)) }
  }

  #labelled(label: string): readonly StoredObject[] {
    return [...this.#secrets.values()].filter((secret) => hasLabel(secret, label))
  }

  #watch({ searchParams }: URL, response: ServerResponse): void {
    const label = labelIn(searchParams)
    const isInitial = searchParams.get('sendInitialEvents') === 'true'
    const added = (secret: StoredObject): string => eventLine('ADDED', metadataOf(secret))
    const initial = isInitial ? inChunks(this.#labelled(label).map(added)) : undefined
    openWatch(response, { initial, version: () => this.#versions.now() })
    this.#watches.set(response, label)
    response.on('close', () => this.#watches.delete(response))
  }

  #create({ body, response, ofFloor }: ApiCall): void {
    const object = JSON.parse(body) as StoredObject
    const name = String(object.metadata['name'])
    const creationTimestamp = '2026-01-01T00:00:00Z'
    const added = { uid: `secret-${name}`, resourceVersion: this.#versions.next(), creationTimestamp }
    const next = { ...object, metadata: { ...object.metadata, ...added } }
    if (!ofFloor) this.#store(name, next)
    return send(response, 201, next)
  }

  #apply({ url, body, response, ofFloor }: ApiCall): void {
    const name = lastPart(url.pathname)
    const known = this.#secrets.get(name)
    if (ofFloor) return answer(response, known && metadataOf(known))
    const wanted = JSON.parse(body) as StoredObject
    if (isOutdated(wanted, known)) return conflict(response)
    if (url.searchParams.get('dryRun') === 'All') return answer(response, known && metadataOf(known))
    const next = this.applied(wanted, known === undefined ? name : uidOf(known))
    this.#store(name, next)
    return send(response, known === undefined ? 201 : 200, metadataOf(next))
  }

  /** As far as the controller merges: members of metadata and of data, one level down. */
  #merge({ url, body, response, ofFloor }: ApiCall): void {
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
      resourceVersion: this.#versions.next(),
    }
    const next = { ...known, metadata, data: merged(known['data'], patch.data) }
    this.#store(name, next)
    return send(response, 200, next)
  }

  #store(name: string, secret: StoredObject): void {
    const type = this.#secrets.has(name) ? 'MODIFIED' : 'ADDED'
    this.#secrets.set(name, secret)
    const watches = [...this.#watches].filter(([, label]) => hasLabel(secret, label))
    if (watches.length === 0) return
    const event = eventLine(type, metadataOf(secret))
    for (const [response] of watches) response.write(event)
  }
}

function labelIn(query: URLSearchParams): string {
  return query.get('labelSelector') ?? ''
}

function isMergePatch({ request }: ApiCall): boolean {
  return request.headers['content-type'] === 'application/merge-patch+json'
}

/** True when the write is for another state than the one that is there. */
function isOutdated({ metadata }: { readonly metadata: Json }, known: StoredObject | undefined): boolean {
  const { resourceVersion } = metadata
  return resourceVersion !== undefined && resourceVersion !== known?.metadata['resourceVersion']
}

function conflict(response: ServerResponse): void {
  return send(response, 409, { kind: 'Status', status: 'Failure', reason: 'Conflict', code: 409 })
}
