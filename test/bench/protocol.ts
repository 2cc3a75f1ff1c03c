import type { FleetMember, ProviderName } from './fleet.ts'
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
  /** Answered with the calls of a refresh of the overdue credential, in order, once it was refreshed often enough. */
  | { readonly ask: 'later-refresh' }

/** What the servers saw of the controller. */
export interface BenchCounts {
  /** Calls by what they are for, between the refreshes as well. */
  readonly calls: Record<string, number>
  /** Connections to the API server that brought a call of the controller: a TLS handshake each. */
  apiHandshakes: number
  /** For each credential's first refresh, apart from the overdue one: seconds from its due time to the arrival of the request. */
  readonly lateness: number[]
  /** Refreshes that came to their end, apart from each credential's first in this process. */
  readonly later: Record<ProviderName, LaterRefreshes>
}

/** Whole refreshes: all calls for a credential from one status to the next. */
export interface LaterRefreshes {
  count: number
  readonly calls: Record<string, number>
  /** Seconds from the due time until the target was written. */
  readonly toPublished: number[]
}

/** One call that the controller made, for the floor to repeat. */
export interface RecordedCall {
  readonly kind: string
  readonly to: 'api' | 'vault' | 'token'
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Of the answer. */
  status: number
}

/** Marks the calls of the floor: they are answered like the controller's, neither counted nor carried out. */
export const floorHeader = 'x-bench-floor'

export function noCounts(): BenchCounts {
  const later = { rotating: noRefreshes(), constant: noRefreshes(), never: noRefreshes() }
  return { calls: {}, apiHandshakes: 0, lateness: [], later }
}

function noRefreshes(): LaterRefreshes {
  return { count: 0, calls: {}, toPublished: [] }
}

export function addCalls(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [kind, count] of Object.entries(more)) sum[kind] = (sum[kind] ?? 0) + count
}
