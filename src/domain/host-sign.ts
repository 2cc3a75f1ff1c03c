import type { Failure } from './failures.ts'
import type { TokenExchange } from './token-exchange.ts'

/**
 * What a request shows of the host that it went to.
 *
 * - `up`: it answered, and be it with a refusal.
 * - `unreached`: no connection came about, which has nothing to do with the refresh token.
 * - `down`: no answer, or one of a server in trouble; one refresh token may cause that alone.
 * - `none`: nothing.
 */
export type HostSign = 'up' | 'unreached' | 'down' | 'none'

export function hostSign(exchange: TokenExchange, failure: Failure | undefined): HostSign {
  if (exchange.kind === 'not-sent') {
    return exchange.failure.code === 'TOKEN_ENDPOINT_UNREACHABLE' ? 'unreached' : 'none'
  }
  if (exchange.kind === 'lost' || exchange.answer.status >= 500) return 'down'
  // A page of a proxy says that the proxy is there.
  return failure?.code === 'TOKEN_ANSWER_NOT_OAUTH' ? 'none' : 'up'
}

/** A pause that an answer asks for. */
export interface HostPause {
  /** Status 429 counts the requests of a client; 503 speaks of the whole server. */
  readonly scope: 'client' | 'server'
  readonly seconds: number
}

/** How long to stay away from a server that says "too many requests" and not for how long. */
const defaultPauseSeconds = 30

/**
 * The pause that an answer asks for; undefined when it asks for none. Other answers than these two may
 * throttle too, but a single login: its credential waits alone.
 */
export function hostPause(exchange: TokenExchange, failure: Failure | undefined): HostPause | undefined {
  if (exchange.kind !== 'answered') return undefined
  const { status } = exchange.answer
  const asked = failure?.retryAfterSeconds
  if (status === 429) return { scope: 'client', seconds: asked ?? defaultPauseSeconds }
  return status === 503 && asked !== undefined ? { scope: 'server', seconds: asked } : undefined
}

/** Up to this share of a pause is added to it, so that not everybody who was told the same comes at the same moment. */
const pauseJitter = 0.1

export function pauseMs({ seconds }: HostPause, fraction: number): number {
  return seconds * 1000 * (1 + pauseJitter * fraction)
}
