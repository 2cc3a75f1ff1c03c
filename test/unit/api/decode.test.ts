import { describe, expect, test } from 'vitest'
import { decodeResource } from '../../../src/api/decode.ts'
import type { Credential } from '../../../src/domain/credential.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import type { TokenStore } from '../../../src/domain/token-store.ts'
import {
  appRoleStore,
  awsStore,
  certificateProvider,
  changed,
  fileStore,
  kubernetesStore,
  labelledCredential,
  type Manifest,
  loginCredential,
  maximalCredential,
  maximalProvider,
  minimalCredential,
  minimalProvider,
  signingProvider,
  tokenAuthStore,
  validManifests,
  vaultStore,
} from '../../support/manifests.ts'

function credentialOf(manifest: unknown): Credential {
  const resource = decodeResource(manifest)
  if (resource?.type !== 'credential') throw new Error(`decoded as ${JSON.stringify(resource)}`)
  return resource.credential
}

function providerOf(manifest: Manifest): Provider {
  const resource = decodeResource(manifest)
  if (resource?.type !== 'provider') throw new Error(`decoded as ${JSON.stringify(resource)}`)
  return resource.provider
}

function storeOf(manifest: Manifest): TokenStore {
  const resource = decodeResource(manifest)
  if (resource?.type !== 'store') throw new Error(`decoded as ${JSON.stringify(resource)}`)
  return resource.store
}

describe('a credential', () => {
  test('that says the least has every default filled in', () => {
    expect(credentialOf(minimalCredential).spec).toEqual({
      grant: 'RefreshToken',
      provider: { kind: 'OAuthProvider', name: 'gateway' },
      refreshToken: { store: { kind: 'TokenStore', name: 'vault' }, key: 'teams/ci/claude' },
      scopes: [],
      refresh: { storeOutage: 'Wait' },
      target: { name: 'claude-token', outputs: [{ format: 'raw' }], creationPolicy: 'Owner', deletionPolicy: 'Delete' },
      suspend: false,
    })
  })

  test('that says everything loses nothing', () => {
    expect(credentialOf(maximalCredential).spec).toEqual({
      grant: 'RefreshToken',
      provider: { kind: 'ClusterOAuthProvider', name: 'gateway' },
      refreshToken: {
        store: { kind: 'ClusterTokenStore', name: 'vault' },
        key: 'teams/ci/claude',
        property: '/claudeAiOauth/refreshToken',
      },
      scopes: ['user:inference', 'offline_access'],
      refresh: { beforeSeconds: 5400, keepAliveSeconds: 86_400, storeOutage: 'RecordOnly' },
      target: {
        name: 'claude-token',
        outputs: [
          { format: 'raw' },
          { format: 'header' },
          { format: 'dotenv', key: '.env', variable: 'CLAUDE_CODE_OAUTH_TOKEN' },
          { format: 'oauth2-json', key: 'answer.json' },
          { format: 'vibekit' },
          { format: 'claude-code' },
          { format: 'raw', key: 'copy' },
        ],
        creationPolicy: 'Merge',
        deletionPolicy: 'Retain',
        previous: { key: 'token.before' },
      },
      suspend: true,
      revocationPolicy: 'Always',
    })
  })

  test('keeps the labels and annotations of its target', () => {
    const { labels, annotations } = credentialOf(labelledCredential).spec.target
    expect(labels).toEqual({ team: 'ci', 'example.com/tier': '', 'app.kubernetes.io/part-of': 'Agents_2' })
    expect(Object.values(annotations ?? {})).toEqual(['Grüße,\n"all"', ''])
  })

  test('keeps every parameter of its formats', () => {
    const { outputs } = (loginCredential.spec as { target: { outputs: unknown } }).target
    expect(credentialOf(loginCredential).spec.target.outputs).toEqual(outputs)
  })

  test('may say in percent when to refresh', () => {
    const manifest = changed(minimalCredential, 'spec.refresh', { beforePercent: 33 })
    expect(credentialOf(manifest).spec.refresh).toEqual({ beforePercent: 33, storeOutage: 'Wait' })
  })

  test.each([
    ['1s', 1],
    ['8760h', 31_536_000],
    ['0.5h1m', 1860],
  ])('may be refreshed %s before the expiry, bounds included', (before, beforeSeconds) => {
    const manifest = changed(minimalCredential, 'spec.refresh', { before })
    expect(credentialOf(manifest).spec.refresh).toEqual({ beforeSeconds, storeOutage: 'Wait' })
  })

  test('may be written with keys that nothing stands behind', () => {
    const manifest = changed(changed(minimalCredential, 'spec.scopes', null), 'spec.refresh', { before: null })
    expect(credentialOf(manifest).spec).toEqual(credentialOf(minimalCredential).spec)
  })

  test('from an API server has what it says of the object', () => {
    const manifest = {
      ...minimalCredential,
      metadata: {
        name: 'claude',
        namespace: 'ci',
        uid: '0b0f6f3e-7f3c-4c0e-9d2a-0a6a2d7f5b11',
        generation: 3,
        resourceVersion: '77',
        creationTimestamp: '2026-11-20T10:00:00Z',
        finalizers: ['other.example/x', 'oauth-operator.dev/target-cleanup'],
        annotations: {
          'oauth-operator.dev/refresh-requested-at': 'now',
          'oauth-operator.dev/take-ownership-requested-at': 'today',
          'oauth-operator.dev/allow-token-origin': 'https://login.example.com',
        },
        managedFields: [],
      },
      status: { observedGeneration: 2, refreshes: 5 },
    }
    expect(credentialOf(manifest)).toMatchObject({
      key: { namespace: 'ci', name: 'claude' },
      uid: '0b0f6f3e-7f3c-4c0e-9d2a-0a6a2d7f5b11',
      generation: 3,
      createdAt: Date.parse('2026-11-20T10:00:00Z') / 1000,
      deleting: false,
      finalized: true,
      refreshRequest: 'now',
      ownershipRequest: 'today',
      allowedOrigin: 'https://login.example.com',
      state: { observedGeneration: 2, refreshes: 5 },
    })
  })

  test('from a file has what an API server would have added', () => {
    const credential = credentialOf({ ...minimalCredential, metadata: { name: 'claude' } })
    expect(credential).toMatchObject({
      key: { namespace: 'default', name: 'claude' },
      uid: 'default.claude',
      createdAt: 0,
      deleting: false,
      finalized: false,
      state: { observedGeneration: 0, conditions: [] },
    })
    for (const asked of ['refreshRequest', 'ownershipRequest', 'allowedOrigin']) {
      expect(credential).not.toHaveProperty(asked)
    }
  })

  test('from a file has another generation when its spec was edited, and only then', () => {
    const generation = (manifest: Manifest) => credentialOf(manifest).generation
    expect(generation(structuredClone(minimalCredential))).toBe(generation(minimalCredential))
    expect(generation(changed(minimalCredential, 'spec.suspend', true))).not.toBe(generation(minimalCredential))
    expect(generation(minimalCredential)).toBeGreaterThan(0)
  })
})

