import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { CallQueue } from './call-queue.ts'
import { CallWait } from './call-wait.ts'
import { ConnectionLane } from './connection-lane.ts'
import type { ConnectionSettings, ConnectionSettingsSource } from './connection-settings.ts'
import type { WireRequest } from './exchange.ts'
import { unusableSettings } from './classify.ts'
import { classifyAnswer, classifyNoAnswer, credentialsRejected } from './kube-answer.ts'
import type { KubeClient, KubeError, KubeOutcome, KubeRequest, KubeWatchEnd } from './kube-client.ts'
import { LiveSettings } from './live-settings.ts'
import { abortReason, plainCall } from './plain-call.ts'
import { sleep } from './sleep.ts'
import { watchCall, type WatchCallEnd } from './watch-call.ts'
import { wireRequest } from './wire-request.ts'

export interface KubeTransportOptions {
  readonly settings: ConnectionSettingsSource
  readonly clock: Clock
  /** Uniform in [0, 1); spreads repeats. */
  readonly random: () => number
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'kubernetesRequest'>
  /** Connections for calls, and so the cap of calls in flight; default 16. Watches and urgent calls have their own. */
  readonly connections?: number
  /** Milliseconds for one attempt of a call, and for the head of a watch; default 30 000. */
  readonly attemptTimeoutMs?: number
  /** Milliseconds of silence after which a watch counts as dead; default 90 000. The API server sends a bookmark about once a minute. */
  readonly watchIdleMs?: number
  /** Default false: an API server at a plain http address is refused. */
  readonly allowPlainHttp?: boolean
  readonly userAgent?: string
  /** Called for every TLS handshake. */
  readonly onTlsHandshake?: (resumed: boolean) => void
}

/** {@link KubeClient} over HTTP/1.1 on undici. */
export class KubeTransport implements KubeClient {
  readonly #options: KubeTransportOptions
  readonly #settings: LiveSettings
  readonly #queue: CallQueue
  readonly #calls: ConnectionLane
  readonly #watches: ConnectionLane
  readonly #attemptTimeoutMs: number

  constructor(options: KubeTransportOptions) {
    const { clock, settings, logger, connections = 16, onTlsHandshake = () => {} } = options
    this.#options = options
    this.#settings = new LiveSettings(settings, clock, logger)
    this.#queue = new CallQueue(connections)
    this.#calls = new ConnectionLane({ connections, clock, onTlsHandshake })
    this.#watches = new ConnectionLane({ connections: null, clock, onTlsHandshake })
    this.#attemptTimeoutMs = options.attemptTimeoutMs ?? 30_000
  }

