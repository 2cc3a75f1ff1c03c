import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { Provider } from '../../../src/domain/provider.ts'
import type { Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { TokenStanding } from '../../../src/ports/token-endpoint.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../../support/authorization-server.ts'
import { aProvider } from '../../support/builders.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { TestAuthority } from '../../support/test-certificates.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, MemorySecrets } from './endpoint-bench.ts'
import { documentOf, metadataServer, oauthPlace, type Page } from './metadata-server.ts'

const authority = new TestAuthority('test authority')
const tls = { caBundle: authority.ca }
let server: AuthorizationServer
let secrets: MemorySecrets

beforeAll(async () => {
  server = await startAuthorizationServer({ tls: authority.issue(), accessTokenSeconds: 120 })
  const { basic, post } = server.clients
  secrets = new MemorySecrets({ 'ci/basic/secret': basic.secret, 'ci/post/secret': post.secret })
})

afterAll(async () => server.close())

/** A provider of which the real server's issuer is known, and nothing else. */
function discovering(kind: 'basic' | 'post'): Provider {
  const { id, authentication } = server.clients[kind]
  const client = { id, authentication, secretRef: { name: kind, key: 'secret' } }
  const { tokenEndpoint: _given, ...provider } = aProvider({ issuer: server.issuer, client, tls, introspection: {} })
  return provider
}

async function accessTokenOf(provider: Provider, refreshToken: string): Promise<string> {
  const grant = { type: 'refresh_token', refreshToken: new Sensitive(refreshToken) } as const
  const answer = answerOf(await anEndpoint({ secrets }).request({ provider, grant, scopes: [] }, go))
  return String((JSON.parse(answer.body.reveal()) as { access_token?: unknown }).access_token)
}

function standingOf(result: Result<TokenStanding>): TokenStanding {
  if (result.ok) return result.value
  throw new Error(result.failure.message)
}

describe('a real authorization server', () => {
  it.each(['basic', 'post'] as const)('is found by its issuer, and tells %s of its access tokens', async (kind) => {
    const provider = discovering(kind)
    const accessToken = await accessTokenOf(provider, await server.issueRefreshToken(kind))
    const endpoint = anEndpoint({ secrets })
    const before = Date.now() / 1000
    const { active, expiresAt = 0 } = standingOf(await endpoint.introspect(provider, new Sensitive(accessToken)))
    expect(active).toBe(true)
    expect(Math.abs(expiresAt - before - 120)).toBeLessThan(10)
    expect(standingOf(await endpoint.introspect(provider, new Sensitive('unknown')))).toEqual({ active: false })
  })
})

describe('an introspection request', () => {
  it('is a form, whatever a token request is, and proves the client', async () => {
    const bench = await benchWith([200, '{"active": true}'], {
      request: { bodyFormat: 'json', parameters: { audience: 'api' }, headers: { 'x-tenant': '7' } },
    })
    expect(standingOf(await bench.ask())).toEqual({ active: true })
    const [request] = bench.requests
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      token: bench.accessToken,
      token_type_hint: 'access_token',
      client_id: 'ci',
      client_secret: 'hush',
    })
    expect(request?.headers).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded', 'x-tenant': '7' })
  })

  it('goes where the metadata say', async () => {
    const found = await metadataServer((origin) => ({
      [oauthPlace]: documentOf(origin, { introspection_endpoint: `${origin}/ask` }),
      '/ask': [200, '{"active": true, "exp": "1800000000"}'],
    }))
    const { tokenEndpoint: _given, ...provider } = aProvider({ issuer: found.origin, introspection: {} })
    const standing = standingOf(await anEndpoint().introspect(provider, new Sensitive(canary('at'))))
    expect(standing).toEqual({ active: true, expiresAt: 1_800_000_000 })
    expect(found.asked()).toEqual([`GET ${oauthPlace}`, 'POST /ask'])
  })
})

async function benchWith(page: Page, more: Partial<Provider> = {}) {
  const found = await metadataServer(() => ({ '/introspect': page }))
  const client = {
    id: 'ci',
    authentication: 'client_secret_post',
    secretRef: { name: 'client', key: 'secret' },
  } as const
  const own = new MemorySecrets({ 'ci/client/secret': 'hush' })
  const provider = aProvider({
    tokenEndpoint: `${found.origin}/token`,
    introspection: { endpoint: `${found.origin}/introspect` },
    client,
    ...more,
  })
  const accessToken = canary('at')
  const endpoint = anEndpoint({ secrets: own, readTimeoutMs: 200 })
  const ask = async (): Promise<Result<TokenStanding>> => endpoint.introspect(provider, new Sensitive(accessToken))
  return { requests: found.requests, secrets: own, accessToken, ask }
}

