/** A manifest as it stands in a file. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly spec: Readonly<Record<string, unknown>>
}

const apiVersion = 'oauth-operator.dev/v1alpha1'

/** The least that a credential must say. */
export const minimalCredential: Manifest = {
  apiVersion,
  kind: 'OAuthCredential',
  metadata: { name: 'claude', namespace: 'ci' },
  spec: {
    providerRef: { name: 'gateway' },
    refreshToken: { storeRef: { name: 'vault' }, key: 'teams/ci/claude' },
    target: { name: 'claude-token' },
  },
}

/** A client that asks for itself. */
export const clientCredential: Manifest = {
  apiVersion,
  kind: 'OAuthCredential',
  metadata: { name: 'reports', namespace: 'ci' },
  spec: {
    providerRef: { kind: 'ClusterOAuthProvider', name: 'gateway' },
    grant: 'ClientCredentials',
    scopes: ['api:read'],
    refresh: { beforePercent: 20 },
    target: { name: 'reports-token' },
  },
}

/** A token that somebody else keeps. */
export const staticCredential: Manifest = {
  apiVersion,
  kind: 'OAuthCredential',
  metadata: { name: 'setup-token', namespace: 'ci' },
  spec: {
    grant: 'StaticToken',
    accessToken: { storeRef: { kind: 'ClusterTokenStore', name: 'vault' }, key: 'teams/ci/setup', property: '/token' },
    target: { name: 'setup-token' },
  },
}

/** A credential for every program whose file has a format. */
export const loginCredential: Manifest = {
  apiVersion,
  kind: 'OAuthCredential',
  metadata: { name: 'logins', namespace: 'ci' },
  spec: {
    providerRef: { name: 'logins' },
    grant: 'RefreshToken',
    refreshToken: { storeRef: { name: 'vault' }, key: 'teams/ci/logins' },
    target: {
      name: 'logins',
      type: 'kubernetes.io/dockerconfigjson',
      outputs: [
        { format: 'codex', key: 'codex.json', accountId: '0b9f7c1e-team' },
        { format: 'gemini-cli' },
        { format: 'qwen-code', key: 'qwen.json', host: 'portal.example.com' },
        { format: 'opencode', name: 'anthropic' },
        { format: 'llxprt' },
        { format: 'docker-config', host: 'registry.example.com:5000', username: 'robot$ci' },
        { format: 'netrc', host: 'git.example.com', username: 'ci@example.com' },
        { format: 'git-credentials', host: 'git.example.com:8443', username: 'oauth2' },
        { format: 'gh-hosts', host: 'github.example.com', username: 'x-access-token' },
        { format: 'npmrc', host: 'npm.example.com', path: 'api/npm/team' },
        { format: 'basic-auth', username: 'oauth2accesstoken' },
        { format: 'envoy-sds', name: 'upstream_token' },
        { format: 'pip', host: 'pypi.example.com', username: '__token__' },
        { format: 'cargo', name: 'internal' },
        { format: 'terraform', host: 'tf.example.com' },
      ],
    },
  },
}

/** A credential that says everything. */
export const maximalCredential: Manifest = {
  apiVersion,
  kind: 'OAuthCredential',
  metadata: { name: 'claude-max', namespace: 'ci' },
  spec: {
    providerRef: { kind: 'ClusterOAuthProvider', name: 'gateway' },
    grant: 'RefreshToken',
    refreshToken: {
      storeRef: { kind: 'ClusterTokenStore', name: 'vault' },
      key: 'teams/ci/claude',
      property: '/claudeAiOauth/refreshToken',
    },
    scopes: ['user:inference', 'offline_access'],
    refresh: { before: '1h30m', keepAlive: '24h', storeOutage: 'RecordOnly' },
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
  },
}

export const minimalProvider: Manifest = {
  apiVersion,
  kind: 'OAuthProvider',
  metadata: { name: 'gateway', namespace: 'ci' },
  spec: {
    tokenEndpoint: 'https://login.example.com/oauth/token',
    client: { id: 'cli', authentication: 'none' },
  },
}

