import { apiVersion, groupVersion, apiGroup } from '../../domain/names.ts'
import type { Resource, ResourceKind } from '../../domain/resources.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { ResourceHandler, ResourceSource } from '../../ports/resource-source.ts'
import type { KubeClient } from './kube-client.ts'
import { ListWatch, type WatchedCollection } from './list-watch.ts'
import { PartOfKind, WholeKind } from './kind-handlers.ts'
import type { CollectionHandler } from './watch-round.ts'

export interface KubernetesResourceSourceOptions {
  readonly client: KubeClient
  /** Undefined: not a manifest of ours. */
  readonly decode: (raw: unknown) => Resource | undefined
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'watchEvent' | 'watchRestarted'>
  /** Namespaced kinds are watched in these namespaces only, one by one; absent or empty: everywhere. */
  readonly watchNamespaces?: readonly string[]
}

interface KindToWatch {
  readonly kind: ResourceKind
  readonly plural: string
  readonly namespaced: boolean
}

const ownKinds: readonly KindToWatch[] = [
  { kind: 'OAuthProvider', plural: 'oauthproviders', namespaced: true },
  { kind: 'ClusterOAuthProvider', plural: 'clusteroauthproviders', namespaced: false },
  { kind: 'TokenStore', plural: 'tokenstores', namespaced: true },
  { kind: 'ClusterTokenStore', plural: 'clustertokenstores', namespaced: false },
  { kind: 'OAuthCredential', plural: 'oauthcredentials', namespaced: true },
]

/** One list-watch, and what it feeds. */
interface Feed {
  /** Unique: the plural, with the namespace where it is watched by namespace. */
  readonly name: string
  readonly kind: ResourceKind
  readonly collection: WatchedCollection
  /** True when other feeds bring the rest of the kind. */
  readonly partial: boolean
}

/**
 * The manifests in a cluster, through supervised list-watches.
 *
 * A kind whose CustomResourceDefinition is missing, or that may not be read, is tried again with
 * backoff and said once in the log; until it was listed {@link KubernetesResourceSource.synced} is false.
 * Of a kind that is watched by namespace the handler is told changes only, never `replaced`.
 *
 * An exception of the handler is a bug: it becomes an unhandled rejection, which ends the process.
 */
export class KubernetesResourceSource implements ResourceSource {
  readonly #options: KubernetesResourceSourceOptions
  readonly #feeds: readonly Feed[]
  #watches: ReadonlyMap<string, ListWatch<Resource>> = new Map()

  constructor(options: KubernetesResourceSourceOptions) {
    this.#options = options
    this.#feeds = feedsFor(options.watchNamespaces ?? [])
  }

  start(handler: ResourceHandler): () => Promise<void> {
    if (this.#watches.size > 0) throw new Error('the resource source was started twice')
    this.#watches = new Map(this.#feeds.map((feed) => [feed.name, this.#watch(feed, handler)]))
    // A signal each: Node takes many listeners on one signal for a leak, and says so in the log.
    const running = [...this.#watches.values()].map((watch) => ({ watch, stopping: new AbortController() }))
    const ended = Promise.all(running.map(({ watch, stopping }) => watch.run(stopping.signal)))
    return async () => {
      for (const { stopping } of running) stopping.abort()
      await ended
    }
  }

  synced(): boolean {
    return this.#watches.size > 0 && [...this.#watches.values()].every((watch) => watch.listed())
  }

  /** Per list-watch, when the API server last sent something, on the monotonic clock; undefined before the first time. */
  lastByteAt(): ReadonlyMap<string, number | undefined> {
    return new Map([...this.#watches].map(([name, watch]) => [name, watch.lastByteAt()]))
  }

  #watch({ kind, collection, partial }: Feed, handler: ResourceHandler): ListWatch<Resource> {
    const { client, decode, clock, random, logger, metrics } = this.#options
    const told: CollectionHandler<Resource> = partial ? new PartOfKind(kind, handler) : new WholeKind(kind, handler)
    return new ListWatch({ client, collection, decode, handler: told, clock, random, logger, metrics })
  }
}

function feedsFor(namespaces: readonly string[]): readonly Feed[] {
  const own = ownKinds.flatMap((kind) =>
    kind.namespaced && namespaces.length > 0
      ? namespaces.map((namespace) => feedOf(kind, namespace))
      : [feedOf(kind, undefined)],
  )
  return [namespaceFeed, ...own]
}

function feedOf({ kind, plural }: KindToWatch, namespace: string | undefined): Feed {
  const scope = namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`
  const path = `/apis/${apiGroup}/${apiVersion}/${scope}${plural}`
  return {
    name: namespace === undefined ? plural : `${plural} in ${namespace}`,
    kind,
    collection: { resource: plural, path, apiVersion: groupVersion, kind },
    partial: namespace !== undefined,
  }
}

const namespaceFeed: Feed = {
  name: 'namespaces',
  kind: 'Namespace',
  collection: { resource: 'namespaces', path: '/api/v1/namespaces', apiVersion: 'v1', kind: 'Namespace' },
  partial: false,
}
