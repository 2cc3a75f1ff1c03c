import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KubeOutcome, KubeRequest } from '../../../src/adapters/kubernetes/kube-client.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import { eventually, transportTo, type TestBed } from '../../support/kube-test-bed.ts'
import { ScriptedApiServer } from '../../support/scripted-api-server.ts'

const secrets = '/api/v1/namespaces/ci/secrets'
const list: KubeRequest = { method: 'GET', path: secrets }
const write: KubeRequest = { method: 'PATCH', path: `${secrets}/claude`, body: { kind: 'Secret' } }

let server: ScriptedApiServer
const beds: TestBed[] = []

function bed(...args: Parameters<typeof transportTo> extends [unknown, ...infer Rest] ? Rest : never): TestBed {
  const made = transportTo(server, ...args)
  beds.push(made)
  return made
}

function observed(outcome: KubeOutcome): KubeOutcome {
  if (!outcome.ok) observeOutput('KubeError', JSON.stringify(outcome.error))
  return outcome
}

beforeEach(async () => {
  server = new ScriptedApiServer()
  await server.start()
})

afterEach(async () => {
  await Promise.all(beds.splice(0).map(({ transport }) => transport.close()))
  await server.stop()
})

describe('calls', () => {
  test('carry the credentials, the query and the content type, and give the body back', async () => {
    const token = canary('secret')
    const { transport } = bed(token)
    server.script(({ method }) => method === 'PATCH', { status: 200, body: { kind: 'Secret' } })
    const outcome = await transport.request({
      ...write,
      query: { fieldManager: 'oauth-credential-operator', force: 'true' },
      contentType: 'application/apply-patch+yaml',
    })
    expect(outcome).toEqual({ ok: true, status: 200, body: { kind: 'Secret' } })
    const [seen] = server.requests
    expect(seen).toMatchObject({ path: write.path, query: { force: 'true' }, body: { kind: 'Secret' } })
    expect(seen?.headers).toMatchObject({
      authorization: `Bearer ${token}`,
      'content-type': 'application/apply-patch+yaml',
    })
    expect(seen?.headers['accept-encoding']).toBeUndefined()
  })

  test('share a bounded number of connections', async () => {
    const before = server.connections
    const { transport } = bed('any', { connections: 4 })
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => transport.request(list)))
    expect(outcomes.every(({ ok }) => ok)).toBe(true)
    expect(server.connections - before).toBeLessThanOrEqual(4)
  })

  test('are sent in the order they came', async () => {
    const { transport } = bed('any', { connections: 1 })
    const paths = Array.from({ length: 20 }, (_, index) => `/api/v1/namespaces/n${index}/secrets`)
    await Promise.all(paths.map((path) => transport.request({ method: 'GET', path })))
    expect(server.requests.map(({ path }) => path)).toEqual(paths)
  })

  test('put the path of the server address before their own', async () => {
    const { transport, settings } = bed()
    settings.settings = { ...settings.settings, server: `${server.url}/k8s/clusters/c-1` }
    await transport.request(list)
    expect(server.requests[0]?.path).toBe(`/k8s/clusters/c-1${secrets}`)
  })

  test('are refused at a plain http address unless that is allowed', async () => {
    const { transport } = bed('any', { allowPlainHttp: false })
    expect(await transport.request(write)).toMatchObject({
      ok: false,
      error: { reason: 'PlainHttp', ambiguous: false },
    })
    expect(server.requests).toEqual([])
  })

  test('are counted by verb and code', async () => {
    const { transport, counts } = bed()
    await transport.request(list)
    await server.stop()
    await transport.request(list)
    expect(Object.fromEntries(counts)).toEqual({
      'kubernetesRequest GET 200': 1,
      'kubernetesRequest GET <error>': 1,
    })
  })
})

