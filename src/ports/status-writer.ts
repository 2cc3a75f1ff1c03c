import type { Credential, CredentialKey } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import type { EpochSeconds } from '../domain/time.ts'
import type { Result } from '../domain/result.ts'

/** What goes into a credential's status. */
export interface StatusReport {
  readonly key: CredentialKey
  readonly uid: string
  readonly state: CredentialState
  /** When the operator will look at the credential again for a refresh; absent while it waits for a human. */
  readonly nextRefreshAt?: EpochSeconds
}

/**
 * Failures: KUBERNETES_UNAVAILABLE, KUBERNETES_FORBIDDEN. Writing the status of an object that is
 * gone succeeds.
 */
export interface StatusWriter {
  write(report: StatusReport): Promise<Result<void>>
  /**
   * True while there is an object of this name with this uid, and nobody has deleted it. It is the API server that says
   * so, and not a watch, which may be late.
   */
  exists(credential: Pick<Credential, 'key' | 'uid'>): Promise<Result<boolean>>
  /** Puts our finalizer on, or takes it off. Idempotent. */
  setFinalizer(credential: Pick<Credential, 'key' | 'uid'>, present: boolean): Promise<Result<void>>
}