export const maximalProvider: Manifest = {
  apiVersion,
  kind: 'ClusterOAuthProvider',
  metadata: { name: 'gateway' },
  spec: {
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
    response: {
      accessToken: '/data/token',
      refreshToken: '/data/0/a~1b~0c',
      expiresIn: '/data/lifetime',
      refreshTokenExpiresIn: '/data/refresh_lifetime',
      error: '/error/code',
      success: { pointer: '/ok', boolean: true },
      errors: [
        { code: 'invalid_refresh_token', status: 400, meaning: 'RefreshTokenRejected' },
        { status: 420, meaning: 'Throttled' },
      ],
    },
    rotation: {
      mode: 'Always',
      reuseLeeway: '30s',
      leewayKind: 'PreviousGeneration',
      revokesPreviousAccessToken: true,
    },
    accessTokenLifetime: '10m',
    refreshTokenLifetime: { idle: '2160h', absolute: '8760h' },
    minimumRefreshInterval: '1m',
    limits: { requestsPerSecond: 1, maxConcurrent: 7 },
    tls: { caBundle: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' },
  },
}

/** A preset: a server whose endpoints have places for values, and no client. */
export const presetProvider: Manifest = {
  apiVersion,
  kind: 'ClusterOAuthProvider',
  metadata: { name: 'directory' },
  spec: {
    variables: {
      tenant: { description: 'The directory.', form: 'PathSegment', default: 'common' },
      region: { form: 'HostLabel', allowed: ['eu', 'us'] },
      host: { form: 'HostAndPort' },
      realm: { form: 'Path', default: 'a/b' },
    },
    tokenEndpoint: 'https://login.{region}.example.com/{tenant}/oauth2/v2.0/token',
    refreshEndpoint: 'https://{host}/{realm}',
    client: { authentication: 'client_secret_post' },
    rotation: { mode: 'Always', leewayKind: 'PreviousGeneration' },
  },
}

/** What a preset lacks. */
export const inheritingProvider: Manifest = {
  apiVersion,
  kind: 'OAuthProvider',
  metadata: { name: 'directory', namespace: 'ci' },
  spec: {
    presetRef: { name: 'directory', values: { tenant: 'contoso', region: 'eu', host: 'login.example.com:8443' } },
    client: { id: 'cli', secretRef: { name: 'client', key: 'secret' } },
    rotation: { reuseLeeway: '30s' },
  },
}

/** Another preset of which hardly anything is known. */
const emptyPreset: Manifest = {
  apiVersion,
  kind: 'ClusterOAuthProvider',
  metadata: { name: 'empty' },
  spec: {},
}

/** A client that signs, at a server whose metadata name its endpoints. */
export const signingProvider: Manifest = {
  apiVersion,
  kind: 'OAuthProvider',
  metadata: { name: 'signing', namespace: 'ci' },
  spec: {
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
  },
}

/** A client that shows a certificate. */
export const certificateProvider: Manifest = {
  apiVersion,
  kind: 'OAuthProvider',
  metadata: { name: 'certificate', namespace: 'ci' },
  spec: {
    tokenEndpoint: 'https://login.example.com/oauth/token',
    client: { id: 'cli', authentication: 'tls_client_auth', certificateSecretName: 'client-tls' },
  },
}

export const vaultStore: Manifest = {
  apiVersion,
  kind: 'ClusterTokenStore',
  metadata: { name: 'vault' },
  spec: {
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
    vault: {
      address: 'https://vault.example:8200',
      namespace: 'admin/ci',
      mount: 'kv/apps',
      tls: { caBundleSecretRef: { name: 'vault-ca', key: 'ca.crt' } },
      auth: {
        kubernetes: { role: 'oauth-operator', serviceAccountRef: { name: 'vault-login', audiences: ['vault'] } },
      },
    },
  },
}

export const appRoleStore: Manifest = {
  apiVersion,
  kind: 'TokenStore',
  metadata: { name: 'vault', namespace: 'ci' },
  spec: {
    vault: {
      address: 'https://vault.example',
      auth: { appRole: { roleId: 'ci-role', secretIdRef: { name: 'vault-login', key: 'secret-id' } } },
    },
  },
}

export const tokenAuthStore: Manifest = {
  apiVersion,
  kind: 'TokenStore',
  metadata: { name: 'vault-token', namespace: 'ci' },
  spec: {
    vault: { address: 'https://vault.example', auth: { token: { secretRef: { name: 'vault-login', key: 'token' } } } },
  },
}

export const awsStore: Manifest = {
  apiVersion,
  kind: 'TokenStore',
  metadata: { name: 'aws', namespace: 'ci' },
  spec: {
    awsSecretsManager: {
      region: 'eu-central-1',
      endpoint: 'https://vpce-1.secretsmanager.eu-central-1.vpce.amazonaws.com',
      auth: { secretRef: { name: 'aws-login', sessionTokenKey: 'session-token' } },
    },
  },
}

export const kubernetesStore: Manifest = {
  apiVersion,
  kind: 'TokenStore',
  metadata: { name: 'secrets', namespace: 'ci' },
  spec: { kubernetes: {} },
}

export const fileStore: Manifest = {
  apiVersion,
  kind: 'TokenStore',
  metadata: { name: 'files', namespace: 'ci' },
  spec: { file: { directory: '/var/lib/oauth/store' } },
}

/** A credential whose Secret gets labels and annotations. */
export const labelledCredential: Manifest = withNamed(minimalCredential, 'labelled', {
  labels: { team: 'ci', 'example.com/tier': '', 'app.kubernetes.io/part-of': 'Agents_2' },
  annotations: { 'example.com/note': 'Grüße,\n"all"', [`${'a'.repeat(63)}.example/${'b'.repeat(63)}`]: '' },
})

function withNamed(base: Manifest, name: string, target: object): Manifest {
  return changed(changed(base, 'metadata.name', name), 'spec.target', { name, ...target })
}

/** Manifests that nothing is wrong with. */
export const validManifests: readonly Manifest[] = [
  labelledCredential,
  minimalCredential,
  maximalCredential,
  loginCredential,
  clientCredential,
  staticCredential,
  minimalProvider,
  maximalProvider,
  signingProvider,
  certificateProvider,
  presetProvider,
  inheritingProvider,
  emptyPreset,
  vaultStore,
  appRoleStore,
  tokenAuthStore,
  awsStore,
  kubernetesStore,
  fileStore,
]

/** A copy of the manifest with another value at the path (`spec.target.outputs.0.key`); undefined takes the member out. */
export function changed(manifest: Manifest, path: string, value: unknown): Manifest {
  return withValue(manifest, path.split('.'), value) as Manifest
}

function withValue(node: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value
  if (Array.isArray(node))
    return node.map((item: unknown, index): unknown => (String(index) === step ? withValue(item, rest, value) : item))
  const members = new Map(Object.entries(typeof node === 'object' && node !== null ? node : {}))
  const changedMember = withValue(members.get(step), rest, value)
  if (changedMember === undefined) members.delete(step)
  else members.set(step, changedMember)
  return Object.fromEntries(members)
}
