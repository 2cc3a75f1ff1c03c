import { describe, expect, it, test } from 'vitest'
import type { Provider } from '../../../src/domain/provider.ts'
import { canary } from '../../support/canary.ts'
import { answers, type WireRequest } from '../../support/scripted-token-endpoint.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, MemorySecrets, scripted } from './endpoint-bench.ts'

const rt = `${canary('rt')}+/=&% é`
const secret = `${canary('secret')}:+/ %é`
const secrets = new MemorySecrets({ 'ci/client/secret': secret, '/client/secret': 'of the operator' })
const secretRef = { name: 'client', key: 'secret' }

/** Sends a refresh for this provider, and gives what the server got. */
async function sent(provider: Partial<Provider>, scopes: readonly string[] = []): Promise<WireRequest> {
  const server = await scripted({ script: answers(200, '{}') })
  const request = aRequest({ tokenEndpoint: `${server.url}?tenant=7`, ...provider }, { refreshToken: rt, scopes })
  answerOf(await anEndpoint({ secrets }).request(request, go))
  const [first, ...rest] = server.requests
  if (first === undefined || rest.length > 0) throw new Error(`${server.requests.length} requests`)
  return first
}

function form(request: WireRequest): Readonly<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(request.body))
}

/** RFC 6749 §2.3.1: both parts are form-urlencoded before they are joined. */
function basicOf(request: WireRequest): readonly string[] {
  const [scheme, credentials = ''] = (request.headers['authorization'] ?? '').split(' ')
  if (scheme !== 'Basic') throw new Error('no Basic authentication')
  const parts = Buffer.from(credentials, 'base64').toString('latin1').split(':')
  return parts.map((part) => new URLSearchParams(`part=${part}`).get('part') ?? '')
}

const grant = { grant_type: 'refresh_token', refresh_token: rt }

describe('the request of a client with a grant of its own', () => {
  it('names the grant and the scopes, and has no refresh token', async () => {
    const server = await scripted({ script: answers(200, '{}') })
    const client = { id: 'ci', authentication: 'client_secret_post', secretRef } as const
    const refreshEndpoint = 'https://refresh.example.com/token'
    const { provider } = aRequest({ tokenEndpoint: server.url, refreshEndpoint, client })
    const scopes = ['a', 'b']
    answerOf(await anEndpoint({ secrets }).request({ provider, grant: { type: 'client_credentials' }, scopes }, go))
    expect(server.requests.map(form)).toEqual([
      { grant_type: 'client_credentials', scope: 'a b', client_id: 'ci', client_secret: secret },
    ])
  })
})

