import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { OAuthClient, Provider } from '../../../src/domain/provider.ts'
import type { Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import {
  type AuthorizationServer,
  type ClientKind,
  type ClientRegistration,
  startAuthorizationServer,
} from '../../support/authorization-server.ts'
import { aProvider } from '../../support/builders.ts'
import { canary, observeOutput, watchForLeak } from '../../support/canary.ts'
import { TestAuthority } from '../../support/test-certificates.ts'
import { anEndpoint, answerOf, go, MemorySecrets } from './endpoint-bench.ts'
import { documentOf, metadataServer, oauthPlace, type Page } from './metadata-server.ts'

const servers = new TestAuthority('servers')
const clients = new TestAuthority('clients')
const tls = { caBundle: servers.ca }
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

const byKey: ClientRegistration = {
  client_id: 'by-key',
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [{ ...createPublicKey(key).export({ format: 'jwk' }), kid: 'first', use: 'sig' }] },
}
const byCertificate: ClientRegistration = {
  client_id: 'by-certificate',
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_subject_dn: 'CN=operator',
}

let server: AuthorizationServer
let secrets: MemorySecrets

beforeAll(async () => {
  server = await startAuthorizationServer({
    tls: servers.issue(),
    clientAuthority: clients.ca,
    registrations: [byKey, byCertificate],
  })
  const { basic, post } = server.clients
  const certificate = clients.issue('operator')
  secrets = new MemorySecrets({
    'ci/basic/secret': basic.secret,
    'ci/post/secret': post.secret,
    'ci/wrong/secret': 'wrong',
    'ci/signer/key': watchForLeak(key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    'ci/pair/tls.crt': certificate.cert,
    'ci/pair/tls.key': watchForLeak(certificate.key),
  })
})

afterAll(async () => server.close())

type Method = OAuthClient['authentication']

function registered(kind: ClientKind, secretName: string = kind): OAuthClient {
  const { id, authentication } = server.clients[kind]
  return { id, authentication, ...(kind !== 'none' && { secretRef: { name: secretName, key: 'secret' } }) }
}

/** Each way in which a client proves itself, and who it is at the real server. */
const methods: Readonly<Record<Method, [client: () => OAuthClient, login: ClientKind | ClientRegistration]>> = {
  none: [() => registered('none'), 'none'],
  client_secret_basic: [() => registered('basic'), 'basic'],
  client_secret_post: [() => registered('post'), 'post'],
  private_key_jwt: [
    () => ({
      id: 'by-key',
      authentication: 'private_key_jwt',
      assertion: { keyRef: { name: 'signer', key: 'key' }, algorithm: 'ES256' },
    }),
    byKey,
  ],
  tls_client_auth: [
    () => ({ id: 'by-certificate', authentication: 'tls_client_auth', certificateSecretName: 'pair' }),
    byCertificate,
  ],
}

/** A provider that names the issuer and nothing else, or the endpoints and no issuer. */
function providers(client: OAuthClient): Readonly<Record<'discovery' | 'manifest', Provider>> {
  const { tokenEndpoint } = server
  const revocationEndpoint = `${server.issuer}/token/revocation`
  const { tokenEndpoint: _given, ...discovering } = aProvider({ issuer: server.issuer, client, tls })
  return { discovery: discovering, manifest: aProvider({ tokenEndpoint, revocationEndpoint, client, tls }) }
}

async function tokensOf(provider: Provider, refreshToken: string): Promise<{ access: string; refresh: string }> {
  const grant = { type: 'refresh_token', refreshToken: new Sensitive(refreshToken) } as const
  const answer = answerOf(await anEndpoint({ secrets }).request({ provider, grant, scopes: [] }, go))
  const { access_token, refresh_token } = JSON.parse(answer.body.reveal()) as Record<string, unknown>
  return { access: String(access_token), refresh: String(refresh_token) }
}

async function revoke(provider: Provider, accessToken: string): Promise<Result<void>> {
  const result = await anEndpoint({ secrets }).revoke(provider, new Sensitive(accessToken))
  observeOutput('a revocation', JSON.stringify(result))
  return result
}

describe('a real authorization server', () => {
  const ways = (Object.keys(methods) as Method[]).flatMap((method) =>
    (['discovery', 'manifest'] as const).map((place) => [method, place] as const),
  )
  test.each(ways)('ends the access token of a client that proves itself by %s, by %s', async (method, place) => {
    const [client, login] = methods[method]
    const provider = providers(client())[place]
    const { access, refresh } = await tokensOf(provider, await server.issueRefreshToken(login))
    expect(await server.isActive(access)).toBe(true)
    expect(await revoke(provider, access)).toEqual({ ok: true, value: undefined })
    expect(await server.isActive(access)).toBe(false)
    // It was not asked to: RFC 7009 §2.1 lets a server end the refresh token too, and this one does.
    expect(await server.isRefreshTokenActive(refresh)).toBe(false)
  })

  it('is content with a token that it does not know, and with one that was revoked before', async () => {
    const provider = providers(registered('basic')).discovery
    const { access } = await tokensOf(provider, await server.issueRefreshToken('basic'))
    await revoke(provider, access)
    expect(await revoke(provider, access)).toMatchObject({ ok: true })
    expect(await revoke(provider, canary('at'))).toMatchObject({ ok: true })
  })

  it('refuses a client that does not prove itself, and the token stays good', async () => {
    const { access } = await tokensOf(providers(registered('basic')).manifest, await server.issueRefreshToken('basic'))
    const result = await revoke(providers(registered('basic', 'wrong')).manifest, access)
    expect(result).toMatchObject({ ok: false, failure: { code: 'CLIENT_REJECTED' } })
    expect(await server.isActive(access)).toBe(true)
  })
})

async function benchWith(page: Page, more: Partial<Provider> = {}) {
  const found = await metadataServer(() => ({ '/revoke': page }))
  const client = {
    id: 'ci',
    authentication: 'client_secret_post',
    secretRef: { name: 'client', key: 'secret' },
  } as const
  const [tokenEndpoint, revocationEndpoint] = [`${found.origin}/token`, `${found.origin}/revoke`]
  const provider = aProvider({ tokenEndpoint, revocationEndpoint, client, ...more })
  const accessToken = canary('at')
  const endpoint = anEndpoint({ secrets: new MemorySecrets({ 'ci/client/secret': 'hush' }), readTimeoutMs: 200 })
  const ask = async (): Promise<Result<void>> => endpoint.revoke(provider, new Sensitive(accessToken))
  return { requests: found.requests, accessToken, ask }
}

describe('a revocation request', () => {
  it('is a form, whatever a token request is, and names an access token', async () => {
    const bench = await benchWith([200, ''], { request: { bodyFormat: 'json', parameters: { a: 'b' }, headers: {} } })
    expect(await bench.ask()).toMatchObject({ ok: true })
    expect(Object.fromEntries(new URLSearchParams(bench.requests[0]?.body))).toEqual({
      token: bench.accessToken,
      token_type_hint: 'access_token',
      client_id: 'ci',
      client_secret: 'hush',
    })
  })
})

function withRetryAfter(status: string, value: string): Page {
  return (socket) => socket.end(`HTTP/1.1 ${status}\r\nretry-after: ${value}\r\ncontent-length: 0\r\n\r\n`)
}

describe('an answer', () => {
  const table: Readonly<Record<string, [page: Page, expected: object, says: string]>> = {
    'of a server that is down': [[503, ''], { code: 'TOKEN_ENDPOINT_UNREACHABLE' }, 'answered with status 503'],
    'that says in how many seconds to come back': [
      withRetryAfter('503 Service Unavailable', '7'),
      { code: 'TOKEN_ENDPOINT_UNREACHABLE', retryAfterSeconds: 7 },
      'answered with status 503',
    ],
    'that says when to come back': [
      withRetryAfter('429 Too Many Requests', 'Fri, 20 Nov 2026 12:00:09 GMT\r\ndate: Fri, 20 Nov 2026 12:00:00 GMT'),
      { code: 'TOKEN_ENDPOINT_UNREACHABLE', retryAfterSeconds: 9 },
      'answered with status 429',
    ],
    'of a server that revokes no access tokens': [
      [400, '{"error": "unsupported_token_type"}'],
      { code: 'PROVIDER_INVALID' },
      'revokes no access tokens: unsupported_token_type.',
    ],
    'to a client that it does not know': [
      [401, '{"error": "invalid_client", "error_description": "secret words"}'],
      { code: 'CLIENT_REJECTED' },
      'refused to revoke a token for this client: status 401.',
    ],
    'from another place': [[404, '<html>'], { code: 'PROVIDER_INVALID' }, 'is none: it answered with status 404.'],
    'that redirects': [[302, ''], { code: 'PROVIDER_INVALID' }, 'is none: it answered with status 302.'],
    'that never comes': [() => undefined, { code: 'TOKEN_ENDPOINT_UNREACHABLE' }, 'it did not answer in time'],
  }
  test.each(Object.entries(table))('%s', async (_name, [page, expected, says]) => {
    const result = await (await benchWith(page)).ask()
    observeOutput('a revocation', JSON.stringify(result))
    expect(result).toMatchObject({ ok: false, failure: expected })
    expect(result.ok ? '' : result.failure.message).toContain(says)
    expect(JSON.stringify(result)).not.toContain('secret words')
  })

  test.each([200, 204])('with status %d is a success, whatever else it says', async (status) => {
    expect(await (await benchWith([status, ''])).ask()).toMatchObject({ ok: true })
  })
})

describe('an access token is shown to nobody but who issued it', () => {
  const table: Readonly<Record<string, [endpoint: string | undefined, code: string, says: string]>> = {
    'at another host': [
      'https://thief.example.com/revoke',
      'ENDPOINT_NOT_ALLOWED',
      'The revocation endpoint of OAuthProvider ci/gateway is at https://thief.example.com, and its token endpoint at',
    ],
    'without a place': [undefined, 'PROVIDER_INVALID', 'names no revocation endpoint and no issuer'],
  }
  test.each(Object.entries(table))('%s', async (_name, [endpoint, code, says]) => {
    const provider = aProvider(endpoint === undefined ? {} : { revocationEndpoint: endpoint })
    const result = await revoke(provider, canary('at'))
    expect(result).toMatchObject({ ok: false, failure: { code } })
    expect(result.ok ? '' : result.failure.message).toContain(says)
  })

  it('by metadata that name somebody else', async () => {
    const found = await metadataServer((origin) => ({
      [oauthPlace]: documentOf(origin, { revocation_endpoint: 'https://thief.example.com/revoke' }),
    }))
    const { tokenEndpoint: _given, ...provider } = aProvider({ issuer: found.origin })
    expect(await revoke(provider, canary('at'))).toMatchObject({ failure: { code: 'ENDPOINT_NOT_ALLOWED' } })
    expect(found.asked()).toEqual([`GET ${oauthPlace}`])
  })
})
