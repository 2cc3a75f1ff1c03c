import type { Result } from '../domain/result.ts'
import type { SecretKeyRef } from '../domain/provider.ts'
import type { Sensitive } from '../domain/sensitive.ts'

/**
 * What becomes of a value. `send`, the default: it may leave this process. `sign`: it stays, so private keys
 * of certificates may be read too.
 */
export type SecretUse = 'send' | 'sign'

/**
 * Reads what manifests refer to: client secrets, store credentials, CA bundles.
 *
 * Guarantees: a value is at most a minute old, or as old as the last {@link SecretReader.forget}.
 *
 * Failures: CLIENT_SECRET_UNAVAILABLE (Secret or key missing; the message names both),
 * KUBERNETES_UNAVAILABLE, KUBERNETES_FORBIDDEN.
 */
export interface SecretReader {
  read(namespace: string | undefined, ref: SecretKeyRef, use?: SecretUse): Promise<Result<Sensitive>>
  /** Drops what is cached of a Secret, because the other side refused it. */
  forget(namespace: string | undefined, name: string): void
}

/**
 * Tokens of ServiceAccounts, for stores that log in with them.
 *
 * Failures: KUBERNETES_UNAVAILABLE, KUBERNETES_FORBIDDEN, STORE_LOGIN_REJECTED when there is no cluster.
 */
export interface ServiceAccountTokens {
  /** Of a ServiceAccount in `namespace`; `serviceAccount` absent: the operator's own. */
  token(
    namespace: string | undefined,
    serviceAccount?: { name: string; audiences: readonly string[] },
  ): Promise<Result<Sensitive>>
}