  async request(request: KubeRequest): Promise<KubeOutcome> {
    if (request.timeoutMs === undefined) return this.#enqueue(request, request.signal)
    const limit = new AbortController()
    const cancel = this.#options.clock.wakeAfter(request.timeoutMs, () => limit.abort('Timeout'))
    const signal = request.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, request.signal])
    try {
      return await this.#enqueue(request, signal)
    } finally {
      cancel()
    }
  }

  async watch(request: KubeRequest, onEvent: (event: unknown) => void, signal: AbortSignal): Promise<KubeWatchEnd> {
    const first = await this.#openWatch(request, onEvent, signal)
    if (first.rejected === undefined || !(await this.#settings.replaced(first.rejected))) return first.end
    return (await this.#openWatch(request, onEvent, signal)).end
  }

  /** Ends every call and every watch. */
  async close(): Promise<void> {
    await Promise.all([this.#calls.close(), this.#watches.close()])
  }

  async #enqueue(request: KubeRequest, signal: AbortSignal | undefined): Promise<KubeOutcome> {
    if (request.urgent === true) return this.#attempts(request, signal)
    if (!(await this.#queue.enter(signal))) return unsent(request, abortReason(signal))
    try {
      return await this.#attempts(request, signal)
    } finally {
      this.#queue.leave()
    }
  }

  /** Repeats what the API server says may be repeated. The place in the queue is kept meanwhile: that slows the others down, as the server wants. */
  async #attempts(request: KubeRequest, signal: AbortSignal | undefined): Promise<KubeOutcome> {
    const wait = new CallWait()
    for (let mayReread = true; ;) {
      const settings = await this.#ready(request)
      if ('ok' in settings) return settings
      const outcome = await this.#attempt(request, settings, signal)
      if (outcome.ok) return outcome
      if (mayReread && credentialsRejected(outcome.error) && (await this.#settings.replaced(settings))) {
        mayReread = false
        continue
      }
      const waitMs = wait.next(outcome.error, this.#options.random)
      if (waitMs === undefined) return outcome
      await sleep(this.#options.clock, waitMs, signal)
      if (signal?.aborted === true) return outcome
    }
  }

  async #attempt(
    request: KubeRequest,
    settings: ConnectionSettings,
    signal: AbortSignal | undefined,
  ): Promise<KubeOutcome> {
    if (signal?.aborted === true) return unsent(request, abortReason(signal))
    const { clock, metrics } = this.#options
    const lane = request.urgent === true ? this.#watches : this.#calls
    const sentAtMs = clock.monotonicMs()
    const answer = await plainCall(lane.pool(settings), this.#wire(request, settings), {
      clock,
      timeoutMs: this.#attemptTimeoutMs,
      signal,
      heard: () => lane.heard(),
    })
    if ('status' in answer) {
      metrics.kubernetesRequest(request.method, String(answer.status))
      return classifyAnswer(request, answer)
    }
    metrics.kubernetesRequest(request.method, '<error>')
    if (answer.reason === 'Timeout') lane.unanswered(sentAtMs)
    return { ok: false, error: classifyNoAnswer(request, answer) }
  }

  async #openWatch(request: KubeRequest, onEvent: (event: unknown) => void, signal: AbortSignal): Promise<OpenedWatch> {
    const settings = await this.#ready(request)
    if ('ok' in settings) return { end: { kind: 'broken', reason: settings.error.reason } }
    if (signal.aborted) return { end: { kind: 'closed' } }
    const { clock, metrics, watchIdleMs = 90_000 } = this.#options
    const lane = this.#watches
    const sentAtMs = clock.monotonicMs()
    const ended = await watchCall(lane.pool(settings), this.#wire(request, settings), onEvent, {
      clock,
      timeoutMs: this.#attemptTimeoutMs,
      idleMs: watchIdleMs,
      signal,
      heard: () => lane.heard(),
    })
    metrics.kubernetesRequest('WATCH', watchCode(ended))
    if (ended.kind === 'unanswered' && ended.problem.reason === 'Timeout') lane.unanswered(sentAtMs)
    return openedWatch(request, settings, ended)
  }

  /** The settings in force, or why there are none. */
  async #ready(request: KubeRequest): Promise<ConnectionSettings | { ok: false; error: KubeError }> {
    let settings = this.#settings.current()
    if (settings === undefined) {
      const loaded = await this.#settings.load()
      if (!loaded.ok) return { ok: false, error: unreachable(unusableSettings, loaded.failure.message) }
      settings = loaded.value
    }
    if (settings.server.startsWith('https:') || this.#options.allowPlainHttp === true) return settings
    const { method, path } = request
    return {
      ok: false,
      error: unreachable('PlainHttp', `${method} ${path} was not sent: the API server has no https address.`),
    }
  }

  #wire(request: KubeRequest, settings: ConnectionSettings): WireRequest {
    return wireRequest(request, settings, this.#options.userAgent ?? 'oauth-credential-operator')
  }
}

interface OpenedWatch {
  readonly end: KubeWatchEnd
  /** The settings that were not good enough to open it. */
  readonly rejected?: ConnectionSettings
}

function openedWatch(request: KubeRequest, used: ConnectionSettings, ended: WatchCallEnd): OpenedWatch {
  if (ended.kind === 'closed' || ended.kind === 'broken') return { end: ended }
  if (ended.kind === 'unanswered') {
    const error = classifyNoAnswer(request, ended.problem)
    const end = { kind: 'broken', reason: error.reason } as const
    return credentialsRejected(error) ? { end, rejected: used } : { end }
  }
  const outcome = classifyAnswer(request, ended.answer)
  if (outcome.ok) return { end: { kind: 'broken', reason: 'InvalidAnswer' } }
  const end = { kind: 'refused', error: outcome.error } as const
  return credentialsRejected(outcome.error) ? { end, rejected: used } : { end }
}

function watchCode(ended: WatchCallEnd): string {
  if (ended.kind === 'unanswered') return '<error>'
  return ended.kind === 'refused' ? String(ended.answer.status) : '200'
}

function unsent(request: KubeRequest, reason: string): KubeOutcome {
  return { ok: false, error: classifyNoAnswer(request, { reason, sent: false }) }
}

function unreachable(reason: string, message: string): KubeError {
  return { status: undefined, reason, message, ambiguous: false }
}
