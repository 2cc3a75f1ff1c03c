import type { FleetMember } from './fleet.ts'
import type { BenchEndpoints } from './objects.ts'

// What the benchmark and its servers tell each other over IPC: one answer to each question.

/** Where the servers listen. */
export interface ServersPlace extends BenchEndpoints {
  readonly apiServer: string
}

/** A real API server to pass calls on to. */
export interface UpstreamApi {
  readonly url: string
  readonly ca: string
}

export type Question =
  /** Begin anew with these credentials. Answered when they are in place. */
  | { readonly ask: 'fleet'; readonly members: readonly FleetMember[] }
  /** Answered at the first token request after the last `fleet`. */
  | { readonly ask: 'first-token-request' }
  /** Counts since the last `fleet` or `counts`. */
  | { readonly ask: 'counts' }
  /** The calls of one refresh of a credential that was refreshed before, in order. */
  | { readonly ask: 'recorded' }

/** What the servers saw of the controller. */
export interface BenchCounts {
  /** Calls by what they are for. */
  readonly calls: Record<string, number>
  /** Connections to the API server that brought a call of the controller: a TLS handshake each. */
  apiHandshakes: number
  /** For each credential's first refresh, apart from the overdue one: seconds from its due time to the arrival of the request. */
  readonly lateness: number[]
}

/** One call that the controller made, for the floor to repeat. */
export interface RecordedCall {
  readonly kind: string
  readonly to: 'api' | 'vault' | 'token'
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Marks the calls of the floor: they are answered like the controller's, neither counted nor carried out. */
export const floorHeader = 'x-bench-floor'

export function noCounts(): BenchCounts {
  return { calls: {}, apiHandshakes: 0, lateness: [] }
}
