import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { Backoff } from './backoff.ts'
import type { KubeClient, KubeRequest } from './kube-client.ts'
import { listPages } from './list-pages.ts'
import { metadataEvents, metadataList } from './metadata-only.ts'
import { OutageLog } from './outage-log.ts'
import { sleep } from './sleep.ts'
import { fields } from './watch-event.ts'
import { refusedEnd, WatchRound, type CollectionHandler, type RoundEnd } from './watch-round.ts'

export interface WatchedCollection {
  /** Metric label and log field, for example `oauthcredentials`. */
  readonly resource: string
  /** For example `/apis/oauth-operator.dev/v1alpha1/oauthcredentials`. */
  readonly path: string
  /** Set on items of a list, which do not carry them for built-in kinds. */
  readonly apiVersion: string
  readonly kind: string
  readonly labelSelector?: string
  /** Only the metadata of objects is received. */
  readonly metadataOnly?: true
}

export interface ListWatchOptions<T> {
  readonly client: KubeClient
  readonly collection: WatchedCollection
  /** Turns an object into what is kept of it; undefined: not for us. What it throws is a bug. */
  readonly decode: (raw: unknown) => T | undefined
  readonly handler: CollectionHandler<T>
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'watchEvent' | 'watchRestarted'>
}

/** How long the initial state may take to stream before it is listed instead. */
const initialEventsTimeoutMs = 60_000
/** A watch that lived so long was a working one, even without an event. */
const provenMs = 30_000
/** A server that ends watches faster than this without an event is not asked again at once. */
const shortMs = 1_000

/**
 * Keeps a handler told of one collection, for good.
 *
 * Guarantees: after any interruption the handler gets either every change since, or the whole
 * collection. Recovers from every failure by itself, with backoff; ends only through the signal, and
 * then opens nothing any more. Objects are decoded as they arrive, none is kept here.
 */
export class ListWatch<T> {
  readonly #options: ListWatchOptions<T>
  readonly #backoff: Backoff
  readonly #outage: OutageLog
  #version: string | undefined
  #streamsInitialState = true
  #listed = false
  #heardAtMs: number | undefined

  constructor(options: ListWatchOptions<T>) {
    this.#options = options
    this.#backoff = new Backoff(options.random)
    this.#outage = new OutageLog(options.logger, options.collection.resource)
  }

  /** True once the handler was given the whole collection. */
  listed(): boolean {
    return this.#listed
  }

  /** On the monotonic clock, when the API server last sent something; undefined before the first time. */
  lastByteAt(): number | undefined {
    return this.#heardAtMs
  }

  /** Resolves after `signal` was aborted. Rejects only with what `decode` or the handler threw. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = this.#options.clock.monotonicMs()
      const end = await this.#round(signal)
      if (signal.aborted) return
      if (end !== undefined) await sleep(this.#options.clock, this.#pauseMs(end, startedMs), signal)
    }
  }

  /** Undefined: go on at once. */
  #round(signal: AbortSignal): Promise<RoundEnd | undefined> {
    if (this.#version !== undefined) return this.#follow(this.#version, signal)
    return this.#streamsInitialState ? this.#stream(signal) : this.#list(signal)
  }

