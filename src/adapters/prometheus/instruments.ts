import { Counter, Gauge, Histogram, type OpenMetricsContentType, type Registry } from 'prom-client'

/** Seconds. From a local answer to the longest deadline of a request. */
const requestBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Seconds. From nothing, over a queue of thousands, to an outage of hours. */
const waitBuckets = [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400]
/** Seconds. A reconcile without a request takes less than a millisecond. */
const workBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
/** Seconds. Below zero the old token had expired before the new one was there. */
const lifetimeBuckets = [-3600, -300, -60, 0, 60, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400]

export type Instruments = ReturnType<typeof createInstruments>

/** Every metric that is counted, not looked up: its name, help, labels and buckets. */
export function createInstruments(registry: Registry<OpenMetricsContentType>) {
  return {
    ...refreshInstruments(registry),
    ...budgetInstruments(registry),
    ...storeInstruments(registry),
    ...consumerInstruments(registry),
    ...queueInstruments(registry),
    ...clusterInstruments(registry),
  }
}

function refreshInstruments(registry: Registry<OpenMetricsContentType>) {
  const registers = [registry]
  return {
    refreshAttempts: new Counter({
      name: 'oauthcredential_refresh_attempts_total',
      help: 'Refreshes that were begun.',
      labelNames: ['provider', 'namespace'],
      registers,
    }),
    refreshFailures: new Counter({
      name: 'oauthcredential_refresh_failures_total',
      help: 'Refreshes that failed, by condition reason.',
      labelNames: ['provider', 'namespace', 'reason'],
      registers,
    }),
    tokenRequestDuration: new Histogram<string>({
      name: 'oauthcredential_token_request_duration_seconds',
      help: 'Time from the connection attempt to the end of the answer; outcome is issued or a condition reason.',
      labelNames: ['provider', 'outcome'],
      buckets: requestBuckets,
      enableExemplars: true,
      registers,
    }),
    tokenResponses: new Counter({
      name: 'oauthcredential_token_responses_total',
      help: 'Answers of token endpoints by class of HTTP status; none when no answer came.',
      labelNames: ['provider', 'code'],
      registers,
    }),
    rotations: new Counter({
      name: 'oauthcredential_refresh_token_rotations_total',
      help: 'Refreshes that brought a new refresh token.',
      labelNames: ['provider'],
      registers,
    }),
    remainingLifetime: new Histogram({
      name: 'oauthcredential_remaining_lifetime_at_refresh_seconds',
      help: 'Life left in the old access token when the new one was published; negative when it had expired.',
      labelNames: ['provider'],
      buckets: lifetimeBuckets,
      registers,
    }),
  }
}

function budgetInstruments(registry: Registry<OpenMetricsContentType>) {
  const registers = [registry]
  return {
    budgetWait: new Histogram({
      name: 'oauthcredential_token_budget_wait_seconds',
      help: 'Time from when a refresh was wanted until the budget of its token host let the request through.',
      labelNames: ['provider'],
      buckets: waitBuckets,
      registers,
    }),
    throttled: new Counter({
      name: 'oauthcredential_token_throttled_total',
      help: 'Answers of token endpoints that asked for a pause.',
      labelNames: ['provider'],
      registers,
    }),
    revocations: new Counter({
      name: 'oauthcredential_access_token_revocations_total',
      help: 'Access tokens that were to be revoked with their credential.',
      labelNames: ['provider', 'result'],
      registers,
    }),
    circuitOpenings: new Counter({
      name: 'oauthcredential_token_circuit_openings_total',
      help: 'How often requests were stopped because the token host did not answer.',
      labelNames: ['provider'],
      registers,
    }),
  }
}

function storeInstruments(registry: Registry<OpenMetricsContentType>) {
  const registers = [registry]
  return {
    writeBackFailures: new Counter({
      name: 'oauthcredential_refresh_token_writeback_failures_total',
      help: 'Failed writes of a rotated refresh token, by condition reason.',
      labelNames: ['store_type', 'reason'],
      registers,
    }),
    storeRequests: new Counter({
      name: 'oauthcredential_store_requests_total',
      help: 'Requests to refresh token stores.',
      labelNames: ['store_type', 'operation', 'result'],
      registers,
    }),
    storeRequestDuration: new Histogram({
      name: 'oauthcredential_store_request_duration_seconds',
      help: 'Time that requests to refresh token stores took.',
      labelNames: ['store_type', 'operation', 'result'],
      buckets: requestBuckets,
      registers,
    }),
    secretWrites: new Counter({
      name: 'oauthcredential_secret_writes_total',
      help: 'Writes of targets.',
      labelNames: ['operation'],
      registers,
    }),
  }
}

function consumerInstruments(registry: Registry<OpenMetricsContentType>) {
  const registers = [registry]
  return {
    workloadRestarts: new Counter({
      name: 'oauthcredential_workload_restarts_total',
      help: 'Restarts of workloads for a new token; result is success, error, or deferred: others go first.',
      labelNames: ['namespace', 'kind', 'result'],
      registers,
    }),
    podsAnnotated: new Counter({
      name: 'oauthcredential_pods_annotated_total',
      help: 'Pods that were annotated so that kubelet renews their copy of the target.',
      labelNames: ['namespace'],
      registers,
    }),
  }
}

/** Names and labels of controller-runtime, so that dashboards for it show this controller too. */
function queueInstruments(registry: Registry<OpenMetricsContentType>) {
  const registers = [registry]
  return {
    reconciles: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles by result.',
      labelNames: ['controller', 'result'],
      registers,
    }),
    reconcileTime: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Time that reconciles took.',
      labelNames: ['controller'],
      buckets: workBuckets,
      registers,
    }),
    reconcilePanics: new Counter({
      name: 'controller_runtime_reconcile_panics_total',
      help: 'Reconciles that ended in an error of the operator itself.',
      labelNames: ['controller'],
      registers,
    }),
    queueAdds: new Counter({
      name: 'workqueue_adds_total',
      help: 'Keys that were added to the work queue.',
      labelNames: ['name'],
      registers,
    }),
    queueRetries: new Counter({
      name: 'workqueue_retries_total',
      help: 'Keys that were added again after a failure.',
      labelNames: ['name'],
      registers,
    }),
    queueDuration: new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'Time from when a key was due until work on it began.',
      labelNames: ['name'],
      buckets: workBuckets,
      registers,
    }),
    workDuration: new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'Time that work on a key took.',
      labelNames: ['name'],
      buckets: workBuckets,
      registers,
    }),
  }
}

/** What concerns the Kubernetes API; the last two have client-go's names. */
function clusterInstruments(registry: Registry<OpenMetricsContentType>) {
  const registers = [registry]
  return {
    watchLastEvent: new Gauge({
      name: 'oauthcredential_watch_last_event_timestamp_seconds',
      help: 'When a watch last brought an event or a bookmark.',
      labelNames: ['resource'],
      registers,
    }),
    watchRestarts: new Counter({
      name: 'oauthcredential_watch_restarts_total',
      help: 'Watches that were opened again.',
      labelNames: ['resource', 'reason'],
      registers,
    }),
    kubernetesRequests: new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the Kubernetes API by method and HTTP status.',
      labelNames: ['code', 'method'],
      registers,
    }),
    leader: new Gauge({
      name: 'leader_election_master_status',
      help: 'Whether this replica leads.',
      labelNames: ['name'],
      registers,
    }),
  }
}
