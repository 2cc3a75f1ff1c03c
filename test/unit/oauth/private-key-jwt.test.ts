import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { ClientAssertion, Provider } from '../../../src/domain/provider.ts'
import {
  type AuthorizationServer,
  type ClientRegistration,
  startAuthorizationServer,
} from '../../support/authorization-server.ts'
import { observeOutput, watchForLeak } from '../../support/canary.ts'
import { answers } from '../../support/scripted-token-endpoint.ts'
import { overlongRsaKeys } from '../../support/test-certificates.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, MemorySecrets, scripted } from './endpoint-bench.ts'

type Algorithm = ClientAssertion['algorithm']

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const curve = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey
const keys: Readonly<Record<Algorithm, KeyObject>> = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: curve('P-256'),
  ES384: curve('P-384'),
  ES512: curve('P-521'),
  EdDSA: generateKeyPairSync('ed25519').privateKey,
}
const algorithms = Object.keys(keys) as Algorithm[]

function pem(key: KeyObject): string {
  return watchForLeak(key.export({ type: 'pkcs8', format: 'pem' }).toString())
}

function registration(algorithm: Algorithm): ClientRegistration {
  const jwk = { ...createPublicKey(keys[algorithm]).export({ format: 'jwk' }), kid: 'first', use: 'sig' }
  return {
    client_id: `jwt-${algorithm}`,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: algorithm,
    jwks: { keys: [jwk] },
  }
}

let server: AuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer({ registrations: algorithms.map(registration) })
})

afterAll(async () => server.close())

const keyRef = { name: 'signer', key: 'private-key' }

function providerWith(algorithm: Algorithm, assertion: Partial<ClientAssertion> = {}): Partial<Provider> {
  const { client_id: id } = registration(algorithm)
  const tokenEndpoint = server.tokenEndpoint
  return {
    tokenEndpoint,
    client: { id, authentication: 'private_key_jwt', assertion: { keyRef, algorithm, ...assertion } },
  }
}

function secretsWith(text: string): MemorySecrets {
  return new MemorySecrets({ 'ci/signer/private-key': text })
}

/** Refreshes at the real server: the status of its answer. */
async function statusOf(provider: Partial<Provider>, secrets: MemorySecrets, refreshToken: string): Promise<number> {
  return answerOf(await anEndpoint({ secrets }).request(aRequest(provider, { refreshToken }), go)).status
}

describe('a client that signs what it says of itself', () => {
  test.each(algorithms)('is known by a real authorization server, with %s and a key in PEM', async (algorithm) => {
    const refreshToken = await server.issueRefreshToken(registration(algorithm))
    expect(await statusOf(providerWith(algorithm), secretsWith(pem(keys[algorithm])), refreshToken)).toBe(200)
  })

  test.each(['RS256', 'ES256', 'EdDSA'] as const)('is known with %s and a JWK', async (algorithm) => {
    const refreshToken = await server.issueRefreshToken(registration(algorithm))
    const jwk = JSON.stringify({ ...keys[algorithm].export({ format: 'jwk' }), kid: 'first', alg: algorithm })
    expect(await statusOf(providerWith(algorithm), secretsWith(jwk), refreshToken)).toBe(200)
  })

  test.each(['the issuer', 'the token endpoint'])('may call itself one of %s', async (which) => {
    const refreshToken = await server.issueRefreshToken(registration('ES256'))
    const audience = which === 'the issuer' ? server.issuer : server.tokenEndpoint
    const provider = providerWith('ES256', { audience })
    expect(await statusOf(provider, secretsWith(pem(keys.ES256)), refreshToken)).toBe(200)
  })

  it('is refused for another audience, and its refresh token stays good', async () => {
    const refreshToken = await server.issueRefreshToken(registration('ES256'))
    const provider = providerWith('ES256', { audience: 'https://other.example.com' })
    expect(await statusOf(provider, secretsWith(pem(keys.ES256)), refreshToken)).toBe(401)
    expect(await server.isRefreshTokenActive(refreshToken)).toBe(true)
  })

  it('is refused with a key that is not registered, its Secret is read again, and its refresh token stays good', async () => {
    const refreshToken = await server.issueRefreshToken(registration('ES256'))
    const secrets = secretsWith(pem(curve('P-256')))
    expect(await statusOf(providerWith('ES256'), secrets, refreshToken)).toBe(401)
    expect(secrets.forgotten).toEqual(['ci/signer'])
    expect(await server.isRefreshTokenActive(refreshToken)).toBe(true)
  })
})

interface Assertion {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
  readonly parameters: Readonly<Record<string, string>>
}

/** What comes over the wire. */
async function assertionOf(
  assertion: Partial<ClientAssertion>,
  text = pem(keys.ES256),
  count = 1,
): Promise<Assertion[]> {
  const scriptedServer = await scripted({ script: answers(200, '{}') })
  const client = {
    id: 'ci',
    authentication: 'private_key_jwt' as const,
    assertion: { keyRef, algorithm: 'ES256' as const, ...assertion },
  }
  const tokenEndpoint = `http://127.0.0.1:${scriptedServer.port}/token?tenant=7`
  const endpoint = anEndpoint({ secrets: secretsWith(text) })
  for (let sent = 0; sent < count; sent++) answerOf(await endpoint.request(aRequest({ tokenEndpoint, client }), go))
  return scriptedServer.requests.map(({ body }) => {
    const parameters = Object.fromEntries(new URLSearchParams(body))
    const [header, payload] = (parameters['client_assertion'] ?? '').split('.').slice(0, 2).map(decoded)
    return { header: header ?? {}, payload: payload ?? {}, parameters }
  })
}

