import {
  appRoleStore,
  awsStore,
  changed,
  fileStore,
  type Manifest,
  maximalCredential,
  maximalProvider,
  minimalCredential,
  minimalProvider,
  certificateProvider,
  signingProvider,
  vaultStore,
} from './manifests.ts'

/** A manifest that must be refused with a message that names `field`. */
export interface InvalidManifest {
  readonly manifest: Manifest
  /** As both we and the API server write it. */
  readonly field: string
}

function row(base: Manifest, path: string, value: unknown, field = path): InvalidManifest {
  return { manifest: changed(base, path, value), field }
}

function output(value: unknown, field: string): InvalidManifest {
  return row(minimalCredential, 'spec.target.outputs', [value], `spec.target.outputs${field}`)
}

const credentials: Readonly<Record<string, InvalidManifest>> = {
  'a credential without provider': row(minimalCredential, 'spec.providerRef', undefined),
  'a reference without name': row(minimalCredential, 'spec.providerRef.name', undefined),
  'a provider of an unknown kind': row(minimalCredential, 'spec.providerRef.kind', 'Provider'),
  'a reference into another namespace': row(minimalCredential, 'spec.providerRef.namespace', 'kube-system'),
  'a grant that does not exist': row(minimalCredential, 'spec.grant', 'Password'),
  'a credential without refresh token': row(minimalCredential, 'spec.refreshToken', undefined),
  'a store key that leaves its place': row(minimalCredential, 'spec.refreshToken.key', 'teams/../admin'),
  'a store key that begins with a slash': row(minimalCredential, 'spec.refreshToken.key', '/teams/ci'),
  'a store key that ends with a slash': row(minimalCredential, 'spec.refreshToken.key', 'teams/'),
  'a store key with an encoded slash': row(minimalCredential, 'spec.refreshToken.key', 'teams%2Fci'),
  'an empty store key': row(minimalCredential, 'spec.refreshToken.key', ''),
  'a store key that is too long': row(minimalCredential, 'spec.refreshToken.key', 'k'.repeat(513)),
  'a property that is no JSON pointer': row(minimalCredential, 'spec.refreshToken.property', 'data.token'),
  'a JSON pointer with a bad escape': row(minimalCredential, 'spec.refreshToken.property', '/a~2b'),
  'scopes in one text': row(minimalCredential, 'spec.scopes', 'read write'),
  'a scope with a space': row(minimalCredential, 'spec.scopes', ['read write'], 'spec.scopes[0]'),
  'a scope named twice': row(minimalCredential, 'spec.scopes', ['read', 'read']),
  'too many scopes': row(
    minimalCredential,
    'spec.scopes',
    Array.from({ length: 65 }, (_, index) => `scope-${index}`),
  ),
  'a duration without unit': row(minimalCredential, 'spec.refresh.before', '90'),
  'a duration in days': row(minimalCredential, 'spec.refresh.before', '1d'),
  'a duration as a number': row(minimalCredential, 'spec.refresh.before', 90),
  'a duration below the least': row(minimalCredential, 'spec.refresh.before', '10ms'),
  'a duration above the greatest': row(minimalCredential, 'spec.refresh.before', '8761h'),
  'a keepAlive that would spin': row(minimalCredential, 'spec.refresh.keepAlive', '5s'),
  'a share above the lifetime': row(minimalCredential, 'spec.refresh.beforePercent', 100),
  'a share that is no whole number': row(minimalCredential, 'spec.refresh.beforePercent', 1.5),
  'a store outage that nothing is said of': row(minimalCredential, 'spec.refresh.storeOutage', 'Ignore'),
  'a store outage as a boolean': row(minimalCredential, 'spec.refresh.storeOutage', true),
  'both ways to say when': row(maximalCredential, 'spec.refresh.beforePercent', 20, 'spec.refresh'),
  'a credential without target': row(minimalCredential, 'spec.target', undefined),
  'a target in upper case': row(minimalCredential, 'spec.target.name', 'Token'),
  'a target that is a path': row(minimalCredential, 'spec.target.name', 'a/b'),
  'no outputs': row(minimalCredential, 'spec.target.outputs', []),
  'an output of an unknown format': output({ format: 'yaml' }, '[0].format'),
  'an output without format': output({ key: 'token' }, '[0].format'),
  'an output key with a slash': output({ format: 'raw', key: 'a/b' }, '[0].key'),
  'an output key that a volume uses itself': output({ format: 'raw', key: '..data' }, '[0].key'),
  'dotenv without variable': output({ format: 'dotenv' }, '[0].variable'),
  'a variable where none is used': output({ format: 'raw', variable: 'TOKEN' }, '[0].variable'),
  'a variable that a shell cannot hold': output({ format: 'dotenv', variable: '1-TOKEN' }, '[0].variable'),
  'an output with a misspelt field': output({ format: 'raw', kye: 'token' }, '[0].kye'),
  'two outputs of one format without keys': row(minimalCredential, 'spec.target.outputs', [
    { format: 'raw' },
    { format: 'raw' },
  ]),
  "an output with another one's default key": row(minimalCredential, 'spec.target.outputs', [
    { format: 'header' },
    { format: 'raw', key: 'authorization' },
  ]),
  'an unknown creation policy': row(minimalCredential, 'spec.target.creationPolicy', 'Replace'),
  'an unknown deletion policy': row(minimalCredential, 'spec.target.deletionPolicy', 'Keep'),
  'suspend as a text': row(minimalCredential, 'spec.suspend', 'yes'),
  'a field that does not exist': row(minimalCredential, 'spec.targets', { name: 'x' }),
}

