import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { manifestOf, OperatorBed } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import { TokenWatch } from './token-watch.ts'

// Two replicas and one Lease. A token is refreshed when it is four to eight seconds old and lives for forty, so there
// is always a refresh to fight for, and no token has to run out while nobody leads.

const namespace = 'default'
const names = ['one', 'two', 'three']
const lifetime = 40
const leaseSeconds = 15
/** client-go's candidates look every two seconds, and up to 2.4 later. */
const longestLookSeconds = 4.4

interface Scene {
  readonly bed: OperatorBed
  readonly server: AuthorizationServer
  readonly replicas: readonly [OperatorProcess, OperatorProcess]
  readonly watches: readonly TokenWatch[]
}

let scene: Scene

beforeAll(async () => {
  const [bed, server] = await Promise.all([
    OperatorBed.start(),
    startAuthorizationServer({ accessTokenSeconds: lifetime }),
  ])
  for (const name of names)
    await bed.createSecret(namespace, `${name}-login`, { refresh_token: await server.issueRefreshToken() })
  const flags = ['--allow-plain-http', '--allow-private-addresses']
  const replicas = await Promise.all([
    bed.replica(bed.kubeconfig, flags, 'replica-0'),
    bed.replica(bed.kubeconfig, flags, 'replica-1'),
  ])
  const watches = names.map(
    (name) => new TokenWatch(server, async () => (await bed.secret(namespace, `${name}-token`))?.data['access_token']),
  )
  scene = { bed, server, replicas, watches }
})
afterEach(() => scene?.bed.observeEverything())
afterAll(async () => {
  await Promise.all(scene?.watches.map((watch) => watch.stop()) ?? [])
  await Promise.all([scene?.bed.stop(), scene?.server.close()])
})

/** The one replica that leads, and the other. */
async function roles(): Promise<{ readonly leader: OperatorProcess; readonly standby: OperatorProcess }> {
  return vi.waitFor(
    async () => {
      const [first, second] = scene.replicas
      const leads = [await first.leads(), await second.leads()]
      expect(leads.filter((does) => does)).toHaveLength(1)
      return leads[0] === true ? { leader: first, standby: second } : { leader: second, standby: first }
    },
    { timeout: 10_000, interval: 100 },
  )
}

/** Refreshes that this life of a replica began. */
async function attempts(replica: OperatorProcess): Promise<number> {
  const series = (await replica.metrics()).series('oauthcredential_refresh_attempts_total')
  return series.reduce((total, { value }) => total + value, 0)
}

/** Resolves when nothing is under way at the leader and nothing is due within a second. @returns its attempts. */
async function quietMoment(leader: OperatorProcess): Promise<number> {
  return vi.waitFor(
    async () => {
      const metrics = await leader.metrics()
      const next = metrics.series('oauthcredential_next_refresh_timestamp_seconds').map(({ value }) => value)
      expect(Math.min(...next) - Date.now() / 1000).toBeGreaterThan(1)
      expect(metrics.value('workqueue_depth', { name: 'oauthcredential' })).toBe(0)
      return attempts(leader)
    },
    { timeout: 30_000, interval: 100 },
  )
}

/** Seconds until a replica leads from now on. */
async function secondsUntilLeading(replica: OperatorProcess, withinSeconds: number): Promise<number> {
  const begun = performance.now()
  await vi.waitFor(async () => expect(await replica.leads()).toBe(true), {
    timeout: withinSeconds * 1000,
    interval: 50,
  })
  return (performance.now() - begun) / 1000
}

async function untilAllReplaced(): Promise<void> {
  const next = scene.watches.map((watch) => watch.untilTokens(watch.tokens.length + 1, lifetime * 1000))
  await Promise.all(next)
}

function expectNothingLost(): void {
  const { server, watches } = scene
  expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0, familiesRevoked: 0 })
  for (const watch of watches) {
    expect(watch.stale).toBe(0)
    expect(watch.tokens.every(({ replacedAlive }) => replacedAlive)).toBe(true)
    // A tenth of the life passes before anything can be due; less a second, because a status has whole seconds.
    expect(Math.min(...watch.gaps)).toBeGreaterThan(0.1 * lifetime - 1.5)
  }
}