describe('an answer that tells nothing', () => {
  const table: Readonly<Record<string, [page: Page, code: string, says: string]>> = {
    'of a server that is down': [[503, ''], 'TOKEN_ENDPOINT_UNREACHABLE', 'it answered with status 503'],
    'of a server that is busy': [[429, ''], 'TOKEN_ENDPOINT_UNREACHABLE', 'it answered with status 429'],
    'to a client that it does not know': [
      [401, '{}'],
      'CLIENT_REJECTED',
      'refused to tell this client anything: status 401.',
    ],
    'from another place': [[404, ''], 'PROVIDER_INVALID', 'is none: it answered with status 404.'],
    'that redirects': [[302, ''], 'PROVIDER_INVALID', 'is none: it answered with status 302.'],
    'that is a page': [[200, '<html>'], 'PROVIDER_INVALID', 'does not do so as RFC 7662 says'],
    'without saying whether it is active': [[200, '{"exp": 5}'], 'PROVIDER_INVALID', 'does not do so as RFC 7662 says'],
    'that never comes': [() => undefined, 'TOKEN_ENDPOINT_UNREACHABLE', 'it did not answer in time'],
    'that is cut off': [
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"active":'),
      'TOKEN_ENDPOINT_UNREACHABLE',
      'its answer was cut off',
    ],
  }
  test.each(Object.entries(table))('%s', async (_name, [page, code, says]) => {
    const bench = await benchWith(page)
    const result = await bench.ask()
    observeOutput('failure', JSON.stringify(result))
    expect(result).toMatchObject({ ok: false, failure: { code } })
    expect(result.ok ? '' : result.failure.message).toContain(says)
    expect(bench.secrets.forgotten).toEqual(code === 'CLIENT_REJECTED' ? ['ci/client'] : [])
  })
})

describe('an access token is shown to nobody but who issued it', () => {
  const table: Readonly<Record<string, [endpoint: string | undefined, code: string, says: string]>> = {
    'at another host': [
      'https://thief.example.com/introspect',
      'ENDPOINT_NOT_ALLOWED',
      'is at https://thief.example.com, and its token endpoint at https://login.example.com;',
    ],
    'at another port': [
      'https://login.example.com:8443/introspect',
      'ENDPOINT_NOT_ALLOWED',
      'they have to be at one origin',
    ],
    'without a place': [undefined, 'PROVIDER_INVALID', 'names no introspection endpoint and no issuer'],
  }
  test.each(Object.entries(table))('%s', async (_name, [endpoint, code, says]) => {
    const provider = aProvider({ introspection: endpoint === undefined ? {} : { endpoint } })
    const result = await anEndpoint().introspect(provider, new Sensitive(canary('at')))
    observeOutput('failure', JSON.stringify(result))
    expect(result).toMatchObject({ ok: false, failure: { code } })
    expect(result.ok ? '' : result.failure.message).toContain(says)
  })

  it('by metadata that name somebody else, which does not keep tokens from being refreshed', async () => {
    const found = await metadataServer((origin) => ({
      [oauthPlace]: documentOf(origin, { introspection_endpoint: 'https://thief.example.com/ask' }),
      '/token': [200, '{}'],
    }))
    const { tokenEndpoint: _given, ...provider } = aProvider({ issuer: found.origin, introspection: {} })
    const endpoint = anEndpoint()
    const result = await endpoint.introspect(provider, new Sensitive(canary('at')))
    expect(result).toMatchObject({ ok: false, failure: { code: 'ENDPOINT_NOT_ALLOWED' } })
    expect(answerOf(await endpoint.request({ ...aRequest({}), provider }, go)).status).toBe(200)
  })

  it('by an issuer beside a token endpoint that is elsewhere', async () => {
    const found = await metadataServer((origin) => ({
      [oauthPlace]: documentOf(origin, { introspection_endpoint: `${origin}/ask` }),
    }))
    const provider = aProvider({ issuer: found.origin, introspection: {} })
    const result = await anEndpoint().introspect(provider, new Sensitive(canary('at')))
    expect(result).toMatchObject({ ok: false, failure: { code: 'ENDPOINT_NOT_ALLOWED' } })
  })

  it('at the origin of a token endpoint, when the refresh endpoint that issued it is elsewhere', async () => {
    const found = await metadataServer(() => ({ '/introspect': [200, '{"active": true}'] }))
    const provider = aProvider({
      tokenEndpoint: `${found.origin}/token`,
      refreshEndpoint: 'https://login.example.com/refresh',
      introspection: { endpoint: `${found.origin}/introspect` },
    })
    const result = await anEndpoint().introspect(provider, new Sensitive(canary('at')))
    expect(result).toMatchObject({ ok: false, failure: { code: 'ENDPOINT_NOT_ALLOWED' } })
    expect(result.ok ? '' : result.failure.message).toContain('and its refresh endpoint at https://login.example.com;')
    expect(found.asked()).toEqual([])
  })

  it('without a client that can prove itself', async () => {
    const client = { id: 'ci', authentication: 'client_secret_post' } as const
    const provider = aProvider({ client, introspection: { endpoint: 'https://login.example.com/introspect' } })
    const result = await anEndpoint().introspect(provider, new Sensitive(canary('at')))
    expect(result).toMatchObject({ ok: false, failure: { code: 'CLIENT_SECRET_UNAVAILABLE' } })
    const exchange = await anEndpoint().request({ ...aRequest({}), provider }, go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'CLIENT_SECRET_UNAVAILABLE' })
  })
})