const providers: Readonly<Record<string, InvalidManifest>> = {
  'a provider without endpoint': row(minimalProvider, 'spec.tokenEndpoint', undefined),
  'an endpoint without scheme': row(minimalProvider, 'spec.tokenEndpoint', 'login.example.com/token'),
  'an endpoint of another scheme': row(minimalProvider, 'spec.tokenEndpoint', 'ftp://login.example.com/token'),
  'an endpoint with user information': row(
    minimalProvider,
    'spec.tokenEndpoint',
    'https://me:pw@login.example.com/token',
  ),
  'an endpoint with a fragment': row(minimalProvider, 'spec.tokenEndpoint', 'https://login.example.com/token#x'),
  'an endpoint with an impossible port': row(minimalProvider, 'spec.tokenEndpoint', 'https://login.example.com:65536/'),
  'an endpoint with a space': row(minimalProvider, 'spec.tokenEndpoint', 'https://login.example.com/to ken'),
  'a client without id': row(minimalProvider, 'spec.client.id', undefined),
  'an unknown client authentication': row(minimalProvider, 'spec.client.authentication', 'client_secret_jwt'),
  'a public client with a secret': row(minimalProvider, 'spec.client.secretRef', { name: 'a', key: 'b' }),
  'a confidential client without secret': row(
    minimalProvider,
    'spec.client.authentication',
    'client_secret_basic',
    'spec.client.secretRef',
  ),
  'a client that does not say how it proves itself': row(
    minimalProvider,
    'spec.client.authentication',
    undefined,
    'spec.client.secretRef',
  ),
  'a reserved parameter': row(minimalProvider, 'spec.request.parameters', { refresh_token: 'x' }),
  'a parameter with an impossible name': row(minimalProvider, 'spec.request.parameters', { 'a b': 'x' }),
  'a parameter that is a number': row(
    minimalProvider,
    'spec.request.parameters',
    { tenant: 5 },
    'spec.request.parameters.tenant',
  ),
  'too many parameters': row(
    minimalProvider,
    'spec.request.parameters',
    Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`p${index}`, 'x'])),
  ),
  'a reserved header in other case': row(minimalProvider, 'spec.request.headers', { Authorization: 'Basic x' }),
  'a header with a line break': row(
    minimalProvider,
    'spec.request.headers',
    { Tenant: 'a\r\nHost: b' },
    'spec.request.headers.Tenant',
  ),
  'a header with an impossible name': row(minimalProvider, 'spec.request.headers', { 'X:Y': 'x' }),
  'a body format that does not exist': row(minimalProvider, 'spec.request.bodyFormat', 'xml'),
  'a negative leeway': row(minimalProvider, 'spec.rotation.reuseLeeway', '-5s'),
  'a rotation that does not exist': row(minimalProvider, 'spec.rotation.mode', 'Sometimes'),
  'a rotation as a boolean': row(minimalProvider, 'spec.rotation.mode', false),
  'a kind of leeway that does not exist': row(maximalProvider, 'spec.rotation.leewayKind', 'AnyToken'),
  'a kind of leeway without leeway': row(
    minimalProvider,
    'spec.rotation',
    { leewayKind: 'PreviousGeneration' },
    'spec.rotation.leewayKind',
  ),
  'a kind of leeway for a leeway of nothing': row(
    maximalProvider,
    'spec.rotation.reuseLeeway',
    '0h0m0s',
    'spec.rotation.leewayKind',
  ),
  'no requests per second': row(minimalProvider, 'spec.limits.requestsPerSecond', 0),
  'no requests at the same time': row(maximalProvider, 'spec.limits.maxConcurrent', 0),
  'a lifetime of nothing': row(minimalProvider, 'spec.accessTokenLifetime', '0s'),
  'a bundle that is no PEM': row(minimalProvider, 'spec.tls.caBundle', 'MIIB'),
  'an introspection endpoint that nothing names': row(minimalProvider, 'spec.introspection', {}),
  'an issuer with a query': row(signingProvider, 'spec.issuer', 'https://login.example.com?x=1'),
  'a refresh endpoint that is no URL': row(minimalProvider, 'spec.refreshEndpoint', '/refresh'),
  'a client that signs with nothing': row(signingProvider, 'spec.client.assertion', undefined),
  'a key without place': row(signingProvider, 'spec.client.assertion.keyRef', undefined),
  'an algorithm that is none': row(signingProvider, 'spec.client.assertion.algorithm', 'none'),
  'an algorithm of a shared secret': row(signingProvider, 'spec.client.assertion.algorithm', 'HS256'),
  'a client that signs and has a secret': row(signingProvider, 'spec.client.secretRef', { name: 'a', key: 'b' }),
  'a client that shows no certificate': row(certificateProvider, 'spec.client.certificateSecretName', undefined),
  'a certificate of a client that shows none': row(minimalProvider, 'spec.client.certificateSecretName', 'tls'),
  'a key of a client that does not sign': row(certificateProvider, 'spec.client.assertion', {
    keyRef: { name: 'a', key: 'b' },
  }),
  'a pointer that is none': row(
    minimalProvider,
    'spec.response',
    { accessToken: 'data.token' },
    'spec.response.accessToken',
  ),
  'a success that nothing tells': row(
    minimalProvider,
    'spec.response',
    { success: { pointer: '/ok' } },
    'spec.response.success',
  ),
  'a success of two values': row(
    minimalProvider,
    'spec.response',
    { success: { pointer: '/ok', boolean: true, text: 'true' } },
    'spec.response.success',
  ),
  'an error that fits everything': row(
    minimalProvider,
    'spec.response',
    { errors: [{ meaning: 'Throttled' }] },
    'spec.response.errors[0]',
  ),
  'an error of an unknown meaning': row(
    minimalProvider,
    'spec.response',
    { errors: [{ status: 400, meaning: 'Bad' }] },
    'spec.response.errors[0].meaning',
  ),
  'a refresh token that lives for nothing': row(
    minimalProvider,
    'spec.refreshTokenLifetime',
    { idle: '0s' },
    'spec.refreshTokenLifetime.idle',
  ),
  'an interval of refreshes longer than a day': row(minimalProvider, 'spec.minimumRefreshInterval', '25h'),
  'two bundles': row(maximalProvider, 'spec.tls.caBundleSecretRef', { name: 'ca', key: 'ca.crt' }, 'spec.tls'),
}

