import { type Provider, providerText } from '../domain/provider.ts'
import { TokenClient } from './token-client.ts'
import { WakeHeap } from './wake-heap.ts'

/** It goes through all of them. */
const forgetEveryMs = 60_000

/** The credentials of one namespace that use one provider. */
export interface TokenLane {
  readonly id: string
  readonly client: TokenClient
  readonly namespace: string
  /** Keys of credentials that wait for their turn, by the end of their access token. */
  readonly waiting: WakeHeap
  /** Those that have all they need, and wait until rate and concurrency let their request start. */
  readonly ready: WakeHeap
  /** Those of this lane that are on their way to a request. */
  turns: number
  /** Counts up: who was let through longest ago is next. */
  invitedAt: number
  startedAt: number
}

/** The providers that name one host, and who waits for them. */
export class TokenLanes {
  readonly #clients = new Map<string, TokenClient>()
  readonly #lanes = new Map<string, TokenLane>()
  #forgotAtMs = -Infinity

  /** The provider as this host knows it; `pausedUntilMs` holds for one that it does not know yet. */
  clientOf(provider: Provider, pausedUntilMs: number, nowMs: number): TokenClient {
    const name = providerText(provider)
    const known = this.#clients.get(name)
    if (known !== undefined) return known
    // Namespaces that come and go bring providers of one host without end.
    if (nowMs >= this.#forgotAtMs + forgetEveryMs) this.forgetIdle(nowMs)
    const client = new TokenClient(provider)
    client.pause(pausedUntilMs)
    this.#clients.set(name, client)
    return client
  }

  /** `served` is the count so far: who comes anew has waited for nothing yet. */
  laneOf(client: TokenClient, namespace: string, served: number): TokenLane {
    const id = `${client.id}|${namespace}`
    const lane = this.#lanes.get(id) ?? {
      id,
      client,
      namespace,
      waiting: new WakeHeap(),
      ready: new WakeHeap(),
      turns: 0,
      invitedAt: served,
      startedAt: served,
    }
    this.#lanes.set(id, lane)
    return lane
  }

  clients(): Iterable<TokenClient> {
    return this.#clients.values()
  }

  get isEmpty(): boolean {
    return this.#clients.size === 0
  }

  all(): Iterable<TokenLane> {
    return this.#lanes.values()
  }

  waitingFor(client: TokenClient): number {
    let sum = 0
    for (const lane of this.#lanes.values()) if (lane.client === client) sum += lane.waiting.size + lane.ready.size
    return sum
  }

  /** Forgets a lane that is empty: there may be one for each namespace of a cluster. */
  leave({ id, waiting, ready, turns }: TokenLane): void {
    if (turns === 0 && waiting.size === 0 && ready.size === 0) this.#lanes.delete(id)
  }

  /** Forgets providers that nobody uses any more. */
  forgetIdle(nowMs: number): void {
    this.#forgotAtMs = nowMs
    const wanted = [...this.#lanes.values()].filter(({ waiting, ready }) => waiting.size + ready.size > 0)
    const inUse = new Set(wanted.map(({ client }) => client))
    for (const [name, client] of this.#clients) {
      if (client.isIdle(nowMs) && !inUse.has(client)) this.#clients.delete(name)
    }
  }
}

/** Whose turn it is: of the lanes that may and want to, the one with the fewest on their way, and of these the one that waits longest. */
export function nextLane(lanes: Iterable<TokenLane>, mayTake: (lane: TokenLane) => boolean): TokenLane | undefined {
  let next: TokenLane | undefined
  for (const lane of lanes) {
    if (lane.waiting.size === 0 || !mayTake(lane)) continue
    if (next === undefined || isBefore(lane, next)) next = lane
  }
  return next
}

function isBefore(one: TokenLane, other: TokenLane): boolean {
  return one.turns === other.turns ? one.invitedAt < other.invitedAt : one.turns < other.turns
}

/** Whose request is started: of these lanes that may, the one that started longest ago. */
export function nextStart(lanes: Iterable<TokenLane>, mayStart: (lane: TokenLane) => boolean): TokenLane | undefined {
  let next: TokenLane | undefined
  for (const lane of lanes) {
    if (next !== undefined && next.startedAt <= lane.startedAt) continue
    if (mayStart(lane)) next = lane
  }
  return next
}