function annotated(name: string, value: unknown): Credential {
  return credentialOf(changed(minimalCredential, 'metadata.annotations', { [`oauth-operator.dev/${name}`]: value }))
}

describe.each([
  ['to refresh now', 'refresh-requested-at', 'refreshRequest'],
  ['to take ownership', 'take-ownership-requested-at', 'ownershipRequest'],
] as const)('a request %s', (_, annotation, member) => {
  test.each<[string, unknown, string | undefined]>([
    ['is any text', '2026-11-20', '2026-11-20'],
    ['is absent when empty', '', undefined],
    ['is absent when it is no text', 5, undefined],
    ['is cut as the status cuts it', 'x'.repeat(300), 'x'.repeat(256)],
    ['survives half a character at the cut', `${'x'.repeat(255)}😀`, `${'x'.repeat(255)}\uFFFD`],
  ])('%s', (__, value, expected) => {
    expect(annotated(annotation, value)[member]).toBe(expected)
  })
})

describe('an origin that a refresh token may go to', () => {
  test.each<[string, unknown, string]>([
    ['a host', 'https://login.example.com', 'https://login.example.com'],
    ['a host and a port', 'https://login.example.com:8443', 'https://login.example.com:8443'],
    ['an address', 'http://[::1]:4000', 'http://[::1]:4000'],
    ['a slash behind it', 'https://login.example.com/', 'https://login.example.com'],
    ['upper case and the port of the scheme', 'HTTPS://Login.Example.com:443', 'https://login.example.com'],
  ])('may be written with %s', (_, value, expected) => {
    expect(annotated('allow-token-origin', value).allowedOrigin).toBe(expected)
  })

  test.each<[string, unknown]>([
    ['without scheme', 'login.example.com'],
    ['of another scheme', 'ftp://login.example.com'],
    ['with a path', 'https://login.example.com/oauth/token'],
    ['with user information', 'https://me@login.example.com'],
    ['with a query', 'https://login.example.com?x=1'],
    ['with a line break', 'https://login.example.com\n'],
    ['of any host', 'https://*.example.com'],
    ['without end', `https://${'a'.repeat(2048)}`],
    ['that is empty', ''],
    ['that is no text', true],
  ])('allows nothing %s', (_, value) => {
    expect(annotated('allow-token-origin', value)).not.toHaveProperty('allowedOrigin')
  })
})