const stores: Readonly<Record<string, InvalidManifest>> = {
  'a store without backend': row(fileStore, 'spec.file', undefined, 'spec'),
  'a store with two backends': row(fileStore, 'spec.kubernetes', {}, 'spec'),
  'a namespaced store with an access list': row(fileStore, 'spec.access', []),
  'a cluster store without access list': row(vaultStore, 'spec.access', undefined),
  'a grant without namespaces': row(
    vaultStore,
    'spec.access.0.namespaceSelector',
    undefined,
    'spec.access[0].namespaceSelector',
  ),
  'a grant without keys': row(vaultStore, 'spec.access.0.keys', [], 'spec.access[0].keys'),
  'a key pattern with an unknown placeholder': row(
    vaultStore,
    'spec.access.0.keys',
    ['teams/{name}'],
    'spec.access[0].keys[0]',
  ),
  'a key pattern that leaves its place': row(vaultStore, 'spec.access.0.keys', ['../*'], 'spec.access[0].keys[0]'),
  'a selector that compares with nothing': row(
    vaultStore,
    'spec.access.0.namespaceSelector.matchExpressions',
    [{ key: 'team', operator: 'In' }],
    'spec.access[0].namespaceSelector.matchExpressions[0].values',
  ),
  'a Vault address with a query': row(vaultStore, 'spec.vault.address', 'https://vault.example?x=1'),
  'a Vault mount that leaves its place': row(vaultStore, 'spec.vault.mount', '../sys'),
  'a Vault store without login': row(vaultStore, 'spec.vault.auth', {}),
  'a Vault store with two logins': row(
    appRoleStore,
    'spec.vault.auth.token',
    { secretRef: { name: 'a', key: 'b' } },
    'spec.vault.auth',
  ),
  'an AppRole without SecretID': row(appRoleStore, 'spec.vault.auth.appRole.secretIdRef', undefined),
  'a region that is none': row(awsStore, 'spec.awsSecretsManager.region', 'Frankfurt'),
  'an interval of writes longer than a day': row(awsStore, 'spec.awsSecretsManager.minimumWriteInterval', '25h'),
  'an interval of writes that is a number': row(awsStore, 'spec.awsSecretsManager.minimumWriteInterval', 900),
  'an access key without Secret': row(awsStore, 'spec.awsSecretsManager.auth.secretRef', undefined),
  'a directory without name': row(fileStore, 'spec.file.directory', ''),
}

/** Keyed by what is wrong. Standalone mode and the API server must both refuse each of them. */
export const invalidManifests: Readonly<Record<string, InvalidManifest>> = { ...credentials, ...providers, ...stores }