function decoded(part: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(part, 'base64url').toString() || '{}') as Readonly<Record<string, unknown>>
}

describe('the assertion', () => {
  it('says who speaks to whom, is new each time, and is over in a minute', async () => {
    const before = Math.floor(Date.now() / 1000)
    const [one, other] = await assertionOf({}, undefined, 2)
    expect(one?.header).toEqual({ alg: 'ES256' })
    expect(one?.payload).toMatchObject({
      iss: 'ci',
      sub: 'ci',
      aud: expect.stringMatching(/\/token\?tenant=7$/) as string,
    })
    expect(Number(one?.payload['exp']) - before).toBeGreaterThanOrEqual(60)
    expect(Number(one?.payload['exp']) - before).toBeLessThan(75)
    expect(one?.payload).not.toHaveProperty('nbf')
    expect(one?.payload['jti']).not.toBe(other?.payload['jti'])
    expect(one?.parameters).toMatchObject({
      client_id: 'ci',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      grant_type: 'refresh_token',
    })
  })

  it('names the key as the provider says, else as the JWK does', async () => {
    const jwk = JSON.stringify({ ...keys.ES256.export({ format: 'jwk' }), kid: 'of the JWK' })
    expect((await assertionOf({ keyId: 'of the provider' }, jwk))[0]?.header['kid']).toBe('of the provider')
    expect((await assertionOf({}, jwk))[0]?.header['kid']).toBe('of the JWK')
  })

  it('is for whom the provider says', async () => {
    expect((await assertionOf({ audience: 'https://issuer.example' }))[0]?.payload['aud']).toBe(
      'https://issuer.example',
    )
  })
})

describe('a key that cannot be used is told before anything is sent', () => {
  const place =
    'The key private-key of Secret ci/signer, by which the client of OAuthProvider ci/gateway proves itself,'
  const jwk = (key: KeyObject, more: object): string => JSON.stringify({ ...key.export({ format: 'jwk' }), ...more })
  const table: Readonly<Record<string, [text: string, algorithm: Algorithm, says: string]>> = {
    'no key at all': ['nonsense', 'RS256', `${place} is neither a private key in PEM (PKCS #8) nor a JWK.`],
    'a damaged PEM': [pem(rsa).replace(/M/g, '%'), 'RS256', `${place} is neither a private key`],
    'the public key': [
      createPublicKey(rsa).export({ type: 'spki', format: 'pem' }).toString(),
      'RS256',
      `${place} is not the private key.`,
    ],
    'a public JWK': [jwk(createPublicKey(rsa), {}), 'RS256', `${place} is not the private key.`],
    'a set of JWKs': ['{"keys": []}', 'RS256', `${place} is a set of JWKs`],
    'no JSON': ['{', 'RS256', `${place} is not a JWK.`],
    'a private JWK that is broken': ['{"kty": "EC", "d": "x"}', 'ES256', `${place} is not a private JWK.`],
    'a JWK for another algorithm': [jwk(rsa, { alg: 'PS256' }), 'RS256', `${place} says that it is not for RS256.`],
    'a key of another kind': [pem(keys.ES256), 'RS256', `${place} does not fit the algorithm RS256.`],
    'a key of another curve': [pem(keys.ES384), 'ES256', `${place} does not fit the algorithm ES256.`],
    'a short RSA key': [
      pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
      'RS256',
      `${place} is an RSA key of 1024 bits, and one of 2048 to 4096 is wanted.`,
    ],
    'an RSA key that takes seconds to sign': [
      pem(overlongRsaKeys().privateKey),
      'RS256',
      `${place} is an RSA key of 16384 bits, and one of 2048 to 4096 is wanted.`,
    ],
    'a key with a passphrase': [
      rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      'RS256',
      `${place} is protected by a passphrase`,
    ],
  }
  test.each(Object.entries(table))('%s', async (_name, [text, algorithm, says]) => {
    const scriptedServer = await scripted({ script: answers(200, '{}') })
    const provider = { ...providerWith(algorithm), tokenEndpoint: scriptedServer.url }
    const secrets = secretsWith(text)
    const exchange = await anEndpoint({ secrets }).request(aRequest(provider), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'CLIENT_SECRET_UNAVAILABLE' })
    expect(secrets.forgotten).toEqual(['ci/signer'])
    expect(failureOf(exchange).message).toContain(says)
    expect(scriptedServer.connections).toHaveLength(0)
  })

  it('one with numbers that cannot sign', async () => {
    const scriptedServer = await scripted({ script: answers(200, '{}') })
    const secrets = secretsWith(jwk(rsa, { p: 'AA' }))
    const request = aRequest({ ...providerWith('RS256'), tokenEndpoint: scriptedServer.url })
    const failure = failureOf(await anEndpoint({ secrets }).request(request, go))
    expect(failure).toMatchObject({ kind: 'not-sent', code: 'CLIENT_SECRET_UNAVAILABLE' })
    expect(failure.message).toContain(`${place} is damaged: nothing can be signed with it.`)
    expect(scriptedServer.connections).toHaveLength(0)
  })

  it('no Secret', async () => {
    const exchange = await anEndpoint({ secrets: new MemorySecrets() }).request(aRequest(providerWith('RS256')), go)
    expect(failureOf(exchange)).toMatchObject({ kind: 'not-sent', code: 'CLIENT_SECRET_UNAVAILABLE' })
    observeOutput('failure', failureOf(exchange).message)
  })
})
