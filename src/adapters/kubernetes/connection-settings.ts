import type { Result } from '../../domain/result.ts'
import type { Sensitive } from '../../domain/sensitive.ts'

/** Everything that is needed to reach one API server as one user. */
export interface ConnectionSettings {
  /** URL of the API server; a path in it is put before every request's path. */
  readonly server: string
  /** Headers that authenticate: `Authorization`, `Impersonate-User`. */
  readonly headers: Sensitive<Readonly<Record<string, string>>>
  /** PEM of the trust anchors; absent: the system's. */
  readonly ca?: string
  /** PEM of the client certificate chain. */
  readonly cert?: string
  /** PEM of the client certificate's key. */
  readonly key?: Sensitive
  /** The name to verify the server's certificate against, when it is not the host of `server`. */
  readonly serverName?: string
  /** True: the server's certificate is not verified, because the kubeconfig says so. */
  readonly insecure?: boolean
  /** The namespace of the ServiceAccount or of the kubeconfig's context. */
  readonly namespace?: string
}

/**
 * Where connection settings are read from.
 *
 * Guarantees: every call reads the files again. Nothing is thrown for an expected failure.
 *
 * Failures: KUBERNETES_UNAVAILABLE, with the name of the file that is missing or not understood.
 */
export interface ConnectionSettingsSource {
  /** `rejected` says that the API server refused what was read last, so cached credentials must go. */
  read(rejected: boolean): Promise<Result<ConnectionSettings>>
}

/** True when connections that were opened under `a` may carry requests under `b`. */
export function sameConnection(a: ConnectionSettings, b: ConnectionSettings): boolean {
  return (
    a.server === b.server &&
    a.ca === b.ca &&
    a.cert === b.cert &&
    a.key?.reveal() === b.key?.reveal() &&
    a.serverName === b.serverName &&
    a.insecure === b.insecure
  )
}

/** True when nothing that a request depends on differs. */
export function sameSettings(a: ConnectionSettings, b: ConnectionSettings): boolean {
  return sameConnection(a, b) && JSON.stringify(a.headers.reveal()) === JSON.stringify(b.headers.reveal())
}
