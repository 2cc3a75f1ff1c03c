import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startCluster } from './kube-apiserver.ts'
import type { Cluster } from './kube-apiserver.ts'
import { send } from './loopback.ts'
import { startMoto } from './moto.ts'
import type { Moto } from './moto.ts'
import { pinsDirectory } from './recipe.ts'
import { ServerHome } from './server-home.ts'
import { ServerProcess } from './server-process.ts'
import { startVault } from './vault.ts'
import type { Vault } from './vault.ts'

// What the other suites take for granted about the servers, proven on the servers themselves.

let cluster: Cluster
let vault: Vault

beforeAll(async () => {
  ;[cluster, vault] = await Promise.all([startCluster({ users: { reader: [] } }), startVault({ tls: true })])
})
afterAll(() => Promise.all([cluster?.stop(), vault?.stop()]))

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.test.oauth-operator.dev}
spec:
  group: test.oauth-operator.dev
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {size: {type: integer}}
              x-kubernetes-validations: [{rule: "self.size < 10", message: too large}]
`
const widget = (size: number): string =>
  JSON.stringify({
    apiVersion: 'test.oauth-operator.dev/v1',
    kind: 'Widget',
    metadata: { name: 'one' },
    spec: { size },
  })

describe('kube-apiserver', () => {
  it('serves a custom resource and enforces its CEL rules', async () => {
    await cluster.kubectlOrThrow(['apply', '--server-side', '-f', '-'], widgets)
    await cluster.kubectlOrThrow(['wait', '--for=condition=Established', 'crd/widgets.test.oauth-operator.dev'])
    await cluster.kubectlOrThrow(['apply', '--server-side', '-f', '-'], widget(1))
    const refused = await cluster.kubectl(['apply', '--server-side', '-f', '-'], widget(10))
    expect(refused.stderr).toContain('too large')
    expect(refused.code).toBe(1)
  })

  it('streams the initial list as watch events that end with a marked bookmark', async () => {
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const { status, text } = await cluster.request('GET', `/api/v1/namespaces?${query}&timeoutSeconds=1`)
    expect(status).toBe(200)
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as WatchEvent)
    const names = events.filter(({ type }) => type === 'ADDED').map(({ object }) => object.metadata.name)
    expect(names).toEqual(expect.arrayContaining(['default', 'kube-system']))
    const end = events.find(({ type }) => type === 'BOOKMARK')
    expect(end?.object.metadata.annotations?.['k8s.io/initial-events-end']).toBe('true')
  })

  it('grants a user nothing that no role grants', async () => {
    const { status } = await cluster.request('GET', '/api/v1/secrets', undefined, cluster.token('reader'))
    expect(status).toBe(403)
  })

  it('limits requests by priority and fairness', async () => {
    const { status } = await cluster.request('GET', '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas')
    expect(status).toBe(200)
    expect((await cluster.request('GET', '/metrics')).text).toContain('apiserver_flowcontrol_')
  })

  it('is silent while paused and answers again when resumed', async () => {
    cluster.pauseApiServer()
    const silent = send({ url: `${cluster.url}/version`, ca: cluster.caPem, timeoutMs: 300 })
    await expect(silent).rejects.toThrow()
    cluster.resumeApiServer()
    expect((await cluster.request('GET', '/version')).status).toBe(200)
  })

  it('keeps its objects over a crash', async () => {
    await cluster.kubectlOrThrow(['create', 'namespace', 'survivor'])
    await cluster.killApiServer()
    await expect(cluster.request('GET', '/version')).rejects.toThrow('ECONNREFUSED')
    await cluster.startApiServer()
    expect(await cluster.kubectlOrThrow(['get', 'namespace', 'survivor'])).toContain('Active')
  })

  it('refuses the old bearer token and shows a certificate of another authority after a rotation', async () => {
    const [oldToken, oldCa] = [cluster.token(), cluster.caPem]
    await cluster.restartApiServer({ rotateTokens: true, newCa: true })
    expect((await cluster.request('GET', '/api/v1/namespaces', undefined, oldToken)).status).toBe(401)
    expect((await cluster.request('GET', '/api/v1/namespaces')).status).toBe(200)
    await expect(send({ url: `${cluster.url}/version`, ca: oldCa })).rejects.toThrow('unable to verify')
    expect(await cluster.kubectlOrThrow(['get', 'namespaces'])).toContain('default')
  })
})

interface WatchEvent {
  readonly type: string
  readonly object: {
    readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
  }
}

describe('vault', () => {
  it('writes a version only over the one that was named', async () => {
    expect(await vault.kvWrite('cas', { step: 1 }, 0)).toEqual({ status: 200, version: 1 })
    expect(await vault.kvWrite('cas', { step: 2 }, 0)).toEqual({ status: 400 })
    expect(await vault.kvWrite('cas', { step: 2 }, 1)).toEqual({ status: 200, version: 2 })
    expect(await vault.kvRead('cas')).toEqual({ status: 200, version: 2, data: { step: 2 } })
    expect(await vault.kvMetadata('cas')).toMatchObject({ current_version: 2 })
    expect(await vault.kvRead('nothing')).toEqual({ status: 404 })
  })

  it('logs an AppRole in', async () => {
    await writePolicy()
    await vault.requestOrThrow('POST', 'sys/auth/approle', { type: 'approle' })
    await vault.requestOrThrow('POST', 'auth/approle/role/operator', { token_policies: 'cas-reader' })
    const role = await vault.requestOrThrow('GET', 'auth/approle/role/operator/role-id')
    const secret = await vault.requestOrThrow('POST', 'auth/approle/role/operator/secret-id')
    const body = { ...(role.json['data'] as object), ...(secret.json['data'] as object) }
    await expectLogin(await vault.request('POST', 'auth/approle/login', body, ''))
  })

  it('logs a Kubernetes service account in by asking the API server', async () => {
    await writePolicy()
    await vault.requestOrThrow('POST', 'sys/auth/kubernetes', { type: 'kubernetes' })
    await vault.requestOrThrow('POST', 'auth/kubernetes/config', {
      kubernetes_host: cluster.url,
      kubernetes_ca_cert: cluster.caPem,
      token_reviewer_jwt: await tokenReviewer(),
    })
    const role = {
      bound_service_account_names: 'operator',
      bound_service_account_namespaces: 'default',
      token_policies: 'cas-reader',
    }
    await vault.requestOrThrow('POST', 'auth/kubernetes/role/operator', role)
    const login = async (account: string): ReturnType<Vault['request']> => {
      const jwt = await cluster.serviceAccountToken('default', account)
      return vault.request('POST', 'auth/kubernetes/login', { role: 'operator', jwt }, '')
    }
    await expectLogin(await login('operator'))
    expect((await login('stranger')).status).toBe(403)
  })

  it('answers 503 while sealed, and has its data after unsealing and after a restart', async () => {
    await vault.kvWrite('durable', { kept: true })
    await vault.seal()
    expect((await vault.kvRead('durable')).status).toBe(503)
    await vault.unseal()
    expect((await vault.kvRead('durable')).data).toEqual({ kept: true })
    await vault.restart()
    expect((await vault.kvRead('durable')).data).toEqual({ kept: true })
  })
})

async function writePolicy(): Promise<void> {
  const policy = 'path "secret/data/cas" { capabilities = ["read"] }'
  await vault.requestOrThrow('PUT', 'sys/policies/acl/cas-reader', { policy })
}

async function tokenReviewer(): Promise<string> {
  const token = await cluster.serviceAccountToken('default', 'reviewer')
  const binding = ['create', 'clusterrolebinding', 'reviewer', '--clusterrole=system:auth-delegator']
  await cluster.kubectlOrThrow([...binding, '--serviceaccount=default:reviewer'])
  return token
}

async function expectLogin(answer: Awaited<ReturnType<Vault['request']>>): Promise<void> {
  expect(answer.status).toBe(200)
  const { client_token: token } = answer.json['auth'] as { readonly client_token: string }
  expect([200, 404]).toContain((await vault.request('GET', 'secret/data/cas', undefined, token)).status)
  expect((await vault.request('GET', 'secret/data/other', undefined, token)).status).toBe(403)
}

describe('moto', () => {
  let moto: Moto
  let client: SecretsManagerClient
  const [first, second] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']

  beforeAll(async () => {
    moto = await startMoto()
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    client = new SecretsManagerClient({ endpoint: moto.endpoint, region: 'us-east-1', credentials })
  })
  afterAll(async () => {
    client?.destroy()
    await moto?.stop()
  })
  beforeEach(async () => {
    await moto.reset()
    await client.send(new CreateSecretCommand({ Name: 'login', SecretString: 'one', ClientRequestToken: first }))
  })

  const put = (value: string, stages?: string[]): Promise<unknown> =>
    client.send(
      new PutSecretValueCommand({
        SecretId: 'login',
        SecretString: value,
        ClientRequestToken: second,
        ...(stages === undefined ? {} : { VersionStages: stages }),
      }),
    )
  const stages = async (): Promise<unknown> =>
    (await client.send(new DescribeSecretCommand({ SecretId: 'login' }))).VersionIdsToStages

  it('takes the same value twice under one request token, and no other value', async () => {
    await put('two')
    await put('two')
    await expect(put('three')).rejects.toMatchObject({ name: 'ResourceExistsException' })
    expect(await stages()).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['AWSCURRENT'] })
  })

  it('moves a staging label only from the version that was named', async () => {
    await put('two', ['PREPARED'])
    expect(await stages()).toEqual({ [first]: ['AWSCURRENT'], [second]: ['PREPARED'] })
    const move = (from: string): Promise<unknown> =>
      client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: 'login',
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: second,
          RemoveFromVersionId: from,
        }),
      )
    await expect(move(second)).rejects.toMatchObject({ name: 'InvalidParameterException' })
    await move(first)
    expect(await stages()).toEqual({ [first]: ['AWSPREVIOUS'], [second]: ['PREPARED', 'AWSCURRENT'] })
  })
})

describe('server processes', () => {
  it('tell the end of their log when they do not become ready', async () => {
    const home = new ServerHome('broken')
    onTestFinished(() => home.remove())
    const start = ServerProcess.start({
      name: 'broken',
      home,
      command: '/bin/sh',
      args: ['-c', 'echo no such flag >&2; exit 3'],
      ready: () => Promise.resolve(false),
      readyWithinMs: 5000,
    })
    await expect(start).rejects.toThrow(/broken ended before it was ready.*\nno such flag/)
  })

  it('end with the process that started them, even when that is killed, and leave no files', async () => {
    const script = `
      import { ServerHome } from ${JSON.stringify(join(pinsDirectory, 'server-home.ts'))}
      import { ServerProcess } from ${JSON.stringify(join(pinsDirectory, 'server-process.ts'))}
      const home = new ServerHome('orphan')
      const args = ['-c', 'sleep 300 & echo $$; wait']
      const ready = () => Promise.resolve(true)
      const server = await ServerProcess.start({ name: 'orphan', home, command: '/bin/sh', args, ready, readyWithinMs: 5000 })
      while (server.logTail() === '') await new Promise((resolve) => setTimeout(resolve, 20))
      console.log(JSON.stringify({ group: Number(server.logTail()), directory: home.directory }))
      setInterval(() => undefined, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const { group, directory } = JSON.parse(line.toString('utf8')) as { group: number; directory: string }
    expect(existsSync(directory)).toBe(true)
    expect(await membersOf(group)).toHaveLength(2)
    parent.kill('SIGKILL')
    await vi.waitFor(async () => {
      expect(await membersOf(group)).toHaveLength(0)
      expect(existsSync(directory)).toBe(false)
    }, 5000)
  })
})

async function membersOf(group: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pgid=,stat='])
  const rows = stdout.split('\n').map((row) => row.trim().split(/\s+/))
  return rows.filter(([id, state]) => Number(id) === group && state?.startsWith('Z') !== true).map(([id]) => id ?? '')
}
