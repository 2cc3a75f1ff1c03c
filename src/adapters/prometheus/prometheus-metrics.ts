import { collectDefaultMetrics, Gauge, type OpenMetricsContentType, Registry } from 'prom-client'
import type { FailureCode } from '../../domain/failures.ts'
import type { DurationSeconds } from '../../domain/time.ts'
import type { StoreBackendType } from '../../domain/token-store.ts'
import type { WorkloadKind } from '../../domain/workload.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CredentialGaugeSource, WorkQueueGauges } from '../../ports/credential-gauges.ts'
import type { MeasuredRequest, Metrics, StoreOperation } from '../../ports/metrics.ts'
import type { TokenHostGaugeSource } from '../../ports/token-host-gauges.ts'
import { renderCredentialGauges } from './credential-gauges.ts'
import { contentTypes, type ExpositionFormat, formatFor } from './exposition-format.ts'
import { FirstSight, reasonOf } from './first-sight.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import { inParts } from './page-parts.ts'
import { renderRegistry } from './registry-text.ts'
import { renderTokenHostGauges } from './token-host-gauges.ts'

/** Labels `controller` and `name` of the metrics that controllers have in common. */
const queue = { name: 'oauthcredential' } as const
const controller = 'oauthcredential'
const election = { name: 'oauth-credential-operator' } as const

export interface PrometheusOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly version: string
  /** Commit of the build. */
  readonly revision: string
  /** False: only totals by state instead of gauges for each credential. */
  readonly perCredential: boolean
}

/** Gauges of the library with the ending of counters, which promtool refuses. The ones with labels say the same. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** One that keeps exemplars. It is rendered by us: its content type says nothing else. */
function aRegistry(): Registry<OpenMetricsContentType> {
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  return registry
}

/** Metrics for Prometheus, in a registry of its own. Label values are names and words from closed sets. */
export class PrometheusMetrics implements Metrics {
  readonly #options: PrometheusOptions
  readonly #registry = aRegistry()
  readonly #instruments: Instruments
  readonly #firstSight: FirstSight
  #credentials: CredentialGaugeSource = () => []
  #tokenHosts: TokenHostGaugeSource = () => []
  #leading = false

  constructor(options: PrometheusOptions) {
    this.#options = options
    collectDefaultMetrics({ register: this.#registry })
    for (const name of misnamed) this.#registry.removeSingleMetric(name)
    this.#instruments = createInstruments(this.#registry)
    this.#firstSight = new FirstSight(this.#instruments)
    this.#describeBuild()
    this.leading(false)
    for (const result of ['success', 'error', 'requeue_after'])
      this.#instruments.reconciles.inc({ controller, result }, 0)
    this.#instruments.reconcilePanics.inc({ controller }, 0)
    this.#instruments.queueAdds.inc(queue, 0)
    this.#instruments.queueRetries.inc(queue, 0)
  }

  /** In which of the formats an Accept header is answered. */
  formatFor(accept: string | undefined): ExpositionFormat {
    return formatFor(accept)
  }

  contentTypeOf(format: ExpositionFormat): string {
    return contentTypes[format]
  }

  /** Says where the gauges of each credential come from. They are rendered only while this replica leads. */
  observeCredentials(source: CredentialGaugeSource): void {
    this.#credentials = source
  }

  /** Says where the gauges of the work queue come from. To be called once. */
  observeQueue(gauges: WorkQueueGauges): void {
    this.#lookUp('workqueue_depth', 'Keys that are ready for work or in work.', () => gauges.depth())
    this.#lookUp('workqueue_unfinished_work_seconds', 'Time that all running work has taken, summed.', () =>
      gauges.unfinishedWorkSeconds(),
    )
    this.#lookUp('workqueue_longest_running_processor_seconds', 'Time that the longest running work has taken.', () =>
      gauges.longestRunningSeconds(),
    )
  }

  /** Says where the gauges of the token hosts come from. */
  observeTokenHosts(source: TokenHostGaugeSource): void {
    this.#tokenHosts = source
  }