  async #list(signal: AbortSignal): Promise<RoundEnd | undefined> {
    const { client, collection, decode, handler } = this.#options
    const { path, apiVersion, kind } = collection
    const outcome = await listPages(client, {
      path,
      query: selectorOf(collection),
      keep: (item) => decode({ apiVersion, kind, ...fields(item) }),
      onPage: () => this.#heard(),
      signal,
      ...(collection.metadataOnly === true ? { accept: metadataList } : {}),
    })
    if (signal.aborted) return undefined
    if (!outcome.ok) return refusedEnd(outcome.error)
    this.#version = outcome.version
    handler.replaced(outcome.items)
    this.#nowListed()
    return undefined
  }

  /** WatchList, KEP-3157: the initial state as events, which spares both sides a list in memory. */
  async #stream(signal: AbortSignal): Promise<RoundEnd | undefined> {
    const initial = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
    const round = this.#watchRound(initial, undefined)
    const guard = new AbortController()
    void sleep(this.#options.clock, initialEventsTimeoutMs, guard.signal).then(() => {
      if (!guard.signal.aborted && round.version === undefined) round.end(noInitialState)
    })
    const end = await round.run(signal).finally(() => guard.abort())
    this.#version = end.relist ? undefined : round.version
    if (round.version === undefined && !signal.aborted && refusesToStream(end)) {
      this.#streamsInitialState = false
      this.#options.logger.debug(this.#fields(end), 'The API server does not stream the initial state: it is listed.')
      return undefined
    }
    return end
  }

  async #follow(version: string, signal: AbortSignal): Promise<RoundEnd> {
    const round = this.#watchRound({ resourceVersion: version }, version)
    const end = await round.run(signal)
    this.#version = end.relist ? undefined : round.version
    return end
  }

  #watchRound(query: Readonly<Record<string, string>>, version: string | undefined): WatchRound<T> {
    const { client, collection, decode, handler, random } = this.#options
    const request: KubeRequest = {
      method: 'GET',
      path: collection.path,
      query: {
        ...query,
        ...selectorOf(collection),
        watch: 'true',
        allowWatchBookmarks: 'true',
        // Spread over five minutes, so that not all watches of all clients come back together.
        timeoutSeconds: String(290 + Math.floor(random() * 301)),
      },
      ...(collection.metadataOnly === true ? { accept: metadataEvents } : {}),
    }
    const round = new WatchRound<T>({
      client,
      request,
      version,
      keep: decode,
      handler,
      onProgress: () => this.#progress(round.version !== undefined),
    })
    return round
  }

  /** `complete`: the handler has the whole collection, so this is no longer the recovery itself. */
  #progress(complete: boolean): void {
    this.#heard()
    this.#options.metrics.watchEvent(this.#options.collection.resource)
    if (complete) this.#nowListed()
  }

  #pauseMs(end: RoundEnd, startedMs: number): number {
    const { clock, metrics, collection } = this.#options
    metrics.watchRestarted(collection.resource, end.cause)
    const livedMs = clock.monotonicMs() - startedMs
    if (livedMs >= provenMs) this.#recovered()
    if (end.clean && livedMs >= shortMs) return 0
    if (!end.clean) this.#outage.failed(end.detail, remedyFor(end))
    return this.#backoff.next(end.retryAfterSeconds)
  }

  #heard(): void {
    this.#heardAtMs = this.#options.clock.monotonicMs()
  }

  #nowListed(): void {
    this.#listed = true
    this.#recovered()
  }

  #recovered(): void {
    this.#backoff.reset()
    this.#outage.recovered()
  }

  #fields(end: RoundEnd) {
    return { resource: this.#options.collection.resource, cause: end.detail }
  }
}

const noInitialState: RoundEnd = { cause: 'no_initial_state', detail: 'Timeout', clean: false, relist: true }

/** True when the server cannot stream the initial state, as opposed to cannot do it now or for us. */
function refusesToStream(end: RoundEnd): boolean {
  if (end === noInitialState) return true
  const status = end.error?.status
  return status !== undefined && status >= 400 && status < 500 && ![401, 403, 404, 408, 409, 410, 429].includes(status)
}

function remedyFor({ error }: RoundEnd): string | undefined {
  if (error?.status === 404) {
    return 'The API server does not know them: install the CustomResourceDefinitions (deploy/crds), and it goes on by itself.'
  }
  if (error?.status === 403) {
    return 'The API server refuses: grant the operator list and watch on them (deploy/install.yaml has its rights), and it goes on by itself.'
  }
  return undefined
}

function selectorOf({ labelSelector }: WatchedCollection): Readonly<Record<string, string>> {
  return labelSelector === undefined ? {} : { labelSelector }
}
