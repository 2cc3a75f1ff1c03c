import { type CredentialKey, keyText } from '../domain/credential.ts'
import { type EpochSeconds, later, seconds } from '../domain/time.ts'
import { type Workload, workloadText } from '../domain/workload.ts'
import type { Clock } from '../ports/clock.ts'

const windowMs = 60_000

/** Whoever waits comes back at least this often. */
const longestWaitMs = 10 * 60_000
/** Who has not come back by then does not want its turn any more: it was deleted, or names the workload no longer. */
const forgottenAfterMs = 60_000

/** Who waits in a namespace, in order of arrival, with when it was to come back. */
type Line = Map<string, number>

/**
 * Spreads restarts over time: no more than so many are begun within any minute. Where more are wanted, as after an
 * outage in which many tokens have expired, the namespaces take turns, and in each of them it goes by arrival as far as
 * those who wait come back in time: nobody waits for all workloads of somebody else.
 */
export class RestartTurns {
  readonly #clock: Clock
  readonly #perMinute: number | undefined
  /** When those of the last minute were begun, in order. */
  #starts: readonly number[] = []
  /** By namespace; the one that had its turn last is the last one. */
  readonly #lines = new Map<string, Line>()

  /** @param perMinute undefined: as many as are wanted. */
  constructor(clock: Clock, perMinute: number | undefined) {
    this.#clock = clock
    this.#perMinute = perMinute
  }

  /** Restarts that wait for their turn. */
  get waiting(): number {
    return [...this.#lines.values()].reduce((sum, line) => sum + line.size, 0)
  }

  /** @returns a question that is answered with when to come back, or with undefined when it may begin, and then always. */
  asked(credential: CredentialKey, workload: Workload): () => EpochSeconds | undefined {
    let isGranted = false
    return () => {
      const waitMs = isGranted ? 0 : this.#waitMs(credential, workload)
      isGranted ||= waitMs === 0
      return isGranted ? undefined : later(this.#clock.now(), seconds(waitMs / 1000))
    }
  }

  /** Whoever has found that there is nothing to restart gives its place up. Idempotent. */
  leave(credential: CredentialKey, workload: Workload): void {
    const line = this.#lines.get(credential.namespace)
    line?.delete(waiterText(credential, workload))
    if (line?.size === 0) this.#lines.delete(credential.namespace)
  }

  #waitMs(credential: CredentialKey, workload: Workload): number {
    const perMinute = this.#perMinute
    if (perMinute === undefined) return 0
    const nowMs = this.#clock.monotonicMs()
    this.#forget(nowMs)
    const { namespace } = credential
    const who = waiterText(credential, workload)
    const line = this.#lines.get(namespace) ?? new Map<string, number>()
    this.#lines.set(namespace, line)
    if (!line.has(who)) line.set(who, nowMs)
    const ahead = this.#ahead(namespace, who) + this.#starts.length - perMinute
    if (ahead >= 0) {
      const waitMs = Math.min(longestWaitMs, this.#freeInMs(ahead, perMinute, nowMs))
      line.set(who, nowMs + waitMs)
      return waitMs
    }
    line.delete(who)
    this.#lines.delete(namespace)
    if (line.size > 0) this.#lines.set(namespace, line)
    this.#starts = [...this.#starts, nowMs]
    return 0
  }

  /** How many go before this one: each namespace has one turn in each round. */
  #ahead(namespace: string, who: string): number {
    const round = [...(this.#lines.get(namespace)?.keys() ?? [])].indexOf(who)
    const names = [...this.#lines.keys()]
    const place = names.indexOf(namespace)
    const turns = names.map((name, index) =>
      Math.min(this.#lines.get(name)?.size ?? 0, round + (index < place ? 1 : 0)),
    )
    return turns.reduce((sum, each) => sum + each, 0)
  }

  /** Until there is room for this one and those before it, when all of them come in time. */
  #freeInMs(ahead: number, perMinute: number, nowMs: number): number {
    const rounds = Math.floor(ahead / perMinute)
    const first = this.#starts[ahead % perMinute] ?? nowMs
    return Math.max(1000, first + windowMs - nowMs + rounds * windowMs)
  }

  #forget(nowMs: number): void {
    this.#starts = this.#starts.filter((at) => at > nowMs - windowMs)
    for (const [namespace, line] of this.#lines) {
      for (const [who, backAt] of line) if (nowMs >= backAt + forgottenAfterMs) line.delete(who)
      if (line.size === 0) this.#lines.delete(namespace)
    }
  }
}

function waiterText(credential: CredentialKey, workload: Workload): string {
  return `${keyText(credential)} ${workloadText(workload)}`
}
