export type PanelType = 'stat' | 'timeseries' | 'table' | 'heatmap' | 'histogram'

/** One panel, before it has a place. */
export interface PanelSource {
  readonly title: string
  /** What a person learns from it. */
  readonly description: string
  readonly type: PanelType
  /** PromQL, each with the legend of its series. */
  readonly queries: readonly (readonly [expression: string, legend: string])[]
  /** A unit of Grafana, such as `s`, `percentunit`, `ops`. */
  readonly unit?: string
  /** Of 24. */
  readonly width: number
  /** From which value on the panel is red. */
  readonly redFrom?: number
  /** Below which value the panel is red. */
  readonly redBelow?: number
}

export interface RowSource {
  readonly title: string
  readonly panels: readonly PanelSource[]
}

/** Of the credentials that are chosen above. */
const chosen = 'namespace=~"$namespace",name=~"$name"'
const provider = 'provider=~"$provider"'

const overview: readonly PanelSource[] = [
  {
    title: 'Valid tokens',
    description: 'The share of published access tokens that have not expired: the service level.',
    type: 'stat',
    queries: [
      [
        `count(oauthcredential_access_token_expiration_timestamp_seconds{${chosen}} > time()) / count(oauthcredential_access_token_expiration_timestamp_seconds{${chosen}} > 0)`,
        'valid',
      ],
    ],
    unit: 'percentunit',
    width: 4,
    redBelow: 0.999,
  },
  {
    title: 'Stalled',
    description: 'Credentials that wait for a human.',
    type: 'stat',
    queries: [[`count(oauthcredential_stalled{${chosen}}) or vector(0)`, 'stalled']],
    width: 4,
    redFrom: 1,
  },
  {
    title: 'Not written back',
    description:
      'Rotated refresh tokens that only the record of the operator holds. More than none for minutes is an emergency.',
    type: 'stat',
    queries: [['sum(oauthcredential_refresh_token_writebacks_pending)', 'pending']],
    width: 4,
    redFrom: 1,
  },
  {
    title: 'Credentials',
    description: 'Each is counted once: suspended before stalled before ready.',
    type: 'timeseries',
    queries: [['sum by (state) (oauthcredential_credentials)', '{{state}}']],
    width: 12,
  },
]

const attention: readonly PanelSource[] = [
  {
    title: 'Expiring next',
    description: 'Life left in what workloads read now, shortest first.',
    type: 'table',
    queries: [[`bottomk(20, oauthcredential_access_token_expiration_timestamp_seconds{${chosen}} - time())`, '']],
    unit: 's',
    width: 12,
    redBelow: 0,
  },
  {
    title: 'Waiting for a human',
    description: 'Why; the runbook of OAuthCredentialReauthorizationRequired says what to do about a login.',
    type: 'table',
    queries: [[`oauthcredential_stalled{${chosen}}`, '']],
    width: 12,
  },
]

const refreshes: readonly PanelSource[] = [
  {
    title: 'Refreshes',
    description: 'Refreshes that were begun.',
    type: 'timeseries',
    queries: [[`sum by (provider) (rate(oauthcredential_refresh_attempts_total{${provider}}[5m]))`, '{{provider}}']],
    unit: 'ops',
    width: 8,
  },
  {
    title: 'Failures by reason',
    description: 'Refreshes that failed, by condition reason.',
    type: 'timeseries',
    queries: [
      [
        `sum by (provider, reason) (rate(oauthcredential_refresh_failures_total{${provider}}[5m])) > 0`,
        '{{provider}} {{reason}}',
      ],
    ],
    unit: 'ops',
    width: 8,
  },
  {
    title: 'Rotations and failed write-backs',
    description: 'New refresh tokens, and writes of them that did not succeed at once.',
    type: 'timeseries',
    queries: [
      [`sum(rate(oauthcredential_refresh_token_rotations_total{${provider}}[5m]))`, 'rotations'],
      [
        'sum by (store_type, reason) (rate(oauthcredential_refresh_token_writeback_failures_total[5m])) > 0',
        '{{store_type}} {{reason}}',
      ],
    ],
    unit: 'ops',
    width: 8,
  },
  {
    title: 'Life left at refresh',
    description:
      'How much of the old token was left when the new one was published. Below zero, workloads saw an expired token.',
    type: 'heatmap',
    queries: [
      [
        `sum by (le) (increase(oauthcredential_remaining_lifetime_at_refresh_seconds_bucket{${provider}}[5m]))`,
        '{{le}}',
      ],
    ],
    unit: 's',
    width: 12,
  },
  {
    title: 'Refreshes due in the next day',
    description: 'When the refreshes of the next day are due. A high bar is a herd.',
    type: 'histogram',
    queries: [[`oauthcredential_next_refresh_timestamp_seconds{${chosen}} - time() < 86400`, '{{namespace}}/{{name}}']],
    unit: 's',
    width: 12,
  },
]

