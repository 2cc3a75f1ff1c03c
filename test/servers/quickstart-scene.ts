import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { observeOutput } from '../support/canary.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'
import { freePort, loopback, send } from './loopback.ts'
import { ServerHome } from './server-home.ts'
import { ServerProcess } from './server-process.ts'
import { serverPath } from './server-source.ts'
import { startVault, type Vault } from './vault.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** A fenced block of a page, without the indentation of the list that it stands in. */
export interface Block {
  readonly language: string
  readonly text: string
}

/** The blocks of README below a heading, in their order. @throws when README has no such heading. */
export function readmeBlocks(heading: string): readonly Block[] {
  const section = readFileSync(join(checkout, 'README.md'), 'utf8').split(/^## /m)
  const text = section.find((part) => part.startsWith(`${heading}\n`))
  if (text === undefined) throw new Error(`README has no heading ${heading}`)
  return [...text.matchAll(/^( *)```(\w+)\n([\s\S]*?)^\1```$/gm)].map(([, indent = '', language = '', block = '']) => ({
    language,
    text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))
}

/**
 * A newcomer's shell: a checkout, `kubectl` and `vault` on the path and logged in, and nothing else. All servers are
 * on the loopback device and without TLS, which the two flags of the operator that README names allow.
 */
export class Newcomer {
  readonly cluster: Cluster
  readonly vault: Vault
  readonly server: AuthorizationServer
  readonly #home: ServerHome
  readonly #environment: Readonly<Record<string, string>>
  readonly #health: string
  #controller: ServerProcess | undefined

  private constructor(
    servers: Pick<Newcomer, 'cluster' | 'vault' | 'server'>,
    home: ServerHome,
    ports: readonly number[],
  ) {
    this.cluster = servers.cluster
    this.vault = servers.vault
    this.server = servers.server
    this.#home = home
    const [metrics, health] = ports.map((port) => `${loopback}:${port}`)
    this.#health = health ?? ''
    this.#environment = {
      PATH: `${home.path('bin')}:${process.env['PATH']}`,
      HOME: home.directory,
      TMPDIR: home.directory, // the journal is made there
      KUBECONFIG: servers.cluster.adminKubeconfig,
      VAULT_ADDR: servers.vault.address,
      VAULT_TOKEN: servers.vault.rootToken,
      OAUTH_OPERATOR_ALLOW_PLAIN_HTTP: 'true',
      OAUTH_OPERATOR_ALLOW_PRIVATE_ADDRESSES: 'true',
      // The default ports may be taken.
      OAUTH_OPERATOR_METRICS_ADDRESS: metrics ?? '',
      OAUTH_OPERATOR_HEALTH_ADDRESS: this.#health,
    }
  }

  static async arrive(): Promise<Newcomer> {
    const home = new ServerHome('quickstart')
    for (const name of ['deploy', 'src', 'node_modules', 'package.json'])
      symlinkSync(join(checkout, name), home.path(name))
    mkdirSync(home.path('bin'))
    for (const name of ['kubectl', 'vault'] as const) symlinkSync(serverPath(name), home.path('bin', name))
    const [cluster, vault, server, ...ports] = await Promise.all([
      startCluster(),
      startVault(),
      startAuthorizationServer(),
      freePort(),
      freePort(),
    ])
    return new Newcomer({ cluster, vault, server }, home, ports)
  }

  write(name: string, text: string): void {
    writeFileSync(this.#home.path(name), text)
  }

  /** Runs a block to its end. @returns what it printed. @throws with its errors unless every command of it succeeds. */
  run(block: string, stdin = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const { command, args } = shell(block)
      const child = spawn(command, args, {
        cwd: this.#home.directory,
        env: this.#environment,
        stdio: 'pipe',
        signal: AbortSignal.timeout(90_000),
      })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.once('error', reject)
      child.once('close', (code) => {
        observeOutput('what a command of README complains of', stderr)
        if (code === 0) resolve(stdout)
        else reject(new Error(`this block of README ended with ${code}:\n${block}\n${stderr}`))
      })
      child.stdin.on('error', () => undefined) // it may end without having read everything
      child.stdin.end(stdin)
    })
  }

  /** Begins the block that starts the operator, and leaves it running. Resolves when the operator is ready. */
  async begin(block: string): Promise<void> {
    this.#controller = await ServerProcess.start({
      name: 'controller',
      home: this.#home,
      ...shell(block),
      env: this.#environment,
      ready: async () => (await send({ url: `http://${this.#health}/readyz` })).status === 200,
      readyWithinMs: 90_000,
    })
  }

  async leave(): Promise<void> {
    await this.#controller?.stop()
    observeOutput('the log of the operator', this.#controller?.logTail(1000) ?? '')
    await Promise.all([this.cluster.stop(), this.vault.stop(), this.server.close()])
    await this.#home.remove()
  }
}

function shell(block: string): { readonly command: string; readonly args: readonly string[] } {
  return { command: 'bash', args: ['-euo', 'pipefail', '-c', block] }
}
