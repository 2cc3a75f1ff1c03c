import type { KubeClient } from '../adapters/kubernetes/kube-client.ts'
import { ownPod } from '../adapters/kubernetes/own-pod.ts'
import { namespaceUid } from '../adapters/kubernetes/namespace-uid.ts'
import { KubernetesRecordHolders } from '../adapters/kubernetes/record-holders.ts'
import type { Installation } from '../app/deps.ts'
import type { Failure } from '../domain/failures.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { RecordHolder, RecordHolders } from '../ports/refresh-records.ts'

export interface ClusterIdentityOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly logger: Logger
  readonly namespace: string
  readonly journalId: string
  readonly podName: string | undefined
  readonly podUid: string | undefined
  readonly readOwnToken: () => Promise<string>
}

interface Learned {
  readonly id: string
  readonly holders: KubernetesRecordHolders
}

/** There in every cluster, never deleted, and with another uid in each. */
const oldestNamespace = 'kube-system'
const retryMs = 2000

/**
 * Which cluster this is, and which Pod this process runs in. Both are asked of the API server, so
 * nothing is done before {@link ClusterIdentity.known}.
 */
export class ClusterIdentity implements Installation, RecordHolders {
  readonly #options: ClusterIdentityOptions
  #learned: Learned | undefined
  #cancel: () => void = () => undefined
  #stopped = false
  #told: string | undefined

  constructor(options: ClusterIdentityOptions) {
    this.#options = options
  }

  /** Asks until it knows. Returns what stops it. */
  learn(): () => void {
    void this.#try()
    return () => {
      this.#stopped = true
      this.#cancel()
    }
  }

  known(): boolean {
    return this.#learned !== undefined
  }

  get id(): string {
    return this.#certain().id
  }

  get self(): RecordHolder {
    return this.#certain().holders.self
  }

  isGone(holder: RecordHolder): Promise<Result<boolean>> {
    return this.#certain().holders.isGone(holder)
  }

  #certain(): Learned {
    if (this.#learned === undefined) throw new Error('nothing is done before it is known which cluster this is')
    return this.#learned
  }

  async #try(): Promise<void> {
    const found = await this.#ask()
    if (found.ok) this.#learned = found.value
    else {
      this.#tell(found.failure)
      if (!this.#stopped) this.#cancel = this.#options.clock.wakeAfter(retryMs, () => void this.#try())
    }
  }

  /** Once per cause, not once per attempt. */
  #tell({ code, message }: Failure): void {
    if (message === this.#told) return
    this.#told = message
    this.#options.logger.warn({ code }, message)
  }

  async #ask(): Promise<Result<Learned>> {
    const { client, namespace, journalId, podName, podUid, readOwnToken } = this.#options
    const [id, pod] = await Promise.all([
      namespaceUid(client, oldestNamespace),
      ownPod({
        client,
        namespace,
        readOwnToken,
        ...(podName !== undefined && { podName }),
        ...(podUid !== undefined && { podUid }),
      }),
    ])
    if (!id.ok) return id
    if (!pod.ok) return pod
    const self = { journalId, ...(pod.value && { pod: pod.value }) }
    return ok({ id: id.value, holders: new KubernetesRecordHolders({ client, namespace, self }) })
  }
}
