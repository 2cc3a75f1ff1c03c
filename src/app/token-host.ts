import { type HostPause, pauseMs } from '../domain/host-sign.ts'
import type { Provider, RequestLimits } from '../domain/provider.ts'
import type { Clock } from '../ports/clock.ts'
import { Preparing } from './preparing.ts'
import { RateWindow } from './rate-window.ts'
import { room, type TokenClient } from './token-client.ts'
import { nextLane, nextStart, type TokenLane, TokenLanes } from './token-lane.ts'
import { isClosed, type Shown, type TurnRequest, type Wait, waitOf } from './token-turn.ts'

/** The right of a credential to be on its way to a request: given beforehand (`taken` is false then), or taken by who asked. */
export interface Turn {
  readonly host: TokenHost
  readonly lane: TokenLane
  taken: boolean
}

export interface TokenHostOptions {
  readonly clock: Clock
  /** Limits of the host as a whole. */
  readonly limits: () => RequestLimits
  /** The turns at all hosts, by key: nobody has two. */
  readonly turns: Map<string, Turn>
  /** It is the turn of this credential. */
  readonly wake: (key: string) => void
  readonly circuitChanged: (client: TokenClient, change: 'opened' | 'closed') => void
}

/**
 * One token host: who may send a request to it, and when.
 *
 * A credential first gets a _turn_. There are about as many as requests of two seconds, and no more than can get
 * ready in good time, so what it reads before its request is fresh, and who has none is not kept from anything else meanwhile: it is woken when
 * it is its turn. With the turn it prepares its request, and starts it as soon as the limits allow.
 */
export class TokenHost {
  readonly #options: TokenHostOptions
  readonly #lanes = new TokenLanes()
  readonly #window = new RateWindow()
  readonly #preparing = new Preparing()
  /** Lanes with somebody who is ready: few, while there may be thousands with somebody who waits. */
  readonly #ready = new Set<TokenLane>()
  /** What lets those in that are ready, by key. */
  readonly #enters = new Map<string, (may: boolean) => void>()
  #turns = 0
  #served = 0
  #pausedUntilMs = -Infinity
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined
  #opened = false

  constructor(options: TokenHostOptions) {
    this.#options = options
  }

  /** Undefined: it may go, and has a turn until {@link release}. Otherwise it is woken when it may. */
  ask(request: TurnRequest): Wait | undefined {
    const { key } = request
    const turn = this.#options.turns.get(key)
    const standing = this.#clientOf(request.provider).standing(this.#now())
    if (turn !== undefined && turn.lane === this.#laneOf(request) && !isClosed(standing)) {
      turn.taken = true
      return undefined
    }
    turn?.host.release(key)
    this.#laneOf(request).waiting.set(key, request.deadline)
    this.#invite(key)
    return this.#options.turns.get(key)?.taken === true ? undefined : waitOf(standing, this.#now())
  }

