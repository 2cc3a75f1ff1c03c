import { hostLimits } from '../domain/host-limits.ts'
import type { RequestLimits } from '../domain/provider.ts'
import { tokenOrigin } from '../domain/token-origin.ts'
import { seconds } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { TokenHostGauge } from '../ports/token-host-gauges.ts'
import type { ResourceIndex } from './resource-index.ts'
import type { TokenClient } from './token-client.ts'
import { TokenHost, type Turn } from './token-host.ts'
import type { Shown, TurnRequest, Wait } from './token-turn.ts'

export type { Shown, TurnRequest, Wait } from './token-turn.ts'

export interface TokenHostsOptions {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly logger: Logger
  readonly resources: Pick<ResourceIndex, 'providers'>
  /** It is the turn of this credential: it is to be worked on. */
  readonly wake: (key: string) => void
}

/** For how long the limits of a host are believed: looking for them goes through all providers. */
const limitsHoldMs = 1000

interface KnownLimits {
  readonly limits: RequestLimits
  readonly atMs: number
}

/**
 * The token hosts, each with one budget for all credentials that get their tokens there: rate, requests
 * under way, pauses that it asked for, and a circuit breaker. A host is the origin of the token endpoint.
 *
 * {@link ask} before anything is read for a request, {@link send} around the request, all of it inside
 * {@link during}.
 */
export class TokenHosts {
  readonly #options: TokenHostsOptions
  readonly #hosts = new Map<string, TokenHost>()
  readonly #limits = new Map<string, KnownLimits>()
  readonly #turns = new Map<string, Turn>()
  readonly #waitingAt = new Map<string, TokenHost>()
  readonly #askedAtMs = new Map<string, number>()
  #opened = false

  constructor(options: TokenHostsOptions) {
    this.#options = options
  }

  /** Asks for a turn. Undefined: it has one; otherwise its key is woken when it has. */
  ask(request: TurnRequest): Wait | undefined {
    // The engine ends: whoever asks only now has read nothing yet, and is not to begin.
    if (this.#opened) return { kind: 'busy', untilMs: this.#options.clock.monotonicMs() }
    const host = this.#hostOf(request)
    const { key } = request
    if (!this.#askedAtMs.has(key)) this.#askedAtMs.set(key, this.#options.clock.monotonicMs())
    this.#leaveOther(key, host)
    const wait = host.ask(request)
    if (wait === undefined) this.#waitingAt.delete(key)
    else this.#waitingAt.set(key, host)
    return wait
  }

  /**
   * Runs `work` when the limits allow a request; a wait instead when the host is not to be asked after all.
   * `work` tells as soon as the request has ended what it showed.
   */
  async send<T>(request: TurnRequest, work: (tell: (shown: Shown) => void) => Promise<T>): Promise<T | Wait> {
    const host = this.#hostOf(request)
    const wait = await host.begin(request)
    if (wait !== undefined) {
      this.#waitingAt.set(request.key, host)
      return wait
    }
    this.#measureWait(request)
    let isOver = false
    const tell = (shown: Shown): void => {
      if (isOver) return
      isOver = true
      this.#count(request, shown)
      host.end(request, shown)
    }
    try {
      return await work(tell)
    } finally {
      tell({ sign: 'none' })
      this.#turns.get(request.key)?.host.release(request.key)
    }
  }

  /** Works on a credential: whatever comes of it, a turn that it had when this began, or took, is free again at the end. */
  async during<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key)
    try {
      return await work()
    } finally {
      const turn = this.#turns.get(key)
      if (turn !== undefined && (turn === before || turn.taken)) turn.host.release(key)
      if (!this.#turns.has(key) && !this.isWaiting(key)) this.#askedAtMs.delete(key)
    }
  }

  /** True while a credential waits for its turn. */
  isWaiting(key: string): boolean {
    return this.#waitingAt.get(key)?.isWaiting(key) === true
  }

  /**
   * Lets everybody in at once, for good: whoever is on its way to a request is to find out that there is nothing left
   * to do. Nobody gets a turn any more.
   */
  open(): void {
    this.#opened = true
    for (const host of this.#hosts.values()) host.open()
  }

  /** Each provider at each host, as it is now. */
  *gauges(): Iterable<TokenHostGauge> {
    const nowMs = this.#options.clock.monotonicMs()
    for (const host of this.#hosts.values()) {
      for (const { client, waiting } of host.clients()) {
        yield { provider: client.name, waiting, circuit: client.state(nowMs) }
      }
    }
  }

  #hostOf({ provider }: TurnRequest): TokenHost {
    const origin = tokenOrigin(provider)
    const known = this.#hosts.get(origin)
    if (known !== undefined) return known
    this.#forgetIdle()
    const host = new TokenHost({
      clock: this.#options.clock,
      limits: () => this.#limitsOf(origin),
      turns: this.#turns,
      wake: (key) => this.#wake(key),
      circuitChanged: (client, change) => this.#circuitChanged(client, change),
    })
    this.#hosts.set(origin, host)
    return host
  }

  #wake(key: string): void {
    this.#waitingAt.delete(key)
    this.#options.wake(key)
  }

  #leaveOther(key: string, host: TokenHost): void {
    const before = this.#waitingAt.get(key)
    if (before !== undefined && before !== host) before.leave(key)
  }

  #forgetIdle(): void {
    for (const [origin, host] of this.#hosts) {
      if (!host.forgetIdle()) continue
      this.#hosts.delete(origin)
      this.#limits.delete(origin)
    }
  }

  #limitsOf(origin: string): RequestLimits {
    const nowMs = this.#options.clock.monotonicMs()
    const known = this.#limits.get(origin)
    if (known !== undefined && nowMs < known.atMs + limitsHoldMs) return known.limits
    const providers = [...this.#options.resources.providers()].filter((provider) => tokenOrigin(provider) === origin)
    const limits = hostLimits(providers)
    this.#limits.set(origin, { limits, atMs: nowMs })
    return limits
  }

  #measureWait({ key, provider }: TurnRequest): void {
    const nowMs = this.#options.clock.monotonicMs()
    const waitedMs = nowMs - (this.#askedAtMs.get(key) ?? nowMs)
    this.#options.metrics.budgetWaited(provider.name, seconds(waitedMs / 1000))
  }

  #count({ provider }: TurnRequest, { pause }: Shown): void {
    if (pause !== undefined) this.#options.metrics.throttled(provider.name)
  }

  #circuitChanged({ name }: TokenClient, change: 'opened' | 'closed'): void {
    const { logger, metrics } = this.#options
    if (change === 'opened') metrics.circuitOpened(name)
    if (change === 'opened') logger.warn({ provider: name }, 'the token host does not answer: its credentials wait')
    else logger.info({ provider: name }, 'the token host answers again')
  }
}
