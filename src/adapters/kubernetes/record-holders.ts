import { ok, type Result } from '../../domain/result.ts'
import type { RecordHolder, RecordHolders } from '../../ports/refresh-records.ts'
import type { KubeClient } from './kube-client.ts'
import { findPod } from './own-pod.ts'

export interface KubernetesRecordHoldersOptions {
  readonly client: KubeClient
  /** The operator's own, where the Pods of all holders are. */
  readonly namespace: string
  readonly self: RecordHolder
}

/**
 * Holders in Pods, whose journals are volumes that end with their Pod. A Pod that does not exist any
 * more, one of the same name with another uid, and one whose containers have all ended for good say that
 * the journal is gone. So does another journal in our own Pod: a container that was started again found
 * the directory empty, and the process before it has ended, because a Pod runs one operator at a time.
 * About a holder without a Pod nothing is ever certain.
 *
 * A Pod that is on its way out, or on a node that does not answer, still exists. Whoever deletes one by
 * force says that its containers have ended.
 *
 * Needs `get` on Pods of that namespace.
 */
export class KubernetesRecordHolders implements RecordHolders {
  readonly self: RecordHolder
  readonly #client: KubeClient
  readonly #namespace: string

  constructor({ client, namespace, self }: KubernetesRecordHoldersOptions) {
    this.#client = client
    this.#namespace = namespace
    this.self = self
  }

  async isGone({ journalId, pod }: RecordHolder): Promise<Result<boolean>> {
    if (journalId === this.self.journalId || pod === undefined) return ok(false)
    if (pod.uid === this.self.pod?.uid) return ok(true)
    const found = await findPod(this.#client, this.#namespace, pod.name)
    if (!found.ok) return found
    return ok(found.value === undefined || found.value.uid !== pod.uid || found.value.ended)
  }
}
