import type { ServerResponse } from 'node:http'
import { answer, status, type SeenRequest } from './scripted-answer.ts'

export interface ScriptedObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly resourceVersion?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

interface ScriptedEvent {
  readonly version: number
  readonly collection: string
  readonly object: ScriptedObject
  readonly line: string
}

interface OpenWatch {
  readonly collection: string
  /** Whatever has this label; undefined: everything. */
  readonly label: string | undefined
  readonly response: ServerResponse
  readonly bookmarks: boolean
}

/** The state behind {@link ScriptedApiServer}: objects by collection path, one resource version over all of them. */
export class ScriptedCollections {
  readonly #objects = new Map<string, Map<string, ScriptedObject>>()
  readonly #watches = new Set<OpenWatch>()
  #events: ScriptedEvent[] = []
  #version = 100
  #compactedAt = 0
  /** False: watches with `sendInitialEvents` are refused as servers do that do not know them. */
  watchList = true
  /** True: changes are remembered and not sent, and no bookmarks either: a connection that is half open. */
  stalled = false
  #held: (() => void)[] | undefined

  put(collection: string, object: ScriptedObject): ScriptedObject {
    this.#version += 1
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } }
    const known = this.#collection(collection).has(keyOf(object))
    this.#collection(collection).set(keyOf(object), stored)
    this.#publish(collection, known ? 'MODIFIED' : 'ADDED', stored)
    return stored
  }

  remove(collection: string, object: ScriptedObject): void {
    this.#version += 1
    this.#collection(collection).delete(keyOf(object))
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) }
    this.#publish(collection, 'DELETED', { ...object, metadata })
  }

  get(collection: string, name: string): ScriptedObject | undefined {
    return [...this.#collection(collection).values()].find(({ metadata }) => metadata.name === name)
  }

  /** From now on events come late: they wait for {@link ScriptedCollections.release}. */
  hold(): void {
    this.#held = []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const write of held) write()
  }

  /** Sends every watch a bookmark with the newest resource version. */
  bookmark(): void {
    for (const watch of this.#watches) if (watch.bookmarks) this.#write(watch, bookmark(this.#version))
  }

  /** Forgets old events: a watch from before now gets 410. */
  compact(): void {
    this.#compactedAt = this.#version
    this.#events = []
  }

  /** Puts the version back, as restoring etcd from a backup does. */
  restore(version: number): void {
    this.#version = version
    this.#events = []
  }

  /** Sends a raw event to every watch. */
  send(event: unknown): void {
    this.sendText(`${JSON.stringify(event)}\n`)
  }

  /** Sends every watch whatever is given. */
  sendText(text: string): void {
    for (const watch of this.#watches) watch.response.write(text)
  }

  /** Ends every watch as `timeoutSeconds` does. */
  endWatches(): void {
    for (const watch of this.#watches) watch.response.end()
    this.#watches.clear()
  }

  forgetWatches(): void {
    this.#watches.clear()
  }

  get openWatches(): number {
    return this.#watches.size
  }

  handle(request: SeenRequest, response: ServerResponse): void {
    if (request.watch) this.#watch(request, response)
    else if (request.method === 'GET') this.#get(request, response)
    else this.#change(request, response)
  }

  #get({ path, query }: SeenRequest, response: ServerResponse): void {
    const single = this.#single(path)
    if (single !== undefined) return answer(response, 200, single)
    if (isObjectPath(path)) return answer(response, 404, status(404, 'NotFound'))
    this.#list(path, query, response)
  }

  #list(path: string, query: Readonly<Record<string, string>>, response: ServerResponse): void {
    const all = this.#labelled(path, query['labelSelector'])
    const [version, from] = (query['continue'] ?? `${this.#version}:0`).split(':').map(Number) as [number, number]
    if (version < this.#compactedAt) return answer(response, 410, status(410, 'Expired'))
    const to = from + Number(query['limit'] ?? all.length)
    const metadata = { resourceVersion: String(version), ...(to < all.length ? { continue: `${version}:${to}` } : {}) }
    answer(response, 200, { kind: 'List', metadata, items: all.slice(from, to) })
  }

  #change({ method, path, headers, body }: SeenRequest, response: ServerResponse): void {
    const object = body as ScriptedObject
    // By the only one who applies it, so that nobody else's fields are left.
    if (headers['content-type'] === 'application/apply-patch+yaml') {
      return answer(response, 200, this.put(collectionOf(path), object))
    }
    if (method === 'POST') {
      if (this.#collection(path).has(keyOf(object))) return answer(response, 409, status(409, 'AlreadyExists'))
      return answer(response, 201, this.put(path, object))
    }
    const known = this.#single(path)
    if (known === undefined) return answer(response, 404, status(404, 'NotFound'))
    if (known.metadata.resourceVersion !== object.metadata.resourceVersion) {
      return answer(response, 409, status(409, 'Conflict'))
    }
    answer(response, 200, this.put(collectionOf(path), object))
  }

  #watch({ path, query }: SeenRequest, response: ServerResponse): void {
    const initial = query['sendInitialEvents'] === 'true'
    if (initial && !this.watchList) return answer(response, 422, status(422, 'Invalid'))
    const from = initial ? this.#version : Number(query['resourceVersion'])
    if (!initial && from < this.#compactedAt) return answer(response, 410, status(410, 'Expired'))
    const bookmarks = query['allowWatchBookmarks'] === 'true'
    const watch = { collection: path, label: query['labelSelector'], response, bookmarks }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    this.#watches.add(watch)
    response.on('close', () => this.#watches.delete(watch))
    if (initial) this.#sendInitial(watch)
    else this.#sendMissed(watch, from)
  }

  #sendInitial(watch: OpenWatch): void {
    const lines = this.#labelled(watch.collection, watch.label).map((object) => line('ADDED', object))
    this.#write(watch, lines.join('') + bookmark(this.#version, { 'k8s.io/initial-events-end': 'true' }))
  }

  #sendMissed(watch: OpenWatch, from: number): void {
    const missed = this.#events.filter((event) => event.version > from && isFor(watch, event))
    for (const event of missed) this.#write(watch, event.line)
  }

  #publish(collection: string, type: string, object: ScriptedObject): void {
    const event = { version: this.#version, collection, object, line: line(type, object) }
    this.#events.push(event)
    for (const watch of this.#watches) if (isFor(watch, event)) this.#write(watch, event.line)
  }

  #write(watch: OpenWatch, text: string): void {
    if (this.stalled) return
    if (this.#held === undefined) watch.response.write(text)
    else this.#held.push(() => watch.response.write(text))
  }

  #labelled(path: string, label: string | undefined): readonly ScriptedObject[] {
    return [...this.#collection(path).values()].filter((object) => hasLabel(object, label))
  }

  #single(path: string): ScriptedObject | undefined {
    const name = path.slice(path.lastIndexOf('/') + 1)
    return this.#objects.has(path) ? undefined : this.get(collectionOf(path), name)
  }

  #collection(path: string): Map<string, ScriptedObject> {
    const known = this.#objects.get(path) ?? new Map<string, ScriptedObject>()
    this.#objects.set(path, known)
    return known
  }
}

function isFor({ collection, label }: OpenWatch, event: ScriptedEvent): boolean {
  return event.collection === collection && hasLabel(event.object, label)
}

/** Selectors by presence alone. */
function hasLabel({ metadata }: ScriptedObject, label: string | undefined): boolean {
  return label === undefined || metadata.labels?.[label] !== undefined
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`
}

function bookmark(version: number, annotations: Readonly<Record<string, string>> = {}): string {
  return line('BOOKMARK', { metadata: { resourceVersion: String(version), annotations } })
}

function keyOf({ metadata }: ScriptedObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

function isObjectPath(path: string): boolean {
  return /\/leases\/[^/]+$/.test(path)
}

function collectionOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
