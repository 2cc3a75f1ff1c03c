import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { canary } from '../support/canary.ts'
import { expectClaimed, unclaimed } from './claimed-document.ts'
import { type Moto, startMoto } from './moto.ts'
import { exampleManifest, OperatorBed, respecified } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import { TokenWatch } from './token-watch.ts'

// The main job from end to end with AWS Secrets Manager's API: the examples, with an access key, a kubeconfig, and two
// keys of a Secret that somebody else made. The store bears about a hundred writes a day, and here a token is replaced
// every few seconds: so its record holds the newest refresh token, and the store gets it now and then.

const lifetime = 8
const region = 'eu-central-1'
const secretId = 'prod/example/login'
const document = { account: 'somebody', kept: [1, null, 'ü'] }
const foreignData = { 'config.yaml': 'log: info\n' }
const exampleLabels = { namespace: 'default', name: 'example' }
const patiently = { timeout: 10_000, interval: 100 }

interface Scene {
  readonly bed: OperatorBed
  readonly moto: Moto
  readonly secrets: SecretsManagerClient
  readonly server: AuthorizationServer
  readonly operator: OperatorProcess
  readonly watch: TokenWatch
}

let scene: Scene

beforeAll(async () => {
  const [bed, moto, server] = await Promise.all([
    OperatorBed.start(),
    startMoto(),
    startAuthorizationServer({ accessTokenSeconds: lifetime }),
  ])
  const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: canary('secret') }
  const secrets = new SecretsManagerClient({ endpoint: moto.endpoint, region, credentials })
  const first = { ...document, refresh_token: await server.issueRefreshToken('post') }
  await secrets.send(new CreateSecretCommand({ Name: secretId, SecretString: JSON.stringify(first) }))
  await bed.createSecret('default', 'example-client', { 'client-secret': server.clients.post.secret })
  await bed.createSecret('default', 'aws-login', {
    'access-key-id': credentials.accessKeyId,
    'secret-access-key': credentials.secretAccessKey,
  })
  await bed.createSecret('default', 'example-app', foreignData)
  const operator = await bed.operator(bed.kubeconfig, ['--allow-plain-http', '--allow-private-addresses'])
  const watch = new TokenWatch(server, async () => (await bed.secret('default', 'example-app'))?.data['access_token'])
  scene = { bed, moto, secrets, server, operator, watch }
})
afterEach(() => scene?.bed.observeEverything())
afterAll(async () => {
  await scene?.watch.stop()
  scene?.secrets.destroy()
  await Promise.all([scene?.bed.stop(), scene?.moto.stop(), scene?.server.close()])
})

async function currentText(name: string): Promise<string> {
  // The stage is the default at AWS; moto's default is the version that was put last without a stage.
  const read = new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' })
  return (await scene.secrets.send(read)).SecretString ?? ''
}

async function storedDocument(): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await currentText(secretId)) as Record<string, unknown>
}

/** The labels of all versions, those that AWS would drop some day as well. */
async function versions(): Promise<readonly (readonly string[])[]> {
  const list = new ListSecretVersionIdsCommand({ SecretId: secretId, IncludeDeprecated: true })
  return ((await scene.secrets.send(list)).Versions ?? []).map(({ VersionStages = [] }) => VersionStages)
}

