import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { expectClaimed, installationOf, unclaimed } from './claimed-document.ts'
import type { OperatorBed } from './operator-bed.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import {
  credentialAt,
  logIn,
  namespace,
  refreshTokenAt,
  startTeamCluster,
  startTeamServers,
  type TeamCluster,
  type TeamServers,
} from './team-scene.ts'

// One refresh token, one owner: two credentials of one cluster, and of two clusters that share a Vault.

const shared = 'teams/shared'

interface Scene {
  readonly servers: TeamServers
  readonly here: TeamCluster
  readonly there: TeamCluster
}

let scene: Scene

beforeAll(async () => {
  const servers = await startTeamServers(600)
  const [here, there] = await Promise.all([startTeamCluster(servers), startTeamCluster(servers)])
  scene = { servers, here, there }
})
afterEach(async () => {
  await scene?.here.bed.observeEverything()
  await scene?.there.bed.observeEverything()
})
afterAll(async () => {
  await Promise.all([scene?.here.bed.stop(), scene?.there.bed.stop()])
  await scene?.servers.stop()
})

async function expectOwnedBy(bed: OperatorBed, name: string, owner: string): Promise<void> {
  const stalled = await bed.condition(namespace, name, 'Stalled')
  expect(stalled.reason).toBe('RefreshTokenOwned')
  expect(stalled.message).toContain(
    `The refresh token of OAuthCredential ${namespace}/${name} is refreshed by ${owner}.`,
  )
  expect(await bed.secret(namespace, `${name}-token`)).toBeUndefined()
  const described = await bed.cluster.kubectlOrThrow(['describe', 'oac', '-n', namespace, name])
  expect(described).toContain(owner)
  expect(described).toMatch(/^ +Warning +Stalled /m)
}

async function takeOwnership(bed: OperatorBed, name: string): Promise<void> {
  const request = `oauth-operator.dev/take-ownership-requested-at=${new Date().toISOString()}`
  await bed.cluster.kubectlOrThrow(['annotate', '-n', namespace, 'oac', name, request])
}

describe('a refresh token that another credential refreshes', () => {
  test('in the same cluster is not presented, and the other one is named', async () => {
    const { servers, here } = scene
    await logIn(servers, shared)
    await here.bed.apply(credentialAt('first', shared))
    await here.bed.condition(namespace, 'first', 'Ready')
    await here.bed.apply(credentialAt('second', shared))
    await expectOwnedBy(here.bed, 'second', `OAuthCredential ${namespace}/first`)
    expect(servers.server.statistics).toMatchObject({ refreshes: 1, refusals: 0, reuses: 0 })
  })

  test('in another cluster is not presented, and the other one is named with its cluster', async () => {
    const { servers, here, there } = scene
    await there.bed.apply(credentialAt('elsewhere', shared))
    const installation = await installationOf(here.bed)
    await expectOwnedBy(there.bed, 'elsewhere', `OAuthCredential ${namespace}/first of installation ${installation}`)
    expect(servers.server.statistics).toMatchObject({ refreshes: 1, refusals: 0, reuses: 0 })
  })

  test('is taken over when a human says so, and its owner stalls', async () => {
    const { servers, here, there } = scene
    const { vault, server } = servers
    await takeOwnership(there.bed, 'elsewhere')
    await there.bed.condition(namespace, 'elsewhere', 'Ready', 90_000)
    const { data = {} } = await vault.kvRead(shared)
    await expectClaimed(there.bed, data, { namespace, name: 'elsewhere' })
    expect(Object.keys(unclaimed(data)).toSorted()).toEqual(['account', 'refresh_token'])
    expect(await server.isRefreshTokenActive(await refreshTokenAt(servers, shared))).toBe(true)
    await here.bed.requestRefresh(namespace, 'first')
    const stalled = await here.bed.condition(namespace, 'first', 'Stalled', 30_000)
    expect(stalled.reason).toBe('RefreshTokenOwned')
    expect(stalled.message).toContain(`of installation ${await installationOf(there.bed)}`)
    expect(server.statistics).toMatchObject({ refreshes: 2, refusals: 0, reuses: 0 })
  })

  test('is free again when its owner is gone and nothing of it is left', async () => {
    const { servers, here, there } = scene
    await here.bed.cluster.kubectlOrThrow(['delete', 'oac', '-n', namespace, 'first', 'second', '--timeout=20s'])
    await logIn(servers, 'teams/moved')
    await there.bed.apply(credentialAt('old', 'teams/moved'))
    await there.bed.condition(namespace, 'old', 'Ready')
    await there.bed.cluster.kubectlOrThrow(['delete', 'oac', '-n', namespace, 'old', '--timeout=20s'])
    await there.bed.apply(credentialAt('new', 'teams/moved'))
    await there.bed.condition(namespace, 'new', 'Ready')
    await expectClaimed(there.bed, (await servers.vault.kvRead('teams/moved')).data ?? {}, { namespace, name: 'new' })
    await vi.waitFor(() => expect(servers.server.statistics).toMatchObject({ refreshes: 4, refusals: 0, reuses: 0 }))
  })

  test('makes no token, login or document visible', async () => {
    await expectNothingSecret(scene.here.bed)
  })
})
