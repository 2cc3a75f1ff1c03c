import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chooseConnection } from '../../../src/adapters/kubernetes/choose-connection.ts'
import { InClusterSettings } from '../../../src/adapters/kubernetes/in-cluster-settings.ts'
import { KubeconfigSettings } from '../../../src/adapters/kubernetes/kubeconfig-settings.ts'
import type {
  ConnectionSettings,
  ConnectionSettingsSource,
} from '../../../src/adapters/kubernetes/connection-settings.ts'
import { canary, observeOutput } from '../../support/canary.ts'

let root: string
let directory: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'connection-settings-'))
})

beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'))
})

afterAll(() => rm(root, { recursive: true }))

function put(name: string, text: string): Promise<void> {
  return writeFile(join(directory, name), text)
}

async function settingsOf(source: ConnectionSettingsSource, rejected = false): Promise<ConnectionSettings> {
  const result = await source.read(rejected)
  if (!result.ok) throw new Error(result.failure.message)
  observeOutput('settings', JSON.stringify(result.value))
  return result.value
}

async function problemOf(source: ConnectionSettingsSource): Promise<string> {
  const result = await source.read(false)
  if (result.ok) throw new Error('the settings were read')
  observeOutput('failure', JSON.stringify(result.failure))
  expect(result.failure.code).toBe('KUBERNETES_UNAVAILABLE')
  return result.failure.message
}

describe('in the cluster', () => {
  const location = () => ({ host: '10.0.0.1', port: '443', directory })

  test('the mounted ServiceAccount is used, and read again each time', async () => {
    const token = canary('secret')
    await Promise.all([put('token', `${token}\n`), put('ca.crt', 'CA'), put('namespace', 'oauth-system')])
    const source = new InClusterSettings(location())
    const first = await settingsOf(source)
    expect(first).toMatchObject({ server: 'https://10.0.0.1:443', ca: 'CA', namespace: 'oauth-system' })
    expect(first.headers.reveal()).toEqual({ authorization: `Bearer ${token}` })
    const rotated = canary('secret')
    await put('token', rotated)
    expect((await settingsOf(source)).headers.reveal()).toEqual({ authorization: `Bearer ${rotated}` })
  })

  test('an IPv6 service address is put into brackets', async () => {
    await Promise.all([put('token', 'any'), put('ca.crt', 'CA')])
    const { server, namespace } = await settingsOf(new InClusterSettings({ ...location(), host: 'fd00::1' }))
    expect(server).toBe('https://[fd00::1]:443')
    expect(namespace).toBeUndefined()
  })

  test.each(['token', 'ca.crt'])('a missing %s is named', async (missing) => {
    await put(missing === 'token' ? 'ca.crt' : 'token', 'present')
    expect(await problemOf(new InClusterSettings(location()))).toContain(join(directory, missing))
  })

  test('an empty token is as good as none', async () => {
    await Promise.all([put('token', '\n'), put('ca.crt', 'CA')])
    expect(await problemOf(new InClusterSettings(location()))).toContain('token')
  })
})

function kubeconfig(user: unknown, cluster: unknown = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [
      { name: 'here', context: { cluster: 'c', user: 'u', namespace: 'ci' } },
      { name: 'there', context: { cluster: 'c2', user: 'u' } },
    ],
    clusters: [
      { name: 'c', cluster: { server: 'https://api.example:6443', ...(cluster as object) } },
      { name: 'c2', cluster: { server: 'https://other.example:6443' } },
    ],
    users: [{ name: 'u', user }],
  })
}

