import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProviderDraft, ProviderSpec } from '../../../src/domain/provider-draft.ts'
import { completed, type Preset } from '../../../src/domain/provider-inheritance.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import type { Problem } from '../../../src/domain/resources.ts'
import { tokenOrigin } from '../../../src/domain/token-origin.ts'

const secretRef = { name: 'vendor-client', key: 'secret' }
const ownSecret = { name: 'own-client', key: 'secret' }

/** What a platform team wrote for everybody, with a Secret of the operator's namespace. */
const vendor: ProviderDraft = {
  kind: 'ClusterOAuthProvider',
  name: 'vendor',
  generation: 3,
  spec: {
    tokenEndpoint: 'https://login.vendor.example/token',
    refreshEndpoint: 'https://login.vendor.example/refresh',
    revocationEndpoint: 'https://login.vendor.example/revoke',
    introspection: { endpoint: 'https://login.vendor.example/introspect' },
    client: { id: 'shared', authentication: 'client_secret_post', secretRef },
    request: { bodyFormat: 'json', parameters: { audience: 'api', tenant: 'a' }, headers: { 'X-Tenant': 'a' } },
    response: { accessToken: '/data/token', errors: [{ code: 'gone', meaning: 'RefreshTokenRejected' }] },
    rotation: { mode: 'Always', reuseLeewaySeconds: 30 },
    accessTokenLifetimeSeconds: 600,
    refreshTokenLifetime: { idleSeconds: 86_400 },
    limits: { requestsPerSecond: 1 },
    tls: { caBundle: 'PEM' },
  },
}

function heir(kind: ProviderDraft['kind'], spec: ProviderSpec): ProviderDraft {
  const presetRef = { name: 'vendor', values: {} }
  const namespaced = kind === 'OAuthProvider' && { namespace: 'ci' }
  return { kind, name: 'heir', ...namespaced, generation: 2, presetRef, spec }
}

const inNamespace = (spec: ProviderSpec) => heir('OAuthProvider', spec)
const forCluster = (spec: ProviderSpec) => heir('ClusterOAuthProvider', spec)

function found(base: ProviderDraft): Preset {
  return { kind: 'found', value: base }
}

function providerOf(draft: ProviderDraft, base: ProviderDraft = vendor): Provider {
  const provider = completed(draft, found(base))
  if (provider.kind !== 'found') throw new Error(JSON.stringify(provider))
  return provider.value
}

function problemsOf(draft: ProviderDraft, preset: Preset = found(vendor)): readonly Problem[] {
  const provider = completed(draft, preset)
  return provider.kind === 'invalid' ? provider.referent.problems : []
}

describe('a provider with a preset', () => {
  test('has what it does not say from the preset, and the rest by default', () => {
    expect(providerOf(inNamespace({ client: { secretRef: ownSecret } }))).toEqual({
      kind: 'OAuthProvider',
      name: 'heir',
      namespace: 'ci',
      generation: 2 * 2 ** 20 + 3,
      tokenEndpoint: 'https://login.vendor.example/token',
      refreshEndpoint: 'https://login.vendor.example/refresh',
      revocationEndpoint: 'https://login.vendor.example/revoke',
      introspection: { endpoint: 'https://login.vendor.example/introspect' },
      client: { id: 'shared', authentication: 'client_secret_post', secretRef: ownSecret },
      request: { bodyFormat: 'json', parameters: { audience: 'api', tenant: 'a' }, headers: { 'X-Tenant': 'a' } },
      response: { accessToken: '/data/token', errors: [{ code: 'gone', meaning: 'RefreshTokenRejected' }] },
      rotation: {
        mode: 'Always',
        reuseLeewaySeconds: 30,
        leewayKind: 'SameToken',
        revokesPreviousAccessToken: false,
      },
      accessTokenLifetimeSeconds: 600,
      refreshTokenLifetime: { idleSeconds: 86_400 },
      minimumRefreshIntervalSeconds: 0,
      limits: { requestsPerSecond: 1, maxConcurrent: 2 },
      tls: { caBundle: 'PEM' },
    })
  })

  test('overrides member by member, and lists as a whole', () => {
    const own: ProviderSpec = {
      client: { secretRef: ownSecret },
      request: { parameters: { tenant: 'b' }, headers: { 'x-tenant': 'b', 'X-Trace': 'on' } },
      response: { error: '/code', errors: [{ status: 420, meaning: 'Throttled' }] },
      rotation: { mode: 'Never' },
      accessTokenLifetimeSeconds: 60,
      refreshTokenLifetime: { absoluteSeconds: 604_800 },
      minimumRefreshIntervalSeconds: 30,
      limits: { maxConcurrent: 1 },
      tls: {},
    }
    expect(providerOf(inNamespace(own))).toMatchObject({
      request: {
        bodyFormat: 'json',
        parameters: { audience: 'api', tenant: 'b' },
        headers: { 'x-tenant': 'b', 'X-Trace': 'on' },
      },
      response: { accessToken: '/data/token', error: '/code', errors: [{ status: 420, meaning: 'Throttled' }] },
      rotation: { mode: 'Never', reuseLeewaySeconds: 30 },
      accessTokenLifetimeSeconds: 60,
      refreshTokenLifetime: { idleSeconds: 86_400, absoluteSeconds: 604_800 },
      minimumRefreshIntervalSeconds: 30,
      limits: { requestsPerSecond: 1, maxConcurrent: 1 },
    })
    expect(providerOf(inNamespace(own)).request.headers).not.toHaveProperty('X-Tenant')
    expect(providerOf(inNamespace(own)).tls).toEqual({})
  })

  test.each<[string, ProviderSpec, object]>([
    [
      'another token endpoint',
      { tokenEndpoint: 'https://own.example/token' },
      { tokenEndpoint: 'https://own.example/token' },
    ],
    ['another issuer', { issuer: 'https://own.example' }, { issuer: 'https://own.example' }],
    [
      'another issuer and its introspection',
      { issuer: 'https://own.example', introspection: {} },
      { issuer: 'https://own.example', introspection: {} },
    ],
  ])('with %s has no endpoint of the preset', (_, own, expected) => {
    const provider = providerOf(inNamespace({ ...own, client: { secretRef: ownSecret } }))
    const { issuer, tokenEndpoint, refreshEndpoint, revocationEndpoint, introspection } = provider
    const endpoints = { issuer, tokenEndpoint, refreshEndpoint, revocationEndpoint, introspection }
    expect(JSON.parse(JSON.stringify(endpoints))).toEqual(expected)
    expect(tokenOrigin(provider)).toBe('https://own.example')
  })

  test('is pinned to where its refresh tokens go', () => {
    const client = { secretRef: ownSecret }
    expect(tokenOrigin(providerOf(inNamespace({ client })))).toBe('https://login.vendor.example')
    const elsewhere = { client, refreshEndpoint: 'https://own.example/refresh' }
    expect(tokenOrigin(providerOf(inNamespace(elsewhere)))).toBe('https://own.example')
  })

  test('has another generation when the preset has one', () => {
    const draft = inNamespace({ client: { secretRef: ownSecret } })
    expect(providerOf(draft, { ...vendor, generation: 4 }).generation).not.toBe(providerOf(draft).generation)
    expect(providerOf({ ...draft, generation: 3 }).generation).not.toBe(providerOf(draft).generation)
  })
})

