import { afterSign, type Circuit, circuitState, closedCircuit, probeNow } from '../domain/circuit.ts'
import { rampedLimits, rampMs } from '../domain/host-limits.ts'
import type { HostSign } from '../domain/host-sign.ts'
import { type Provider, providerText, type RequestLimits } from '../domain/provider.ts'
import { stableFraction } from '../domain/stable-fraction.ts'
import { RateWindow } from './rate-window.ts'

/** Whether a provider may be asked now. `probe`: one request at a time, to see whether its host is back. */
export type Standing =
  { readonly kind: 'free' | 'probe' } | { readonly kind: 'paused' | 'open'; readonly untilMs: number }

/** Credentials that are let through ahead of their requests, in seconds of the rate: who reads a store meanwhile holds up nobody. */
const preparedSeconds = 2

/** A limit that every request of the last second exceeds. */
const oneASecond: RequestLimits = { requestsPerSecond: 1, maxConcurrent: 1 }

/** One provider at its token host: its limits, and what its requests have shown of the host. */
export class TokenClient {
  readonly window = new RateWindow()
  /** Credentials that are on their way to a request. */
  turns = 0
  #provider: Provider
  #circuit: Circuit = closedCircuit
  #pausedUntilMs = -Infinity
  /** Since when requests are allowed again after a pause or an outage; they begin slowly. */
  #rampFromMs = -Infinity
  #draws = 0

  constructor(provider: Provider) {
    this.#provider = provider
  }

  /** The provider as its manifest is now. */
  update(provider: Provider): void {
    this.#provider = provider
  }

  get id(): string {
    return providerText(this.#provider)
  }

  get name(): string {
    return this.#provider.name
  }

  get isClusterWide(): boolean {
    return this.#provider.kind === 'ClusterOAuthProvider'
  }

  standing(nowMs: number): Standing {
    if (nowMs < this.#pausedUntilMs) return { kind: 'paused', untilMs: this.#pausedUntilMs }
    if (this.#circuit.kind === 'closed') return { kind: 'free' }
    const { untilMs } = this.#circuit
    return nowMs < untilMs ? { kind: 'open', untilMs } : { kind: 'probe' }
  }

  state(nowMs: number): ReturnType<typeof circuitState> {
    return circuitState(this.#circuit, nowMs)
  }

  limits(nowMs: number): RequestLimits {
    return rampedLimits(this.#provider.limits, nowMs - this.#rampFromMs)
  }

  /** True when another credential may be on its way to a request. */
  hasRoom(nowMs: number): boolean {
    const standing = this.standing(nowMs)
    if (standing.kind === 'probe') return this.turns === 0
    return standing.kind === 'free' && this.turns < room(this.limits(nowMs))
  }

  /** Milliseconds until the next request may be started; 0: now; Infinity: when another one ends. */
  waitMs(nowMs: number): number {
    const limits =
      this.standing(nowMs).kind === 'probe' ? { ...this.limits(nowMs), maxConcurrent: 1 } : this.limits(nowMs)
    return this.window.isFull(limits) ? Infinity : this.window.waitMs(limits, nowMs)
  }

  /** Learns from a request of this provider. `hasNeighbourOut`: another provider of the host has found it down. */
  learn(sign: HostSign, uid: string, nowMs: number, hasNeighbourOut: boolean): 'opened' | 'closed' | undefined {
    const before = this.#circuit
    const isRecovering = this.#isRamping(nowMs)
    const context = { uid, nowMs, fraction: this.draw(), isRecovering, isCorroborated: hasNeighbourOut }
    this.#circuit = afterSign(before, sign, context)
    if (before.kind === this.#circuit.kind) return undefined
    if (this.#circuit.kind === 'closed') this.#rampFromMs = nowMs
    return this.#circuit.kind === 'open' ? 'opened' : 'closed'
  }

  /** A neighbour has found the host up. */
  probeNow(nowMs: number): void {
    this.#circuit = probeNow(this.#circuit, nowMs)
  }

  pause(untilMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs)
    this.#rampFromMs = Math.max(this.#rampFromMs, this.#pausedUntilMs)
  }

  /** True when forgetting this provider forgets nothing. */
  isIdle(nowMs: number): boolean {
    const isUsed = this.turns > 0 || this.window.running > 0 || this.window.waitMs(oneASecond, nowMs) > 0
    const isTroubled = this.#circuit.kind === 'open' || nowMs < this.#pausedUntilMs || this.#isRamping(nowMs)
    return !isUsed && !isTroubled
  }

  /** In [0, 1), another one each time. */
  draw(): number {
    this.#draws += 1
    return stableFraction(this.id, this.#draws)
  }

  #isRamping(nowMs: number): boolean {
    return nowMs - this.#rampFromMs < rampMs
  }
}

/** How many credentials may be on their way to a request at a time. */
export function room({ requestsPerSecond, maxConcurrent }: RequestLimits): number {
  return maxConcurrent + preparedSeconds * requestsPerSecond
}
