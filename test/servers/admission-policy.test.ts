import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runHelm } from './helm.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'
import type { KubectlResult } from './kubectl.ts'
import { manifestOf } from './operator-bed.ts'

// What a platform team can forbid beyond the schemas: the real API server holds it, not the operator.

const chart = fileURLToPath(new URL('../../deploy/helm/oauth-credential-operator', import.meta.url))
const limits = ['allowedTokenHosts={login.example.com,*.corp.example}', 'clusterProviderNamespaces={team-a}']

let cluster: Cluster
let home: string

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'helm-'))
  cluster = await startCluster()
  for (const name of ['team-a', 'team-b']) await cluster.kubectlOrThrow(['create', 'namespace', name])
  await install('crds.keep=false')
  await cluster.kubectlOrThrow(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all'])
  await cluster.kubectlOrThrow(['apply', '-f', '-'], JSON.stringify(provider({ tokenEndpoint: outside }, 'older')))
  await install('admissionPolicy.enabled=true', ...limits.map((limit) => `admissionPolicy.${limit}`))
  for (const object of [provider({ tokenEndpoint: outside }), credential('team-b', 'ClusterOAuthProvider')]) {
    await vi.waitFor(async () => expect((await tried(object)).code).toBe(1), { timeout: 30_000, interval: 250 })
  }
})
afterAll(async () => {
  await cluster?.stop()
  rmSync(home, { recursive: true, force: true })
})

const outside = 'https://collector.example.net/token'

function helm(...args: readonly string[]): Promise<string> {
  return runHelm(home, args, cluster.adminKubeconfig)
}

function install(...values: readonly string[]): Promise<string> {
  const flags = values.flatMap((value) => ['--set', value])
  return helm('upgrade', '--install', 'operator', chart, '--namespace', 'team-a', ...flags)
}

function provider(spec: object, name = 'login'): object {
  return manifestOf('OAuthProvider', 'team-a', name, { client: { id: 'app', authentication: 'none' }, ...spec })
}

function credential(namespace: string, kind: string): object {
  return manifestOf('OAuthCredential', namespace, 'login', {
    providerRef: { kind, name: 'login' },
    refreshToken: { storeRef: { name: 'secrets' }, key: 'login' },
    target: { name: 'login-token' },
  })
}

function tried(object: object): Promise<KubectlResult> {
  return cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(object))
}

function preset(values: Readonly<Record<string, string>>): object {
  return provider({ presetRef: { name: 'keycloak', values } })
}

const taken: Readonly<Record<string, object>> = {
  'a token endpoint at a host that is named': provider({ tokenEndpoint: 'https://login.example.com/token' }),
  'one at a port of it': provider({ tokenEndpoint: 'https://login.example.com:8443/token' }),
  'one below a domain that is named': provider({ tokenEndpoint: 'https://a.b.corp.example/token' }),
  'values of a preset that are no host': preset({ realm: 'staff', tenant: '6fa1-22' }),
  'a host that is named, as the value of a preset': preset({ host: 'login.example.com:8443', realm: 'staff' }),
  'a ClusterOAuthProvider in a namespace that may': credential('team-a', 'ClusterOAuthProvider'),
  'an OAuthProvider in every namespace': credential('team-b', 'OAuthProvider'),
}

const refused: Readonly<Record<string, readonly [object: object, reason: string]>> = {
  'a token endpoint at another host': [provider({ tokenEndpoint: outside }), 'not at collector.example.net'],
  'a revocation endpoint at another host': [
    provider({ tokenEndpoint: 'https://login.example.com/token', revocationEndpoint: outside }),
    'not at collector.example.net',
  ],
  'the domain itself, where only what is below it is named': [
    provider({ tokenEndpoint: 'https://corp.example/token' }),
    'not at corp.example',
  ],
  'a host that only ends like one that is named': [
    provider({ tokenEndpoint: 'https://evil-login.example.com/token' }),
    'not at evil-login.example.com',
  ],
  'an issuer elsewhere': [provider({ issuer: 'https://collector.example.net' }), 'not at collector.example.net'],
  'a refresh endpoint elsewhere': [
    provider({ tokenEndpoint: 'https://login.example.com/token', refreshEndpoint: outside }),
    'must be at login.example.com, *.corp.example, and not at collector.example.net',
  ],
  'another host as the value of a preset': [preset({ host: 'collector.example.net:443' }), 'collector.example.net'],
  'an address in one number as the value of a preset': [preset({ host: '0x08080808' }), 'not at 0x08080808'],
  'a ClusterOAuthProvider in a namespace that may not': [
    credential('team-b', 'ClusterOAuthProvider'),
    'credentials of this namespace must not name a ClusterOAuthProvider',
  ],
}

describe('a cluster with the admission policy', () => {
  test.each(Object.entries(taken))('takes %s', async (_, object) => {
    expect(await tried(object)).toMatchObject({ code: 0, stderr: '' })
  })

  test.each(Object.entries(refused))('refuses %s', async (_, [object, reason]) => {
    const { code, stderr } = await tried(object)
    expect(stderr).toContain(reason)
    expect(code).toBe(1)
  })

  test('leaves what is older alone until its spec changes', async () => {
    await cluster.kubectlOrThrow(['label', 'oauthprovider', 'older', '-n', 'team-a', 'team=a'])
    const patch = '{"spec":{"minimumRefreshInterval":"1m"}}'
    const change = ['patch', 'oauthprovider', 'older', '-n', 'team-a', '--type=merge', '-p', patch]
    expect((await cluster.kubectl(change)).stderr).toContain('not at collector.example.net')
  })
})

test('the chart refuses a policy that would hold nothing', async () => {
  await expect(helm('template', chart, '--set', 'admissionPolicy.enabled=true')).rejects.toThrow(/nothing to hold/)
})