describe('two replicas', () => {
  test('refresh each token once, because one of them acts', async () => {
    const { bed, server, watches } = scene
    const { leader, standby } = await roles()
    const { tokenEndpoint, clients } = server
    await bed.apply(
      manifestOf('TokenStore', namespace, 'secrets', { kubernetes: {} }),
      manifestOf('OAuthProvider', namespace, 'login', {
        tokenEndpoint,
        client: { id: clients.none.id, authentication: 'none' },
      }),
      ...names.map((name) =>
        manifestOf('OAuthCredential', namespace, name, {
          providerRef: { name: 'login' },
          refreshToken: { storeRef: { name: 'secrets' }, key: `${name}-login` },
          refresh: { beforePercent: 80 },
          target: { name: `${name}-token` },
        }),
      ),
    )
    await Promise.all(watches.map((watch) => watch.untilTokens(3, lifetime * 1000)))
    expect(await quietMoment(leader)).toBe(server.statistics.refreshes)
    expect(await attempts(standby)).toBe(0)
    expectNothingLost()
  })

  test('are both ready, and only the leader shows the credentials', async () => {
    const { leader, standby } = await roles()
    for (const replica of [leader, standby]) {
      expect(await replica.probe('/readyz')).toMatchObject({ status: 200 })
      expect(await replica.probe('/healthz')).toMatchObject({ status: 200 })
    }
    expect((await leader.metrics()).series('oauthcredential_ready')).toHaveLength(names.length)
    expect((await standby.metrics()).series('oauthcredential_ready')).toHaveLength(0)
  })

  test('hand over at once when the leader is told to end', async () => {
    const { server } = scene
    const { leader, standby } = await roles()
    const before = await quietMoment(leader)
    expect(before).toBe(server.statistics.refreshes)
    const [code, took] = await Promise.all([leader.stop(), secondsUntilLeading(standby, 10)])
    expect(code).toBe(0)
    expect(took).toBeLessThan(5)
    await untilAllReplaced()
    expect((await quietMoment(standby)) + before).toBe(server.statistics.refreshes)
    expectNothingLost()
    await leader.start()
    expect(await leader.leads()).toBe(false)
  })

  test('lose nothing but the time of the Lease when the leader is lost', async () => {
    const { server } = scene
    const { leader, standby } = await roles()
    await quietMoment(leader)
    const before = server.statistics.refreshes
    await leader.kill()
    const killedAtMs = performance.now()
    // The last renewal was two seconds ago at most, and until its Lease runs out the dead leader may be alive.
    await sleep(0.8 * leaseSeconds * 1000)
    expect(server.statistics.refreshes).toBe(before)
    expect(await standby.leads()).toBe(false)
    await secondsUntilLeading(standby, leaseSeconds)
    expect((performance.now() - killedAtMs) / 1000).toBeLessThan(leaseSeconds + longestLookSeconds + 1)
    await untilAllReplaced()
    expect(await quietMoment(standby)).toBe(server.statistics.refreshes - before)
    expectNothingLost()
  })

  test('never lead both', async () => {
    const { replicas } = scene
    const [lost] = (await roles()).leader === replicas[0] ? [replicas[1]] : [replicas[0]]
    await lost.start()
    for (let look = 0; look < 20; look += 1) {
      const leads = await Promise.all(replicas.map((replica) => replica.leads()))
      expect(leads.filter((does) => does)).toHaveLength(1)
      await sleep(100)
    }
    expect(
      (await scene.bed.cluster.kubectlOrThrow(['get', 'leases', '-A', '-o', 'name'])).trim().split('\n'),
    ).toContain('lease.coordination.k8s.io/oauth-credential-operator')
  })

  test('print no token, login or document anywhere', () => expectNothingSecret(scene.bed))
})
