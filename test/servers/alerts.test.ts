import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { type AlertSource, prometheusRules, readAlertSources } from '../../scripts/alert-rules.ts'
import { observeOutput } from '../support/canary.ts'
import type { Manifest } from '../support/manifests.ts'
import { TcpRelay } from '../support/tcp-relay.ts'
import { type AlertSeries, alertSeries } from './alert-series.ts'
import { freePort, loopback, send } from './loopback.ts'
import { manifestOf, OperatorBed } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { type ActiveAlert, type Prometheus, runPromtool, startPrometheus } from './prometheus.ts'
import { namespace, startTeamServers, type TeamServers } from './team-scene.ts'

// Alerts fire and resolve for what really causes them: a real Prometheus scrapes a running operator while its
// authorization server, its Vault, its manifests and itself break and are mended. Expressions are those that are
// shipped; only their times are short, so that a test need not wait for minutes.

const sources = readAlertSources(
  readFileSync(new URL('../../deploy/helm/oauth-credential-operator/files/alerts.yaml', import.meta.url), 'utf8'),
)
const shippedRules = fileURLToPath(new URL('../../deploy/monitoring/prometheus-rules.yaml', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'alerts-'))
const lifetime = 20
/** Thresholds in seconds of the alerts that would take minutes. */
const shortThresholds: Readonly<Record<string, number>> = {
  OAuthCredentialRefreshOverdue: 2,
  OAuthCredentialQueueStuck: 3,
}

function hasty(alert: AlertSource): AlertSource {
  const threshold = shortThresholds[alert.alert] ?? alert.threshold
  return { ...alert, for: '1s', ...(threshold !== undefined && { threshold }) }
}

function hastyRules(): string {
  return prometheusRules({ ...sources, alerts: sources.alerts.map(hasty) }).replaceAll('[10m]', '[8s]')
}

let servers: TeamServers
let bed: OperatorBed
let relay: TcpRelay
let operator: OperatorProcess
let prometheus: Prometheus
let metricsAddress: string

beforeAll(async () => {
  servers = await startTeamServers(lifetime)
  bed = await OperatorBed.start()
  const { origin, pathname } = new URL(servers.server.tokenEndpoint)
  relay = new TcpRelay(origin)
  const relayed = (await relay.start()).replace('https:', 'http:')
  const secretIdRef = { name: 'vault-login', key: 'secret-id' }
  await bed.createSecret(namespace, secretIdRef.name, { [secretIdRef.key]: servers.login.secretId })
  await bed.apply(
    manifestOf('TokenStore', namespace, 'vault', {
      vault: { address: servers.vault.address, auth: { appRole: { roleId: servers.login.roleId, secretIdRef } } },
    }),
    providerAt('login', `${relayed}${pathname}`),
  )
  metricsAddress = `${loopback}:${await freePort()}`
  const flags = ['--allow-plain-http', '--allow-private-addresses', `--metrics-address=${metricsAddress}`]
  operator = await bed.operator(bed.kubeconfig, flags)
  await logIn('calm')
  await bed.apply(credential('calm'))
  prometheus = await startPrometheus({ target: metricsAddress, job: 'oauth-credential-operator', rules: hastyRules() })
})
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await prometheus?.stop()
  await bed?.stop()
  await Promise.all([relay?.stop(), servers?.stop()])
})

function providerAt(name: string, tokenEndpoint: string): Manifest {
  return manifestOf('OAuthProvider', namespace, name, {
    tokenEndpoint,
    client: { id: servers.server.clients.none.id, authentication: 'none' },
  })
}

function credential(name: string, provider = 'login'): Manifest {
  return manifestOf('OAuthCredential', namespace, name, {
    providerRef: { name: provider },
    refreshToken: { storeRef: { name: 'vault' }, key: `teams/${name}` },
    target: { name: `${name}-token` },
  })
}

async function logIn(name: string): Promise<void> {
  await servers.vault.kvWrite(`teams/${name}`, { refresh_token: await servers.server.issueRefreshToken() })
}

async function firing(): Promise<readonly ActiveAlert[]> {
  const alerts = (await prometheus.alerts()).filter(({ state }) => state === 'firing')
  observeOutput('alerts', JSON.stringify(alerts))
  return alerts
}

function named(alerts: readonly ActiveAlert[], alert: string, labels: Readonly<Record<string, string>>): boolean {
  return alerts.some(
    (one) =>
      one.labels['alertname'] === alert && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  )
}

const patience = { timeout: 60_000, interval: 250 }

async function untilFiring(alert: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  await vi.waitFor(async () => expect(named(await firing(), alert, labels), `${alert} fires`).toBe(true), patience)
}

async function untilResolved(alert: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  await vi.waitFor(async () => expect(named(await firing(), alert, labels), `${alert} fires`).toBe(false), patience)
}

