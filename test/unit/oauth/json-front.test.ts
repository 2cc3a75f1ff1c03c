import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { aProvider } from '../../support/builders.ts'
import { startAuthorizationServer } from '../../support/authorization-server.ts'
import { anEndpoint, answerOf, aRequest, go, MemorySecrets } from './endpoint-bench.ts'

/** Speaks JSON, as some servers do, and asks the real one in its own words. The real ones know forms alone. */
async function jsonFront(tokenEndpoint: string): Promise<string> {
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const isJson = request.headers['content-type'] === 'application/json'
    const members = isJson ? (JSON.parse(await text(request)) as Record<string, string>) : {}
    const { authorization } = request.headers
    const answer = await fetch(tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams(members),
      ...(authorization !== undefined && { headers: { authorization } }),
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  }
  const front = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void front.close())
  return `http://127.0.0.1:${(front.address() as AddressInfo).port}/token`
}

test.each(['none', 'basic', 'post'] as const)('a server that wants JSON is asked in JSON: client %s', async (kind) => {
  const server = await startAuthorizationServer()
  onTestFinished(async () => server.close())
  const { id, authentication, secret } = server.clients[kind]
  const secrets = new MemorySecrets({ 'ci/client/secret': secret })
  const secretRef = { name: 'client', key: 'secret' }
  const { request } = aProvider()
  const provider = {
    tokenEndpoint: await jsonFront(server.tokenEndpoint),
    client: { id, authentication, ...(kind !== 'none' && { secretRef }) },
    request: { ...request, bodyFormat: 'json' as const },
  }
  const refreshToken = await server.issueRefreshToken(kind)
  const scopes = ['openid', 'api:read']
  const answer = answerOf(await anEndpoint({ secrets }).request(aRequest(provider, { refreshToken, scopes }), go))
  expect(answer.status).toBe(200)
  const { access_token: accessToken, scope } = JSON.parse(answer.body.reveal()) as Readonly<Record<string, string>>
  expect(scope).toBe('openid api:read')
  expect(await server.isActive(accessToken ?? '')).toBe(true)
  expect(await server.isRefreshTokenActive(refreshToken)).toBe(false)
})
