import { describe, expect, it, test } from 'vitest'
import type { HttpTokenEndpointOptions } from '../../../src/adapters/oauth/http-token-endpoint.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import { watchForLeak } from '../../support/canary.ts'
import { httpAnswer } from '../../support/scripted-token-endpoint.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { TestAuthority } from '../../support/test-certificates.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, MemorySecrets } from './endpoint-bench.ts'
import { documentOf, metadataServer, oauthPlace, openidPlace, type Page, tokenPage } from './metadata-server.ts'

/** A provider of which only the issuer is known. */
function discovering(issuer: string, more: Partial<Provider> = {}) {
  const request = aRequest({ issuer, ...more })
  const { tokenEndpoint: _given, ...provider } = request.provider
  return { ...request, provider }
}

describe('an issuer', () => {
  const places: Readonly<Record<string, [path: string, asked: readonly string[]]>> = {
    'where RFC 8414 puts them': [oauthPlace, [`GET ${oauthPlace}`]],
    'where OpenID Connect puts them': [openidPlace, [`GET ${oauthPlace}`, `GET ${openidPlace}`]],
  }
  test.each(Object.entries(places))('is asked for its metadata %s', async (_, [path, asked]) => {
    const server = await metadataServer((origin) => ({ [path]: documentOf(origin), '/token': tokenPage }))
    answerOf(await anEndpoint().request(discovering(server.origin), go))
    expect(server.asked()).toEqual([...asked, 'POST /token'])
  })

  test.each(['/tenant/7', '/tenant/7/'])('may have a path: %s', async (path) => {
    for (const place of [`${oauthPlace}/tenant/7`, `/tenant/7${openidPlace}`]) {
      const server = await metadataServer((origin) => ({
        [place]: documentOf(`${origin}${path}`),
        '/token': tokenPage,
      }))
      answerOf(await anEndpoint().request(discovering(`${server.origin}${path}`), go))
      expect(server.asked().at(-1)).toBe('POST /token')
    }
  })

  it('is told nothing: no token, no client, no header of the provider', async () => {
    const server = await metadataServer((origin) => ({ [oauthPlace]: documentOf(origin), '/token': tokenPage }))
    const client = {
      id: 'ci',
      authentication: 'client_secret_basic',
      secretRef: { name: 'client', key: 'secret' },
    } as const
    const request = {
      bodyFormat: 'form',
      parameters: { a: 'b' },
      headers: { 'x-key': 'for the token endpoint' },
    } as const
    const secrets = new MemorySecrets({ 'ci/client/secret': 'hush' })
    answerOf(await anEndpoint({ secrets }).request(discovering(server.origin, { client, request }), go))
    const [first] = server.requests
    expect(Object.keys(first?.headers ?? {}).toSorted()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ])
    expect(first?.body).toBe('')
  })

  it('is not asked where the provider says everything itself', async () => {
    const server = await metadataServer(() => ({ '/token': tokenPage }))
    answerOf(
      await anEndpoint().request(aRequest({ issuer: server.origin, tokenEndpoint: `${server.origin}/token` }), go),
    )
    expect(server.asked()).toEqual(['POST /token'])
  })

  it('tells clients with a certificate where they are to go instead', async () => {
    const authority = new TestAuthority('both')
    const { cert, key } = authority.issue()
    const server = await metadataServer(
      (origin) => ({
        [oauthPlace]: documentOf(origin, { mtls_endpoint_aliases: { token_endpoint: `${origin}/mtls/token` } }),
        '/token': tokenPage,
        '/mtls/token': tokenPage,
      }),
      { cert, key },
    )
    const secrets = new MemorySecrets({ 'ci/pair/tls.crt': cert, 'ci/pair/tls.key': key })
    const tls = { caBundle: authority.ca }
    const client = { id: 'ci', authentication: 'tls_client_auth', certificateSecretName: 'pair' } as const
    answerOf(await anEndpoint({ secrets }).request(discovering(server.origin, { client, tls }), go))
    answerOf(await anEndpoint({ secrets }).request(discovering(server.origin, { tls }), go))
    expect(server.asked().filter((asked) => asked.startsWith('POST'))).toEqual(['POST /mtls/token', 'POST /token'])
  })
})

