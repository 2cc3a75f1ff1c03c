import { writeFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { canary } from '../support/canary.ts'
import { freePort, loopback, send } from '../servers/loopback.ts'
import { ServerHome } from '../servers/server-home.ts'
import { ServerProcess } from '../servers/server-process.ts'
import { MountedSecret } from './mounted-secret.ts'
import { programPath } from './program.ts'
import { startVendor, type Vendor } from './vendor.ts'

// Envoy as an egress proxy, whose credential injector reads the format `envoy-sds` as docs/formats.md says.

const name = 'upstream_token'
const extensions = 'type.googleapis.com/envoy.extensions'

function socket(port: number): object {
  return { socket_address: { address: loopback, port_value: port } }
}

function injector(mount: MountedSecret): object {
  const path_config_source = { path: mount.path('sds.yaml'), watched_directory: { path: mount.directory } }
  return {
    name: 'envoy.filters.http.credential_injector',
    typed_config: {
      '@type': `${extensions}.filters.http.credential_injector.v3.CredentialInjector`,
      credential: {
        name: 'envoy.http.injected_credentials.generic',
        typed_config: {
          '@type': `${extensions}.http.injected_credentials.generic.v3.Generic`,
          credential: { name, sds_config: { path_config_source } },
        },
      },
    },
  }
}

/** A listener that hands everything to the vendor, with the credential. */
function bootstrap(mount: MountedSecret, port: number, vendor: Vendor): object {
  const router = { name: 'router', typed_config: { '@type': `${extensions}.filters.http.router.v3.Router` } }
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'vendor' } }]
  const manager = {
    '@type': `${extensions}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'egress',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [injector(mount), router],
  }
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }]
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: socket(vendor.port) } }] }]
  return {
    node: { id: 'test', cluster: 'test' },
    static_resources: {
      listeners: [{ name: 'egress', address: socket(port), filter_chains: [{ filters }] }],
      clusters: [{ name: 'vendor', type: 'STATIC', load_assignment: { cluster_name: 'vendor', endpoints } }],
    },
  }
}

test('Envoy sends the token, and the next one as soon as the file is another, without a restart', async () => {
  const home = new ServerHome('envoy')
  onTestFinished(() => home.remove())
  const vendor = await startVendor(() => ({ status: 404 }))
  onTestFinished(() => vendor.stop())
  const [first, second] = [canary('at'), canary('at')]
  const mount = new MountedSecret(home.path('mount'), { format: 'envoy-sds', name }, first)
  onTestFinished(() => mount.release())
  const port = await freePort()
  const settings = home.path('envoy.json')
  writeFileSync(settings, JSON.stringify(bootstrap(mount, port, vendor)))
  const ask = async (): Promise<string | undefined> => {
    // Until there is a credential, Envoy answers by itself.
    const { status } = await send({ url: `http://${loopback}:${port}/`, timeoutMs: 2000 })
    expect(status).toBe(404)
    return vendor.seen.at(-1)?.authorization
  }
  await ServerProcess.start({
    name: 'envoy',
    home,
    command: programPath('envoy'),
    args: ['--config-path', settings, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warn'],
    ready: async () => (await ask()) !== undefined,
    readyWithinMs: 30_000,
  })
  expect(await ask()).toBe(`Bearer ${first}`)
  mount.renew(second)
  await vi.waitFor(async () => expect(await ask()).toBe(`Bearer ${second}`), { timeout: 10_000, interval: 100 })
  expect(new Set(vendor.seen.map(({ authorization }) => authorization))).toEqual(
    new Set([`Bearer ${first}`, `Bearer ${second}`]),
  )
  expect(vendor.seen.filter(({ body }) => body !== '')).toEqual([])
  expect(mount.harm()).toEqual([])
})
