import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { HttpTokenEndpoint } from '../../../src/adapters/oauth/http-token-endpoint.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import { readTokenAnswer } from '../../../src/domain/token-answer.ts'
import type { IssuedTokens } from '../../../src/domain/tokens.ts'
import {
  type AuthorizationServer,
  type ClientKind,
  startAuthorizationServer,
} from '../../support/authorization-server.ts'
import { noon } from '../../support/builders.ts'
import { observeOutput } from '../../support/canary.ts'
import { TestAuthority } from '../../support/test-certificates.ts'
import { anEndpoint, answerOf, aRequest, failureOf, go, MemorySecrets } from './endpoint-bench.ts'

const authority = new TestAuthority('test authority')
let server: AuthorizationServer
let endpoint: HttpTokenEndpoint

beforeAll(async () => {
  server = await startAuthorizationServer({
    tls: authority.issue(),
    accessTokenSeconds: 20,
    scopes: ['api:read', 'api:write'],
  })
  const { basic, post } = server.clients
  const secrets = new MemorySecrets({
    'ci/basic/secret': basic.secret,
    'ci/post/secret': post.secret,
    'ci/wrong/secret': 'wrong',
  })
  endpoint = anEndpoint({ secrets })
})

afterAll(async () => server.close())

function providerFor(kind: ClientKind, secretName: string = kind): Partial<Provider> {
  const { id, authentication } = server.clients[kind]
  return {
    tokenEndpoint: server.tokenEndpoint,
    client: { id, authentication, ...(kind !== 'none' && { secretRef: { name: secretName, key: 'secret' } }) },
    tls: { caBundle: authority.ca },
  }
}

async function refresh(provider: Partial<Provider>, refreshToken: string, scopes: readonly string[] = []) {
  const request = aRequest(provider, { refreshToken, scopes })
  const answer = answerOf(await endpoint.request(request, go))
  const reading = readTokenAnswer(answer, { provider: request.provider, startedAt: noon, scopes })
  observeOutput('reading', JSON.stringify(reading))
  return reading
}

async function tokensOf(...args: Parameters<typeof refresh>): Promise<IssuedTokens> {
  const reading = await refresh(...args)
  if (reading.kind === 'refused') throw new Error(reading.failure.message)
  return reading.tokens
}

