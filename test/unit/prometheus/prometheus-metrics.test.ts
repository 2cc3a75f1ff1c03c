import { describe, expect, test } from 'vitest'
import { PrometheusMetrics } from '../../../src/adapters/prometheus/prometheus-metrics.ts'
import { consumerFailures } from '../../../src/domain/consumer-failures.ts'
import { failureCodes, failure } from '../../../src/domain/failures.ts'
import { epochSeconds, seconds } from '../../../src/domain/time.ts'
import type { CredentialGaugeInput } from '../../../src/ports/credential-gauges.ts'
import { observeOutput } from '../../support/canary.ts'
import { wholePage } from '../../support/page.ts'
import { parseExposition, type Exposition } from './exposition.ts'

const now = epochSeconds(1_800_000_000)

function someMetrics(perCredential = true): PrometheusMetrics {
  return new PrometheusMetrics({ clock: { now: () => now }, version: '1.2.3', revision: 'abc', perCredential })
}

async function scrape(metrics: PrometheusMetrics): Promise<Exposition> {
  const text = await wholePage(metrics.render('text'))
  observeOutput('/metrics', text)
  return parseExposition(text)
}

function aCredential(overrides: Partial<CredentialGaugeInput> = {}): CredentialGaugeInput {
  return {
    namespace: 'ci',
    name: 'claude',
    ready: true,
    consecutiveFailures: 0,
    writeBackPending: false,
    suspended: false,
    info: {
      grant: 'RefreshToken',
      provider: 'gateway',
      storeKind: 'ClusterTokenStore',
      store: 'vault',
      targetSecret: 'claude-token',
      format: 'raw',
    },
    ...overrides,
  }
}

async function scrapeCredentials(
  credentials: readonly CredentialGaugeInput[],
  perCredential = true,
): Promise<Exposition> {
  const metrics = someMetrics(perCredential)
  metrics.observeCredentials(() => credentials)
  metrics.leading(true)
  return scrape(metrics)
}

const claude = { namespace: 'ci', name: 'claude' }

describe('before anything happened, a scrape has', () => {
  test('the build, the process and a replica that does not lead', async () => {
    const found = await scrape(someMetrics())
    expect(found.value('oauthcredential_build_info', { version: '1.2.3', revision: 'abc' })).toBe(1)
    expect(found.value('leader_election_master_status', { name: 'oauth-credential-operator' })).toBe(0)
    expect(found.value('process_start_time_seconds')).toBeGreaterThan(0)
    expect(found.series('nodejs_eventloop_lag_p99_seconds')).toHaveLength(1)
    expect(found.series('nodejs_active_resources').length).toBeGreaterThan(0)
    expect(found.series('nodejs_active_resources_total')).toEqual([])
  })

  test('the reconcile counter at zero', async () => {
    const found = await scrape(someMetrics())
    const labels = { controller: 'oauthcredential', result: 'error' }
    expect(found.value('controller_runtime_reconcile_total', labels)).toBe(0)
  })

  test('nothing that two instances share', async () => {
    const [one, other] = [someMetrics(), someMetrics()]
    one.queueAdded()
    expect((await scrape(other)).value('workqueue_adds_total', { name: 'oauthcredential' })).toBe(0)
  })
})

