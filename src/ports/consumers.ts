import type { RestartOutcome } from '../domain/consumers.ts'
import type { CredentialKey } from '../domain/credential.ts'
import type { Failure } from '../domain/failures.ts'
import type { PodReader } from '../domain/readers.ts'
import type { Result } from '../domain/result.ts'
import type { DurationSeconds, EpochSeconds } from '../domain/time.ts'
import type { Workload } from '../domain/workload.ts'

/** What the right to look at pods is wanted for: each is given by a value of its own. */
export type ReaderPurpose = 'annotate' | 'warn'

/** A Secret whose readers are looked for, in its own namespace. */
export interface ReadSecret {
  readonly namespace: string
  readonly name: string
}

/** A restart that a credential wants for its publication. */
export interface RestartOrder {
  readonly credential: CredentialKey
  readonly workload: Workload
  /** Identifies what was published. */
  readonly publication: string
  /** In whole seconds: what began later has read it. */
  readonly publishedAt: EpochSeconds
  /**
   * The Secret of a first publication, when the workload is to be restarted only if its pods ask for that, and run
   * already or may run without: any other one cannot have begun before it was there, nor can one that is not there yet.
   */
  readonly unlessWaitingFor?: string
  /** Between two restarts of the workload, whoever wanted the last one. */
  readonly interval: DurationSeconds
  /**
   * Asked right before something is written: undefined is a yes, else it is when to come back. Absent: yes, always.
   * Whoever has been told yes has it for this order.
   */
  readonly waitUntil?: () => EpochSeconds | undefined
  /** The last one that the credential knows of: the traces of it on the workload may have been taken away. */
  readonly lastRestartAt?: EpochSeconds
}

export interface PodsAnnotated {
  /** How many were given the annotation by this call. */
  readonly annotated: number
  /** Absent when every pod has it, is gone, or is left. */
  readonly failure?: Failure
  /** True when there were more than could be annotated in the time for one call. */
  readonly isLeft?: true
}

/**
 * Those who read targets: pods, and the workloads that make them.
 *
 * Guarantees: nothing outside of the namespace of the credential is looked at or touched; doing the same twice is the
 * same as once, and a workload is never restarted twice for one publication, nor sooner after its last restart than the
 * interval, whoever else restarts it at the same moment.
 *
 * Failures: CONSUMERS_FORBIDDEN (the message names the right and the value of the chart that gives it),
 * CONSUMERS_REJECTED, KUBERNETES_UNAVAILABLE; of a restart also WORKLOAD_NOT_FOUND and WORKLOAD_NOT_ROLLING.
 */
export interface ConsumerNotifier {
  /** True when readers that get no updates are to be told of for every credential. */
  readonly warns: boolean
  /** The running pods of the namespace that read the Secret, as they are now. */
  readers(secret: ReadSecret, purpose: ReaderPurpose): Promise<Result<readonly PodReader[]>>
  /** Tells pods when their Secret was written, on which kubelet renews their copy. Goes on with the others when one fails. */
  annotate(secret: ReadSecret, pods: readonly string[], writtenAt: EpochSeconds): Promise<PodsAnnotated>
  restart(order: RestartOrder): Promise<Result<RestartOutcome>>
}
