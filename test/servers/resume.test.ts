import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { canary } from '../support/canary.ts'
import type { Manifest } from '../support/manifests.ts'
import { type Moto, startMoto } from './moto.ts'
import { manifestOf } from './operator-bed.ts'
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

// A login dies at a real authorization server. The operator stops at once, tells it once, and goes on by itself as soon
// as a human has put another refresh token into the store: nothing else is touched. How long that takes is measured.

const region = 'eu-central-1'
const secretId = 'team/login'
/** One look at AWS Secrets Manager is a minute after the other. */
const awsPollMs = 60_000
const vaultPollMs = 5000
/** For the look itself, the refresh, and a machine that is busy. */
const leewayMs = 10_000

interface Scene {
  readonly servers: TeamServers
  readonly team: TeamCluster
  /** Its refresh tokens stay the same. */
  readonly constant: AuthorizationServer
  readonly moto: Moto
  readonly secrets: SecretsManagerClient
}

let scene: Scene

beforeAll(async () => {
  const servers = await startTeamServers(600)
  const [team, constant, moto] = await Promise.all([
    startTeamCluster(servers),
    startAuthorizationServer({ accessTokenSeconds: 600, rotate: false }),
    startMoto(),
  ])
  const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: canary('secret') }
  const secrets = new SecretsManagerClient({ endpoint: moto.endpoint, region, credentials })
  scene = { servers, team, constant, moto, secrets }
  await team.bed.createSecret(namespace, 'aws-login', {
    'access-key-id': credentials.accessKeyId,
    'secret-access-key': credentials.secretAccessKey,
  })
  await Promise.all(['vault-dead', 'vault-alive'].map((name) => logIn(servers, `teams/${name}`)))
  const login = { refresh_token: await constant.issueRefreshToken() }
  await servers.vault.kvWrite('teams/vault-constant', login)
  await secrets.send(new CreateSecretCommand({ Name: secretId, SecretString: await awsLogin() }))
  await team.bed.apply(...manifests())
  const names = ['vault-dead', 'vault-alive', 'vault-constant', 'aws-dead']
  await Promise.all(names.map((name) => untilReady(name, 30_000)))
})
afterEach(() => scene?.team.bed.observeEverything())
afterAll(async () => {
  scene?.secrets.destroy()
  await scene?.team.bed.stop()
  await Promise.all([scene?.servers.stop(), scene?.constant.close(), scene?.moto.stop()])
})

function manifests(): readonly Manifest[] {
  const { constant, moto } = scene
  return [
    manifestOf('TokenStore', namespace, 'aws', {
      awsSecretsManager: { region, endpoint: moto.endpoint, auth: { secretRef: { name: 'aws-login' } } },
    }),
    manifestOf('OAuthProvider', namespace, 'constant', {
      tokenEndpoint: constant.tokenEndpoint,
      client: { id: constant.clients.none.id, authentication: 'none' },
      rotation: { mode: 'Never' },
    }),
    credentialAt('vault-dead'),
    credentialAt('vault-alive'),
    credentialWith('vault-constant', 'constant', { name: 'vault', key: 'teams/vault-constant' }),
    credentialWith('aws-dead', 'login', { name: 'aws', key: secretId }),
  ]
}

function credentialWith(name: string, provider: string, store: { readonly name: string; readonly key: string }) {
  return manifestOf('OAuthCredential', namespace, name, {
    providerRef: { name: provider },
    refreshToken: { storeRef: { name: store.name }, key: store.key },
    target: { name: `${name}-token` },
  })
}

async function awsLogin(): Promise<string> {
  return JSON.stringify({ refresh_token: await scene.servers.server.issueRefreshToken() })
}

/** One put at AWS. After a label was moved, moto's put leaves it on two versions, so here it is moved by hand. */
async function putAwsDocument(text: string): Promise<void> {
  const { secrets } = scene
  const named = { SecretId: secretId, VersionStage: 'AWSCURRENT' }
  const { VersionId: current } = await secrets.send(new GetSecretValueCommand(named))
  const put = { SecretId: secretId, SecretString: text, VersionStages: ['BY_HAND'] }
  const { VersionId: made } = await secrets.send(new PutSecretValueCommand(put))
  await secrets.send(
    new UpdateSecretVersionStageCommand({ ...named, MoveToVersionId: made, RemoveFromVersionId: current }),
  )
}