describe('metadata are of no use, and nothing is sent,', () => {
  const both = (page: Page) => ({ [oauthPlace]: page, [openidPlace]: page })
  type Row = readonly [pages: (origin: string) => Readonly<Record<string, Page>>, code: string, says: string]
  const table: Readonly<Record<string, Row>> = {
    'that are nowhere': [
      () => ({}),
      'PROVIDER_INVALID',
      'There are no metadata at the well-known places of the issuer',
    ],
    'of another issuer': [
      () => both(documentOf('https://other.example.com')),
      'PROVIDER_INVALID',
      'The metadata of the issuer (spec.issuer) of OAuthProvider ci/gateway are those of another issuer.',
    ],
    'of an issuer that differs by a slash': [
      (origin) => both(documentOf(`${origin}/`)),
      'PROVIDER_INVALID',
      'another issuer',
    ],
    'of an issuer in capitals': [
      (origin) => both(documentOf(origin.toUpperCase())),
      'PROVIDER_INVALID',
      'another issuer',
    ],
    'that are a page': [
      () => both([200, '<html>welcome</html>']),
      'PROVIDER_INVALID',
      'are not authorization server metadata',
    ],
    'that are a list': [() => both([200, '[]']), 'PROVIDER_INVALID', 'are not authorization server metadata'],
    'without an issuer': [
      () => both([200, '{"token_endpoint": "/token"}']),
      'PROVIDER_INVALID',
      'are not authorization',
    ],
    'without a token endpoint': [
      (origin) => both([200, JSON.stringify({ issuer: origin })]),
      'PROVIDER_INVALID',
      'The metadata of the issuer (spec.issuer) of OAuthProvider ci/gateway name no token endpoint.',
    ],
    'that name a token endpoint at another origin': [
      (origin) => both(documentOf(origin, { token_endpoint: 'https://thief.example.com/token?a=b' })),
      'ENDPOINT_NOT_ALLOWED',
      "name the token endpoint at another origin; one that is not at the issuer's",
    ],
    'that name a token endpoint in words for whoever reads the message': [
      (origin) =>
        both(documentOf(origin, { token_endpoint: `https://${watchForLeak('read-me-and-log-in-at.thief.example')}/` })),
      'ENDPOINT_NOT_ALLOWED',
      'name the token endpoint at another origin;',
    ],
    'that name a longer token endpoint than a manifest may': [
      (origin) => both(documentOf(origin, { token_endpoint: `${origin}/${'x'.repeat(2048)}` })),
      'PROVIDER_INVALID',
      'are not authorization server metadata',
    ],
    'that name a token endpoint at another port': [
      (origin) => both(documentOf(origin, { token_endpoint: 'http://127.0.0.1:1/token' })),
      'ENDPOINT_NOT_ALLOWED',
      'name the token endpoint at another origin;',
    ],
    'that name a relative token endpoint': [
      (origin) => both(documentOf(origin, { token_endpoint: '/token' })),
      'ENDPOINT_NOT_ALLOWED',
      'name the token endpoint at no https URL',
    ],
    'that are somewhere else': [
      () => both((socket) => socket.end(httpAnswer(302, '', { location: 'https://thief.example.com/' }))),
      'PROVIDER_INVALID',
      'the server answered with status 302',
    ],
    'that are larger than anybody needs': [
      (origin) =>
        both([200, JSON.stringify({ issuer: origin, token_endpoint: `${origin}/token`, x: 'x'.repeat(300_000) })]),
      'TOKEN_ENDPOINT_UNREACHABLE',
      'it was cut off, or is larger than 256 KiB',
    ],
    'that never come': [() => both(() => undefined), 'TOKEN_ENDPOINT_UNREACHABLE', 'it did not answer in time'],
    'that never end': [
      () => both((socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{"issuer":')),
      'TOKEN_ENDPOINT_UNREACHABLE',
      'it was cut off',
    ],
    'that are cut off': [
      () => both((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{"issuer":')),
      'TOKEN_ENDPOINT_UNREACHABLE',
      'it was cut off',
    ],
    'of a server that is down': [
      () => both([503, '']),
      'TOKEN_ENDPOINT_UNREACHABLE',
      'the server answered with status 503',
    ],
  }
  test.each(Object.entries(table))('%s', async (_name, [pages, code, says]) => {
    const server = await metadataServer((origin) => ({ ...pages(origin), '/token': tokenPage }))
    const exchange = await anEndpoint({ readTimeoutMs: 200 }).request(discovering(server.origin), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code })
    expect(failureOf(exchange).message).toContain(says)
    expect(server.asked().filter((asked) => asked.startsWith('POST'))).toEqual([])
  })

  it('of a server that nobody reaches', async () => {
    const exchange = await anEndpoint().request(discovering('http://127.0.0.1:1'), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'TOKEN_ENDPOINT_UNREACHABLE' })
    expect(failureOf(exchange).message).toContain(
      'The metadata document of the issuer of OAuthProvider ci/gateway could not be',
    )
  })

  const strict = { allowPlainHttp: false, allowPrivateAddresses: false }
  const addresses: Readonly<
    Record<string, [issuer: string, options: Partial<HttpTokenEndpointOptions>, says: string]>
  > = {
    'over plain http': ['http://login.example.com', strict, 'is not an https URL'],
    'at a loopback address': ['https://127.0.0.1', strict, 'has an address that is not public'],
    'at a name with a private address': [
      'https://login.example.com',
      { ...strict, lookup: async () => [{ address: '10.0.0.1', family: 4 }] },
      'has an address that is not public',
    ],
  }
  test.each(Object.entries(addresses))('%s', async (_name, [issuer, options, says]) => {
    const exchange = await anEndpoint(options).request(discovering(issuer), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'ENDPOINT_NOT_ALLOWED' })
    expect(failureOf(exchange).message).toContain(says)
  })

  it('of a server whose certificate nobody trusts', async () => {
    const server = await metadataServer((origin) => both(documentOf(origin)), new TestAuthority('stranger').issue())
    const exchange = await anEndpoint().request(discovering(server.origin), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'TOKEN_ENDPOINT_UNREACHABLE' })
    expect(server.asked()).toEqual([])
  })
})

describe('metadata are kept', () => {
  async function bench() {
    const clock = new SimulatedClock()
    const server = await metadataServer((origin) => ({ [oauthPlace]: documentOf(origin), '/token': tokenPage }))
    const endpoint = anEndpoint({ clock })
    const provider = discovering(server.origin)
    const refresh = async (more: Partial<Provider> = {}) =>
      endpoint.request({ ...provider, provider: { ...provider.provider, ...more } }, go)
    const fetches = (): number => server.asked().filter((asked) => asked.startsWith('GET')).length
    return { clock, server, refresh, fetches }
  }

  it('for an hour', async () => {
    const b = await bench()
    answerOf(await b.refresh())
    await b.clock.pass(3599)
    answerOf(await b.refresh())
    expect(b.fetches()).toBe(1)
    await b.clock.pass(1)
    answerOf(await b.refresh())
    expect(b.fetches()).toBe(2)
  })

  it('by one request for all that want them at once', async () => {
    const b = await bench()
    await Promise.all(Array.from({ length: 20 }, async () => b.refresh()))
    expect(b.fetches()).toBe(1)
  })

  it('beyond that hour for as long as there are no others', async () => {
    const b = await bench()
    answerOf(await b.refresh())
    b.server.pages.set(oauthPlace, [503, ''])
    for (let day = 0; day < 3; day++) {
      await b.clock.pass(86_400)
      answerOf(await b.refresh())
    }
    b.server.pages.set(oauthPlace, documentOf('https://thief.example.com'))
    await b.clock.pass(86_400)
    answerOf(await b.refresh())
  })

  it('for this manifest of the provider alone', async () => {
    const b = await bench()
    answerOf(await b.refresh())
    answerOf(await b.refresh({ generation: 7 }))
    answerOf(await b.refresh({ generation: 7, name: 'other' }))
    expect(b.fetches()).toBe(3)
  })

  const doubts: Readonly<Record<string, Page>> = {
    'the token endpoint is gone': [404, ''],
    'the token endpoint is elsewhere': (socket) => socket.end(httpAnswer(308, '', { location: '/new' })),
  }
  test.each(Object.entries(doubts))('until %s', async (_, page) => {
    const b = await bench()
    answerOf(await b.refresh())
    b.server.pages.set('/token', page)
    await b.clock.pass(60)
    answerOf(await b.refresh())
    const { origin } = b.server
    b.server.pages.set(oauthPlace, documentOf(origin, { token_endpoint: `${origin}/new` })).set('/new', tokenPage)
    expect(answerOf(await b.refresh()).status).toBe(200)
    expect(b.fetches()).toBe(2)
  })

  it('and not asked for again sooner than after ten seconds, whatever is wrong with them', async () => {
    const b = await bench()
    b.server.pages.delete(oauthPlace)
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(failureOf(await b.refresh()).code).toBe('PROVIDER_INVALID')
      await b.clock.pass(1.9)
    }
    expect(b.fetches()).toBe(2)
    b.server.pages.set(oauthPlace, documentOf(b.server.origin))
    await b.clock.pass(1)
    answerOf(await b.refresh())
  })
})
