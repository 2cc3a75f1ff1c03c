import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { httpHandler } from '../../src/adapters/aws-secrets-manager/http-handler.ts'
import { VaultConnection } from '../../src/adapters/vault/vault-connection.ts'
import { ScriptedApiServer } from '../support/scripted-api-server.ts'
import { SimulatedClock } from '../support/simulated-clock.ts'
import { transportTo } from '../support/kube-test-bed.ts'
import { TestAuthority } from '../support/test-certificates.ts'

/** Turns off what Node verifies by default; it says so on standard error. */
function switchDefaultOff(): void {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  const quiet = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => {
    vi.unstubAllEnvs()
    quiet.mockRestore()
  })
}

async function strangerServer(): Promise<{ readonly port: number; readonly requests: () => number }> {
  let requests = 0
  const server = createServer(new TestAuthority('stranger').issue(), (_request, response) => {
    requests += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, requests: () => requests }
}

test('Vault is verified whatever the environment says', async () => {
  switchDefaultOff()
  const { port, requests } = await strangerServer()
  const url = new URL(`https://127.0.0.1:${port}`)
  const connection = new VaultConnection(
    { url, allowPrivateAddresses: true },
    { clock: new SimulatedClock(), timeoutMs: 2000 },
  )
  const exchange = await connection.exchange({ method: 'GET', path: 'sys/health' }, {})
  expect(exchange).toMatchObject({ kind: 'broken', sent: false })
  expect(requests()).toBe(0)
  await connection.close()
})

test('Secrets Manager is verified whatever the environment says', async () => {
  switchDefaultOff()
  const { port, requests } = await strangerServer()
  const handler = httpHandler({ clock: new SimulatedClock(), timeoutMs: 2000, allowPrivateAddresses: true })
  const request = { protocol: 'https:', hostname: '127.0.0.1', port, path: '/', method: 'POST', headers: {} }
  await expect(handler.handle(request)).rejects.toThrow()
  expect(requests()).toBe(0)
  handler.destroy()
})

test('the API server is verified whatever the environment says, unless the kubeconfig says otherwise', async () => {
  switchDefaultOff()
  const server = new ScriptedApiServer()
  await server.start(new TestAuthority('stranger').issue())
  onTestFinished(() => server.stop())
  for (const insecure of [false, true]) {
    const bed = transportTo(server, 'any', { allowPlainHttp: false, connections: 1 })
    bed.settings.settings = { ...bed.settings.settings, ca: new TestAuthority('ours').ca, insecure }
    const outcome = await bed.transport.request({ method: 'GET', path: '/api/v1/namespaces' })
    expect(outcome.ok).toBe(insecure)
    await bed.transport.close()
  }
  expect(server.requests).toHaveLength(1)
})
