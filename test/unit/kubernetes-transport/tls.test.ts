import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { ConnectionSettings } from '../../../src/adapters/kubernetes/connection-settings.ts'
import { transportTo, type TestBed } from '../../support/kube-test-bed.ts'
import { ScriptedApiServer } from '../../support/scripted-api-server.ts'
import { TestAuthority } from '../../support/test-certificates.ts'

const list = { method: 'GET', path: '/api/v1/namespaces' } as const

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function secured(authority: TestAuthority, connections = 4) {
  const server = new ScriptedApiServer()
  await server.start(authority.issue())
  const handshakes: boolean[] = []
  const onTlsHandshake = (resumed: boolean): void => void handshakes.push(resumed)
  const bed = transportTo(server, 'any', {
    allowPlainHttp: false,
    connections,
    onTlsHandshake,
    attemptTimeoutMs: 200_000,
  })
  trust(bed, { ca: authority.ca })
  cleanups.push(() => server.stop())
  cleanups.push(() => bed.transport.close())
  return { server, handshakes, ...bed }
}

function trust({ settings }: Pick<TestBed, 'settings'>, more: Partial<ConnectionSettings>): void {
  settings.settings = { ...settings.settings, ...more }
}

test('a server that the CA vouches for is talked to, over few handshakes', async () => {
  const { transport, handshakes } = await secured(new TestAuthority('one'))
  for (let call = 0; call < 50; call += 1) expect((await transport.request(list)).ok).toBe(true)
  expect(handshakes.length).toBeLessThanOrEqual(2)
})

test('a server that another CA vouches for is not sent anything', async () => {
  const bed = await secured(new TestAuthority('one'))
  trust(bed, { ca: new TestAuthority('two').ca })
  const outcome = await bed.transport.request({ ...list, method: 'POST', body: {} })
  expect(outcome).toMatchObject({ ok: false, error: { status: undefined, ambiguous: false } })
  expect(bed.server.requests).toEqual([])
})

test('a server whose certificate is for another name is not sent anything', async () => {
  const bed = await secured(new TestAuthority('one'))
  trust(bed, { serverName: 'kubernetes.default.svc' })
  const outcome = await bed.transport.request(list)
  expect(outcome).toMatchObject({ ok: false, error: { reason: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
  expect(bed.server.requests).toEqual([])
})

test('a server that comes back with a new CA is talked to once the new CA is in the settings', async () => {
  const bed = await secured(new TestAuthority('old'))
  expect((await bed.transport.request(list)).ok).toBe(true)
  const authority = new TestAuthority('new')
  await bed.server.stop()
  await bed.server.start(authority.issue())
  await delay(20)
  const before = await bed.transport.request(list)
  expect(before).toMatchObject({ ok: false, error: { ambiguous: false } })
  trust(bed, { ca: authority.ca })
  await delay(20)
  expect((await bed.transport.request(list)).ok).toBe(true)
})

test('calls in flight end on the old connections when the trust anchors change', async () => {
  const authority = new TestAuthority('one')
  const bed = await secured(authority)
  bed.server.script(({ path }) => path === '/slow', { status: 200, delayMs: 900, body: { slow: true } })
  const slow = bed.transport.request({ method: 'GET', path: '/slow' })
  await delay(20)
  trust(bed, { ca: `${authority.ca}\n${new TestAuthority('two').ca}` })
  await delay(700)
  // Older than a minute on the bed's clock: this call starts the read, the next one uses what was read.
  expect((await bed.transport.request(list)).ok).toBe(true)
  await delay(20)
  const connections = bed.server.connections
  expect((await bed.transport.request(list)).ok).toBe(true)
  expect(bed.server.connections).toBe(connections + 1)
  expect(await slow).toMatchObject({ ok: true, body: { slow: true } })
})

test('a second connection resumes the TLS session of the first', async () => {
  const { transport, server, handshakes } = await secured(new TestAuthority('one'), 1)
  await transport.request(list)
  await delay(20)
  server.breakConnections()
  await delay(20)
  await transport.request(list)
  expect(handshakes).toEqual([false, true])
})
