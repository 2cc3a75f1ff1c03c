import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { StandaloneProcess } from '../../scripts/demo/standalone-process.ts'
import { readStatusFile } from '../../src/adapters/files/status-file.ts'
import { decodeState } from '../../src/api/decode.ts'
import { conditionOf } from '../../src/domain/conditions.ts'
import type { Condition, ConditionType, CredentialState } from '../../src/domain/credential-state.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { observeOutput } from '../support/canary.ts'
import { TokenRelay } from './token-relay.ts'

export interface BenchOptions {
  readonly accessTokenSeconds: number
  readonly credentials: readonly string[]
}

/** A running process of standalone mode, and the lines of its log. */
export interface Run {
  readonly process: StandaloneProcess
  readonly lines: readonly string[]
}

/** A real authorization server, a directory of manifests, and standalone mode as a user runs it. */
export class StandaloneBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'standalone-'))
  readonly manifests = join(this.directory, 'manifests')
  readonly output = join(this.directory, 'output')
  readonly server: AuthorizationServer
  readonly relay: TokenRelay
  readonly #runs: Run[] = []

  static async open({ accessTokenSeconds, credentials }: BenchOptions): Promise<StandaloneBench> {
    const server = await startAuthorizationServer({ accessTokenSeconds })
    const bench = new StandaloneBench(server)
    mkdirSync(bench.manifests)
    mkdirSync(join(bench.directory, 'refresh-tokens'))
    bench.manifest('provider', providerManifests(await bench.relay.open(), server))
    for (const name of credentials) {
      bench.manifest(name, credentialManifest(name))
      await bench.login(name)
    }
    return bench
  }

  private constructor(server: AuthorizationServer) {
    this.server = server
    this.relay = new TokenRelay(server.tokenEndpoint)
  }

  manifest(name: string, text: string): void {
    writeFileSync(join(this.manifests, `${name}.yaml`), text)
  }

  /** Puts the document of a new login in place, with a field that is nobody's business but its owner's. */
  async login(name: string): Promise<string> {
    const refreshToken = await this.server.issueRefreshToken('basic', name)
    writeFileSync(this.document(name), JSON.stringify({ refresh_token: refreshToken, owner: name }), { mode: 0o640 })
    return refreshToken
  }

  document(name: string): string {
    return join(this.directory, 'refresh-tokens', `${name}.json`)
  }

  target(name: string): string {
    return join(this.output, 'default', `${name}-token`)
  }

  run(...flags: readonly string[]): Run {
    return this.runIn({}, ...flags)
  }

  /** With variables of its environment. */
  runIn(environment: Readonly<Record<string, string>>, ...flags: readonly string[]): Run {
    const lines: string[] = []
    const process = new StandaloneProcess(
      [
        '--manifests',
        this.manifests,
        '--output',
        this.output,
        '--log-format',
        'json',
        '--allow-plain-http',
        '--allow-private-addresses',
        ...flags,
      ],
      (line) => {
        observeOutput("standalone's log", line)
        lines.push(line)
      },
      environment,
    )
    const run = { process, lines }
    this.#runs.push(run)
    return run
  }

  async state(name: string): Promise<CredentialState> {
    const entries = await readStatusFile(join(this.output, '.state', 'status.json'))
    return decodeState(entries.find((entry) => entry.name === name)?.status)
  }

  async condition(name: string, type: ConditionType): Promise<Condition | undefined> {
    return conditionOf((await this.state(name)).conditions, type)
  }

  /** Waits until every one of the credentials has been refreshed so often. */
  async refreshed(names: readonly string[], times: number): Promise<void> {
    for (const name of names) {
      await until(async () => expect((await this.state(name)).refreshes).toBeGreaterThanOrEqual(times))
    }
  }

  /** Whether the server would accept the refresh token in the document: it accepts none but the newest. */
  async holdsNewest(name: string): Promise<boolean> {
    const { refresh_token: refreshToken } = this.#documentOf(name)
    return this.server.isRefreshTokenActive(String(refreshToken))
  }

  /** The promise of the whole product, about one credential: nothing was lost, and the pod's token is good. */
  async expectWell(name: string): Promise<void> {
    expect(this.#documentOf(name)).toMatchObject({ owner: name })
    expect(await this.holdsNewest(name)).toBe(true)
    expect(await this.server.isActive(this.accessToken(name))).toBe(true)
    expect(await this.condition(name, 'Ready')).toMatchObject({ status: 'True' })
    expect(this.server.statistics).toMatchObject({ reuses: 0, familiesRevoked: 0 })
  }

  #documentOf(name: string): { readonly refresh_token?: unknown } {
    return JSON.parse(readFileSync(this.document(name), 'utf8')) as { refresh_token?: unknown }
  }

  accessToken(name: string): string {
    return readFileSync(join(this.target(name), 'access_token'), 'utf8')
  }

  async close(): Promise<void> {
    for (const { process } of this.#runs) process.kill()
    await Promise.all(this.#runs.map(({ process }) => process.ended))
    const entries = await readStatusFile(join(this.output, '.state', 'status.json'))
    observeOutput('the status file', JSON.stringify(entries))
    await this.relay.close()
    await this.server.close()
    rmSync(this.directory, { recursive: true })
  }
}

/** A port of the loopback device that nobody listens at. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits for something that takes seconds at most on a busy machine. */
export async function until(check: () => Promise<void> | void, timeout = 15_000): Promise<void> {
  await vi.waitFor(check, { timeout, interval: 20 })
}

function providerManifests(tokenEndpoint: string, { clients }: AuthorizationServer): string {
  const { id, secret } = clients.basic
  return [
    manifestText('OAuthProvider', 'server', {
      tokenEndpoint,
      client: {
        id,
        authentication: 'client_secret_basic',
        secretRef: { name: 'client', key: 'client-secret' },
      },
    }),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'client' },
      stringData: { 'client-secret': secret },
    }),
    manifestText('TokenStore', 'files', { file: { directory: '../refresh-tokens' } }),
  ].join('\n---\n')
}

export function credentialManifest(name: string): string {
  return manifestText('OAuthCredential', name, {
    providerRef: { name: 'server' },
    refreshToken: { storeRef: { name: 'files' }, key: `${name}.json` },
    target: { name: `${name}-token`, outputs: [{ format: 'raw' }, { format: 'oauth2-json' }] },
  })
}

/** JSON is YAML. */
export function manifestText(kind: string, name: string, spec: object): string {
  return JSON.stringify({ apiVersion: 'oauth-operator.dev/v1alpha1', kind, metadata: { name }, spec }, null, 2)
}
