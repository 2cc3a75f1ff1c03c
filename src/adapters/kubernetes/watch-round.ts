import type { KubeClient, KubeError, KubeRequest, KubeWatchEnd } from './kube-client.ts'
import { readWatchEvent, type ObjectIdentity, type WatchEvent } from './watch-event.ts'

/** Receives one collection. What it throws is a bug and ends the process. */
export interface CollectionHandler<T> {
  /** The whole collection: what is not among `items` is gone. */
  replaced(items: readonly T[]): void
  upserted(item: T): void
  deleted(namespace: string | undefined, name: string): void
}

export interface RoundOptions<T> {
  readonly client: KubeClient
  readonly request: KubeRequest
  /** Where to go on from; undefined: the request asks for the initial state as well. */
  readonly version: string | undefined
  readonly keep: (object: unknown) => T | undefined
  readonly handler: CollectionHandler<T>
  /** Called for every event that is not an error, after it was applied. */
  readonly onProgress: () => void
}

/** Why a watch ended, and what follows from it. */
export interface RoundEnd {
  /** A metric label, from a small set. */
  readonly cause: string
  /** For the log: a status, a reason or an error code. */
  readonly detail: string
  /** The server ended the stream in its own time. */
  readonly clean: boolean
  /** The position is of no use any more: list again. */
  readonly relist: boolean
  readonly retryAfterSeconds?: number
  readonly error?: KubeError
}

/**
 * One watch from opening to end.
 *
 * Events are applied as they arrive. When the initial state is streamed, it is collected until the
 * bookmark that ends it and handed over at once; an end before that leaves nothing behind.
 */
export class WatchRound<T> {
  readonly #options: RoundOptions<T>
  readonly #stop = new AbortController()
  #collecting: Map<string, T> | undefined
  #version: string | undefined
  #end: RoundEnd | undefined

  constructor(options: RoundOptions<T>) {
    this.#options = options
    this.#version = options.version
    this.#collecting = options.version === undefined ? new Map() : undefined
  }

  /** Where the next watch goes on; undefined while the initial state is not complete. */
  get version(): string | undefined {
    return this.#version
  }

  async run(signal: AbortSignal): Promise<RoundEnd> {
    const { client, request } = this.#options
    const either = AbortSignal.any([signal, this.#stop.signal])
    const end = await client.watch(request, (raw) => this.#apply(readWatchEvent(raw)), either)
    return this.#end ?? roundEnd(end)
  }

  /** Ends the watch from our side. */
  end(end: RoundEnd): void {
    this.#end ??= end
    this.#stop.abort()
  }

  #apply(event: WatchEvent): void {
    if (event.kind === 'error') return this.end(errorEnd(event))
    if (event.kind === 'bookmark') this.#bookmark(event.version, event.initialEventsEnd)
    if (event.kind === 'upserted') this.#upsert(event.object, event.identity)
    if (event.kind === 'deleted') this.#delete(event.identity)
    if (this.#end !== undefined) return
    this.#options.onProgress()
  }

  #bookmark(version: string, initialEventsEnd: boolean): void {
    const initial = this.#collecting
    if (initial === undefined) {
      if (isOlder(version, this.#version)) return this.end(wentBack)
      this.#version = version
    } else if (initialEventsEnd) {
      this.#collecting = undefined
      this.#version = version
      this.#options.handler.replaced([...initial.values()])
    }
  }

  #upsert(object: object, identity: ObjectIdentity): void {
    const item = this.#options.keep(object)
    this.#passed(identity)
    if (item === undefined) return
    if (this.#collecting === undefined) this.#options.handler.upserted(item)
    else this.#collecting.set(keyOf(identity), item)
  }

  #delete(identity: ObjectIdentity): void {
    this.#passed(identity)
    if (this.#collecting === undefined) this.#options.handler.deleted(identity.namespace, identity.name)
    else this.#collecting.delete(keyOf(identity))
  }

  /** Initial events come in no order of versions, so none of them is a position to go on from. */
  #passed({ version }: ObjectIdentity): void {
    if (this.#collecting === undefined && version !== '') this.#version = version
  }
}

/** The server's state is older than what we have seen: etcd was restored from a backup. */
const wentBack: RoundEnd = { cause: 'went_back', detail: 'resourceVersion', clean: false, relist: true }

function roundEnd(end: KubeWatchEnd): RoundEnd {
  if (end.kind === 'closed') return { cause: 'closed', detail: 'closed', clean: true, relist: false }
  if (end.kind === 'refused') return refusedEnd(end.error)
  const cause = end.reason === 'Idle' ? 'idle' : 'broken'
  // A line that cannot be read would come again at the same position.
  return { cause, detail: end.reason, clean: false, relist: end.reason === 'InvalidEvent' }
}

export function refusedEnd(error: KubeError): RoundEnd {
  const cause = causeOf(error.status)
  const end = { cause, detail: error.reason, clean: false, relist: asksForRelist(error.status), error }
  return error.retryAfterSeconds === undefined ? end : { ...end, retryAfterSeconds: error.retryAfterSeconds }
}

function errorEnd(event: WatchEvent & { kind: 'error' }): RoundEnd {
  const end = {
    cause: causeOf(event.code),
    detail: event.reason,
    clean: false,
    relist: event.code === undefined || asksForRelist(event.code),
  }
  return event.retryAfterSeconds === undefined ? end : { ...end, retryAfterSeconds: event.retryAfterSeconds }
}

function causeOf(status: number | undefined): string {
  if (status === 410) return 'expired'
  return status === undefined ? 'broken' : `http_${status}`
}

/** Refusals that say nothing about the position. */
const unrelated = [401, 403, 408, 429]

/**
 * 410: the position was compacted away. 504: it lies in the future of this server ("Too large
 * resource version"). 404: the kind is gone, and what comes back is another collection.
 */
function asksForRelist(status: number | undefined): boolean {
  if (status === undefined) return false
  return status === 504 || (status >= 400 && status < 500 && !unrelated.includes(status))
}

/** Versions are decimal numbers since they may be compared at all (KEP-5504); others are not judged. */
function isOlder(version: string, than: string | undefined): boolean {
  if (than === undefined || !/^\d+$/.test(version) || !/^\d+$/.test(than)) return false
  return BigInt(version) < BigInt(than)
}

function keyOf({ namespace, name }: ObjectIdentity): string {
  return `${namespace ?? ''}/${name}`
}