describe('each event is counted under its name and labels', () => {
  const provider = 'gateway'
  const queue = { name: 'oauthcredential' }
  const took = seconds(0.2)
  interface Event {
    readonly tell: (metrics: PrometheusMetrics) => void
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value?: number
  }
  const events: Readonly<Record<string, Event>> = {
    'a refresh that was begun': {
      tell: (metrics) => metrics.refreshAttempted(provider, 'ci'),
      name: 'oauthcredential_refresh_attempts_total',
      labels: { provider, namespace: 'ci' },
    },
    'a refresh that failed': {
      tell: (metrics) => metrics.refreshFailed(provider, 'ci', 'REFRESH_TOKEN_REJECTED'),
      name: 'oauthcredential_refresh_failures_total',
      labels: { provider, namespace: 'ci', reason: 'ReauthorizationRequired' },
    },
    'two codes with one reason': {
      tell: (metrics) => {
        metrics.refreshFailed(provider, 'ci', 'TOKEN_ENDPOINT_UNREACHABLE')
        metrics.refreshFailed(provider, 'ci', 'TOKEN_ENDPOINT_UNAVAILABLE')
      },
      name: 'oauthcredential_refresh_failures_total',
      labels: { provider, namespace: 'ci', reason: 'ProviderUnavailable' },
      value: 2,
    },
    'a token that was issued': {
      tell: (metrics) => metrics.tokenRequest(provider, 'issued', { status: 200, took }),
      name: 'oauthcredential_token_request_duration_seconds_count',
      labels: { provider, outcome: 'issued' },
    },
    'a token request that failed': {
      tell: (metrics) => metrics.tokenRequest(provider, 'CLIENT_REJECTED', { status: 401, took }),
      name: 'oauthcredential_token_request_duration_seconds_count',
      labels: { provider, outcome: 'ClientRejected' },
    },
    'an answer by its class': {
      tell: (metrics) => metrics.tokenRequest(provider, 'CLIENT_REJECTED', { status: 401, took }),
      name: 'oauthcredential_token_responses_total',
      labels: { provider, code: '4xx' },
    },
    'an answer that never came': {
      tell: (metrics) => metrics.tokenRequest(provider, 'TOKEN_RESULT_UNKNOWN', { status: undefined, took }),
      name: 'oauthcredential_token_responses_total',
      labels: { provider, code: 'none' },
    },
    'a rotation': {
      tell: (metrics) => metrics.refreshTokenRotated(provider),
      name: 'oauthcredential_refresh_token_rotations_total',
      labels: { provider },
    },
    'a pause that a server asked for': {
      tell: (metrics) => metrics.throttled(provider),
      name: 'oauthcredential_token_throttled_total',
      labels: { provider },
    },
    'a token that was revoked with its credential': {
      tell: (metrics) => metrics.accessTokenRevoked(provider, 'revoked'),
      name: 'oauthcredential_access_token_revocations_total',
      labels: { provider, result: 'success' },
    },
    'a token that could not be': {
      tell: (metrics) => metrics.accessTokenRevoked(provider, 'TOKEN_ENDPOINT_UNREACHABLE'),
      name: 'oauthcredential_access_token_revocations_total',
      labels: { provider, result: 'error' },
    },
    'a token host that was found to be down': {
      tell: (metrics) => metrics.circuitOpened(provider),
      name: 'oauthcredential_token_circuit_openings_total',
      labels: { provider },
    },
    'a wait for the budget of a token host': {
      tell: (metrics) => metrics.budgetWaited(provider, seconds(4)),
      name: 'oauthcredential_token_budget_wait_seconds_bucket',
      labels: { provider, le: '5' },
    },
    'a write-back that failed': {
      tell: (metrics) => metrics.writeBackFailed('vault', 'STORE_FORBIDDEN'),
      name: 'oauthcredential_refresh_token_writeback_failures_total',
      labels: { store_type: 'vault', reason: 'StoreDenied' },
    },
    'a token that had expired before it was replaced': {
      tell: (metrics) => metrics.remainingLifetime(provider, seconds(-10)),
      name: 'oauthcredential_remaining_lifetime_at_refresh_seconds_bucket',
      labels: { provider, le: '0' },
    },
    'a store request that failed': {
      tell: (metrics) => metrics.storeRequest('awsSecretsManager', 'write', false, took),
      name: 'oauthcredential_store_requests_total',
      labels: { store_type: 'awsSecretsManager', operation: 'write', result: 'error' },
    },
    'the time of a store request': {
      tell: (metrics) => metrics.storeRequest('vault', 'read', true, took),
      name: 'oauthcredential_store_request_duration_seconds_count',
      labels: { store_type: 'vault', operation: 'read', result: 'success' },
    },
    'a target that was written': {
      tell: (metrics) => metrics.targetWritten('apply'),
      name: 'oauthcredential_secret_writes_total',
      labels: { operation: 'apply' },
    },
    'a workload that was restarted': {
      tell: (metrics) => metrics.workloadRestarted('ci', 'Rollout', 'success'),
      name: 'oauthcredential_workload_restarts_total',
      labels: { namespace: 'ci', kind: 'Rollout', result: 'success' },
    },
    'a restart that failed': {
      tell: (metrics) => metrics.workloadRestarted('ci', 'Deployment', 'error'),
      name: 'oauthcredential_workload_restarts_total',
      labels: { namespace: 'ci', kind: 'Deployment', result: 'error' },
    },
    'pods that were annotated': {
      tell: (metrics) => metrics.podsAnnotated('ci', 3),
      name: 'oauthcredential_pods_annotated_total',
      labels: { namespace: 'ci' },
      value: 3,
    },
    'a reconcile': {
      tell: (metrics) => metrics.reconciled('requeue_after', took),
      name: 'controller_runtime_reconcile_total',
      labels: { controller: 'oauthcredential', result: 'requeue_after' },
    },
    'a bug in a reconcile': {
      tell: (metrics) => metrics.reconcilePanicked(),
      name: 'controller_runtime_reconcile_panics_total',
      labels: { controller: 'oauthcredential' },
    },
    'the time of a reconcile': {
      tell: (metrics) => metrics.reconciled('success', took),
      name: 'controller_runtime_reconcile_time_seconds_sum',
      labels: { controller: 'oauthcredential' },
      value: 0.2,
    },
    'the time of work on a key': {
      tell: (metrics) => metrics.reconciled('success', took),
      name: 'workqueue_work_duration_seconds_count',
      labels: queue,
    },
    'a key that was added': {
      tell: (metrics) => metrics.queueAdded(),
      name: 'workqueue_adds_total',
      labels: queue,
    },
    'a key that was added again': {
      tell: (metrics) => metrics.queueRetried(),
      name: 'workqueue_retries_total',
      labels: queue,
    },
    'the time that a key waited': {
      tell: (metrics) => metrics.queueWaited(took),
      name: 'workqueue_queue_duration_seconds_count',
      labels: queue,
    },
    'an event of a watch': {
      tell: (metrics) => metrics.watchEvent('oauthcredentials'),
      name: 'oauthcredential_watch_last_event_timestamp_seconds',
      labels: { resource: 'oauthcredentials' },
      value: now,
    },
    'a watch that was opened again': {
      tell: (metrics) => metrics.watchRestarted('oauthcredentials', 'expired'),
      name: 'oauthcredential_watch_restarts_total',
      labels: { resource: 'oauthcredentials', reason: 'expired' },
    },
    'a request to the Kubernetes API': {
      tell: (metrics) => metrics.kubernetesRequest('PATCH', '200'),
      name: 'rest_client_requests_total',
      labels: { code: '200', method: 'PATCH' },
    },
    leading: {
      tell: (metrics) => metrics.leading(true),
      name: 'leader_election_master_status',
      labels: { name: 'oauth-credential-operator' },
    },
  }

  test.each(Object.entries(events))('%s', async (_, { tell, name, labels, value = 1 }) => {
    const metrics = someMetrics()
    tell(metrics)
    expect((await scrape(metrics)).value(name, labels)).toBe(value)
  })
})