describe('a real authorization server', () => {
  test.each<ClientKind>(['none', 'basic', 'post'])(
    'refreshes and rotates for client authentication %s',
    async (kind) => {
      const first = await server.issueRefreshToken(kind)
      const { accessToken, refreshToken } = await tokensOf(providerFor(kind), first)
      expect(await server.isActive(accessToken.value.reveal())).toBe(true)
      expect(accessToken).toMatchObject({ tokenType: 'Bearer', issuedAt: noon, expiresAt: noon + 20 })
      expect(accessToken.scopes).toEqual(['openid', 'offline_access', 'api:read', 'api:write'])
      expect(accessToken.idToken).toBeInstanceOf(Sensitive)
      expect(refreshToken?.reveal()).not.toBe(first)
      const next = await tokensOf(providerFor(kind), refreshToken?.reveal() ?? '')
      expect(await server.isActive(next.accessToken.value.reveal())).toBe(true)
    },
  )

  it('kills the whole family when a refresh token is used twice', async () => {
    const before = { ...server.statistics }
    const first = await server.issueRefreshToken()
    const { accessToken, refreshToken } = await tokensOf(providerFor('none'), first)
    expect(await refresh(providerFor('none'), first)).toMatchObject({
      kind: 'refused',
      failure: { code: 'REFRESH_TOKEN_REJECTED' },
    })
    expect(await server.isActive(accessToken.value.reveal())).toBe(false)
    expect(await server.isRefreshTokenActive(refreshToken?.reveal() ?? '')).toBe(false)
    expect(await refresh(providerFor('none'), refreshToken?.reveal() ?? '')).toMatchObject({
      failure: { code: 'REFRESH_TOKEN_REJECTED' },
    })
    const { refreshes, refusals, reuses, familiesRevoked } = server.statistics
    expect({
      refreshes: refreshes - before.refreshes,
      refusals: refusals - before.refusals,
      reuses: reuses - before.reuses,
      familiesRevoked: familiesRevoked - before.familiesRevoked,
    }).toEqual({ refreshes: 1, refusals: 2, reuses: 1, familiesRevoked: 1 })
  })

  it('kills the whole family when a refresh token is used twice at the same time', async () => {
    const before = { ...server.statistics }
    const token = await server.issueRefreshToken()
    const readings = await Promise.all([refresh(providerFor('none'), token), refresh(providerFor('none'), token)])
    for (const reading of readings)
      if (reading.kind === 'issued')
        expect(await server.isActive(reading.tokens.accessToken.value.reveal())).toBe(false)
    expect(server.statistics.reuses - before.reuses).toBe(1)
    expect(server.statistics.familiesRevoked - before.familiesRevoked).toBe(1)
  })

  it('grants fewer scopes when fewer are asked for', async () => {
    const { accessToken } = await tokensOf(providerFor('none'), await server.issueRefreshToken(), ['api:read'])
    expect(accessToken.scopes).toEqual(['api:read'])
  })

  it('refuses a scope that was not granted, and the refresh token stays good', async () => {
    const token = await server.issueRefreshToken()
    expect(await refresh(providerFor('none'), token, ['offline_access', 'admin'])).toMatchObject({
      failure: { code: 'SCOPE_REJECTED' },
    })
    expect(await server.isRefreshTokenActive(token)).toBe(true)
  })

  test.each<ClientKind>(['basic', 'post'])('refuses a wrong secret of client authentication %s', async (kind) => {
    const token = await server.issueRefreshToken(kind)
    expect(await refresh(providerFor(kind, 'wrong'), token)).toMatchObject({ failure: { code: 'CLIENT_REJECTED' } })
    expect(await server.isRefreshTokenActive(token)).toBe(true)
  })

  it('refuses a refresh token of another client', async () => {
    const token = await server.issueRefreshToken('post')
    expect(await refresh(providerFor('none'), token)).toMatchObject({ failure: { code: 'REFRESH_TOKEN_REJECTED' } })
  })

  it('refuses everything of a grant that an administrator revoked', async () => {
    const { accessToken, refreshToken } = await tokensOf(providerFor('none'), await server.issueRefreshToken())
    await server.revoke(refreshToken?.reveal() ?? '')
    expect(await server.isActive(accessToken.value.reveal())).toBe(false)
    expect(await refresh(providerFor('none'), refreshToken?.reveal() ?? '')).toMatchObject({
      failure: { code: 'REFRESH_TOKEN_REJECTED' },
    })
  })

  it('is told from other pages of the same server', async () => {
    const token = await server.issueRefreshToken()
    const wrong = { ...providerFor('none'), tokenEndpoint: `${server.issuer}/tokens` }
    expect(await refresh(wrong, token)).toMatchObject({ failure: { code: 'TOKEN_ENDPOINT_NOT_FOUND' } })
    expect(await server.isRefreshTokenActive(token)).toBe(true)
  })

  it('is not reached without its authority, and the refresh token stays good', async () => {
    const token = await server.issueRefreshToken()
    const request = aRequest({ ...providerFor('none'), tls: {} }, { refreshToken: token })
    expect(failureOf(await endpoint.request(request, go))).toMatchObject({
      kind: 'not-sent',
      code: 'TOKEN_ENDPOINT_UNREACHABLE',
    })
    expect(await server.isRefreshTokenActive(token)).toBe(true)
  })
})

describe('an authorization server that does not rotate', () => {
  it('answers without harm to the old refresh token, over plain http where that is allowed', async () => {
    const plain = await startAuthorizationServer({ rotate: false })
    try {
      const token = await plain.issueRefreshToken()
      const provider = {
        tokenEndpoint: plain.tokenEndpoint,
        client: { id: plain.clients.none.id, authentication: 'none' as const },
      }
      for (let time = 0; time < 2; time++) expect((await tokensOf(provider, token)).refreshToken?.reveal()).toBe(token)
      expect(plain.statistics).toMatchObject({ refreshes: 2, reuses: 0 })
    } finally {
      await plain.close()
    }
  })
})
