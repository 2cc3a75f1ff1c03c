import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { canary } from '../support/canary.ts'
import type { Manifest } from '../support/manifests.ts'
import { type Moto, startMoto } from './moto.ts'
import { manifestOf, OperatorBed, operatorNamespace } from './operator-bed.ts'
import type { OperatorProcess } from './operator-process.ts'
import { expectNothingSecret } from './printed-secrets.ts'

// Credentials that are made anew, or renamed, while no operator runs, at AWS Secrets Manager: the store shows a refresh
// token that was used up long ago, and its successor is in the record of the credential that is gone. An authorization
// server that sees one twice revokes the login.

const lifetime = 8
const region = 'eu-central-1'
const secretId = 'team/login'
const namespace = 'default'

interface Scene {
  readonly bed: OperatorBed
  readonly moto: Moto
  readonly secrets: SecretsManagerClient
  readonly server: AuthorizationServer
  readonly operator: OperatorProcess
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
  const login = JSON.stringify({ refresh_token: await server.issueRefreshToken() })
  await secrets.send(new CreateSecretCommand({ Name: secretId, SecretString: login }))
  await bed.createSecret(namespace, 'aws-login', {
    'access-key-id': credentials.accessKeyId,
    'secret-access-key': credentials.secretAccessKey,
  })
  await bed.apply(
    manifestOf('TokenStore', namespace, 'aws', {
      awsSecretsManager: { region, endpoint: moto.endpoint, auth: { secretRef: { name: 'aws-login' } } },
    }),
    manifestOf('OAuthProvider', namespace, 'login', {
      tokenEndpoint: server.tokenEndpoint,
      client: { id: server.clients.none.id, authentication: 'none' },
    }),
    named('first'),
  )
  const operator = await bed.operator(bed.kubeconfig, ['--allow-plain-http', '--allow-private-addresses'])
  scene = { bed, moto, secrets, server, operator }
})
afterEach(() => scene?.bed.observeEverything())
afterAll(async () => {
  scene?.secrets.destroy()
  await Promise.all([scene?.bed.stop(), scene?.moto.stop(), scene?.server.close()])
})

function named(name: string): Manifest {
  return manifestOf('OAuthCredential', namespace, name, {
    providerRef: { name: 'login' },
    refreshToken: { storeRef: { name: 'aws' }, key: secretId },
    target: { name: `${name}-token` },
  })
}

async function storedDocument(): Promise<string> {
  const read = new GetSecretValueCommand({ SecretId: secretId, VersionStage: 'AWSCURRENT' })
  const { SecretString: text = '' } = await scene.secrets.send(read)
  return text
}

async function storedToken(): Promise<unknown> {
  return (JSON.parse(await storedDocument()) as Readonly<Record<string, unknown>>)['refresh_token']
}

/** Resolves once the credential has refreshed so often, and is well. */
async function untilRefreshed(name: string, times: number, withinMs = 60_000): Promise<void> {
  await vi.waitFor(
    async () => {
      const { status } = await scene.bed.credential(namespace, name)
      expect(status?.refreshes ?? 0).toBeGreaterThanOrEqual(times)
      expect(status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
    },
    { timeout: withinMs, interval: 200 },
  )
}

/** Nobody is there to do so in a cluster without a controller manager. */
async function collectTarget(name: string): Promise<void> {
  await scene.bed.cluster.kubectlOrThrow(['delete', 'secret', '-n', namespace, `${name}-token`])
}

async function uidOf(name: string): Promise<string> {
  return (await scene.bed.credential(namespace, name)).metadata.uid
}

function recordOf(uid: string): Promise<unknown> {
  return scene.bed.secret(operatorNamespace, `oauth-refresh-${uid}`)
}

function expectNothingSpentTwice(): void {
  expect(scene.server.statistics).toMatchObject({ refusals: 0, reuses: 0, familiesRevoked: 0 })
}

describe('a login outlives its credential', () => {
  test('that is replaced by force while no operator runs', async () => {
    const { bed, operator } = scene
    await untilRefreshed('first', 1)
    const stored = await storedToken()
    await untilRefreshed('first', 4)
    await operator.kill()
    // The store is behind, and nobody was let to write it.
    expect(await storedToken()).toBe(stored)
    const before = await uidOf('first')
    await bed.cluster.kubectlOrThrow(['replace', '--force', '-f', '-'], JSON.stringify(named('first')))
    await collectTarget('first')
    expect(await uidOf('first')).not.toBe(before)
    await operator.start()
    await untilRefreshed('first', 2)
    expectNothingSpentTwice()
    expect(await recordOf(before)).toBeUndefined()
    expect(await recordOf(await uidOf('first'))).toBeDefined()
  })

  test('that is replaced together with its secret, and is told what it waits for', { timeout: 200_000 }, async () => {
    const { bed, secrets } = scene
    await untilRefreshed('first', 4)
    const before = await uidOf('first')
    const backup = await storedDocument()
    await secrets.send(new DeleteSecretCommand({ SecretId: secretId, ForceDeleteWithoutRecovery: true }))
    await bed.cluster.kubectlOrThrow(['replace', '--force', '-f', '-'], JSON.stringify(named('first')))
    await collectTarget('first')
    expect(await uidOf('first')).not.toBe(before)
    const told = await vi.waitFor(
      async () => {
        const described = await bed.cluster.kubectlOrThrow(['describe', '-n', namespace, 'oac', 'first'])
        expect(described).toContain('that had the name default/first before is brought to its end')
        return described
      },
      { timeout: 60_000, interval: 500 },
    )
    expect(told).toContain(secretId)
    await secrets.send(new CreateSecretCommand({ Name: secretId, SecretString: backup }))
    // In AWS a document that is missing is looked for every minute.
    await untilRefreshed('first', 1, 90_000)
    expectNothingSpentTwice()
  })

  test('that is renamed while no operator runs', async () => {
    const { bed, operator } = scene
    // Nothing is on its way just after a refresh.
    await untilRefreshed('first', 3)
    await operator.kill()
    const before = await uidOf('first')
    await bed.cluster.kubectlOrThrow(['delete', '-n', namespace, 'oac', 'first'])
    await collectTarget('first')
    await bed.apply(named('second'))
    await operator.start()
    await untilRefreshed('second', 3)
    expectNothingSpentTwice()
    expect(await recordOf(before)).toBeUndefined()
  })

  test('and is brought into its store at the end', async () => {
    const { operator, server } = scene
    const before = await storedToken()
    expect(await operator.stop()).toBe(0)
    const newest = await storedToken()
    expect(newest).not.toBe(before)
    expect(server.statistics).toMatchObject({ reuses: 0, familiesRevoked: 0 })
  })

  test('and nothing of it is printed anywhere', () => expectNothingSecret(scene.bed))
})
