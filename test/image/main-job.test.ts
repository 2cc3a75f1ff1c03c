import type { StartedTestContainer } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { observeOutput } from '../support/canary.ts'
import { freePort, loopback, send } from '../servers/loopback.ts'
import { manifestOf, OperatorBed, operatorNamespace } from '../servers/operator-bed.ts'
import { expectNothingSecret } from '../servers/printed-secrets.ts'
import { startVault, type Vault } from '../servers/vault.ts'
import { giveTo, runsAs } from './mount-owner.ts'
import { expectNoPrivilege } from './no-privilege.ts'
import { changedPaths, end, OperatorContainer, removeContainers } from './operator-container.ts'
import { buildImage, removeImages } from './operator-image.ts'

// The container as kubelet runs it, but for the kubelet: a ServiceAccount that is mounted, a journal in memory, and
// nothing else that can be written. The API server, Vault and the authorization server are real.

const lifetime = 8
const [namespace, key] = ['team-a', 'teams/team-a/login']
const accountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const journalPath = '/var/run/oauth-credential-operator'

interface Scene {
  readonly bed: OperatorBed
  readonly vault: Vault
  readonly server: AuthorizationServer
  readonly first: string
}

let image: string
let scene: Scene

beforeAll(async () => {
  image = (await buildImage()).name
  const [bed, vault, server] = await Promise.all([
    OperatorBed.start(),
    startVault(),
    startAuthorizationServer({ accessTokenSeconds: lifetime }),
  ])
  const first = await server.issueRefreshToken()
  scene = { bed, vault, server, first }
  await vault.kvWrite(key, { refresh_token: first }, 0)
  await bed.createNamespace(namespace)
  await bed.createSecret(namespace, 'vault-login', { token: vault.rootToken })
})

afterAll(async () => {
  await removeContainers()
  await Promise.all([scene?.bed.stop(), scene?.vault.stop(), scene?.server.close()])
  await removeImages()
})

describe('the image on a cluster', () => {
  it('keeps a token of Vault fresh in a Secret, and brings every rotated refresh token home', async () => {
    const { bed, vault, server, first } = scene
    const probes = `${loopback}:${await freePort()}`
    const operator = await operatorContainer(probes)
    const container = await operator.start()
    await vi.waitFor(async () => expect(await ready(probes)).toBe(200), { timeout: 30_000, interval: 100 })
    await bed.apply(...manifests())
    await bed.condition(namespace, 'login', 'Ready', 30_000)
    await vi.waitFor(() => expect(server.statistics.refreshes).toBeGreaterThan(2), { timeout: 60_000, interval: 100 })
    await expectNoPrivilege(container)
    const ended = await endOf(container, operator)

    expect(ended).toMatchObject({ running: false, exitCode: 0 })
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0, familiesRevoked: 0 })
    const token = (await bed.secret(namespace, 'login-token'))?.data['access_token']
    expect(await server.isActive(token ?? '')).toBe(true)
    const newest = String((await vault.kvRead(key)).data?.['refresh_token'])
    expect(newest).not.toBe(first)
    expect(await server.isRefreshTokenActive(newest)).toBe(true)
    expect((await changedPaths(container)).filter((path) => !belowMounts(path))).toEqual([])
    await expectNothingSecret(bed)
  })
})

async function endOf(container: StartedTestContainer, operator: OperatorContainer): Promise<unknown> {
  const ended = await end(container)
  observeOutput('the whole log of the container', operator.lines.join('\n'))
  expect(operator.lines.join('\n')).toContain('ending: what is under way is finished first')
  return ended
}

async function operatorContainer(probes: string): Promise<OperatorContainer> {
  const { bed } = scene
  const account = bed.pod.serviceAccountDirectory
  await giveTo(runsAs, account)
  const pod = await bed.createPod('operator-0')
  const { hostname, port } = new URL(bed.pod.apiServer)
  const flags = [
    `--namespace=${operatorNamespace}`,
    `--journal=${journalPath}/journal`,
    `--metrics-address=${loopback}:0`,
    `--health-address=${probes}`,
    '--allow-plain-http',
    '--allow-private-addresses',
  ]
  const container = new OperatorContainer(image, 'controller', ...flags)
  if (!runsAs.default) container.withUser(`${runsAs.uid}:${runsAs.gid}`)
  const inMemory = 'rw,noexec,nosuid,nodev,size=16m'
  return container
    .withEnvironment({
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      POD_NAME: pod.name,
      POD_UID: pod.uid,
    })
    .withBindMounts([{ source: account, target: accountPath, mode: 'ro' }])
    .withTmpFs({ '/tmp': inMemory, [journalPath]: `${inMemory},uid=${runsAs.uid},gid=${runsAs.gid},mode=0700` })
    .withAutoRemove(false)
}

/** Docker makes the places of mounts, and the folders on the way to them. */
function belowMounts(path: string): boolean {
  return [accountPath, journalPath].some((mount) => `${mount}/`.startsWith(`${path}/`))
}

async function ready(probes: string): Promise<number> {
  return (await send({ url: `http://${probes}/readyz`, timeoutMs: 2000 })).status
}

function manifests(): readonly object[] {
  const { server, vault } = scene
  return [
    manifestOf('OAuthProvider', namespace, 'login', {
      tokenEndpoint: server.tokenEndpoint,
      client: { id: server.clients.none.id, authentication: 'none' },
    }),
    manifestOf('TokenStore', namespace, 'vault', {
      vault: { address: vault.address, auth: { token: { secretRef: { name: 'vault-login', key: 'token' } } } },
    }),
    manifestOf('OAuthCredential', namespace, 'login', {
      providerRef: { name: 'login' },
      refreshToken: { storeRef: { name: 'vault' }, key },
      target: { name: 'login-token' },
    }),
  ]
}