describe('failures', () => {
  test('a refused connection leaves a write unambiguous', async () => {
    const { transport } = bed()
    await server.stop()
    const outcome = observed(await transport.request(write))
    expect(outcome).toMatchObject({ ok: false, error: { status: undefined, reason: 'ECONNREFUSED', ambiguous: false } })
  })

  test('a connection that breaks after the request was sent leaves a write ambiguous', async () => {
    const { transport } = bed()
    server.script(() => true, 'reset')
    expect(await transport.request(write)).toMatchObject({ ok: false, error: { status: undefined, ambiguous: true } })
  })

  test('a server that does not answer is given up after the deadline', async () => {
    const { transport } = bed('any', { attemptTimeoutMs: 3000 })
    server.script(() => true, 'hang')
    expect(await transport.request(write)).toMatchObject({ ok: false, error: { reason: 'Timeout', ambiguous: true } })
  })

  test('a call has its own deadline, which also ends its wait in the queue', async () => {
    const { transport } = bed('any', { connections: 1 })
    server.script(({ path }) => path === '/api/v1/hangs', 'hang')
    const holder = transport.request({ method: 'GET', path: '/api/v1/hangs', timeoutMs: 10_000 })
    const queued = await transport.request({ ...write, timeoutMs: 2000 })
    expect(queued).toMatchObject({ ok: false, error: { reason: 'Timeout', ambiguous: false } })
    expect(server.requests.map(({ method }) => method)).toEqual(['GET'])
    await holder
  })

  test('an urgent call does not wait in the queue', async () => {
    const { transport } = bed('any', { connections: 1 })
    server.script(({ path }) => path === '/api/v1/hangs', 'hang')
    const holder = transport.request({ method: 'GET', path: '/api/v1/hangs', timeoutMs: 20_000 })
    expect((await transport.request({ ...list, urgent: true })).ok).toBe(true)
    await holder
  })

  test('an aborted call ends at once', async () => {
    const { transport } = bed()
    server.script(() => true, 'hang')
    const abort = new AbortController()
    const call = transport.request({ ...list, signal: abort.signal })
    await eventually('the request arrives', () => server.requests.length === 1)
    abort.abort()
    expect(await call).toMatchObject({ ok: false, error: { reason: 'Aborted' } })
  })

  test('when the server has fallen silent on all connections, the next call gets a new one', async () => {
    const { transport } = bed('any', { connections: 2, attemptTimeoutMs: 30_000 })
    await Promise.all([transport.request(list), transport.request(list)])
    const before = server.connections
    server.script(({ method }) => method === 'PATCH', 'hang', 1)
    await transport.request(write)
    expect((await transport.request(list)).ok).toBe(true)
    expect(server.connections).toBe(before + 1)
  })
})

describe('a server that asks to wait', () => {
  test('429 with Retry-After is waited for and repeated', async () => {
    const { transport, clock } = bed()
    server.script(() => true, { status: 429, headers: { 'retry-after': '2' } }, 2)
    const startMs = clock.monotonicMs()
    expect((await transport.request(list)).ok).toBe(true)
    expect(server.requests).toHaveLength(3)
    expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(4000)
  })

  test('a server that never lets up gets its refusal passed on after three repeats', async () => {
    const { transport } = bed()
    server.script(() => true, { status: 503, headers: { 'retry-after': '1' } }, 10)
    const outcome = await transport.request(write)
    expect(outcome).toMatchObject({ ok: false, error: { status: 503, retryAfterSeconds: 1, ambiguous: false } })
    expect(server.requests).toHaveLength(4)
  })

  test('a wait of minutes is left to the caller', async () => {
    const { transport } = bed()
    server.script(() => true, { status: 429, headers: { 'retry-after': '300' } })
    expect(await transport.request(list)).toMatchObject({ ok: false, error: { status: 429, retryAfterSeconds: 300 } })
    expect(server.requests).toHaveLength(1)
  })

  test('429 without Retry-After is not repeated', async () => {
    const { transport } = bed()
    server.script(() => true, { status: 429 })
    expect(await transport.request(list)).toMatchObject({ ok: false, error: { status: 429 } })
    expect(server.requests).toHaveLength(1)
  })
})

describe('credentials', () => {
  test('a 401 after the token was rotated is repeated with the new token, without a new connection', async () => {
    const { transport, settings } = bed(canary('secret'), { connections: 1 })
    await transport.request(list)
    const before = server.connections
    const rotated = canary('secret')
    server.acceptedToken = rotated
    settings.rotateTo(rotated)
    await new Promise((resolve) => setTimeout(resolve, 15))
    expect((await transport.request(write)).ok).toBe(false)
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'PATCH'])
    expect(server.requests.at(-1)?.headers['authorization']).toBe(`Bearer ${rotated}`)
    expect(server.connections).toBe(before)
  })

  test('a 401 with a token that is still the newest is passed on', async () => {
    const { transport } = bed(canary('secret'))
    server.acceptedToken = canary('secret')
    const outcome = observed(await transport.request(list))
    expect(outcome).toMatchObject({ ok: false, error: { status: 401, reason: 'Unauthorized', ambiguous: false } })
    expect(server.requests).toHaveLength(1)
  })

  test('settings are read again after a minute, and not before', async () => {
    const { transport, settings, clock } = bed()
    const startMs = clock.monotonicMs()
    await transport.request(list)
    await transport.request(list)
    expect(settings.reads).toBe(1)
    await eventually('a minute passes', () => clock.monotonicMs() - startMs > 61_000)
    await transport.request(list)
    expect(settings.reads).toBe(2)
  })
})