const endpoints: readonly PanelSource[] = [
  {
    title: 'Token endpoints: time to answer',
    description: 'Median, 95th and 99th percentile, from the connection attempt to the end of the answer.',
    type: 'timeseries',
    queries: [0.5, 0.95, 0.99].map((quantile) => [
      `histogram_quantile(${quantile}, sum by (le) (rate(oauthcredential_token_request_duration_seconds_bucket{${provider}}[5m])))`,
      `p${quantile * 100}`,
    ]),
    unit: 's',
    width: 8,
  },
  {
    title: 'Token endpoints: answers',
    description: 'By class of HTTP status; none when no answer came.',
    type: 'timeseries',
    queries: [
      [
        `sum by (provider, code) (rate(oauthcredential_token_responses_total{${provider}}[5m]))`,
        '{{provider}} {{code}}',
      ],
    ],
    unit: 'ops',
    width: 8,
  },
  {
    title: 'Token hosts: waiting and circuits',
    description:
      'Credentials that wait for their turn, and whether requests are held back because a host does not answer (2).',
    type: 'timeseries',
    queries: [
      [`oauthcredential_token_budget_waiting{${provider}}`, 'waiting {{provider}}'],
      [`oauthcredential_token_circuit_state{${provider}}`, 'circuit {{provider}}'],
    ],
    width: 8,
  },
  {
    title: 'Stores: requests',
    description: 'By store, operation and result.',
    type: 'timeseries',
    queries: [
      [
        'sum by (store_type, operation, result) (rate(oauthcredential_store_requests_total[5m]))',
        '{{store_type}} {{operation}} {{result}}',
      ],
    ],
    unit: 'ops',
    width: 8,
  },
  {
    title: 'Stores: time',
    description: '95th percentile by store and operation.',
    type: 'timeseries',
    queries: [
      [
        'histogram_quantile(0.95, sum by (le, store_type, operation) (rate(oauthcredential_store_request_duration_seconds_bucket[5m])))',
        '{{store_type}} {{operation}}',
      ],
    ],
    unit: 's',
    width: 8,
  },
  {
    title: 'Target Secrets: writes',
    description: 'A conflict is a Secret that somebody else owns.',
    type: 'timeseries',
    queries: [['sum by (operation) (rate(oauthcredential_secret_writes_total[5m]))', '{{operation}}']],
    unit: 'ops',
    width: 8,
  },
]

const operator: readonly PanelSource[] = [
  {
    title: 'Leader and age of the watches',
    description: 'Replicas that lead (one is right), and for how long each watch has been silent.',
    type: 'timeseries',
    queries: [
      ['sum(leader_election_master_status)', 'leaders'],
      ['time() - max by (resource) (oauthcredential_watch_last_event_timestamp_seconds)', '{{resource}} silent, s'],
    ],
    width: 8,
  },
  {
    title: 'Work queue',
    description: 'Keys that are ready for work or in work, and keys that came back after a failure.',
    type: 'timeseries',
    queries: [
      ['sum(workqueue_depth{name="oauthcredential"})', 'depth'],
      ['sum(rate(workqueue_retries_total{name="oauthcredential"}[5m]))', 'retries/s'],
    ],
    width: 8,
  },
  {
    title: 'Reconciles',
    description: 'Rate by result, and the 95th percentile of their time.',
    type: 'timeseries',
    queries: [
      ['sum by (result) (rate(controller_runtime_reconcile_total[5m]))', '{{result}}/s'],
      ['histogram_quantile(0.95, sum by (le) (rate(controller_runtime_reconcile_time_seconds_bucket[5m])))', 'p95, s'],
    ],
    width: 8,
  },
  {
    title: 'Kubernetes API',
    description: 'Requests by method and status.',
    type: 'timeseries',
    queries: [['sum by (method, code) (rate(rest_client_requests_total[5m]))', '{{method}} {{code}}']],
    unit: 'ops',
    width: 8,
  },
  {
    title: 'Event loop lag',
    description: '99th percentile.',
    type: 'timeseries',
    queries: [['nodejs_eventloop_lag_p99_seconds', '{{pod}}']],
    unit: 's',
    width: 8,
  },
  {
    title: 'Memory',
    description: 'Resident memory of each replica.',
    type: 'timeseries',
    queries: [['process_resident_memory_bytes', '{{pod}}']],
    unit: 'bytes',
    width: 8,
  },
]

export const dashboardRows: readonly RowSource[] = [
  { title: 'Overview', panels: overview },
  { title: 'What needs attention', panels: attention },
  { title: 'Refreshes', panels: refreshes },
  { title: 'Token endpoints, stores, targets', panels: endpoints },
  { title: 'The operator itself', panels: operator },
]
