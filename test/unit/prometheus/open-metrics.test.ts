import { describe, expect, test } from 'vitest'
import { formatFor } from '../../../src/adapters/prometheus/exposition-format.ts'
import { PrometheusMetrics } from '../../../src/adapters/prometheus/prometheus-metrics.ts'
import { epochSeconds, seconds } from '../../../src/domain/time.ts'
import type { CredentialGaugeInput } from '../../../src/ports/credential-gauges.ts'
import { observeOutput } from '../../support/canary.ts'
import { wholePage } from '../../support/page.ts'
import { parseExposition } from './exposition.ts'
import { type OpenMetricsFamily, parseOpenMetrics } from './open-metrics.ts'

const now = epochSeconds(1_800_000_000)
const traceId = '0af7651916cd43dd8448eb211c80319c'

function credential(name: string): CredentialGaugeInput {
  return {
    namespace: 'ci',
    name,
    ready: true,
    accessTokenExpiresAt: now,
    consecutiveFailures: 0,
    writeBackPending: false,
    suspended: true,
    stalledReason: 'StoreDenied',
    info: {
      grant: 'RefreshToken',
      provider: 'gate"way\\\n',
      storeKind: 'TokenStore',
      store: 'vault',
      targetSecret: 'claude-token',
      format: 'raw',
    },
  }
}

function someMetrics(): PrometheusMetrics {
  const metrics = new PrometheusMetrics({ clock: { now: () => now }, version: '1', revision: 'a', perCredential: true })
  metrics.leading(true)
  metrics.observeCredentials(() => [credential('claude'), credential('codex')])
  metrics.observeTokenHosts(() => [{ provider: 'gateway', waiting: 0, circuit: 'closed' }])
  metrics.observeQueue({ depth: () => 0, longestRunningSeconds: () => 0, unfinishedWorkSeconds: () => 0 })
  metrics.refreshAttempted('gateway', 'ci')
  metrics.tokenRequest('gateway', 'issued', { status: 200, took: seconds(0.2), traceId })
  metrics.tokenRequest('gateway', 'CLIENT_REJECTED', { status: 401, took: seconds(90) })
  metrics.remainingLifetime('gateway', seconds(-10))
  metrics.storeRequest('vault', 'read', true, seconds(1))
  metrics.watchEvent('oauthcredentials')
  return metrics
}

async function rendered(metrics: PrometheusMetrics, format: 'text' | 'openmetrics'): Promise<string> {
  const text = await wholePage(metrics.render(format))
  observeOutput('/metrics', text)
  return text
}

async function families(metrics = someMetrics()): Promise<ReadonlyMap<string, OpenMetricsFamily>> {
  return parseOpenMetrics(await rendered(metrics, 'openmetrics'))
}

describe('what is answered', () => {
  test.each([
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text; version=1.0.0; charset=utf-8', 'openmetrics'],
    ['application/openmetrics-text;version=0.0.1', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=0', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=much', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.5', 'text'],
    // Of Prometheus 2 and 3, as they send it.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
  ])('to Accept: %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format)
  })
})

describe('OpenMetrics', () => {
  test('is what the specification says, also when it is asked for after the text format, and before', async () => {
    const metrics = someMetrics()
    const before = await rendered(metrics, 'openmetrics')
    const text = await rendered(metrics, 'text')
    expect([...parseExposition(text).types]).toContainEqual(['oauthcredential_refresh_attempts_total', 'counter'])
    const names = [...parseOpenMetrics(before).keys()]
    expect([...(await families(metrics)).keys()]).toEqual(names)
    expect(names.length).toBeGreaterThan(60)
  })

  test('has the series of the text format, but for the sum of what may be negative', async () => {
    const metrics = someMetrics()
    const inText = parseExposition(await rendered(metrics, 'text')).samples.map(({ name }) => name)
    const inOther = [...(await families(metrics)).values()].flatMap(({ samples }) => samples.map(({ name }) => name))
    const missing = [...new Set(inText)].filter((name) => !inOther.includes(name))
    expect(missing).toEqual([
      'oauthcredential_remaining_lifetime_at_refresh_seconds_sum',
      'oauthcredential_remaining_lifetime_at_refresh_seconds_count',
    ])
    expect([...new Set(inOther)].filter((name) => !inText.includes(name))).toEqual([])
  })

  test('names counters without their suffix, and units', async () => {
    const found = await families()
    expect(found.get('oauthcredential_refresh_attempts')).toMatchObject({ type: 'counter', unit: undefined })
    expect(found.get('process_cpu_seconds')).toMatchObject({ type: 'counter', unit: 'seconds' })
    expect(found.get('oauthcredential_access_token_expiration_timestamp_seconds')).toMatchObject({ unit: 'seconds' })
    expect(found.get('process_resident_memory_bytes')).toMatchObject({ unit: 'bytes' })
  })

  test('shows the trace of a request in the bucket that counts it', async () => {
    const buckets = (await families()).get('oauthcredential_token_request_duration_seconds')?.samples ?? []
    const shown = buckets.filter(({ exemplar }) => exemplar !== undefined)
    expect(shown.map(({ labels }) => labels)).toEqual(['le="0.25",provider="gateway",outcome="issued"'])
    expect(shown[0]?.exemplar).toMatch(new RegExp(`^{trace_id="${traceId}"} 0\\.2 \\d{10}(\\.\\d+)?$`))
    expect(await rendered(someMetrics(), 'text')).not.toContain(traceId)
  })

  test('escapes what a name may hold', async () => {
    const [sample] = (await families()).get('oauthcredential_info')?.samples ?? []
    expect(sample?.labels).toContain('provider="gate\\"way\\\\\\n"')
  })
})

const faults: Readonly<Record<string, string>> = {
  'a text without an end': '# TYPE a gauge\na 1\n',
  'a counter with its suffix in the name': '# TYPE a_total counter\na_total_total 1\n# EOF\n',
  'a counter without its suffix': '# TYPE a counter\na 1\n# EOF\n',
  'a unit that is not in the name': '# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n',
  'a limit that is no float': '# TYPE a histogram\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 1\n# EOF\n',
  'the sum of what may be negative': '# TYPE a histogram\na_bucket{le="-1.0"} 1\na_sum 1\na_count 1\n# EOF\n',
  'an exemplar of a gauge': '# TYPE a gauge\na 1 # {trace_id="x"} 1\n# EOF\n',
  'a family in two places': '# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\n# EOF\n',
}

test.each(Object.entries(faults))('the parser of these tests refuses %s', (_, text) => {
  expect(() => parseOpenMetrics(text)).toThrow()
})