  /**
   * Everything, in parts to be sent one after the other, each a millisecond's work. The page is never held as a whole:
   * what is not asked for is not rendered, and whoever has enough just stops.
   *
   * Other work goes on between the parts, so the page is not of one moment. What is of one: the gauges of one credential, and
   * the buckets of one histogram. A refresh that ends meanwhile may be counted and not seen in the gauges, as if they
   * had been scraped just before it; no series comes twice.
   */
  render(format: ExpositionFormat): AsyncGenerator<string> {
    return inParts(this.#texts(format))
  }

  /** Credentials come first: a provider that is seen there begins its counters at zero, on the same page. */
  async *#texts(format: ExpositionFormat): AsyncGenerator<string> {
    const { perCredential } = this.#options
    if (this.#leading) {
      yield* renderCredentialGauges(this.#credentials(), { perCredential, format }, ({ info, namespace }) =>
        this.#firstSight.provider(info.provider, namespace),
      )
    }
    yield renderTokenHostGauges(this.#tokenHosts(), format)
    yield* renderRegistry(this.#registry, format)
    if (format === 'openmetrics') yield '# EOF\n'
  }

  refreshAttempted(provider: string, namespace: string): void {
    this.#firstSight.provider(provider, namespace)
    this.#instruments.refreshAttempts.inc({ provider, namespace })
  }

  refreshFailed(provider: string, namespace: string, code: FailureCode): void {
    this.#firstSight.provider(provider, namespace)
    this.#instruments.refreshFailures.inc({ provider, namespace, reason: reasonOf(code) })
  }

  tokenRequest(provider: string, outcome: 'issued' | FailureCode, { status, took, traceId }: MeasuredRequest): void {
    const outcomeLabel = outcome === 'issued' ? outcome : reasonOf(outcome)
    this.#instruments.tokenRequestDuration.observe({
      labels: { provider, outcome: outcomeLabel },
      value: took,
      ...(traceId !== undefined && { exemplarLabels: { trace_id: traceId } }),
    })
    const code = status === undefined ? 'none' : `${Math.floor(status / 100)}xx`
    this.#instruments.tokenResponses.inc({ provider, code })
  }

  refreshTokenRotated(provider: string): void {
    this.#instruments.rotations.inc({ provider })
  }

  budgetWaited(provider: string, waited: DurationSeconds): void {
    this.#instruments.budgetWait.observe({ provider }, waited)
  }

  throttled(provider: string): void {
    this.#instruments.throttled.inc({ provider })
  }

  circuitOpened(provider: string): void {
    this.#instruments.circuitOpenings.inc({ provider })
  }

  accessTokenRevoked(provider: string, outcome: 'revoked' | FailureCode): void {
    this.#instruments.revocations.inc({ provider, result: outcome === 'revoked' ? 'success' : 'error' })
  }

  writeBackFailed(store: StoreBackendType, code: FailureCode): void {
    this.#firstSight.store(store)
    this.#instruments.writeBackFailures.inc({ store_type: store, reason: reasonOf(code) })
  }

  remainingLifetime(provider: string, left: DurationSeconds): void {
    this.#instruments.remainingLifetime.observe({ provider }, left)
  }

  storeRequest(store: StoreBackendType, operation: StoreOperation, ok: boolean, took: DurationSeconds): void {
    this.#firstSight.store(store)
    const labels = { store_type: store, operation, result: ok ? 'success' : 'error' }
    this.#instruments.storeRequests.inc(labels)
    this.#instruments.storeRequestDuration.observe(labels, took)
  }

  workloadRestarted(namespace: string, kind: WorkloadKind, result: 'success' | 'error' | 'deferred'): void {
    this.#firstSight.workload(namespace, kind)
    this.#instruments.workloadRestarts.inc({ namespace, kind, result })
  }

  podsAnnotated(namespace: string, count: number): void {
    this.#instruments.podsAnnotated.inc({ namespace }, count)
  }

  targetWritten(operation: 'apply' | 'unchanged' | 'conflict' | 'error'): void {
    this.#instruments.secretWrites.inc({ operation })
  }

  reconciled(result: 'success' | 'error' | 'requeue_after', took: DurationSeconds): void {
    this.#instruments.reconciles.inc({ controller, result })
    this.#instruments.reconcileTime.observe({ controller }, took)
    this.#instruments.workDuration.observe(queue, took)
  }

  reconcilePanicked(): void {
    this.#instruments.reconcilePanics.inc({ controller })
  }

  queueAdded(): void {
    this.#instruments.queueAdds.inc(queue)
  }

  queueRetried(): void {
    this.#instruments.queueRetries.inc(queue)
  }

  queueWaited(waited: DurationSeconds): void {
    this.#instruments.queueDuration.observe(queue, waited)
  }

  watchEvent(resource: string): void {
    this.#instruments.watchLastEvent.set({ resource }, this.#options.clock.now())
  }

  watchRestarted(resource: string, reason: string): void {
    this.#instruments.watchRestarts.inc({ resource, reason })
  }

  kubernetesRequest(verb: string, code: string): void {
    this.#instruments.kubernetesRequests.inc({ code, method: verb })
  }

  leading(isLeader: boolean): void {
    this.#leading = isLeader
    this.#instruments.leader.set(election, isLeader ? 1 : 0)
  }

  #describeBuild(): void {
    const { version, revision } = this.#options
    const build = new Gauge({
      name: 'oauthcredential_build_info',
      help: 'What this process was built from; always 1.',
      labelNames: ['version', 'revision'],
      registers: [this.#registry],
    })
    build.set({ version, revision }, 1)
  }

  #lookUp(name: string, help: string, value: () => number): void {
    const gauge: Gauge<'name'> = new Gauge({
      name,
      help,
      labelNames: ['name'],
      registers: [this.#registry],
      collect: () => gauge.set(queue, value()),
    })
  }
}