/** Resolves when a credential is ready and waits for nobody. @returns how long that took, in milliseconds. */
async function untilReady(name: string, withinMs: number): Promise<number> {
  const began = Date.now()
  await vi.waitFor(
    async () => {
      const { status } = await scene.team.bed.credential(namespace, name)
      const types = status?.conditions?.map(({ type }) => type) ?? []
      expect(types).toContain('Ready')
      expect(types).not.toContain('Stalled')
    },
    { timeout: withinMs, interval: 50 },
  )
  return Date.now() - began
}

async function refreshesOf(name: string): Promise<number> {
  return (await scene.team.bed.credential(namespace, name)).status?.refreshes ?? 0
}

/** Asks for a refresh of a login that is dead by now, and waits for the operator to say so. */
async function untilDead(...names: readonly string[]): Promise<void> {
  const { bed } = scene.team
  for (const name of names) await bed.requestRefresh(namespace, name)
  for (const name of names) {
    expect((await bed.condition(namespace, name, 'Stalled')).reason).toBe('ReauthorizationRequired')
  }
}

/** Takes the time from the moment that another login is in the store. */
async function measured(name: string, change: () => Promise<unknown>, withinMs: number): Promise<void> {
  const before = await refreshesOf(name)
  await change()
  const took = await untilReady(name, withinMs)
  expect(await refreshesOf(name)).toBe(before + 1)
  console.log(`${name} resumed ${(took / 1000).toFixed(1)} s after its document was replaced`)
}

describe('a login that died', () => {
  test('is told once, and not presented again where refresh tokens rotate', async () => {
    const { servers, team } = scene
    await servers.server.revoke(await refreshTokenAt(servers, 'teams/vault-dead'))
    await putAwsDocument(JSON.stringify({ refresh_token: canary('rt') }))
    await untilDead('vault-dead', 'aws-dead')
    expect(servers.server.statistics.refusals).toBe(2)
    await sleep(20_000)
    expect(servers.server.statistics.refusals).toBe(2)
    for (const name of ['vault-dead', 'aws-dead']) {
      const told = (await team.bed.events(namespace, name)).filter(({ reason }) => reason === 'ReauthorizationRequired')
      expect(told).toHaveLength(1)
    }
  })

  test('resumes within seconds of a new one in Vault', async () => {
    const { servers } = scene
    await measured('vault-dead', () => logIn(servers, 'teams/vault-dead'), vaultPollMs + leewayMs)
  })

  test('resumes within one poll of a new one in AWS Secrets Manager', async () => {
    const login = await awsLogin()
    await measured('aws-dead', () => putAwsDocument(login), awsPollMs + leewayMs)
  })

  test('is confirmed once after a minute where refresh tokens stay the same, and then rests', async () => {
    const { constant, servers } = scene
    const dead = (await servers.vault.kvRead('teams/vault-constant')).data?.['refresh_token']
    await constant.revoke(String(dead))
    await untilDead('vault-constant')
    const began = Date.now()
    const { refusals } = constant.statistics
    await vi.waitFor(() => expect(constant.statistics.refusals).toBe(refusals + 1), { timeout: 80_000, interval: 100 })
    const took = Date.now() - began
    console.log(`the refusal was confirmed ${(took / 1000).toFixed(1)} s after it`)
    expect(took).toBeGreaterThan(55_000)
    const login = { refresh_token: await constant.issueRefreshToken() }
    await measured('vault-constant', () => servers.vault.kvWrite('teams/vault-constant', login), vaultPollMs + leewayMs)
    expect(constant.statistics.refusals).toBe(refusals + 1)
  })
})

describe('a login that is missing', () => {
  test('is taken within seconds of its arrival in Vault', async () => {
    const { servers, team } = scene
    await team.bed.apply(credentialAt('vault-late'))
    expect((await team.bed.condition(namespace, 'vault-late', 'Stalled')).reason).toBe('SeedMissing')
    await measured('vault-late', () => logIn(servers, 'teams/vault-late'), vaultPollMs + leewayMs)
  })
})

describe('all the while', () => {
  test('who has a good login is not touched, and nothing is spent twice', async () => {
    expect(await refreshesOf('vault-alive')).toBe(1)
    expect(scene.servers.server.statistics).toMatchObject({ reuses: 0, familiesRevoked: 0 })
  })

  test('prints no token, login or document anywhere', () => expectNothingSecret(scene.team.bed))
})