describe('what is shipped', () => {
  test('is a rule file that promtool takes', async () => {
    expect(await runPromtool(['check', 'rules', shippedRules])).toContain(
      `SUCCESS: ${sources.alerts.length + sources.recordings.length} rules`,
    )
  })

  test('is metrics that promtool takes', async () => {
    const { text } = await send({ url: `http://${metricsAddress}/metrics` })
    await runPromtool(['check', 'metrics'], text)
  })
})

describe('each alert, with its own times,', () => {
  test.each(sources.alerts.map(({ alert }) => [alert]))(
    '%s fires when it should, and not when it should not',
    async (alert) => {
      const given = alertSeries[alert]
      if (given === undefined) throw new Error(`alert-series.ts has no series for ${alert}`)
      await expect(runPromtool(['test', 'rules', await ruleTest(alert, given, true)])).resolves.toContain('SUCCESS')
      await expect(runPromtool(['test', 'rules', await ruleTest(alert, given, false)])).resolves.toContain('SUCCESS')
    },
  )
})

/** A file for `promtool test rules`, which wants every label and annotation of what fires: those are left to the real Prometheus. */
async function ruleTest(alert: string, { at, ...series }: AlertSeries, fires: boolean): Promise<string> {
  const input = Object.entries(fires ? series.fires : series.silent)
  const file = join(directory, `${alert}-${fires ? 'fires' : 'silent'}.yaml`)
  const counted = `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`
  const expected = [{ expr: counted, eval_time: at, exp_samples: [{ labels: '{}', value: fires ? 1 : 0 }] }]
  const tests = [
    {
      interval: '1m',
      input_series: input.map(([one, values]) => ({ series: one, values })),
      promql_expr_test: expected,
    },
  ]
  await writeFile(file, stringify({ rule_files: [shippedRules], evaluation_interval: '1m', tests }))
  return file
}

describe('alerts', () => {
  test('are silent while everything is well', async () => {
    await bed.cluster.kubectlOrThrow(['wait', '--for=condition=Ready', '--timeout=30s', '-n', namespace, 'oac/calm'])
    await vi.waitFor(async () => {
      expect(await prometheus.query('oauthcredential_ready')).toEqual([1])
      expect(await firing()).toEqual([])
    }, patience)
  })

  test('tell of a login that is dead, once, and of the token that dies with it', async () => {
    await logIn('dead')
    await bed.apply(credential('dead'))
    await bed.cluster.kubectlOrThrow(['wait', '--for=condition=Ready', '--timeout=30s', '-n', namespace, 'oac/dead'])
    await servers.server.revoke(String((await servers.vault.kvRead('teams/dead')).data?.['refresh_token']))
    const labels = { namespace, name: 'dead' }
    await untilFiring('OAuthCredentialReauthorizationRequired', { ...labels, severity: 'critical' })
    await untilFiring('OAuthCredentialAccessTokenExpired', labels)
    expect((await firing()).filter(({ labels: { name } }) => name === 'calm')).toEqual([])
    await logIn('dead')
    await untilResolved('OAuthCredentialReauthorizationRequired', labels)
    await untilResolved('OAuthCredentialAccessTokenExpired', labels)
  })

  test('tell of a credential that names something that is not there', async () => {
    await logIn('astray')
    await bed.apply(credential('astray', 'nobody'))
    const labels = { namespace, name: 'astray', reason: 'ProviderNotFound' }
    await untilFiring('OAuthCredentialStalled', labels)
    await bed.apply(credential('astray'))
    await untilResolved('OAuthCredentialStalled', labels)
  })

  test('tell of a store that is down', async () => {
    await servers.vault.seal()
    await untilFiring('OAuthCredentialStoreErrors', { store_type: 'vault' })
    await servers.vault.unseal()
    await untilResolved('OAuthCredentialStoreErrors')
  })

  test('tell of a token host that is down, and of what suffers from it', async () => {
    relay.cut()
    await logIn('waiting')
    await bed.apply(credential('waiting'))
    await untilFiring('OAuthProviderErrorRateHigh', { provider: 'login' })
    await untilFiring('OAuthProviderCircuitOpen', { provider: 'login' })
    await untilFiring('OAuthCredentialNotReady', { namespace, name: 'waiting' })
    await untilFiring('OAuthCredentialRefreshOverdue')
    relay.mend()
    const all = ['OAuthProviderCircuitOpen', 'OAuthCredentialNotReady', 'OAuthCredentialRefreshOverdue']
    for (const alert of [...all, 'OAuthProviderErrorRateHigh']) await untilResolved(alert)
  }, 180_000)

  test('tell of an operator that is gone', async () => {
    await operator.stop()
    await untilFiring('OAuthCredentialOperatorDown', { job: 'oauth-credential-operator' })
    await untilFiring('OAuthCredentialOperatorNoLeader')
    await operator.start()
    await untilResolved('OAuthCredentialOperatorDown')
    await untilResolved('OAuthCredentialOperatorNoLeader')
  })
})
