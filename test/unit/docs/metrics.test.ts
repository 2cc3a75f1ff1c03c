import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PrometheusMetrics } from '../../../src/adapters/prometheus/prometheus-metrics.ts'
import { epochSeconds, seconds } from '../../../src/domain/time.ts'
import { wholePage } from '../../support/page.ts'

/** Metrics that have shown everything they can show once. */
async function everyMetric(): Promise<string> {
  const clock = { now: () => epochSeconds(0) }
  const metrics = new PrometheusMetrics({ clock, version: '0', revision: '0', perCredential: true })
  const at = epochSeconds(1)
  metrics.leading(true)
  metrics.observeQueue({ depth: () => 0, longestRunningSeconds: () => 0, unfinishedWorkSeconds: () => 0 })
  metrics.observeCredentials(() => [
    {
      namespace: 'ci',
      name: 'claude',
      ready: true,
      stalledReason: 'StoreDenied',
      accessTokenExpiresAt: at,
      nextRefreshAt: at,
      lastSuccessAt: at,
      consecutiveFailures: 0,
      refreshTokenExpiresAt: at,
      writeBackPending: true,
      storeBehindSince: at,
      suspended: true,
      info: {
        grant: 'RefreshToken',
        provider: 'p',
        storeKind: 'TokenStore',
        store: 's',
        targetSecret: 't',
        format: 'raw',
      },
    },
  ])
  metrics.observeTokenHosts(() => [{ provider: 'p', waiting: 0, circuit: 'closed' }])
  metrics.storeRequest('vault', 'read', true, seconds(1))
  metrics.watchEvent('oauthcredentials')
  metrics.watchRestarted('oauthcredentials', 'closed')
  metrics.kubernetesRequest('GET', '200')
  return wholePage(metrics.render('text'))
}

describe('docs/metrics.md', () => {
  it('lists exactly the metrics that there are, with type and meaning', async () => {
    const text = await everyMetric()
    const served = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)]
      .map(([, name = '', help, type]) => `${name} ${type} ${help}`)
      .filter((line) => !/^(process|nodejs)_/.test(line))
    const documented = readFileSync('docs/metrics.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, name = '', type, , help]) => `${name.replaceAll('`', '')} ${type} ${help}`)
    expect(documented.sort()).toEqual(served.sort())
  })
})
