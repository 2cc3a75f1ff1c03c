import type { FailureKind } from './failure-kind.ts'

/** The part of the failure registry that is about readers of a target. None of these holds a refresh up. */
export const consumerFailures = {
  CONSUMERS_FORBIDDEN: {
    next: 'retry',
    reason: 'MissingPermission',
    remedy: 'Set the named value of the chart, or give the right in another way; it is tried again with backoff.',
  },
  CONSUMERS_REJECTED: {
    next: 'retry',
    reason: 'ConsumersRejected',
    remedy: 'See the reason given by the API server; it is tried again with backoff.',
  },
  WORKLOAD_NOT_FOUND: {
    next: 'retry',
    reason: 'WorkloadNotFound',
    remedy: 'Create it, or correct spec.target.restart; it is tried again with backoff.',
  },
  WORKLOAD_NOT_ROLLING: {
    next: 'retry',
    reason: 'WorkloadNotRolling',
    remedy: 'Let its controller replace pods again, or restart them by hand; it is tried again with backoff.',
  },
} as const satisfies Record<string, FailureKind>
