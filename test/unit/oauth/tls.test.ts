import type { Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it, test, vi } from 'vitest'
import { TlsSessions } from '../../../src/adapters/oauth/tls-sessions.ts'
import type { TlsTrust } from '../../../src/domain/provider.ts'
import { answers } from '../../support/scripted-token-endpoint.ts'
import { TestAuthority } from '../../support/test-certificates.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, MemorySecrets, scripted } from './endpoint-bench.ts'

const authority = new TestAuthority('test authority')
const other = new TestAuthority('other authority')

/** With a note of each connection, whether it was made by a short handshake. */
async function tlsServer() {
  const resumed: boolean[] = []
  const connected = (socket: Socket): void => {
    if (socket instanceof TLSSocket) resumed.push(socket.isSessionReused())
  }
  const server = await scripted({ script: answers(200, '{}'), tls: authority.issue(), connected })
  return Object.assign(server, { resumed })
}

describe('the certificate of a token endpoint', () => {
  it('is trusted through the CA bundle of the provider', async () => {
    const server = await tlsServer()
    const tls = { caBundle: `# our authorities\n${other.ca}\n${authority.ca}` }
    answerOf(await anEndpoint().request(aRequest({ tokenEndpoint: server.url, tls }), go))
    expect(server.requests).toHaveLength(1)
  })

  it('is trusted through a CA bundle in a Secret', async () => {
    const server = await tlsServer()
    const secrets = new MemorySecrets({ 'ci/ca/ca.crt': authority.ca })
    const tls = { caBundleSecretRef: { name: 'ca', key: 'ca.crt' } }
    answerOf(await anEndpoint({ secrets }).request(aRequest({ tokenEndpoint: server.url, tls }), go))
    expect(server.requests).toHaveLength(1)
  })

  const refused: Readonly<Record<string, { tls: TlsTrust; host?: string; code: string; says: string }>> = {
    'under the trust of the system alone': {
      tls: {},
      code: 'TOKEN_ENDPOINT_UNREACHABLE',
      says: 'an authority that is not trusted (',
    },
    'under another authority': {
      tls: { caBundle: other.ca },
      code: 'TOKEN_ENDPOINT_UNREACHABLE',
      says: 'an authority that is not trusted (',
    },
    'for another host': {
      tls: { caBundle: authority.ca },
      host: 'login.invalid',
      code: 'TOKEN_ENDPOINT_UNREACHABLE',
      says: 'its certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)',
    },
    'when the bundle is no PEM': {
      tls: { caBundle: 'nonsense' },
      code: 'PROVIDER_INVALID',
      says: 'The CA bundle of OAuthProvider ci/gateway is not a PEM list of certificates.',
    },
    'when a certificate of the bundle is damaged': {
      tls: { caBundle: `${authority.ca}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` },
      code: 'PROVIDER_INVALID',
      says: 'is not a PEM list of certificates',
    },
    'when the Secret with the bundle is missing': {
      tls: { caBundleSecretRef: { name: 'ca', key: 'ca.crt' } },
      code: 'CLIENT_SECRET_UNAVAILABLE',
      says: 'Secret ci/ca has no key ca.crt.',
    },
  }
  test.each(Object.entries(refused))('is refused %s', async (_name, { tls, host = '127.0.0.1', code, says }) => {
    const server = await tlsServer()
    const tokenEndpoint = `https://${host}:${server.port}/token`
    const endpoint = anEndpoint({ lookup: async () => [{ address: '127.0.0.1', family: 4 }] })
    const exchange = await endpoint.request(aRequest({ tokenEndpoint, tls }), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code })
    expect(failureOf(exchange).message).toContain(says)
    expect(server.requests).toHaveLength(0)
  })

  describe('with the environment variable that switches verification off', () => {
    afterEach(() => {
      vi.unstubAllEnvs()
      vi.restoreAllMocks()
    })

    it('is verified all the same', async () => {
      // The platform warns of the variable; a warning among the test results would be taken for one of ours.
      vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      const server = await tlsServer()
      const exchange = await anEndpoint().request(aRequest({ tokenEndpoint: server.url }), go)
      expect(failureOf(exchange).code).toBe('TOKEN_ENDPOINT_UNREACHABLE')
      expect(server.requests).toHaveLength(0)
    })
  })

  describe('that an authority of the system issued', () => {
    const anchors = getCACertificates('default')
    afterEach(() => setDefaultCACertificates(anchors))

    it('is trusted also where the provider has a CA bundle', async () => {
      setDefaultCACertificates([authority.ca])
      const server = await tlsServer()
      for (const tls of [{}, { caBundle: other.ca }])
        answerOf(await anEndpoint().request(aRequest({ tokenEndpoint: server.url, tls }), go))
      expect(server.requests).toHaveLength(2)
    })
  })
})

describe('TLS sessions', () => {
  const trusting = { tls: { caBundle: authority.ca } }

  it('are resumed by the next refresh at the same endpoint', async () => {
    const server = await tlsServer()
    const endpoint = anEndpoint()
    for (let refresh = 0; refresh < 3; refresh++)
      answerOf(await endpoint.request(aRequest({ tokenEndpoint: server.url, ...trusting }), go))
    expect(server.resumed).toEqual([false, true, true])
  })

  it('do not make a provider trust what its own CA bundle does not', async () => {
    const server = await tlsServer()
    const endpoint = anEndpoint()
    answerOf(await endpoint.request(aRequest({ tokenEndpoint: server.url, ...trusting }), go))
    const exchange = await endpoint.request(aRequest({ tokenEndpoint: server.url, tls: { caBundle: other.ca } }), go)
    expect(failureOf(exchange).code).toBe('TOKEN_ENDPOINT_UNREACHABLE')
  })

  const ticket = (name: string): Buffer => Buffer.from(name)

  it('are used once', () => {
    const sessions = new TlsSessions(() => 0)
    sessions.keep('a', ticket('one'), undefined)
    expect(sessions.take('a')?.ticket).toEqual(ticket('one'))
    expect(sessions.take('a')).toBeUndefined()
  })

  it('end an hour after the last full handshake, however often they were resumed', () => {
    let now = 0
    const sessions = new TlsSessions(() => now)
    sessions.keep('a', ticket('first'), undefined)
    now = 3_000_000
    sessions.keep('a', ticket('second'), sessions.take('a'))
    now = 3_599_999
    sessions.keep('a', ticket('third'), sessions.take('a'))
    now = 3_600_000
    expect(sessions.take('a')).toBeUndefined()
  })

  it('are kept for a bounded number of peers, and a few for each', () => {
    const sessions = new TlsSessions(() => 0)
    for (let index = 0; index < 300; index++) sessions.keep(`peer ${index}`, ticket('x'), undefined)
    expect(sessions.take('peer 43')).toBeUndefined()
    expect(sessions.take('peer 44')).toBeDefined()
    for (let index = 0; index < 100; index++) sessions.keep('busy', ticket(`${index}`), undefined)
    const taken = Array.from({ length: 9 }, () => sessions.take('busy')?.ticket.toString())
    expect(taken).toEqual(['99', '98', '97', '96', '95', '94', '93', '92', undefined])
  })
})
