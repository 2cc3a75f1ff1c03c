import type { DurationSeconds } from '../domain/time.ts'
import type { FailureCode } from '../domain/failures.ts'
import type { StoreBackendType } from '../domain/token-store.ts'
import type { WorkloadKind } from '../domain/workload.ts'

export type StoreOperation = 'read' | 'write' | 'login' | 'renew'

/** A request to a token endpoint that is over. */
export interface MeasuredRequest {
  /** Absent when no answer came. */
  readonly status: number | undefined
  readonly took: DurationSeconds
  /** The trace that shows it, if there is one: 32 hexadecimal digits. */
  readonly traceId?: string | undefined
}

/** Counters and histograms. Labels are names and codes from closed sets, never a URL or a token. */
export interface Metrics {
  refreshAttempted(provider: string, namespace: string): void
  refreshFailed(provider: string, namespace: string, code: FailureCode): void
  /** `outcome` is `issued` or a failure code. */
  tokenRequest(provider: string, outcome: 'issued' | FailureCode, request: MeasuredRequest): void
  refreshTokenRotated(provider: string): void
  /** From when a refresh was wanted until its token host's budget let the request through. */
  budgetWaited(provider: string, waited: DurationSeconds): void
  /** An answer asked for a pause. */
  throttled(provider: string): void
  circuitOpened(provider: string): void
  /** An access token was revoked with its credential, or why not. */
  accessTokenRevoked(provider: string, outcome: 'revoked' | FailureCode): void
  writeBackFailed(store: StoreBackendType, code: FailureCode): void
  /** Life left in the old access token when the new one was published; negative when it had expired. */
  remainingLifetime(provider: string, left: DurationSeconds): void
  storeRequest(store: StoreBackendType, operation: StoreOperation, ok: boolean, took: DurationSeconds): void
  /** A restart that was wanted for a publication: carried out, failed, or put off because others go first. */
  workloadRestarted(namespace: string, kind: WorkloadKind, result: 'success' | 'error' | 'deferred'): void
  /** Pods that were told of a publication. */
  podsAnnotated(namespace: string, count: number): void
  targetWritten(operation: 'apply' | 'unchanged' | 'conflict' | 'error'): void
  reconciled(result: 'success' | 'error' | 'requeue_after', took: DurationSeconds): void
  /** A bug ended a reconcile, and nothing else. */
  reconcilePanicked(): void
  queueAdded(): void
  queueRetried(): void
  queueWaited(waited: DurationSeconds): void
  watchEvent(resource: string): void
  watchRestarted(resource: string, reason: string): void
  kubernetesRequest(verb: string, code: string): void
  leading(isLeader: boolean): void
}