describe('failure counters begin at zero', () => {
  const ofRefreshes = failureCodes().filter((code) => !Object.hasOwn(consumerFailures, code))
  const reasons = new Set(ofRefreshes.map((code) => failure(code, '').reason))

  test('for every reason of the registry that can fail a refresh, at the first attempt with a provider', async () => {
    const metrics = someMetrics()
    metrics.refreshAttempted('gateway', 'ci')
    const failures = (await scrape(metrics)).series('oauthcredential_refresh_failures_total')
    expect(new Set(failures.map(({ labels }) => labels['reason']))).toEqual(reasons)
    expect(failures.every(({ value }) => value === 0)).toBe(true)
  })

  test('for a provider that a credential names, before its first attempt', async () => {
    const found = await scrapeCredentials([aCredential()], false)
    const labels = { provider: 'gateway', namespace: 'ci', reason: 'ReauthorizationRequired' }
    expect(found.value('oauthcredential_refresh_failures_total', labels)).toBe(0)
  })

  test('but not for a credential whose provider is not known', async () => {
    const { info, ...rest } = aCredential()
    const found = await scrapeCredentials([{ ...rest, info: { ...info, provider: '' } }])
    expect(found.series('oauthcredential_refresh_failures_total')).toEqual([])
    expect(found.series('oauthcredential_ready')).toHaveLength(1)
  })

  test('for a store, at its first request', async () => {
    const metrics = someMetrics()
    metrics.storeRequest('file', 'read', true, seconds(0))
    const labels = { store_type: 'file', reason: 'StoreConflict' }
    expect((await scrape(metrics)).value('oauthcredential_refresh_token_writeback_failures_total', labels)).toBe(0)
  })

  test('but not without bound: thousands of namespaces do not cost thousands of series', async () => {
    const metrics = someMetrics()
    for (let at = 0; at < 1000; at += 1) metrics.refreshAttempted('gateway', `team-${at}`)
    const found = await scrape(metrics)
    expect(found.series('oauthcredential_refresh_failures_total').length).toBeLessThanOrEqual(100 * reasons.size)
    expect(found.series('oauthcredential_refresh_attempts_total')).toHaveLength(1000)
  })
})

