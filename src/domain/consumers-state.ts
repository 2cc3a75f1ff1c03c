import type { EpochSeconds } from './time.ts'
import type { Workload } from './workload.ts'

/** Who was told of a publication, and who still has to be. Only credentials whose target asks for that have one. */
export interface ConsumersState {
  /** Identifies the access token and the contents that were published last. Not secret. */
  readonly publication: string
  /** When these were first published, in whole seconds: what began later has read them. */
  readonly publishedAt: EpochSeconds
  /** When the target was last written, be it with the same, in whole seconds; never twice the same. */
  readonly writtenAt: EpochSeconds
  /**
   * True when there was no target of its name before: nobody has begun with anything else that was in it, and who cannot
   * run without it has begun with this. Absent once all of them are known to have read the publication.
   */
  readonly isFirst?: true
  /** The `writtenAt` that all pods are annotated with. Absent unless pods are annotated at all. */
  readonly annotatedAt?: EpochSeconds
  /** One for each workload of the spec, in its order. */
  readonly restarts?: readonly WorkloadState[]
  /** Attempts in a row that left somebody untold. */
  readonly failures?: number
  /** When those who are left are told. */
  readonly retryAt?: EpochSeconds
}

export interface WorkloadState extends Workload {
  /** The publication that its pods are known to have read; absent: it is to be restarted. */
  readonly publication?: string
  readonly restartedAt?: EpochSeconds
  /** Why it still runs with an earlier one: `RestartInterval`, `RestartLimit`, or the reason of a failure. */
  readonly waitsFor?: string
}
