import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { observeOutput } from '../support/canary.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { type Cluster, startCluster } from './kube-apiserver.ts'
import { freePort, loopback, send } from './loopback.ts'
import { ServerHome } from './server-home.ts'
import { ServerProcess } from './server-process.ts'
import { serverPath } from './server-source.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

export interface NewcomerOptions {
  /** What can be typed, beside kubectl. */
  readonly programs: readonly ('vault' | 'helm' | 'aws')[]
  /** How these programs find their servers, and log in there. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * A newcomer's shell: a checkout, `kubectl` and the other programs on the path and logged in, and nothing else. All
 * servers are on the loopback device and without TLS, which the two flags of the operator that README names allow.
 */
export class Newcomer {
  readonly cluster: Cluster
  readonly server: AuthorizationServer
  readonly #home: ServerHome
  readonly #environment: Readonly<Record<string, string>>
  readonly #health: string
  #controller: ServerProcess | undefined

  private constructor(servers: Pick<Newcomer, 'cluster' | 'server'>, { home, ports, environment }: Place) {
    this.cluster = servers.cluster
    this.server = servers.server
    this.#home = home
    const [metrics, health] = ports.map((port) => `${loopback}:${port}`)
    this.#health = health ?? ''
    this.#environment = {
      PATH: `${home.path('bin')}:${process.env['PATH']}`,
      HOME: home.directory,
      TMPDIR: home.directory, // the journal is made there
      KUBECONFIG: servers.cluster.adminKubeconfig,
      ...environment,
      OAUTH_OPERATOR_ALLOW_PLAIN_HTTP: 'true',
      OAUTH_OPERATOR_ALLOW_PRIVATE_ADDRESSES: 'true',
      // The default ports may be taken.
      OAUTH_OPERATOR_METRICS_ADDRESS: metrics ?? '',
      OAUTH_OPERATOR_HEALTH_ADDRESS: this.#health,
    }
  }

  static async arrive({ programs, environment }: NewcomerOptions): Promise<Newcomer> {
    const home = new ServerHome('quickstart')
    for (const name of ['deploy', 'src', 'node_modules', 'package.json'])
      symlinkSync(join(checkout, name), home.path(name))
    mkdirSync(home.path('bin'))
    for (const name of ['kubectl', ...programs] as const) putOnPath(home.path('bin', name), serverPath(name))
    const [cluster, server, ...ports] = await Promise.all([
      startCluster(),
      startAuthorizationServer(),
      freePort(),
      freePort(),
    ])
    return new Newcomer({ cluster, server }, { home, ports, environment })
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
    await Promise.all([this.cluster.stop(), this.server.close()])
    await this.#home.remove()
  }
}

interface Place {
  readonly home: ServerHome
  readonly ports: readonly number[]
  readonly environment: Readonly<Record<string, string>>
}

/** Not a link: a program may look for what it needs beside its own name. */
function putOnPath(name: string, program: string): void {
  writeFileSync(name, `#!/bin/sh\nexec '${program}' "$@"\n`)
  chmodSync(name, 0o755)
}

function shell(block: string): { readonly command: string; readonly args: readonly string[] } {
  return { command: 'bash', args: ['-euo', 'pipefail', '-c', block] }
}