describe('from a kubeconfig', () => {
  const source = (context?: string) =>
    new KubeconfigSettings({ files: [join(directory, 'config')], ...(context === undefined ? {} : { context }) })

  test('a bearer token, with the CA of a file beside it', async () => {
    const token = canary('secret')
    await put('ca.pem', 'CA')
    await put('config', kubeconfig({ token }, { 'certificate-authority': 'ca.pem', 'tls-server-name': 'kubernetes' }))
    const settings = await settingsOf(source())
    expect(settings).toMatchObject({
      server: 'https://api.example:6443',
      ca: 'CA',
      serverName: 'kubernetes',
      namespace: 'ci',
    })
    expect(settings.headers.reveal()).toEqual({ authorization: `Bearer ${token}` })
    expect(settings.insecure).toBeUndefined()
  })

  test('a client certificate, whose key is not printed', async () => {
    const key = canary('secret')
    const encoded = (text: string) => Buffer.from(text).toString('base64')
    await put('config', kubeconfig({ 'client-certificate-data': encoded('CERT'), 'client-key-data': encoded(key) }))
    const settings = await settingsOf(source())
    expect(settings.cert).toBe('CERT')
    expect(settings.key?.reveal()).toBe(key)
    expect(settings.headers.reveal()).toEqual({})
  })

  test('another context, a user who is impersonated, a server that is not verified', async () => {
    await put('config', kubeconfig({ token: canary('secret'), as: 'ops' }, { 'insecure-skip-tls-verify': true }))
    expect((await settingsOf(source('there'))).server).toBe('https://other.example:6443')
    const here = await settingsOf(source())
    expect(here.insecure).toBe(true)
    expect(here.headers.reveal()['impersonate-user']).toBe('ops')
  })

  test('a token that changed in the file is used at the next read', async () => {
    const kept = source()
    await put('config', kubeconfig({ token: canary('secret') }))
    await settingsOf(kept)
    const rotated = canary('secret')
    await put('config', kubeconfig({ token: rotated }))
    expect((await settingsOf(kept)).headers.reveal()['authorization']).toBe(`Bearer ${rotated}`)
  })

  test('the first of two files wins where both name something', async () => {
    await put('config', kubeconfig({ token: canary('secret') }))
    await put('more', kubeconfig({ token: 'other' }, { server: 'https://shadowed.example' }))
    const files = ['missing', 'config', 'more'].map((name) => join(directory, name))
    expect((await settingsOf(new KubeconfigSettings({ files }))).server).toBe('https://api.example:6443')
  })

  test('a plugin is run once while its credential lives, and again when the API server rejects it', async () => {
    const token = canary('secret')
    const credential = JSON.stringify({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token },
    })
    await put('plugin', `#!/bin/sh\necho run >> ${directory}/runs\necho '${credential}'\n`)
    await chmod(join(directory, 'plugin'), 0o755)
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: join(directory, 'plugin'),
      interactiveMode: 'Never',
    }
    await put('config', kubeconfig({ exec }))
    const kept = source()
    for (const rejected of [false, false, true]) {
      expect((await settingsOf(kept, rejected)).headers.reveal()).toEqual({ authorization: `Bearer ${token}` })
    }
    expect(await readFile(join(directory, 'runs'), 'utf8')).toBe('run\nrun\n')
  })

  const problems: Record<string, [string | undefined, RegExp]> = {
    'a missing file is named': [undefined, /config is missing or not readable/],
    'a file that is no kubeconfig is named': ['[[[', /config could not be understood/],
    'a context without a cluster is named': [
      JSON.stringify({ 'current-context': 'x' }),
      /has no cluster|not be understood/,
    ],
    'a proxy is refused': [kubeconfig({}, { 'proxy-url': 'http://proxy' }), /proxy-url/],
  }
  test.each(Object.entries(problems))('%s', async (_, [text, expected]) => {
    if (text !== undefined) await put('config', text)
    expect(await problemOf(source())).toMatch(expected)
  })

  test('what a failing plugin prints is not passed on', async () => {
    const secret = canary('secret')
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: '/bin/sh',
      args: ['-c', `echo ${secret} >&2; exit 1`],
    }
    await put('config', kubeconfig({ exec }))
    expect(await problemOf(source())).toContain('credential plugin failed')
  })
})

describe('which of them', () => {
  const inCluster = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }
  const cases: Record<string, [Parameters<typeof chooseConnection>[0], unknown]> = {
    'the flag comes first': [{ kubeconfig: '/k', environment: { ...inCluster, KUBECONFIG: '/e' } }, KubeconfigSettings],
    'then the variable': [{ environment: { ...inCluster, KUBECONFIG: '/e' } }, KubeconfigSettings],
    'then the Pod': [{ environment: { ...inCluster, HOME: '/root' } }, InClusterSettings],
    'then the home directory': [{ environment: { HOME: '/root', KUBECONFIG: '' } }, KubeconfigSettings],
  }
  test.each(Object.entries(cases))('%s', (_, [choice, expected]) => {
    expect(chooseConnection(choice)?.constructor).toBe(expected)
  })

  test('the files of the Pod may be mounted elsewhere', async () => {
    const token = canary('secret')
    await Promise.all([put('token', token), put('ca.crt', 'pem')])
    const chosen = chooseConnection({ serviceAccountDirectory: directory, environment: inCluster })
    expect(chosen).toBeInstanceOf(InClusterSettings)
    if (chosen === undefined) return
    const { server, headers } = await settingsOf(chosen)
    expect([server, headers.reveal()]).toEqual(['https://10.0.0.1:443', { authorization: `Bearer ${token}` }])
  })

  test('nothing given is no connection', () => {
    expect(chooseConnection({ environment: {} })).toBeUndefined()
  })
})
