import { describe, expect, it } from 'vitest'
import { failure } from '../../src/domain/failures.ts'
import { aClientCredential, aConfidentialClient, aCredential } from '../support/builders.ts'
import { canary } from '../support/canary.ts'
import { answer } from '../support/memory-ports.ts'
import type { MemorySpan } from '../support/memory-tracing.ts'
import { World } from '../support/world.ts'

function names({ parts }: MemorySpan): readonly string[] {
  return parts.map(({ name }) => name)
}

/** A world whose next refresh is due, without the traces of the first one. */
async function atRefresh(): Promise<World> {
  const world = await World.withCredential()
  await world.clock.pass(2000)
  world.tracing.traces.length = 0
  return world
}

async function refreshed(world: World): Promise<MemorySpan> {
  await world.clock.pass(400)
  const [trace] = world.tracing.traces
  if (trace === undefined) throw new Error('nothing was traced')
  return trace
}

describe('a trace', () => {
  it('is one refresh, with what it is about and how it ended', async () => {
    const world = await World.withCredential()
    const [trace, ...others] = world.tracing.traces
    expect(others).toEqual([])
    expect(trace).toMatchObject({ name: 'refresh', ends: 1 })
    expect(names(trace as MemorySpan)).toEqual([
      'gather',
      'read-refresh-token',
      'pre-flight',
      'send-refresh-token',
      'write-back',
      'publish',
      'record',
    ])
    expect(trace?.attributes).toEqual({
      'k8s.namespace.name': 'ci',
      'oauthcredential.name': 'claude',
      'oauthcredential.uid': aCredential().uid,
      'oauthcredential.generation': 1,
      'oauthcredential.grant': 'RefreshToken',
      'oauthcredential.provider': 'gateway',
      'oauthcredential.outcome': 'fine',
      'oauthcredential.refreshes': 1,
      'oauthcredential.token_generation': 1,
    })
    expect(trace?.find('token-request')).toMatchObject({
      parts: [{ name: 'record-intent' }],
      attributes: {
        'http.request.method': 'POST',
        'url.scheme': 'https',
        'server.address': 'login.example.com',
        'server.port': 443,
        'http.response.status_code': 200,
      },
    })
  })

  it('is none for a reconcile that finds nothing to do', async () => {
    const world = await atRefresh()
    await world.restart()
    await world.clock.pass(100)
    expect(world.tracing.traces).toEqual([])
  })

  it('says what a server refused', async () => {
    const world = await atRefresh()
    world.endpoint.next = () => answer(400, { error: 'invalid_grant', error_description: 'a long story' })
    const trace = await refreshed(world)
    expect(trace.attributes).toMatchObject({
      'oauthcredential.outcome': 'stalled',
      'error.type': 'REFRESH_TOKEN_REJECTED',
    })
    expect(trace.find('send-refresh-token')?.attributes).toEqual({
      'oauthcredential.outcome': 'refused',
      'error.type': 'REFRESH_TOKEN_REJECTED',
    })
    expect(trace.find('token-request')?.attributes).toMatchObject({
      'http.response.status_code': 400,
      'error.type': '400',
    })
  })

  it('says what a store did not take, and goes on', async () => {
    const world = await atRefresh()
    world.store.writeFault = failure('STORE_UNAVAILABLE', 'The store cannot be reached.')
    const trace = await refreshed(world)
    expect(trace.find('write-back')?.attributes).toEqual({
      'oauthcredential.outcome': 'failed',
      'error.type': 'STORE_UNAVAILABLE',
    })
    expect(trace.attributes['error.type']).toBe('STORE_UNAVAILABLE')
    expect(trace.find('publish')?.attributes).toEqual({})
  })

  it('says what keeps a request from being sent', async () => {
    const world = await atRefresh()
    world.store.writableFault = failure('STORE_FORBIDDEN', 'The store may not be written.')
    const trace = await refreshed(world)
    expect(trace.find('pre-flight')?.attributes).toEqual({ 'error.type': 'STORE_FORBIDDEN' })
    expect(trace.find('send-refresh-token')).toBeUndefined()
  })

  it('of a client that asks for itself has a request and no store', async () => {
    const world = new World()
    world.applyProvider({ client: aConfidentialClient, tokenEndpoint: 'http://[::1]:8080/token' })
    world.apply(aClientCredential())
    await world.start()
    const [trace] = world.tracing.traces
    expect(names(trace as MemorySpan)).toEqual(['gather', 'request-access-token', 'publish', 'record'])
    expect(trace?.find('token-request')?.attributes).toMatchObject({ 'server.address': '::1', 'server.port': 8080 })
  })

  it('and the audit log show nothing of an endpoint but its origin', async () => {
    const secret = canary('secret')
    const world = new World()
    world.applyProvider({
      client: aConfidentialClient,
      tokenEndpoint: `https://login.example.com?code=${secret}`,
    })
    world.apply(aClientCredential())
    await world.start()
    const attributes = world.tracing.traces[0]?.find('token-request')?.attributes
    expect(attributes).toMatchObject({ 'server.address': 'login.example.com', 'server.port': 443 })
    expect(world.audit.of('AccessTokenRequested')[0]?.tokenHost).toBe('https://login.example.com')
  })
})
