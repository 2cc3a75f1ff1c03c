import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ExpositionFormat } from '../../src/adapters/prometheus/exposition-format.ts'
import { PrometheusMetrics } from '../../src/adapters/prometheus/prometheus-metrics.ts'
import { HealthServer, type Scrape } from '../../src/adapters/system/health-server.ts'
import { epochSeconds, seconds } from '../../src/domain/time.ts'
import type { CredentialGaugeInput } from '../../src/ports/credential-gauges.ts'
import { observeOutput } from '../support/canary.ts'
import { LogLines } from '../support/memory-ports.ts'
import { wholePage } from '../support/page.ts'
import { loopback } from './loopback.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'
import { serverPath } from './server-source.ts'

// What is served is read by a real Prometheus, which asks for OpenMetrics by itself, and by the strictest parser that
// there is.

const now = epochSeconds(Math.floor(Date.now() / 1000))
const traceId = '0af7651916cd43dd8448eb211c80319c'
const metrics = new PrometheusMetrics({ clock: { now: () => now }, version: '1', revision: 'a', perCredential: true })
const asked = new Set<string>()
const scrape: Scrape<ExpositionFormat> = {
  formatFor: (accept) => {
    const format = metrics.formatFor(accept)
    asked.add(format)
    return format
  },
  contentTypeOf: (format) => metrics.contentTypeOf(format),
  render: (format) => metrics.render(format),
}
const server = new HealthServer({
  metricsAddress: { host: loopback, port: 0 },
  scrape,
  liveness: [],
  readiness: [],
  logger: new LogLines(),
})
let prometheus: Prometheus

function credential(at: number): CredentialGaugeInput {
  return {
    namespace: 'ci',
    name: `credential-${at}`,
    ready: at % 2 === 0,
    ...(at % 3 === 0 && { stalledReason: 'StoreDenied' }),
    accessTokenExpiresAt: now,
    nextRefreshAt: now,
    lastSuccessAt: now,
    consecutiveFailures: at,
    refreshTokenExpiresAt: now,
    writeBackPending: false,
    storeBehindSince: now,
    suspended: at % 5 === 0,
    info: {
      grant: 'RefreshToken',
      provider: 'a "gateway"\\',
      storeKind: 'TokenStore',
      store: 'vault',
      targetSecret: 'token',
      format: 'raw',
    },
  }
}

beforeAll(async () => {
  metrics.leading(true)
  metrics.observeQueue({ depth: () => 1, longestRunningSeconds: () => 0.5, unfinishedWorkSeconds: () => 0.5 })
  metrics.observeTokenHosts(() => [{ provider: 'gateway', waiting: 1, circuit: 'open' }])
  metrics.observeCredentials(() => Array.from({ length: 50 }, (_, at) => credential(at)))
  metrics.tokenRequest('gateway', 'issued', { status: 200, took: seconds(0.2), traceId })
  metrics.tokenRequest('gateway', 'TOKEN_RESULT_UNKNOWN', { status: undefined, took: seconds(90), traceId })
  metrics.remainingLifetime('gateway', seconds(-10))
  metrics.storeRequest('vault', 'read', true, seconds(1))
  metrics.watchEvent('oauthcredentials')
  metrics.watchRestarted('oauthcredentials', 'closed')
  metrics.kubernetesRequest('GET', '200')
  metrics.workloadRestarted('ci', 'Deployment', 'success')
  metrics.reconciled('success', seconds(0.01))
  metrics.queueWaited(seconds(0.01))
  await server.start()
  const target = `${loopback}:${server.metricsPort() ?? 0}`
  prometheus = await startPrometheus({ target, job: 'operator', rules: 'groups: []' })
})
afterAll(async () => {
  await prometheus?.stop()
  await server.stop()
})

/** What the parser counts: families, samples, exemplars. It ends with an error at the first mistake. */
function parsed(text: string): readonly number[] {
  const counts = execFileSync(serverPath('openmetrics'), { input: text, encoding: 'utf8', stdio: 'pipe' })
  return counts.trim().split(' ').map(Number)
}

describe('OpenMetrics', () => {
  test('is without a mistake to a strict parser', async () => {
    const text = await wholePage(metrics.render('openmetrics'))
    observeOutput('/metrics', text)
    const [families = 0, samples = 0, exemplars = 0] = parsed(text)
    expect(families).toBeGreaterThan(60)
    expect(samples).toBeGreaterThan(500)
    expect(exemplars).toBe(2)
  })

  test('has mistakes that the parser finds', () => {
    expect(() => parsed('# TYPE a counter\na 1\n# EOF\n')).toThrow()
    expect(() => parsed('# TYPE a gauge\na 1\n')).toThrow()
  })

  test('is what Prometheus asks for and gets, with its exemplars', async () => {
    await vi.waitFor(async () => expect(await prometheus.query('up')).toEqual([1]), { timeout: 20_000, interval: 200 })
    expect([...asked]).toEqual(['openmetrics'])
    expect(await prometheus.query('count(oauthcredential_ready)')).toEqual([50])
    expect(await prometheus.query('sum(oauthcredential_token_responses_total)')).toEqual([2])
    const buckets = 'oauthcredential_token_request_duration_seconds_bucket'
    expect(await prometheus.query(`${buckets}{le="0.25",outcome="issued"}`)).toEqual([1])
    expect(await prometheus.query('oauthcredential_remaining_lifetime_at_refresh_seconds_bucket{le="+Inf"}')).toEqual([
      1,
    ])
    expect(await prometheus.exemplars(buckets)).toEqual([{ trace_id: traceId }, { trace_id: traceId }])
  })
})
