import type { HostPause, HostSign } from '../domain/host-sign.ts'
import type { Provider } from '../domain/provider.ts'
import type { Standing } from './token-client.ts'

/** A credential that wants to ask a token host for a token. */
export interface TurnRequest {
  /** As in the work queue. */
  readonly key: string
  readonly uid: string
  readonly namespace: string
  readonly provider: Provider
  /** When the access token in its target ends: who has less time left goes first. */
  readonly deadline: number
}

/** Why a credential has to wait. `busy`: others are before it. */
export interface Wait {
  readonly kind: 'busy' | 'paused' | 'open'
  /** The earliest time at which it can be its turn, on the steady clock. */
  readonly untilMs: number
}

/** What a request has shown. */
export interface Shown {
  readonly sign: HostSign
  readonly pause?: HostPause
}

export function isClosed({ kind }: Standing): boolean {
  return kind === 'paused' || kind === 'open'
}

export function waitOf(standing: Standing, nowMs: number): Wait {
  return 'untilMs' in standing ? standing : { kind: 'busy', untilMs: nowMs }
}