describe('a provider', () => {
  test('that says the least has every default filled in', () => {
    const { generation, ...provider } = providerOf(minimalProvider)
    expect(generation).toBeGreaterThan(0)
    expect(provider).toEqual({
      kind: 'OAuthProvider',
      name: 'gateway',
      namespace: 'ci',
      tokenEndpoint: 'https://login.example.com/oauth/token',
      client: { id: 'cli', authentication: 'none' },
      request: { bodyFormat: 'form', parameters: {}, headers: {} },
      rotation: {
        mode: 'Detect',
        reuseLeewaySeconds: 0,
        leewayKind: 'SameToken',
        revokesPreviousAccessToken: false,
      },
      response: { errors: [] },
      refreshTokenLifetime: {},
      minimumRefreshIntervalSeconds: 0,
      accessTokenLifetimeSeconds: 2700,
      limits: { requestsPerSecond: 5, maxConcurrent: 2 },
      tls: {},
    })
  })

  test('that says everything loses nothing', () => {
    const { generation, ...provider } = providerOf(maximalProvider)
    expect(generation).toBeGreaterThan(0)
    expect(provider).toEqual({
      kind: 'ClusterOAuthProvider',
      name: 'gateway',
      issuer: 'http://[::1]:4000/issuer',
      tokenEndpoint: 'http://[::1]:4000/token?tenant=a%20b',
      refreshEndpoint: 'http://[::1]:4000/refresh',
      revocationEndpoint: 'http://[::1]:4000/revoke',
      introspection: { endpoint: 'http://[::1]:4000/introspect' },
      client: { id: 'cli', authentication: 'client_secret_post', secretRef: { name: 'client', key: 'secret' } },
      request: {
        bodyFormat: 'json',
        parameters: { audience: 'https://api.example.com' },
        headers: { Accept: 'application/json', 'X-Tenant': 'a b' },
      },
      rotation: {
        mode: 'Always',
        reuseLeewaySeconds: 30,
        leewayKind: 'PreviousGeneration',
        revokesPreviousAccessToken: true,
      },
      response: {
        accessToken: '/data/token',
        refreshToken: '/data/0/a~1b~0c',
        expiresIn: '/data/lifetime',
        refreshTokenExpiresIn: '/data/refresh_lifetime',
        error: '/error/code',
        success: { pointer: '/ok', value: true },
        errors: [
          { code: 'invalid_refresh_token', status: 400, meaning: 'RefreshTokenRejected' },
          { status: 420, meaning: 'Throttled' },
        ],
      },
      refreshTokenLifetime: { idleSeconds: 7_776_000, absoluteSeconds: 31_536_000 },
      minimumRefreshIntervalSeconds: 60,
      accessTokenLifetimeSeconds: 600,
      limits: { requestsPerSecond: 1, maxConcurrent: 7 },
      tls: { caBundle: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' },
    })
  })
})

test('a client may sign, at a server whose metadata name its endpoints', () => {
  expect(providerOf(signingProvider)).toMatchObject({
    issuer: 'https://login.example.com',
    introspection: {},
    client: {
      id: 'cli',
      authentication: 'private_key_jwt',
      assertion: {
        keyRef: { name: 'client', key: 'key.pem' },
        algorithm: 'ES256',
        keyId: 'k1',
        audience: 'https://login.example.com',
      },
    },
  })
  expect(providerOf(signingProvider)).not.toHaveProperty('tokenEndpoint')
  const least = changed(signingProvider, 'spec.client.assertion', { keyRef: { name: 'client', key: 'key.pem' } })
  expect(providerOf(least).client.assertion).toEqual({ keyRef: { name: 'client', key: 'key.pem' }, algorithm: 'RS256' })
})

test('a client may show a certificate', () => {
  expect(providerOf(certificateProvider).client).toEqual({
    id: 'cli',
    authentication: 'tls_client_auth',
    certificateSecretName: 'client-tls',
  })
})

test.each([
  ['a text', { text: 'ok' }, 'ok'],
  ['no text', { text: '' }, ''],
  ['a number', { integer: 0 }, 0],
  ['false', { boolean: false }, false],
])('an answer may show its success by %s', (_, expected, value) => {
  const manifest = changed(minimalProvider, 'spec.response', { success: { pointer: '/status', ...expected } })
  expect(providerOf(manifest).response.success).toEqual({ pointer: '/status', value })
})

test.each(['Detect', 'Always', 'Never'])('a provider may rotate %s', (mode) => {
  expect(providerOf(changed(minimalProvider, 'spec.rotation', { mode })).rotation.mode).toBe(mode)
})

test('the shortest leeway has a kind', () => {
  const rotation = { reuseLeeway: '1ms', leewayKind: 'PreviousGeneration' }
  expect(providerOf(changed(minimalProvider, 'spec.rotation', rotation)).rotation).toMatchObject({
    reuseLeewaySeconds: 0.001,
    leewayKind: 'PreviousGeneration',
  })
})

describe('a store', () => {
  test('of a cluster grants what its access list says', () => {
    expect(storeOf(vaultStore)).toMatchObject({
      kind: 'ClusterTokenStore',
      name: 'vault',
      access: [
        {
          namespaceSelector: {
            matchLabels: { team: 'ci' },
            matchExpressions: [{ key: 'example.com/tier', operator: 'In', values: ['a', 'b'] }],
          },
          keys: ['teams/{namespace}/**', 'shared/*'],
          namespacedProviders: 'Allow',
          staticTokens: 'Allow',
        },
      ],
    })
    expect(storeOf(vaultStore)).not.toHaveProperty('namespace')
  })

  test('of a cluster denies by default', () => {
    expect(storeOf(changed(vaultStore, 'spec.access', [])).access).toEqual([])
    const grant = { namespaceSelector: {}, keys: ['*'] }
    expect(storeOf(changed(vaultStore, 'spec.access', [grant])).access).toEqual([
      {
        namespaceSelector: { matchLabels: {}, matchExpressions: [] },
        keys: ['*'],
        namespacedProviders: 'Deny',
        staticTokens: 'Deny',
      },
    ])
  })

  test.each<[string, Manifest, TokenStore['backend']]>([
    [
      'Vault with the token of a ServiceAccount',
      vaultStore,
      {
        type: 'vault',
        address: 'https://vault.example:8200',
        namespace: 'admin/ci',
        mount: 'kv/apps',
        tls: { caBundleSecretRef: { name: 'vault-ca', key: 'ca.crt' } },
        auth: {
          method: 'kubernetes',
          mount: 'kubernetes',
          role: 'oauth-operator',
          serviceAccount: { name: 'vault-login', audiences: ['vault'] },
        },
      },
    ],
    [
      'Vault with an AppRole',
      appRoleStore,
      {
        type: 'vault',
        address: 'https://vault.example',
        mount: 'secret',
        tls: {},
        auth: {
          method: 'appRole',
          mount: 'approle',
          roleId: 'ci-role',
          secretIdRef: { name: 'vault-login', key: 'secret-id' },
        },
      },
    ],
    [
      'Vault with a token',
      tokenAuthStore,
      {
        type: 'vault',
        address: 'https://vault.example',
        mount: 'secret',
        tls: {},
        auth: { method: 'token', secretRef: { name: 'vault-login', key: 'token' } },
      },
    ],
    [
      'AWS Secrets Manager with an access key',
      awsStore,
      {
        type: 'awsSecretsManager',
        region: 'eu-central-1',
        endpoint: 'https://vpce-1.secretsmanager.eu-central-1.vpce.amazonaws.com',
        credentials: {
          accessKeyId: { name: 'aws-login', key: 'access-key-id' },
          secretAccessKey: { name: 'aws-login', key: 'secret-access-key' },
          sessionToken: { name: 'aws-login', key: 'session-token' },
        },
        minimumWriteIntervalSeconds: 900,
      },
    ],
    [
      'AWS Secrets Manager as the SDK finds out',
      changed(awsStore, 'spec.awsSecretsManager', {}),
      { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 900 },
    ],
    [
      'AWS Secrets Manager that is written every hour and a half',
      changed(awsStore, 'spec.awsSecretsManager', { minimumWriteInterval: '1h30m' }),
      { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 5400 },
    ],
    [
      'AWS Secrets Manager that is written at every rotation',
      changed(awsStore, 'spec.awsSecretsManager', { minimumWriteInterval: '0s' }),
      { type: 'awsSecretsManager', minimumWriteIntervalSeconds: 0 },
    ],
    ['Secrets', kubernetesStore, { type: 'kubernetes' }],
    ['files', fileStore, { type: 'file', directory: '/var/lib/oauth/store' }],
  ])('may be %s', (_, manifest, backend) => {
    expect(storeOf(manifest).backend).toEqual(backend)
  })
})

test('a namespace has its labels', () => {
  const labels = { 'kubernetes.io/metadata.name': 'ci', team: 'ci' }
  expect(decodeResource({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ci', labels } })).toEqual({
    type: 'namespace',
    name: 'ci',
    labels,
  })
  expect(decodeResource({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ci', labels: 'x' } })).toEqual({
    type: 'namespace',
    name: 'ci',
    labels: {},
  })
  expect(decodeResource({ apiVersion: 'v1', kind: 'Namespace', metadata: {} })).toBeUndefined()
})

test('decoding does not change the manifest', () => {
  for (const manifest of validManifests) {
    const before = structuredClone(manifest)
    decodeResource(manifest)
    expect(manifest).toEqual(before)
  }
})
