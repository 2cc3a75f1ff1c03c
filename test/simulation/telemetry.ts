import type { CredentialEvent, EventRecorder } from '../../src/ports/event-recorder.ts'
import type { LogFields, Logger } from '../../src/ports/logger.ts'
import type { Metrics } from '../../src/ports/metrics.ts'
import type { ClusterModel } from './cluster-model.ts'
import type { Violations } from './violations.ts'

/** The log and the events of one process, searched for secrets. */
export class Telemetry implements Logger, EventRecorder {
  readonly #cluster: ClusterModel
  readonly #violations: Violations
  readonly #name: string

  constructor(cluster: ClusterModel, violations: Violations, name: string) {
    this.#cluster = cluster
    this.#violations = violations
    this.#name = name
  }

  record({ key, reason, message }: CredentialEvent): void {
    this.#violations.note(() => `event of ${key.namespace}/${key.name}: ${reason}: ${message}`)
    this.#cluster.scan('event', [message, reason])
  }

  debug(fields: LogFields, message: string): void {
    this.#line(fields, message)
  }

  info(fields: LogFields, message: string): void {
    this.#line(fields, message)
  }

  warn(fields: LogFields, message: string): void {
    this.#line(fields, message)
  }

  error(fields: LogFields, message: string): void {
    this.#line(fields, message)
  }

  #line(fields: LogFields, message: string): void {
    this.#violations.note(() => `${this.#name} logs: ${message} ${JSON.stringify(fields)}`)
    this.#cluster.scan('log line', [message, JSON.stringify(fields)])
  }
}

/** Metrics that nobody scrapes; their labels are searched for secrets. */
export function silentMetrics(cluster: ClusterModel, violations: Violations): Metrics {
  const scan = (...labels: readonly (string | number | boolean | undefined)[]): void => cluster.scan('metric', labels)
  return {
    refreshAttempted: scan,
    refreshFailed: scan,
    tokenRequest: (provider, outcome, { traceId }) => scan(provider, outcome, traceId),
    refreshTokenRotated: scan,
    budgetWaited: scan,
    throttled: scan,
    circuitOpened: scan,
    accessTokenRevoked: scan,
    writeBackFailed: scan,
    remainingLifetime: scan,
    storeRequest: scan,
    workloadRestarted: scan,
    podsAnnotated: scan,
    targetWritten: scan,
    reconciled: () => undefined,
    reconcilePanicked: () => violations.add('A bug was thrown in a reconcile.'),
    queueAdded: () => undefined,
    queueRetried: () => undefined,
    queueWaited: () => undefined,
    watchEvent: scan,
    watchRestarted: scan,
    kubernetesRequest: scan,
    leading: () => undefined,
  }
}
