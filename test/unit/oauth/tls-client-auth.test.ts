import { generateKeyPairSync } from 'node:crypto'
import { createServer as createTlsServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest'
import type { Provider } from '../../../src/domain/provider.ts'
import { ok } from '../../../src/domain/result.ts'
import {
  type AuthorizationServer,
  type ClientRegistration,
  startAuthorizationServer,
} from '../../support/authorization-server.ts'
import { watchForLeak } from '../../support/canary.ts'
import { answers, httpAnswer } from '../../support/scripted-token-endpoint.ts'
import { overlongRsaKeys, TestAuthority, type TestCertificate } from '../../support/test-certificates.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, MemorySecrets, scripted } from './endpoint-bench.ts'

const servers = new TestAuthority('servers')
const clients = new TestAuthority('clients')
const stranger = new TestAuthority('stranger')
const tls = { caBundle: servers.ca }
const registration: ClientRegistration = {
  client_id: 'by-certificate',
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_subject_dn: 'CN=operator',
}
const client = { id: 'by-certificate', authentication: 'tls_client_auth', certificateSecretName: 'pair' } as const

let server: AuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer({
    tls: servers.issue(),
    clientAuthority: clients.ca,
    registrations: [registration],
  })
})

afterAll(async () => server.close())

function secretsWith({ cert, key }: TestCertificate): MemorySecrets {
  return new MemorySecrets({ 'ci/pair/tls.crt': cert, 'ci/pair/tls.key': watchForLeak(key) })
}

async function statusOf(certificate: TestCertificate, refreshToken: string): Promise<number> {
  const request = aRequest({ tokenEndpoint: server.tokenEndpoint, client, tls }, { refreshToken })
  return answerOf(await anEndpoint({ secrets: secretsWith(certificate) }).request(request, go)).status
}

describe('a client that shows a certificate', () => {
  it('is known by a real authorization server, time after time', async () => {
    const endpoint = anEndpoint({ secrets: secretsWith(clients.issue('operator')) })
    for (let refresh = 0; refresh < 3; refresh++) {
      const refreshToken = await server.issueRefreshToken(registration)
      const request = aRequest({ tokenEndpoint: server.tokenEndpoint, client, tls }, { refreshToken })
      expect(answerOf(await endpoint.request(request, go)).status).toBe(200)
    }
  })

  const strangers: Readonly<Record<string, TestCertificate>> = {
    'another name': clients.issue('somebody'),
    'another authority': stranger.issue('operator'),
  }
  test.each(Object.entries(strangers))(
    'is refused with that of %s, and its refresh token stays good',
    async (_, cert) => {
      const refreshToken = await server.issueRefreshToken(registration)
      expect(await statusOf(cert, refreshToken)).toBe(401)
      expect(await server.isRefreshTokenActive(refreshToken)).toBe(true)
    },
  )

  it('is the same whoever else asks the same server: no session is shared', async () => {
    const secrets = new MemorySecrets({
      ...pairOf('pair', clients.issue('operator')),
      ...pairOf('other', clients.issue('somebody')),
    })
    const endpoint = anEndpoint({ secrets })
    const statuses: number[] = []
    for (const certificateSecretName of ['pair', 'other', 'pair', 'other']) {
      const refreshToken = await server.issueRefreshToken(registration)
      const provider = { tokenEndpoint: server.tokenEndpoint, client: { ...client, certificateSecretName }, tls }
      statuses.push(answerOf(await endpoint.request(aRequest(provider, { refreshToken }), go)).status)
    }
    expect(statuses).toEqual([200, 401, 200, 401])
  })

  it('says its name in the body', async () => {
    const strict = await strictServer({})
    answerOf(await anEndpoint({ secrets: secretsWith(clients.issue()) }).request(aRequest(strict.provider), go))
    expect(strict.requests).toEqual([expect.stringContaining('client_id=by-certificate')])
  })
})

function pairOf(name: string, { cert, key }: TestCertificate): Readonly<Record<string, string>> {
  return { [`ci/${name}/tls.crt`]: cert, [`ci/${name}/tls.key`]: watchForLeak(key) }
}

/** A server that ends the handshake of who has no certificate that it likes. */
async function strictServer(options: TlsOptions) {
  const requests: string[] = []
  const accept = (socket: TLSSocket): void => {
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      requests.push(data.toString())
      socket.end(httpAnswer(200, '{}'))
    })
  }
  const strict: Server = createTlsServer(
    { ...servers.issue(), ca: clients.ca, requestCert: true, rejectUnauthorized: true, ...options },
    accept,
  )
  await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void strict.close())
  const tokenEndpoint = `https://127.0.0.1:${(strict.address() as AddressInfo).port}/token`
  const provider: Partial<Provider> = { tokenEndpoint, client, tls }
  return { provider, requests }
}

