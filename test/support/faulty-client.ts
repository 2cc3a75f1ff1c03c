import type { KubeClient, KubeOutcome, KubeRequest } from '../../src/adapters/kubernetes/kube-client.ts'
import { refused, unanswered } from './fake-kube-client.ts'

type Matches = (request: KubeRequest) => boolean

/** What becomes of a request instead of its answer. */
export interface Fault {
  readonly matches: Matches
  /** Whether the server carries it out first. */
  readonly carriedOut: boolean
  readonly outcome: KubeOutcome
  /** Runs after it was carried out, or was not. */
  readonly afterwards?: () => Promise<void>
}

/** Stands between an adapter and a server, real or not, and produces what the server does not on demand. */
export class FaultyClient implements KubeClient {
  readonly #inner: KubeClient
  readonly requests: KubeRequest[] = []
  #once: Fault[] = []
  #down: Matches | undefined

  constructor(inner: KubeClient) {
    this.#inner = inner
  }

  /** The next request that matches meets this fault. */
  once(fault: Fault): void {
    this.#once.push(fault)
  }

  /** From now on no request that matches reaches the server. */
  takeDown(matches: Matches = () => true): void {
    this.#down = matches
  }

  async request(request: KubeRequest): Promise<KubeOutcome> {
    this.requests.push(request)
    if (this.#down?.(request) === true) return unanswered('ECONNREFUSED', false)
    const fault = this.#once.find(({ matches }) => matches(request))
    if (fault === undefined) return this.#inner.request(request)
    this.#once = this.#once.filter((other) => other !== fault)
    if (fault.carriedOut) await this.#inner.request(request)
    await fault.afterwards?.()
    return fault.outcome
  }

  watch: KubeClient['watch'] = (request, onEvent, signal) => this.#inner.watch(request, onEvent, signal)
}

/** No answer came, and nobody can tell whether it was carried out. */
export const lost = unanswered('Timeout', true)

export const tooMany: KubeOutcome = {
  ok: false,
  error: { status: 429, reason: 'TooManyRequests', message: 'slow down', retryAfterSeconds: 7, ambiguous: false },
}

/** As the authorizer says no. */
export function denied(verb: string): KubeOutcome {
  const text = `secrets "x" is forbidden: User "operator" cannot ${verb} resource "secrets" in API group ""`
  return refused(403, 'Forbidden', text)
}
