import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { canary } from '../support/canary.ts'
import { type Moto, startMoto } from './moto.ts'
import { exampleManifest, OperatorBed, respecified } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { expectNothingSecret } from './printed-secrets.ts'
import { TokenWatch } from './token-watch.ts'

// The main job from end to end with AWS Secrets Manager's API: the examples, with an access key, a kubeconfig, and two
// keys of a Secret that somebody else made.

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

async function storedDocument(): Promise<Readonly<Record<string, unknown>>> {
  // The stage is the default at AWS; moto's default is the version that was put last without a stage.
  const read = new GetSecretValueCommand({ SecretId: secretId, VersionStage: 'AWSCURRENT' })
  const { SecretString = '' } = await scene.secrets.send(read)
  return JSON.parse(SecretString) as Record<string, unknown>
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

  test('leaves the newest refresh token as the current version, and everything else there as it was', async () => {
    const { server, secrets, bed } = scene
    const { refresh_token: refreshToken, ...rest } = await vi.waitFor(async () => {
      const { refreshes } = server.statistics
      const stored = await storedDocument()
      expect((await bed.credential('default', 'example')).status?.refreshes).toBe(refreshes)
      expect(server.statistics.refreshes).toBe(refreshes)
      return stored
    }, patiently)
    expect(rest).toEqual(document)
    expect(await server.isRefreshTokenActive(String(refreshToken))).toBe(true)
    const { VersionIdsToStages: stages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId: secretId }))
    expect(Object.values(stages).filter((labels) => labels.includes('AWSCURRENT'))).toHaveLength(1)
  })

  test('goes on after a crash as if nothing had been', async () => {
    const { operator, watch, server } = scene
    const begun = watch.tokens.length
    await watch.untilTokens(begun + 1, lifetime * 1000)
    await vi.waitFor(async () => {
      const metrics = await operator.metrics()
      expect(metrics.value('oauthcredential_refresh_token_writeback_pending', exampleLabels)).toBe(0)
      expect(metrics.value('workqueue_depth', { name: 'oauthcredential' })).toBe(0)
    }, patiently)
    await operator.kill()
    await operator.start()
    await watch.untilTokens(begun + 3, 2 * lifetime * 1000)
    expect(watch.stale).toBe(0)
    // Of eight seconds 3.2 pass before a token can be due, and 2.2 after a restart, because a status has whole seconds.
    expect(Math.min(...watch.gaps)).toBeGreaterThan(2)
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
    const { refresh_token: refreshToken, ...rest } = await storedDocument()
    expect(rest).toEqual(document)
    expect(await server.isRefreshTokenActive(String(refreshToken))).toBe(true)
    const metrics = await operator.metrics()
    expect(metrics.samples.filter(({ labels }) => labels['name'] === 'example')).toEqual([])
    expect(server.statistics).toMatchObject({ refreshes, refusals: 0, reuses: 0 })
  })

  test('prints no token, login or document anywhere', () => expectNothingSecret(scene.bed))
})