describe('the gauges of a credential', () => {
  test('say everything that is known', async () => {
    const found = await scrapeCredentials([
      aCredential({
        ready: false,
        stalledReason: 'ReauthorizationRequired',
        accessTokenExpiresAt: epochSeconds(1_800_000_100.5),
        nextRefreshAt: epochSeconds(1_800_000_050),
        lastSuccessAt: epochSeconds(1_799_990_000),
        consecutiveFailures: 3,
        refreshTokenExpiresAt: epochSeconds(1_900_000_000),
        writeBackPending: true,
        suspended: true,
      }),
    ])
    expect(found.value('oauthcredential_ready', claude)).toBe(0)
    expect(found.value('oauthcredential_stalled', { ...claude, reason: 'ReauthorizationRequired' })).toBe(1)
    expect(found.value('oauthcredential_access_token_expiration_timestamp_seconds', claude)).toBe(1_800_000_100.5)
    expect(found.value('oauthcredential_next_refresh_timestamp_seconds', claude)).toBe(1_800_000_050)
    expect(found.value('oauthcredential_last_success_timestamp_seconds', claude)).toBe(1_799_990_000)
    expect(found.value('oauthcredential_consecutive_refresh_failures', claude)).toBe(3)
    expect(found.value('oauthcredential_refresh_token_expiration_timestamp_seconds', claude)).toBe(1_900_000_000)
    expect(found.value('oauthcredential_refresh_token_writeback_pending', claude)).toBe(1)
    expect(found.value('oauthcredential_suspended', claude)).toBe(1)
    expect(
      found.value('oauthcredential_info', {
        ...claude,
        grant: 'RefreshToken',
        provider: 'gateway',
        store_kind: 'ClusterTokenStore',
        store: 'vault',
        target_secret: 'claude-token',
        format: 'raw',
      }),
    ).toBe(1)
  })

  test('are absent where nothing is known, and where the state is not entered', async () => {
    const found = await scrapeCredentials([aCredential()])
    const names = found.samples.filter(({ labels }) => labels['name'] === 'claude').map(({ name }) => name)
    expect(names.toSorted()).toEqual([
      'oauthcredential_consecutive_refresh_failures',
      'oauthcredential_info',
      'oauthcredential_ready',
      'oauthcredential_refresh_token_writeback_pending',
    ])
  })

  test('are told by the leader only', async () => {
    const metrics = someMetrics()
    metrics.observeCredentials(() => [aCredential()])
    expect((await scrape(metrics)).series('oauthcredential_ready')).toEqual([])
    metrics.leading(true)
    expect((await scrape(metrics)).series('oauthcredential_ready')).toHaveLength(1)
    metrics.leading(false)
    expect((await scrape(metrics)).series('oauthcredential_ready')).toEqual([])
  })

  test('vanish with the credential', async () => {
    const credentials = new Map([['ci/claude', aCredential()]])
    const metrics = someMetrics()
    metrics.observeCredentials(() => credentials.values())
    metrics.leading(true)
    await scrape(metrics)
    credentials.clear()
    expect((await scrape(metrics)).series('oauthcredential_ready')).toEqual([])
  })

  test('come once even if the source has a name twice', async () => {
    const found = await scrapeCredentials([aCredential(), aCredential({ ready: false })])
    expect(found.series('oauthcredential_ready')).toHaveLength(1)
  })

  test('escape what a label value may hold', async () => {
    const name = 'a"b\\c\nd\\n'
    const found = await scrapeCredentials([aCredential({ name })])
    expect(found.value('oauthcredential_ready', { namespace: 'ci', name })).toBe(1)
  })

  test('can be switched off, and the totals remain', async () => {
    const credentials = [
      aCredential(),
      aCredential({ name: 'b', ready: false }),
      aCredential({ name: 'c', stalledReason: 'SeedMissing', writeBackPending: true }),
      aCredential({ name: 'd', suspended: true, stalledReason: 'SeedMissing' }),
    ]
    const found = await scrapeCredentials(credentials, false)
    expect(found.series('oauthcredential_ready')).toEqual([])
    for (const state of ['ready', 'not_ready', 'stalled', 'suspended']) {
      expect(found.value('oauthcredential_credentials', { state })).toBe(1)
    }
    expect(found.value('oauthcredential_refresh_token_writebacks_pending')).toBe(1)
  })

  test('of ten thousand credentials come in small parts, and let other work in between', async () => {
    const metrics = someMetrics()
    metrics.leading(true)
    metrics.observeCredentials(() => Array.from({ length: 10_000 }, (_, at) => aCredential({ name: `c${at}` })))
    const lengths: number[] = []
    let turns = 0
    const immediate = setImmediateAgain(() => (turns += 1))
    for await (const part of metrics.render('text')) lengths.push(part.length)
    immediate.stop()
    expect(Math.max(...lengths)).toBeLessThan(64_000)
    expect(lengths.length).toBeGreaterThan(100)
    expect(turns).toBeGreaterThan(lengths.length)
  })

  test('are of one moment each, although a page takes long', async () => {
    const credentials = Array.from({ length: 1000 }, (_, at) => ({ ...aCredential({ name: `c${at}` }) }))
    const metrics = someMetrics()
    metrics.leading(true)
    metrics.observeCredentials(function* now() {
      for (const credential of credentials) yield { ...credential }
    })
    const parts: string[] = []
    for await (const part of metrics.render('text')) {
      parts.push(part)
      for (const credential of credentials) {
        Object.assign(credential, { ready: !credential.ready, consecutiveFailures: credential.ready ? 1 : 0 })
      }
    }
    const found = parseExposition(parts.join(''))
    expect(parts.length).toBeGreaterThan(5)
    for (const { labels, value } of found.series('oauthcredential_ready')) {
      expect(found.value('oauthcredential_consecutive_refresh_failures', labels)).toBe(value === 1 ? 0 : 1)
    }
  })

  test('are not looked at any further when nobody wants the rest', async () => {
    let looked = 0
    function* many(): Generator<CredentialGaugeInput> {
      for (; looked < 10_000; looked += 1) yield aCredential({ name: `c${looked}` })
    }
    const metrics = someMetrics()
    metrics.leading(true)
    metrics.observeCredentials(many)
    for await (const part of metrics.render('text')) if (part !== '') break
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(looked).toBeLessThan(1000)
  })

  test('of ten thousand credentials are all there', async () => {
    const credentials = Array.from({ length: 10_000 }, (_, at) => aCredential({ name: `c${at}`, nextRefreshAt: now }))
    const found = await scrapeCredentials(credentials)
    expect(found.series('oauthcredential_next_refresh_timestamp_seconds')).toHaveLength(10_000)
  })
})

