import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { expectClaimed, unclaimed } from './claimed-document.ts'
import {
  claudeDocument,
  calmNames,
  lifetime,
  minimalDocument,
  startVaultScene,
  type VaultScene,
} from './vault-scene.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import type { RestartOptions } from './operator-process.ts'

// The main job from end to end: real API server, real kubectl, real Vault, a real authorization server that rotates
// refresh tokens and kills the login when an old one comes back, and the operator as a process of its own.

let scene: VaultScene

beforeAll(async () => {
  scene = await startVaultScene()
})
afterEach(() => scene?.bed.observeEverything())
afterAll(() => scene?.stop())

describe('the main job with Vault', () => {
  test('begins when the manifests are applied, and kubectl can wait for it', async () => {
    const { bed, examples, apps } = scene
    await Promise.all([bed.apply(...examples), bed.apply(...apps)])
    const waited = ['wait', '--for=condition=Ready', '--timeout=30s']
    await Promise.all([
      bed.cluster.kubectlOrThrow([...waited, '-n', 'ci', 'oac/claude']),
      bed.cluster.kubectlOrThrow([...waited, '-n', 'apps', 'oac', '--all']),
    ])
    expect(await bed.cluster.kubectlOrThrow(['get', 'oac', '-n', 'ci'])).toMatch(/^claude +True/m)
  })

  test('publishes what the manifest asks for, in a Secret that belongs to the credential', async () => {
    const { bed } = scene
    const { metadata } = await bed.credential('ci', 'claude')
    const secret = await bed.secret('ci', 'claude-token')
    expect(secret?.type).toBe('Opaque')
    expect(secret?.metadata.ownerReferences).toMatchObject([{ kind: 'OAuthCredential', uid: metadata.uid }])
    expect(Object.keys(secret?.data ?? {}).toSorted()).toEqual(['.credentials.json', '.env'])
    expect(secret?.data['.env']).toMatch(/^ANTHROPIC_AUTH_TOKEN=\S+\n$/)
    expect((await bed.events('ci', 'claude')).map(({ reason }) => reason)).toContain('TargetCreated')
  })

  test('replaces each access token while it lives, five times and more, and spends no refresh token twice', async () => {
    const { watches, server } = scene
    for (const watch of [watches.claude, watches.minimal]) {
      await watch.untilTokens(6, 5 * lifetime * 1000)
      expect(watch.tokens.every(({ replacedAlive }) => replacedAlive)).toBe(true)
      expect(watch.stale).toBe(0)
      expect(Math.max(...watch.gaps)).toBeLessThan(lifetime)
    }
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0, familiesRevoked: 0 })
  })

  test('tells by metrics and probes what is so', async () => {
    await quietMoment()
    const { operator, bed, server, watches } = scene
    const metrics = await operator.metrics()
    const now = Date.now() / 1000
    const labels = { namespace: 'ci', name: 'claude' }
    const gauge = (name: string): number | undefined => metrics.value(`oauthcredential_${name}`, labels)
    expect(gauge('ready')).toBe(1)
    expect(gauge('consecutive_refresh_failures')).toBe(0)
    expect(gauge('refresh_token_writeback_pending')).toBe(0)
    const { status } = await bed.credential('ci', 'claude')
    const expiry = gauge('access_token_expiration_timestamp_seconds') ?? 0
    expect(Math.floor(expiry)).toBe(Date.parse(status?.accessTokenExpirationTime ?? '') / 1000)
    expect(expiry - now).toBeGreaterThan(0)
    expect(gauge('next_refresh_timestamp_seconds')).toBeLessThan(expiry)
    expect(expiry - (gauge('last_success_timestamp_seconds') ?? 0)).toBeCloseTo(lifetime, 0)
    const refreshes = watches.claude.tokens.length
    expect(status?.refreshes).toBe(refreshes)
    expect(metrics.value('oauthcredential_refresh_token_rotations_total', { provider: 'gateway' })).toBe(refreshes)
    const attempts = metrics.series('oauthcredential_refresh_attempts_total').map(({ value }) => value)
    const { calm } = scene
    expect(sum(attempts)).toBe(server.statistics.refreshes + calm.statistics.refreshes)
    expect(sum(metrics.series('oauthcredential_refresh_failures_total').map(({ value }) => value))).toBe(0)
    expect(metrics.value('oauthcredential_credentials', { state: 'ready' })).toBe(2 + calmNames.length)
    expect(await operator.probe('/healthz')).toMatchObject({ status: 200 })
    expect(await operator.probe('/readyz')).toMatchObject({ status: 200 })
  })

  test('accounts for each refresh in the audit log', async () => {
    await quietMoment()
    const { operator, bed, server } = scene
    const { status, metadata } = await bed.credential('ci', 'claude')
    const lines = auditOf(operator.output, metadata.uid)
    const of = (event: string) => lines.filter((line) => line['event'] === event)
    const presented = of('RefreshTokenPresented')
    expect(presented).toHaveLength(status?.refreshes ?? 0)
    expect(presented.every(({ outcome }) => outcome === 'issued')).toBe(true)
    expect(of('RefreshTokenRotated').map(({ fingerprint }) => fingerprint)).toEqual(
      presented.map(({ fingerprint }) => fingerprint),
    )
    const successors = of('RefreshTokenRotated').map(({ successor }) => successor)
    expect(successors.slice(0, -1)).toEqual(presented.slice(1).map(({ fingerprint }) => fingerprint))
    expect(of('RefreshTokenWrittenBack').map(({ fingerprint }) => fingerprint)).toEqual(successors)
    expect(of('AccessTokenPublished').length).toBeGreaterThanOrEqual(presented.length)
    expect(of('OwnershipTaken')).toHaveLength(1)
    const { origin } = new URL(server.tokenEndpoint)
    expect(presented.at(-1)).toMatchObject({
      level: 'info',
      logger: 'audit',
      replica: operator.identity,
      credential: 'ci/claude',
      generation: 1,
      tokenHost: origin,
      refreshes: status?.refreshes,
    })
  })

  const ends: Readonly<Record<string, RestartOptions & { readonly signal: 'SIGTERM' | 'SIGKILL' }>> = {
    'a restarted container': { signal: 'SIGTERM' },
    'a crash': { signal: 'SIGKILL' },
    'a replaced Pod': { signal: 'SIGTERM', newJournal: true },
    'a Pod that was lost': { signal: 'SIGKILL', newJournal: true },
  }

  test.each(Object.entries(ends))('refreshes nothing that is not due after %s', async (_, { signal, ...options }) => {
    const { operator, calm, watches, server } = scene
    await quietMoment()
    expect(calm.statistics.refreshes).toBe(calmNames.length)
    if (signal === 'SIGTERM') expect(await operator.stop()).toBe(0)
    else await operator.kill()
    await operator.start(options)
    for (const watch of [watches.claude, watches.minimal])
      await watch.untilTokens(watch.tokens.length + 1, lifetime * 1000)
    expect(calm.statistics).toMatchObject({ refreshes: calmNames.length, refusals: 0 })
    // Of eight seconds 3.2 pass before a token can be due, and 2.2 after a restart, because a status has whole seconds.
    expect(Math.min(...watches.claude.gaps, ...watches.minimal.gaps)).toBeGreaterThan(2)
    expect(watches.claude.stale + watches.minimal.stale).toBe(0)
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
  })

  test('leaves the newest refresh token in the store, and everything else there as it was', async () => {
    await quietMoment()
    const { bed, vault, server, watches } = scene
    const claude = (await vault.kvRead('teams/ci/claude')).data ?? {}
    const { claudeAiOauth, ...others } = claude
    const { refreshToken, ...oauth } = claudeAiOauth as { readonly refreshToken?: string }
    expect({ claudeAiOauth: oauth, ...unclaimed(others) }).toEqual(claudeDocument)
    await expectClaimed(bed, claude, { namespace: 'ci', name: 'claude' }, '/claudeAiOauth/refreshToken')
    expect(await server.isRefreshTokenActive(refreshToken ?? '')).toBe(true)
    const minimal = (await vault.kvRead('teams/apps/minimal')).data ?? {}
    const { refresh_token: minimalToken, ...rest } = minimal
    expect(unclaimed(rest)).toEqual(minimalDocument)
    await expectClaimed(bed, minimal, { namespace: 'apps', name: 'minimal' })
    expect(await server.isRefreshTokenActive(String(minimalToken))).toBe(true)
    // One version for each rotation, the first, and the first with its claim.
    const versions = (await vault.kvMetadata('teams/ci/claude'))?.['current_version']
    expect(versions).toBe(watches.claude.tokens.length + 2)
    expect(server.statistics.refreshes).toBe(watches.claude.tokens.length + watches.minimal.tokens.length)
  })

  test('ends with the credential: its document stays as it is, its series vanish, nothing more is sent', async () => {
    await quietMoment()
    const { bed, vault, operator, server, watches } = scene
    const before = await vault.kvRead('teams/ci/claude')
    await bed.cluster.kubectlOrThrow(['delete', 'oac', '-n', 'ci', 'claude', '--timeout=20s'])
    await watches.claude.stop()
    const of = async (name: string): Promise<number> => {
      const { samples } = await operator.metrics()
      return samples.filter(({ labels }) => labels['name'] === name).length
    }
    await vi.waitFor(async () => expect(await of('claude')).toBe(0), { timeout: 5000, interval: 100 })
    expect(await of('minimal')).toBeGreaterThan(5)
    const refreshes = server.statistics.refreshes - watches.minimal.tokens.length
    await sleep(0.6 * lifetime * 1000)
    await quietMoment()
    expect(server.statistics.refreshes - watches.minimal.tokens.length).toBe(refreshes)
    expect(await vault.kvRead('teams/ci/claude')).toEqual(before)
    const login = before.data?.['claudeAiOauth'] as { refreshToken: string } | undefined
    expect(await server.isRefreshTokenActive(login?.refreshToken ?? '')).toBe(true)
  })

  test('prints no token, login or document anywhere', () => expectNothingSecret(scene.bed))
})

/** Resolves when no refresh is under way nor due within a second and a half, and what was seen is all there is. */
async function quietMoment(): Promise<void> {
  const { operator, watches, server, bed } = scene
  await vi.waitFor(
    async () => {
      const metrics = await operator.metrics()
      const next = metrics.series('oauthcredential_next_refresh_timestamp_seconds').map(({ value }) => value)
      expect(Math.min(...next) - Date.now() / 1000).toBeGreaterThan(1.5)
      expect(metrics.value('workqueue_depth', { name: 'oauthcredential' })).toBe(0)
      expect(watches.claude.tokens.length + watches.minimal.tokens.length).toBe(server.statistics.refreshes)
      expect((await bed.credential('apps', 'minimal')).status?.refreshes).toBe(watches.minimal.tokens.length)
    },
    { timeout: 8 * lifetime * 1000, interval: 100 },
  )
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** What the audit log of a process says of one credential. */
function auditOf(log: string, uid: string | undefined): readonly Readonly<Record<string, unknown>>[] {
  const lines = log.split('\n').filter((line) => line.includes('"logger":"audit"'))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['uid'] === uid)
}
