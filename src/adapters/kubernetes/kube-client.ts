/** One call of the Kubernetes API. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute, for example `/api/v1/namespaces/ci/secrets/claude-token`; segments are already encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Default `application/json`; `application/apply-patch+yaml` for server-side apply. */
  readonly contentType?: string
  /** Another `Accept`, for example for metadata only. */
  readonly accept?: string
  /**
   * Milliseconds for the whole call: queueing, waiting for `Retry-After` and repeats included. Absent:
   * only each attempt is limited (30 s unless the transport is told otherwise).
   */
  readonly timeoutMs?: number
  /** Goes ahead of the queue, on the connections of the watches. For the few calls that everything else hangs on: the Lease. */
  readonly urgent?: boolean
  /** Ends the call early, with the reason `Aborted`. */
  readonly signal?: AbortSignal
}

/**
 * Why a call failed. `message` and `reason` are the API server's own `Status` fields, cut to 1 KiB;
 * the transport never puts a request body, a header or a query in them.
 */
export interface KubeError {
  /** HTTP status; absent when no answer came. */
  readonly status: number | undefined
  /** `Status.reason`, for example `Conflict`; for transport errors the error code, for example `ECONNREFUSED`. */
  readonly reason: string
  readonly message: string
  readonly retryAfterSeconds?: number
  /** True when the request may have been carried out although it failed. */
  readonly ambiguous: boolean
}

export type KubeOutcome =
  | { readonly ok: true; readonly status: number; readonly body: unknown }
  | { readonly ok: false; readonly error: KubeError }

/** What comes out of a watch before it ends. */
export type KubeWatchEnd =
  | { readonly kind: 'closed' }
  /** It could not be opened, the connection broke, or no byte came for too long; `reason` is a code. */
  | { readonly kind: 'broken'; readonly reason: string }
  /** An HTTP error instead of a stream. */
  | { readonly kind: 'refused'; readonly error: KubeError }

/**
 * The Kubernetes API over one pool of connections.
 *
 * Guarantees: credentials and trust anchors are read again every minute and after a 401 (with one
 * repeat of the call); 429 and 503 with `Retry-After` are waited for and repeated a bounded number of
 * times; every call has a deadline; never throws for an expected failure.
 */
export interface KubeClient {
  request(request: KubeRequest): Promise<KubeOutcome>
  /**
   * Opens a watch and hands every line, parsed, to `onEvent`. Resolves when the stream ends, for
   * whatever reason; aborting `signal` ends it with `closed`.
   */
  watch(request: KubeRequest, onEvent: (event: unknown) => void, signal: AbortSignal): Promise<KubeWatchEnd>
}