test('the gauges of the work queue are looked up at each scrape', async () => {
  const metrics = someMetrics()
  let depth = 3
  metrics.observeQueue({ depth: () => depth, longestRunningSeconds: () => 1.5, unfinishedWorkSeconds: () => 4 })
  const queue = { name: 'oauthcredential' }
  expect((await scrape(metrics)).value('workqueue_depth', queue)).toBe(3)
  depth = 0
  const found = await scrape(metrics)
  expect(found.value('workqueue_depth', queue)).toBe(0)
  expect(found.value('workqueue_longest_running_processor_seconds', queue)).toBe(1.5)
  expect(found.value('workqueue_unfinished_work_seconds', queue)).toBe(4)
})

describe('token hosts', () => {
  test('are shown as they are at the scrape, providers of one name together', async () => {
    const metrics = someMetrics()
    metrics.observeTokenHosts(() => [
      { provider: 'gateway', waiting: 3, circuit: 'closed' },
      { provider: 'gateway', waiting: 4, circuit: 'open' },
      { provider: 'other', waiting: 0, circuit: 'half-open' },
    ])
    const found = await scrape(metrics)
    expect(found.value('oauthcredential_token_budget_waiting', { provider: 'gateway' })).toBe(7)
    expect(found.value('oauthcredential_token_circuit_state', { provider: 'gateway' })).toBe(2)
    expect(found.value('oauthcredential_token_circuit_state', { provider: 'other' })).toBe(1)
  })

  test('that nothing has gone to yet count no pause and no outage', async () => {
    const metrics = someMetrics()
    metrics.refreshAttempted('gateway', 'ci')
    const found = await scrape(metrics)
    expect(found.value('oauthcredential_token_throttled_total', { provider: 'gateway' })).toBe(0)
    expect(found.value('oauthcredential_token_circuit_openings_total', { provider: 'gateway' })).toBe(0)
  })
})

/** Calls `work` at every turn of the event loop. */
function setImmediateAgain(work: () => void): { readonly stop: () => void } {
  let next = setImmediate(again)
  function again(): void {
    work()
    next = setImmediate(again)
  }
  return { stop: () => clearImmediate(next) }
}