describe('the refresh request', () => {
  it('is a POST to path and query of the token endpoint, for one connection, in a form', async () => {
    const request = await sent({})
    expect(request.head.split('\r\n')[0]).toBe('POST /token?tenant=7 HTTP/1.1')
    expect(request.headers).toMatchObject({
      accept: 'application/json',
      'accept-encoding': 'identity',
      connection: 'close',
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': `${request.body.length}`,
      'user-agent': 'oauth-credential-operator/1.2.3',
      host: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
    })
    expect(request.headers).not.toHaveProperty('authorization')
    expect(form(request)).toEqual({ ...grant, client_id: 'ci' })
  })

  it('authenticates by client_secret_basic', async () => {
    const request = await sent({ client: { id: 'client:ü 1', authentication: 'client_secret_basic', secretRef } })
    expect(basicOf(request)).toEqual(['client:ü 1', secret])
    expect(form(request)).toEqual(grant)
  })

  it('authenticates by client_secret_post', async () => {
    const request = await sent({ client: { id: 'ci', authentication: 'client_secret_post', secretRef } })
    expect(form(request)).toEqual({ ...grant, client_id: 'ci', client_secret: secret })
    expect(request.headers).not.toHaveProperty('authorization')
  })

  it('reads the client secret of a cluster-scoped provider from the namespace of the operator', async () => {
    const client = { id: 'ci', authentication: 'client_secret_post' as const, secretRef }
    const server = await scripted({ script: answers(200, '{}') })
    const { provider, ...rest } = aRequest({ kind: 'ClusterOAuthProvider', tokenEndpoint: server.url, client })
    const { namespace: _, ...clusterProvider } = provider
    await anEndpoint({ secrets }).request({ ...rest, provider: clusterProvider }, go)
    expect(server.requests.map(form)).toMatchObject([{ client_secret: 'of the operator' }])
  })

  it('can be JSON', async () => {
    const request = await sent({ request: { bodyFormat: 'json', parameters: { audience: 'api' }, headers: {} } }, [
      'a',
      'b',
    ])
    expect(request.headers['content-type']).toBe('application/json')
    expect(JSON.parse(Buffer.from(request.body, 'latin1').toString('utf8'))).toEqual({
      ...grant,
      client_id: 'ci',
      audience: 'api',
      scope: 'a b',
    })
  })

  it('carries scopes only if there are some', async () => {
    expect(form(await sent({}, ['a', 'b']))['scope']).toBe('a b')
    expect(form(await sent({}))).not.toHaveProperty('scope')
  })

  it('carries the parameters of the provider, which cannot replace those of the grant', async () => {
    const parameters = {
      resource: 'https://api',
      grant_type: 'password',
      refresh_token: 'x',
      client_id: 'y',
      scope: 'default',
    }
    const request = { bodyFormat: 'form' as const, parameters, headers: {} }
    expect(form(await sent({ request }))).toEqual({
      ...grant,
      client_id: 'ci',
      resource: 'https://api',
      scope: 'default',
    })
    expect(form(await sent({ request }, ['own']))['scope']).toBe('own')
  })

  it('carries the headers of the provider, which cannot replace those that frame the message', async () => {
    const headers = {
      'User-Agent': 'tool/9',
      Accept: 'application/vnd.api+json',
      'X-Beta': 'oauth',
      Host: 'elsewhere.example',
      'Content-Length': '1',
      'Transfer-Encoding': 'chunked',
      Authorization: 'Bearer x',
      Connection: 'keep-alive',
    }
    const request = await sent({ request: { bodyFormat: 'form', parameters: {}, headers } })
    expect(request.headers).toMatchObject({
      'user-agent': 'tool/9',
      accept: 'application/vnd.api+json',
      'x-beta': 'oauth',
    })
    expect(request.headers).toMatchObject({ connection: 'close', 'content-length': `${request.body.length}` })
    expect(request.headers['host']).not.toBe('elsewhere.example')
    expect(request.headers).not.toHaveProperty('authorization')
    expect(request.headers).not.toHaveProperty('transfer-encoding')
  })
})

describe('a request that cannot be built is not sent', () => {
  const table: Readonly<Record<string, { provider: Partial<Provider>; code: string; says: string }>> = {
    'the Secret has no such key': {
      provider: {
        client: { id: 'ci', authentication: 'client_secret_post', secretRef: { name: 'client', key: 'gone' } },
      },
      code: 'CLIENT_SECRET_UNAVAILABLE',
      says: 'Secret ci/client has no key gone.',
    },
    'no Secret is named': {
      provider: { client: { id: 'ci', authentication: 'client_secret_basic' } },
      code: 'CLIENT_SECRET_UNAVAILABLE',
      says: 'OAuthProvider ci/gateway authenticates its client by client_secret_basic and names no Secret',
    },
    'a header has a line break': {
      provider: { request: { bodyFormat: 'form', parameters: {}, headers: { 'x-a': 'b\r\nx-c: d' } } },
      code: 'PROVIDER_INVALID',
      says: 'A header in spec.request.headers of OAuthProvider ci/gateway is not valid HTTP.',
    },
    'a header has no name': {
      provider: { request: { bodyFormat: 'form', parameters: {}, headers: { 'no name': 'x' } } },
      code: 'PROVIDER_INVALID',
      says: 'A header in spec.request.headers',
    },
  }
  test.each(Object.entries(table))('%s', async (_name, { provider, code, says }) => {
    const server = await scripted({ script: answers(200, '{}') })
    const exchange = await anEndpoint({ secrets }).request(aRequest({ tokenEndpoint: server.url, ...provider }), go)
    expect(failureOf(exchange)).toMatchObject({
      kind: 'not-sent',
      code,
      message: expect.stringContaining(says) as string,
    })
    expect(server.connections).toHaveLength(0)
  })
})

describe('a client secret that was refused', () => {
  const client = { id: 'ci', authentication: 'client_secret_post' as const, secretRef }
  test.each([
    [401, ['ci/client']],
    [400, ['ci/client']],
    [200, []],
    [503, []],
  ])('after status %i, forgotten: %j', async (status, forgotten) => {
    const own = new MemorySecrets({ 'ci/client/secret': secret })
    const server = await scripted({ script: answers(status, '{}') })
    await anEndpoint({ secrets: own }).request(aRequest({ tokenEndpoint: server.url, client }), go)
    expect(own.forgotten).toEqual(forgotten)
  })
})
