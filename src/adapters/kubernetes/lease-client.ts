import type { KubeClient, KubeOutcome, KubeRequest } from './kube-client.ts'
import { readLease, type Lease } from './lease-record.ts'

export type LeaseOutcome =
  | { readonly kind: 'lease'; readonly lease: Lease }
  | { readonly kind: 'missing' }
  /** Somebody else was first. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'failed'; readonly reason: string }

/** Why a Lease cannot be created where there is nothing to create it in. */
export const namespaceMissing = 'NamespaceNotFound'

/** The three calls on one Lease. They overtake everything else, and each has its own short deadline. */
export class LeaseClient {
  readonly #client: KubeClient
  readonly #collection: string
  readonly #path: string
  readonly #timeoutMs: number

  constructor(client: KubeClient, namespace: string, name: string, timeoutMs: number) {
    this.#client = client
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`
    this.#path = `${this.#collection}/${encodeURIComponent(name)}`
    this.#timeoutMs = timeoutMs
  }

  read(signal?: AbortSignal): Promise<LeaseOutcome> {
    return this.#call({ method: 'GET', path: this.#path }, signal)
  }

  async create(body: unknown, signal?: AbortSignal): Promise<LeaseOutcome> {
    const outcome = await this.#call({ method: 'POST', path: this.#collection, body }, signal)
    return outcome.kind === 'missing' ? { kind: 'failed', reason: namespaceMissing } : outcome
  }

  /** Compare-and-swap on the body's resourceVersion. */
  replace(body: unknown, signal?: AbortSignal): Promise<LeaseOutcome> {
    return this.#call({ method: 'PUT', path: this.#path, body }, signal)
  }

  async #call(request: KubeRequest, signal: AbortSignal | undefined): Promise<LeaseOutcome> {
    const limits = { timeoutMs: this.#timeoutMs, urgent: true, ...(signal === undefined ? {} : { signal }) }
    return leaseOutcome(await this.#client.request({ ...request, ...limits }))
  }
}

function leaseOutcome(outcome: KubeOutcome): LeaseOutcome {
  if (outcome.ok) return { kind: 'lease', lease: readLease(outcome.body) }
  if (outcome.error.status === 404) return { kind: 'missing' }
  if (outcome.error.status === 409) return { kind: 'conflict' }
  return { kind: 'failed', reason: outcome.error.reason }
}
