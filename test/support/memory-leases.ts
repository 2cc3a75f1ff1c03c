import type { KubeClient, KubeOutcome, KubeRequest, KubeWatchEnd } from '../../src/adapters/kubernetes/kube-client.ts'
import type { Clock } from '../../src/ports/clock.ts'

interface StoredLease {
  readonly metadata: { readonly resourceVersion: string; readonly [field: string]: unknown }
  readonly spec: Readonly<Record<string, unknown>>
}

/** One Lease with compare-and-swap, reached by each candidate over a link of its own that can fail. */
export class MemoryLeases {
  lease: StoredLease | undefined
  readonly #clock: Clock
  #version = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The Lease's spec as a person would read it. */
  get spec(): Readonly<Record<string, unknown>> {
    return this.lease?.spec ?? {}
  }

  delete(): void {
    this.lease = undefined
  }

  link(): LeaseLink {
    return new LeaseLink(this, this.#clock)
  }

  carryOut({ method, body }: KubeRequest): KubeOutcome {
    if (method === 'GET') return this.lease === undefined ? refused(404, 'NotFound') : accepted(this.lease)
    const sent = body as StoredLease
    if (method === 'POST') return this.lease === undefined ? this.#store(sent) : refused(409, 'AlreadyExists')
    if (this.lease === undefined) return refused(404, 'NotFound')
    const same = this.lease.metadata.resourceVersion === sent.metadata.resourceVersion
    return same ? this.#store(sent) : refused(409, 'Conflict')
  }

  #store(sent: StoredLease): KubeOutcome {
    this.#version += 1
    this.lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(this.#version) } }
    return accepted(this.lease)
  }
}

/** The way of one candidate to the Lease. */
export class LeaseLink implements KubeClient {
  /** Requests get lost. */
  cut = false
  /** Requests arrive, answers get lost. */
  deaf = false
  /** Answers take so long, in milliseconds. */
  answerDelayMs = 0
  readonly requests: KubeRequest[] = []
  readonly #leases: MemoryLeases
  readonly #clock: Clock

  constructor(leases: MemoryLeases, clock: Clock) {
    this.#leases = leases
    this.#clock = clock
  }

  async request(request: KubeRequest): Promise<KubeOutcome> {
    this.requests.push(request)
    const outcome = this.cut ? undefined : this.#leases.carryOut(request)
    if (outcome === undefined || this.deaf) return this.#timeout(request)
    await this.#wait(this.answerDelayMs, request.signal)
    return outcome
  }

  watch(): Promise<KubeWatchEnd> {
    throw new Error('a Lease is not watched')
  }

  async #timeout({ timeoutMs = 30_000, signal, method }: KubeRequest): Promise<KubeOutcome> {
    await this.#wait(timeoutMs, signal)
    return { ok: false, error: { status: undefined, reason: 'Timeout', message: '', ambiguous: method !== 'GET' } }
  }

  #wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (delayMs === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#clock.wakeAfter(delayMs, resolve)
      signal?.addEventListener('abort', () => {
        cancel()
        resolve()
      })
    })
  }
}

function accepted(body: unknown): KubeOutcome {
  return { ok: true, status: 200, body: structuredClone(body) }
}

function refused(status: number, reason: string): KubeOutcome {
  return { ok: false, error: { status, reason, message: reason, ambiguous: false } }
}