describe('the main job with AWS Secrets Manager', () => {
  test('begins when the manifests are applied, and kubectl can wait for it', async () => {
    const { bed, moto, server } = scene
    const provider = { tokenEndpoint: server.tokenEndpoint, 'client.id': server.clients.post.id }
    await bed.apply(
      respecified(exampleManifest('aws/store.yaml', 'default'), { 'awsSecretsManager.endpoint': moto.endpoint }),
      respecified(exampleManifest('aws/provider.yaml', 'default'), provider),
      exampleManifest('aws/credential.yaml', 'default'),
    )
    await bed.cluster.kubectlOrThrow(['wait', '--for=condition=Ready', '--timeout=30s', 'oac/example'])
  })

  test('puts its keys into the Secret and leaves the others alone', async () => {
    const secret = await scene.bed.secret('default', 'example-app')
    expect(secret?.data).toMatchObject(foreignData)
    expect(Object.keys(secret?.data ?? {}).toSorted()).toEqual(['access_token', 'config.yaml', 'token.json'])
    expect(secret?.metadata.ownerReferences).toBeUndefined()
    expect(JSON.parse(secret?.data['token.json'] ?? '')).toMatchObject({ token_type: 'Bearer', expires_in: lifetime })
  })

  test('replaces each access token while it lives, five times and more, and spends no refresh token twice', async () => {
    const { watch, server } = scene
    await watch.untilTokens(6, 5 * lifetime * 1000)
    expect(watch.tokens.every(({ replacedAlive }) => replacedAlive)).toBe(true)
    expect(watch.stale).toBe(0)
    expect(Math.max(...watch.gaps)).toBeLessThan(lifetime)
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0, familiesRevoked: 0 })
  })

  test('writes the store once and then not for a quarter of an hour, and says so', async () => {
    const { bed, operator } = scene
    const { status } = await bed.credential('default', 'example')
    const persisted = status?.conditions?.find(({ type }) => type === 'RefreshTokenPersisted')
    expect(persisted).toMatchObject({ status: 'False', reason: 'WritePaced' })
    expect(status?.conditions?.map(({ type }) => type)).toEqual(['Ready', 'RefreshTokenPersisted'])
    // As it was made, with the claim, and with the first rotated token.
    expect(await versions()).toHaveLength(3)
    const metrics = await operator.metrics()
    expect(metrics.value('oauthcredential_refresh_token_writeback_pending', exampleLabels)).toBe(0)
    expect(metrics.value('oauthcredential_store_behind_since_timestamp_seconds', exampleLabels)).toBeGreaterThan(
      Date.now() / 1000 - 600,
    )
    expect((await bed.events('default', 'example')).filter(({ type }) => type === 'Warning')).toEqual([])
  })

  test('goes on after a crash as if nothing had been', async () => {
    const { operator, watch, server } = scene
    const begun = watch.tokens.length
    await watch.untilTokens(begun + 1, lifetime * 1000)
    await vi.waitFor(async () => {
      const metrics = await operator.metrics()
      expect(metrics.value('workqueue_depth', { name: 'oauthcredential' })).toBe(0)
    }, patiently)
    await operator.kill()
    await operator.start()
    await watch.untilTokens(begun + 3, 2 * lifetime * 1000)
    expect(watch.stale).toBe(0)
    // Of eight seconds 3.2 pass before a token can be due, and 2.2 after a restart, because a status has whole seconds.
    expect(Math.min(...watch.gaps)).toBeGreaterThan(2)
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
    expect(await versions()).toHaveLength(3)
  })

  test('leaves the newest refresh token as the current version when it is told to end, and everything else as it was', async () => {
    const { operator, server, bed } = scene
    expect(await operator.stop()).toBe(0)
    const stored = await storedDocument()
    const { refresh_token: refreshToken, ...rest } = unclaimed(stored)
    expect(rest).toEqual(document)
    await expectClaimed(bed, stored, exampleLabels)
    expect(await server.isRefreshTokenActive(String(refreshToken))).toBe(true)
    expect(await versions()).toHaveLength(4)
    expect((await versions()).filter((labels) => labels.includes('AWSCURRENT'))).toHaveLength(1)
    await operator.start()
    await scene.watch.untilTokens(scene.watch.tokens.length + 1, 2 * lifetime * 1000)
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
  })

  test('refuses a store that would be full some day soon, with the arithmetic', async () => {
    const { bed, moto, secrets, server } = scene
    const login = JSON.stringify({ refresh_token: await server.issueRefreshToken('post') })
    await secrets.send(new CreateSecretCommand({ Name: 'prod/example/hasty', SecretString: login }))
    const hasty = { 'awsSecretsManager.endpoint': moto.endpoint, 'awsSecretsManager.minimumWriteInterval': '0s' }
    const store = respecified(exampleManifest('aws/store.yaml', 'default'), hasty)
    const credential = respecified(exampleManifest('aws/credential.yaml', 'default'), {
      'refreshToken.storeRef.name': 'hasty',
      'refreshToken.key': 'prod/example/hasty',
      target: { name: 'hasty-token' },
    })
    await bed.apply(
      { ...store, metadata: { ...store.metadata, name: 'hasty' } },
      { ...credential, metadata: { ...credential.metadata, name: 'hasty' } },
    )
    const stalled = await bed.condition('default', 'hasty', 'Stalled', 30_000)
    expect(stalled.reason).toBe('StoreWriteBudgetExceeded')
    expect(stalled.message).toMatch(
      /every \d s and TokenStore default\/hasty may be written every 0 s: 86400 \/ \d = \d+ writes a day/,
    )
    // What is refused is not spent: the store still has the one that the server takes.
    const stored = JSON.parse(await currentText('prod/example/hasty')) as { readonly refresh_token: string }
    expect(await server.isRefreshTokenActive(stored.refresh_token)).toBe(true)
    await bed.cluster.kubectlOrThrow(['delete', 'oac', 'hasty', '--timeout=20s'])
  })

  test('brings the newest refresh token home when a credential is deleted whose target goes with it', async () => {
    const { bed, secrets, server } = scene
    const name = 'prod/example/owned'
    const login = JSON.stringify({ refresh_token: await server.issueRefreshToken('post') })
    await secrets.send(new CreateSecretCommand({ Name: name, SecretString: login }))
    const credential = respecified(exampleManifest('aws/credential.yaml', 'default'), {
      'refreshToken.key': name,
      target: { name: 'owned-token' },
    })
    await bed.apply({ ...credential, metadata: { ...credential.metadata, name: 'owned' } })
    const stored = async (): Promise<string> =>
      (JSON.parse(await currentText(name)) as { readonly refresh_token: string }).refresh_token
    await vi.waitFor(
      async () => expect((await bed.credential('default', 'owned')).status?.refreshes).toBeGreaterThan(1),
      { timeout: 3 * lifetime * 1000, interval: 100 },
    )
    expect((await bed.credential('default', 'owned')).metadata.finalizers).toBeUndefined()
    expect(await server.isRefreshTokenActive(await stored())).toBe(false)
    await bed.cluster.kubectlOrThrow(['delete', 'oac', 'owned', '--timeout=20s'])
    await vi.waitFor(async () => expect(await server.isRefreshTokenActive(await stored())).toBe(true), patiently)
    expect(server.statistics).toMatchObject({ refusals: 0, reuses: 0 })
  })

  test('ends with the credential: its keys are taken out of the Secret, its document stays as it is', async () => {
    const { bed, operator, server } = scene
    expect((await bed.credential('default', 'example')).metadata.finalizers).toEqual([
      'oauth-operator.dev/target-cleanup',
    ])
    await scene.watch.stop()
    await bed.cluster.kubectlOrThrow(['delete', 'oac', 'example', '--timeout=20s'])
    const { refreshes } = server.statistics
    const secret = await bed.secret('default', 'example-app')
    expect(secret?.data).toEqual(foreignData)
    expect(JSON.stringify(secret?.metadata.annotations ?? {})).not.toContain('oauth-operator.dev')
    const { refresh_token: refreshToken, ...rest } = unclaimed(await storedDocument())
    expect(rest).toEqual(document)
    // The last chance to bring it home: nobody looks into the record of a credential that is gone.
    expect(await server.isRefreshTokenActive(String(refreshToken))).toBe(true)
    const metrics = await operator.metrics()
    expect(metrics.samples.filter(({ labels }) => labels['name'] === 'example')).toEqual([])
    expect(server.statistics).toMatchObject({ refreshes, refusals: 0, reuses: 0 })
  })

  test('prints no token, login or document anywhere', () => expectNothingSecret(scene.bed))
})