const certificate = { id: 'shared', authentication: 'tls_client_auth', certificateSecretName: 'vendor-tls' } as const
const signing = {
  id: 'shared',
  authentication: 'private_key_jwt',
  assertion: { keyRef: secretRef, keyId: 'k1', algorithm: 'ES256', audience: 'https://login.vendor.example' },
} as const

describe('a Secret that a preset names', () => {
  test.each<[string, ProviderSpec['client'], string]>([
    ['a client secret', vendor.spec.client, 'spec.client.secretRef'],
    ['a certificate', certificate, 'spec.client.certificateSecretName'],
    ['a private key', signing, 'spec.client.assertion.keyRef'],
  ])('is not for a namespace to use: %s', (_, client = {}, field) => {
    const base = { ...vendor, spec: { ...vendor.spec, client } }
    for (const own of [{}, { tokenEndpoint: 'https://own.example/token' }, { client: { id: 'shared' } }]) {
      const [problem] = problemsOf(inNamespace(own), found(base))
      expect(problem?.field).toBe(field)
      expect(problem?.message).toMatch(/^is required.*; it does not come from ClusterOAuthProvider vendor$/)
    }
    expect(providerOf(forCluster({}), base).client).toEqual(client)
  })

  test('is not for a namespace to trust by', () => {
    const base = { ...vendor, spec: { ...vendor.spec, tls: { caBundleSecretRef: { name: 'ca', key: 'ca.crt' } } } }
    const client = { secretRef: ownSecret }
    expect(problemsOf(inNamespace({ client }), found(base)).map(({ field }) => field)).toEqual(['spec.tls'])
    expect(providerOf(inNamespace({ client, tls: {} }), base).tls).toEqual({})
    expect(providerOf(forCluster({}), base).tls).toEqual({ caBundleSecretRef: { name: 'ca', key: 'ca.crt' } })
  })

  test('does not reach a namespace by anything that it writes', () => {
    const url = fc.constantFrom(
      'https://login.vendor.example/token',
      'https://own.example/token',
      'https://login.vendor.example',
    )
    const own = fc.record(
      {
        issuer: url,
        tokenEndpoint: url,
        refreshEndpoint: url,
        revocationEndpoint: url,
        introspection: fc.record({ endpoint: url }, { requiredKeys: [] }),
        client: fc.record(
          {
            id: fc.constantFrom('shared', 'other'),
            authentication: fc.constantFrom(
              'none',
              'client_secret_basic',
              'client_secret_post',
              'private_key_jwt',
              'tls_client_auth',
            ),
            secretRef: fc.constant(ownSecret),
            certificateSecretName: fc.constant('own-tls'),
            assertion: fc.record({ keyRef: fc.constant(ownSecret), keyId: fc.constant('own') }, { requiredKeys: [] }),
          },
          { requiredKeys: [] },
        ),
        tls: fc.record({ caBundle: fc.constant('PEM') }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    )
    const base = fc.constantFrom(vendor.spec.client, certificate, signing)
    fc.assert(
      fc.property(own, base, (spec, client = {}) => {
        const tls = { caBundleSecretRef: { name: 'vendor-ca', key: 'ca.crt' } }
        const provider = completed(inNamespace(spec), found({ ...vendor, spec: { ...vendor.spec, client, tls } }))
        if (provider.kind === 'found') expect(JSON.stringify(provider.value)).not.toMatch(/vendor-(client|tls|ca)|"k1"/)
      }),
      { numRuns: 2000, seed: 1 },
    )
  })

  test.each<[string, ProviderSpec]>([
    ['another token endpoint', { tokenEndpoint: 'https://own.example/token' }],
    ['another refresh endpoint', { refreshEndpoint: 'https://own.example/refresh' }],
    ['another issuer', { issuer: 'https://own.example' }],
    ['another revocation endpoint', { revocationEndpoint: 'https://own.example/revoke' }],
    ['another introspection endpoint', { introspection: { endpoint: 'https://own.example/introspect' } }],
    ['another client', { client: { id: 'other' } }],
  ])('goes to no provider for the cluster with %s', (_, own) => {
    expect(problemsOf(forCluster(own)).map(({ field }) => field)).toEqual(['spec.client.secretRef'])
  })

  test('is left where another method is used', () => {
    expect(providerOf(forCluster({ client: { authentication: 'none' } })).client).toEqual({
      id: 'shared',
      authentication: 'none',
    })
    const basic = forCluster({ client: { authentication: 'client_secret_basic' } })
    expect(providerOf(basic).client.secretRef).toEqual(secretRef)
  })
})

describe('what a preset says of signatures', () => {
  const base = { ...vendor, spec: { ...vendor.spec, client: signing } }

  test('serves a namespace that brings its key, but for the id of the other one', () => {
    expect(providerOf(inNamespace({ client: { assertion: { keyRef: ownSecret } } }), base).client.assertion).toEqual({
      keyRef: ownSecret,
      algorithm: 'ES256',
      audience: 'https://login.vendor.example',
    })
  })

  test('serves another key for the cluster likewise', () => {
    expect(
      providerOf(forCluster({ client: { assertion: { keyRef: ownSecret } } }), base).client.assertion,
    ).not.toHaveProperty('keyId')
  })
})

describe('a provider is invalid', () => {
  test('without its preset, naming both', () => {
    expect(completed(inNamespace({}), { kind: 'missing' })).toEqual({
      kind: 'invalid',
      referent: {
        name: 'heir',
        namespace: 'ci',
        problems: [{ field: 'spec.presetRef.name', message: 'is ClusterOAuthProvider vendor, which does not exist' }],
      },
    })
  })

  test('when its preset is, saying why', () => {
    const problems = [{ field: 'spec.rotation.mode', message: 'must be one of Detect, Always, Never' }]
    expect(problemsOf(inNamespace({}), { kind: 'invalid', referent: { name: 'vendor', problems } })).toEqual([
      {
        field: 'spec.presetRef.name',
        message:
          'is ClusterOAuthProvider vendor, which is invalid: spec.rotation.mode: must be one of Detect, Always, Never',
      },
    ])
  })

  test('when its preset has one itself', () => {
    const chained = { ...vendor, presetRef: { name: 'other', values: {} } }
    expect(problemsOf(inNamespace({}), found(chained))[0]?.message).toBe(
      'must name a provider without presetRef: ClusterOAuthProvider vendor has one itself, and presets go one level deep',
    )
  })

  test('as a preset that a credential uses, saying what is missing', () => {
    const preset: ProviderDraft = { kind: 'ClusterOAuthProvider', name: 'vendor', generation: 1, spec: {} }
    const hint = '; a preset is used through a provider that names it in spec.presetRef and says the rest'
    expect(problemsOf(preset, { kind: 'missing' })).toEqual([
      { field: 'spec.tokenEndpoint', message: 'is required unless issuer is given' },
      { field: 'spec.client.id', message: `is required${hint}` },
    ])
  })

  test.each<[string, ProviderSpec, string]>([
    ['nothing names its introspection endpoint', { introspection: {} }, 'spec.introspection'],
    [
      'its client has a proof of another method',
      { client: { certificateSecretName: 'x' } },
      'spec.client.certificateSecretName',
    ],
    [
      'its leeway has a kind and no length',
      { rotation: { leewayKind: 'PreviousGeneration', reuseLeewaySeconds: 0 } },
      'spec.rotation.leewayKind',
    ],
  ])('when %s after all', (_, own, field) => {
    const { introspection: __, ...spec } = vendor.spec
    expect(problemsOf(forCluster(own), found({ ...vendor, spec })).map((problem) => problem.field)).toEqual([field])
  })
})