  /** Waits until limits allow a request, and takes its place among those under way until {@link end}. A wait: the host is not to be asked now. */
  async begin(request: TurnRequest): Promise<Wait | undefined> {
    const { key, deadline } = request
    const may = await new Promise<boolean>((resolve) => {
      this.#enters.set(key, resolve)
      const lane = this.#laneOf(request)
      lane.ready.set(key, deadline)
      this.#ready.add(lane)
      this.#preparing.ended(key, this.#now())
      this.#admit()
      this.#invite()
    })
    if (may) return undefined
    this.release(key)
    const { client, waiting } = this.#laneOf(request)
    waiting.set(key, deadline)
    this.#arm()
    return waitOf(client.standing(this.#now()), this.#now())
  }

  /** A request has ended, with what it showed. */
  end(request: TurnRequest, { sign, pause }: Shown): void {
    const client = this.#clientOf(request.provider)
    client.window.end()
    this.#window.end()
    const others = [...this.#lanes.clients()].filter((other) => other !== client)
    const nowMs = this.#now()
    const hasNeighbourOut = others.some((other) => other.state(nowMs) !== 'closed')
    const change = client.learn(sign, request.uid, nowMs, hasNeighbourOut)
    if (pause !== undefined) this.#pause(client, pause)
    if (change === 'closed') for (const other of others) other.probeNow(nowMs)
    if (change !== undefined) this.#options.circuitChanged(client, change)
    this.#admit()
    this.#invite()
  }

  /** The turn of this credential, if it has one, is another one's. */
  release(key: string): void {
    const turn = this.#options.turns.get(key)
    if (turn === undefined || turn.host !== this) return
    this.#options.turns.delete(key)
    this.#preparing.ended(key, this.#now())
    turn.lane.turns -= 1
    turn.lane.client.turns -= 1
    this.#lanes.leave(turn.lane)
    this.#turns -= 1
    this.#invite()
  }

  /** This credential waits here no longer. */
  leave(key: string): void {
    for (const lane of this.#lanes.all()) {
      lane.waiting.delete(key)
      this.#lanes.leave(lane)
    }
  }

  isWaiting(key: string): boolean {
    for (const lane of this.#lanes.all()) if (lane.waiting.at(key) !== undefined) return true
    return false
  }

  /** Lets everybody in who is ready to send: they are to find out that there is nothing left to do. */
  open(): void {
    this.#opened = true
    this.#timer?.cancel()
    this.#admit()
  }

  /** Each provider with how many wait. */
  *clients(): Iterable<{ readonly client: TokenClient; readonly waiting: number }> {
    for (const client of this.#lanes.clients()) {
      yield { client, waiting: this.#lanes.waitingFor(client) }
    }
  }

  /** Forgets providers that nobody uses any more. True when there is none left. */
  forgetIdle(): boolean {
    if (this.#now() >= this.#pausedUntilMs) {
      this.#lanes.forgetIdle(this.#now())
    }
    return this.#lanes.isEmpty
  }

  #laneOf({ provider, namespace }: TurnRequest): TokenLane {
    const client = this.#clientOf(provider)
    client.update(provider)
    return this.#lanes.laneOf(client, namespace, this.#served)
  }

  #clientOf(provider: Provider): TokenClient {
    return this.#lanes.clientOf(provider, this.#pausedUntilMs, this.#now())
  }

  /** A namespaced provider may name a place of the host that only it asks, so what it hears there is for it alone. */
  #pause(client: TokenClient, pause: HostPause): void {
    const untilMs = this.#now() + pauseMs(pause, client.draw())
    client.pause(untilMs)
    if (pause.scope !== 'server' || !client.isClusterWide) return
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs)
    for (const other of this.#lanes.clients()) other.pause(untilMs)
  }

  #next(): TokenLane | undefined {
    const nowMs = this.#now()
    if (this.#turns >= room(this.#options.limits()) || !this.#preparing.hasRoom(nowMs)) return undefined
    return nextLane(this.#lanes.all(), ({ client }) => client.hasRoom(nowMs))
  }

  /** Gives turns to those who are next, as long as there are any. `asking` need not be woken. */
  #invite(asking?: string): void {
    for (let lane = this.#next(); lane !== undefined && !this.#opened; lane = this.#next()) this.#give(lane, asking)
    this.#arm()
  }

  #give(lane: TokenLane, asking: string | undefined): void {
    const key = lane.waiting.take(Infinity)
    if (key === undefined) return
    this.#options.turns.set(key, { host: this, lane, taken: key === asking })
    this.#served += 1
    lane.invitedAt = this.#served
    lane.turns += 1
    lane.client.turns += 1
    this.#turns += 1
    this.#preparing.began(key, this.#now())
    if (key !== asking) this.#options.wake(key)
  }

  /** Starts the requests that limits allow, and turns away those whose host is not to be asked any more. */
  #admit(): void {
    this.#turnAway()
    for (let lane = this.#startable(); lane !== undefined; lane = this.#startable()) {
      const nowMs = this.#now()
      this.#served += 1
      lane.startedAt = this.#served
      lane.client.window.begin(nowMs)
      this.#window.begin(nowMs)
      this.#enter(lane, true)
    }
    this.#arm()
  }

  #turnAway(): void {
    if (this.#opened) return
    const nowMs = this.#now()
    for (const lane of this.#ready) {
      if (!isClosed(lane.client.standing(nowMs))) continue
      while (lane.ready.size > 0) this.#enter(lane, false)
    }
  }

  #enter(lane: TokenLane, may: boolean): void {
    const key = lane.ready.take(Infinity) ?? ''
    this.#enters.get(key)?.(may)
    this.#enters.delete(key)
    if (lane.ready.size === 0) this.#ready.delete(lane)
    this.#lanes.leave(lane)
  }

  #startable(): TokenLane | undefined {
    if (this.#opened) return nextStart(this.#ready, () => true)
    if (this.#hostWaitMs() > 0) return undefined
    const nowMs = this.#now()
    return nextStart(this.#ready, ({ client }) => client.waitMs(nowMs) === 0)
  }

  #hostWaitMs(): number {
    const limits = this.#options.limits()
    return this.#window.isFull(limits) ? Infinity : this.#window.waitMs(limits, this.#now())
  }

  /** Sets the timer to the next moment at which time alone lets somebody through. */
  #arm(): void {
    const nowMs = this.#now()
    const atMs = Math.min(this.#nextStartMs(nowMs), this.#nextInvitationMs(nowMs))
    if (this.#opened || atMs === this.#timer?.atMs) return
    this.#timer?.cancel()
    this.#timer = undefined
    if (!Number.isFinite(atMs)) return
    const cancel = this.#options.clock.wakeAfter(Math.max(1, Math.ceil(atMs - nowMs)), () => {
      this.#timer = undefined
      this.#admit()
      this.#invite()
    })
    this.#timer = { atMs, cancel }
  }

  #nextStartMs(nowMs: number): number {
    let waitMs = Infinity
    for (const { client } of this.#ready) waitMs = Math.min(waitMs, client.waitMs(nowMs))
    return nowMs + Math.max(waitMs, this.#hostWaitMs())
  }

  #nextInvitationMs(nowMs: number): number {
    let next = this.#preparing.roomAtMs
    for (const client of this.#lanes.clients()) {
      const standing = client.standing(nowMs)
      if ('untilMs' in standing) next = Math.min(next, standing.untilMs)
    }
    return next
  }

  #now(): number {
    return this.#options.clock.monotonicMs()
  }
}
