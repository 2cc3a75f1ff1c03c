import * as z from 'zod'
import { fieldManager, targetLabels } from '../../domain/names.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { TargetHandler, TargetSight, TargetWatch } from '../../ports/target-watch.ts'
import type { KubeClient } from './kube-client.ts'
import { ListWatch, type WatchedCollection } from './list-watch.ts'
import { appliedKeys } from './managed-fields.ts'
import { Secret } from './schema.ts'
import { ownerUid } from './target-claim.ts'
import type { CollectionHandler } from './watch-round.ts'

export interface KubernetesTargetWatchOptions {
  readonly client: KubeClient
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'watchEvent' | 'watchRestarted'>
  /** Only these, one by one; empty: everywhere. */
  readonly watchNamespaces: readonly string[]
}

/** What is looked at of a Secret whose data is not asked for. */
const SecretMetadata = z.object({
  metadata: Secret.shape.metadata.extend({ namespace: z.string(), name: z.string() }),
})

/**
 * The target Secrets of a cluster, through supervised list-watches of their metadata.
 *
 * Whether a key holds what was published is told by the field managers: whoever changes a value takes the field away
 * from ours. So our own writes are told from others' without anything being remembered of them.
 *
 * Needs `list` and `watch` on Secrets, which no authorizer narrows to a label or to metadata.
 */
export class KubernetesTargetWatch implements TargetWatch {
  readonly #options: KubernetesTargetWatchOptions

  constructor(options: KubernetesTargetWatchOptions) {
    this.#options = options
  }

  start(handler: TargetHandler): () => Promise<void> {
    const { watchNamespaces } = this.#options
    const scopes = watchNamespaces.length > 0 ? watchNamespaces : [undefined]
    const running = scopes.map((namespace) => ({
      watch: this.#watch(namespace, handler),
      stopping: new AbortController(),
    }))
    const ended = Promise.all(running.map(({ watch, stopping }) => watch.run(stopping.signal)))
    return async () => {
      for (const { stopping } of running) stopping.abort()
      await ended
    }
  }

  #watch(namespace: string | undefined, handler: TargetHandler): ListWatch<TargetSight> {
    const { client, clock, random, logger, metrics } = this.#options
    const collection = collectionIn(namespace)
    const told: CollectionHandler<TargetSight> = {
      replaced: (sights) => handler.replaced(namespace, sights),
      upserted: (sight) => handler.upserted(sight),
      deleted: (of, name) => handler.deleted(of ?? '', name),
    }
    return new ListWatch({ client, collection, decode: sightOf, handler: told, clock, random, logger, metrics })
  }
}

function collectionIn(namespace: string | undefined): WatchedCollection {
  const scope = namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`
  return {
    resource: 'secrets',
    path: `/api/v1/${scope}secrets`,
    apiVersion: 'v1',
    kind: 'Secret',
    labelSelector: `${targetLabels.managedBy}=${fieldManager},${targetLabels.credentialUid}`,
    metadataOnly: true,
  }
}

function sightOf(raw: unknown): TargetSight | undefined {
  const parsed = SecretMetadata.safeParse(raw)
  if (!parsed.success) return undefined
  const { namespace, name, ownerReferences } = parsed.data.metadata
  const credentialUid = ownerUid(parsed.data)
  return {
    namespace,
    name,
    credentialUid,
    keys: [...appliedKeys(parsed.data, fieldManager)],
    hasOwnerReference: ownerReferences.some(({ uid }) => uid === credentialUid),
  }
}