describe('a server that refuses the certificate in the handshake', () => {
  test.each([['TLSv1.2'], ['TLSv1.3']] as const)('has not seen the request: %s', async (version) => {
    const strict = await strictServer({ minVersion: version, maxVersion: version })
    let fences = 0
    const exchange = await anEndpoint({ secrets: secretsWith(stranger.issue()) }).request(
      aRequest(strict.provider),
      async () => {
        fences++
        return ok(undefined)
      },
    )
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'TOKEN_ENDPOINT_UNREACHABLE' })
    expect(fences).toBe(0)
    expect(strict.requests).toEqual([])
  })

  it('is reached without session tickets too', async () => {
    const { constants } = await import('node:crypto')
    const strict = await strictServer({ minVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET })
    answerOf(await anEndpoint({ secrets: secretsWith(clients.issue()) }).request(aRequest(strict.provider), go))
    expect(strict.requests).toHaveLength(1)
  })
})

describe('a certificate that cannot be shown is told before anything is sent', () => {
  const good = clients.issue()
  const place = (key: string): string =>
    `The key ${key} of Secret ci/pair, by which the client of OAuthProvider ci/gateway proves itself,`
  const table: Readonly<Record<string, [pair: TestCertificate, says: string]>> = {
    expired: [clients.issue('operator', [-3, -1]), `${place('tls.crt')} has a certificate that expired at `],
    'not valid yet': [
      clients.issue('operator', [1, 3]),
      `${place('tls.crt')} has a certificate that is not valid before `,
    ],
    'with an authority that has expired behind it': [
      { cert: `${good.cert}${clients.issue('between', [-3, -1]).cert}`, key: good.key },
      `${place('tls.crt')} has a certificate that expired at `,
    ],
    'of a short RSA key': [
      clients.issue('operator', [-1, 1], generateKeyPairSync('rsa', { modulusLength: 1024 })),
      `${place('tls.key')} is an RSA key of 1024 bits, and one of 2048 to 4096 is wanted.`,
    ],
    'of an RSA key that takes seconds to sign': [
      clients.issue('operator', [-1, 1], overlongRsaKeys()),
      `${place('tls.key')} is an RSA key of 16384 bits, and one of 2048 to 4096 is wanted.`,
    ],
    'that OpenSSL calls too weak': [
      clients.issue('operator', [-1, 1], generateKeyPairSync('ec', { namedCurve: 'secp160k1' })),
      'The certificates in Secret ci/pair, by which the client of OAuthProvider ci/gateway proves itself, cannot be shown:',
    ],
    'of another key': [
      { cert: good.cert, key: clients.issue().key },
      `${place('tls.key')} belongs to another certificate.`,
    ],
    'with no key': [{ cert: good.cert, key: 'nonsense' }, `${place('tls.key')} is not a private key in PEM.`],
    'that is none': [{ cert: 'nonsense', key: good.key }, `${place('tls.crt')} is not a PEM list of certificates.`],
    'that is damaged': [
      { cert: good.cert.replace(/\n(?!-)/g, 'A\n'), key: good.key },
      `${place('tls.crt')} is not a PEM list of certificates.`,
    ],
  }
  test.each(Object.entries(table))('%s', async (_name, [pair, says]) => {
    const scriptedServer = await scripted({ script: answers(200, '{}'), tls: servers.issue() })
    const secrets = secretsWith(pair)
    const request = aRequest({ tokenEndpoint: scriptedServer.url, client, tls })
    const failure = failureOf(await anEndpoint({ secrets }).request(request, go))
    expect(failure).toMatchObject({ kind: 'not-sent', code: 'CLIENT_SECRET_UNAVAILABLE' })
    expect(failure.message).toContain(says)
    expect(scriptedServer.connections).toHaveLength(0)
    expect(secrets.forgotten).toEqual(['ci/pair'])
  })

  it('for want of a Secret', async () => {
    const request = aRequest({ tokenEndpoint: server.tokenEndpoint, client, tls })
    expect(failureOf(await anEndpoint().request(request, go)).message).toContain('Secret ci/pair has no key tls.crt.')
  })

  it('without TLS', async () => {
    const plain = await scripted({ script: answers(200, '{}') })
    const request = aRequest({ tokenEndpoint: plain.url, client })
    expect(failureOf(await anEndpoint({ secrets: secretsWith(good) }).request(request, go))).toMatchObject({
      kind: 'not-sent',
      code: 'ENDPOINT_NOT_ALLOWED',
    })
    expect(plain.connections).toHaveLength(0)
  })
})
