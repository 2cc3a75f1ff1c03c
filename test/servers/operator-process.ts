import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { observeOutput } from '../support/canary.ts'
import { type Exposition, parseExposition } from '../unit/prometheus/exposition.ts'
import { freePort, loopback, send } from './loopback.ts'
import type { LoopbackResponse } from './loopback.ts'
import { ServerHome } from './server-home.ts'

/** How the operator finds and enters the cluster. */
export type ClusterLogin = { readonly kubeconfig: string } | PodLogin

/** As a Pod does: a directory with token, ca.crt and namespace, and the address from the environment. */
export interface PodLogin {
  readonly serviceAccountDirectory: string
  readonly apiServer: string
}

export interface OperatorOptions {
  readonly login: ClusterLogin
  /** The operator's own namespace. */
  readonly namespace: string
  /** Name in the Lease. It stays over restarts, as that of a restarted container does. */
  readonly identity: string
  /** Further flags of `controller`. */
  readonly flags?: readonly string[]
  /** The Pod object that stands for this process, as the downward API tells of it; absent: it runs outside of a Pod. */
  readonly pod?: PodNames
}

/** One Pod, of all that ever had its name. */
export interface PodNames {
  readonly name: string
  readonly uid: string
}

export interface RestartOptions {
  /** Begin with an empty journal, as a Pod that was replaced does; by default it is kept, as in a restarted container. */
  readonly newJournal?: boolean
}

const mainFile = fileURLToPath(new URL('../../src/main/main.ts', import.meta.url))
const readyWithinMs = 20_000
const pollIntervalMs = 25

/** The real command line in a process of its own. Everything that it prints is part of the leak scan. */
export class OperatorProcess {
  readonly identity: string
  readonly #options: OperatorOptions
  readonly #home = new ServerHome('operator')
  readonly #lines: string[] = []
  #child: ChildProcess | undefined
  #ended: Promise<number | null> = Promise.resolve(null)
  #metricsPort = 0
  #healthPort = 0
  #lives = 0
  #journal = 0

  private constructor(options: OperatorOptions) {
    this.#options = options
    this.identity = options.identity
  }

  /** Starts an operator. Resolves when it is ready. @throws with the end of its log when it does not become so. */
  static async start(options: OperatorOptions): Promise<OperatorProcess> {
    const operator = new OperatorProcess(options)
    await operator.start()
    return operator
  }

  /** Starts it again after `stop` or `kill`. */
  async start({ newJournal = false }: RestartOptions = {}): Promise<void> {
    if (newJournal) this.#journal += 1
    this.#lives += 1
    ;[this.#metricsPort, this.#healthPort] = await Promise.all([freePort(), freePort()])
    const child = spawn(process.execPath, [mainFile, ...this.#arguments()], {
      cwd: this.#home.directory,
      // A group of its own, so that the guard of the home can end it when this process cannot.
      detached: true,
      // Neither the login of whoever runs the tests nor their cloud's.
      env: { PATH: process.env['PATH'], HOME: this.#home.directory, ...environmentOf(this.#options) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    const group = child.pid ?? 0
    if (group !== 0) this.#home.watch(group)
    this.#read(child.stdout)
    this.#read(child.stderr)
    this.#ended = new Promise((resolve) => {
      child.once('error', () => resolve(null))
      child.once('close', (code) => resolve(code))
    })
    void this.#ended.then(() => this.#home.forget(group))
    await this.#untilReady()
  }

  /** SIGTERM. @returns the exit code; null when it had to be killed after 20 s. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM')
    const late = new AbortController()
    void sleep(20_000, undefined, { signal: late.signal }).then(
      () => this.#child?.kill('SIGKILL'),
      () => undefined,
    )
    const code = await this.#ended
    late.abort()
    return code
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#ended
  }

  /** SIGSTOP: connections stay open, and no time passes for it. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Everything printed since the first start. */
  get output(): string {
    return this.#lines.join('\n')
  }

  /** Host and port of the probes of this life. */
  get healthAddress(): string {
    return `${loopback}:${this.#healthPort}`
  }

  async metrics(): Promise<Exposition> {
    const { status, text } = await this.#get(this.#metricsPort, '/metrics')
    if (status !== 200) throw new Error(`/metrics was answered with ${status}`)
    return parseExposition(text)
  }

  probe(path: '/healthz' | '/readyz'): Promise<LoopbackResponse> {
    return this.#get(this.#healthPort, path)
  }

  /** Whether this process says that it leads; false also while it does not answer. */
  async leads(): Promise<boolean> {
    const metrics = await this.metrics().catch(() => undefined)
    return metrics?.series('leader_election_master_status')[0]?.value === 1
  }

  /** Kills it and removes its files. Safe to call twice. */
  async remove(): Promise<void> {
    await this.kill()
    await this.#home.remove()
  }

  #arguments(): readonly string[] {
    const { login, namespace, identity, flags = [] } = this.#options
    return [
      'controller',
      'kubeconfig' in login
        ? `--kubeconfig=${login.kubeconfig}`
        : `--service-account-directory=${login.serviceAccountDirectory}`,
      `--namespace=${namespace}`,
      `--identity=${identity}`,
      `--journal=${this.#home.path(`journal-${this.#journal}`)}`,
      `--metrics-address=${loopback}:${this.#metricsPort}`,
      `--health-address=${loopback}:${this.#healthPort}`,
      '--log-level=debug',
      ...flags,
    ]
  }

  #read(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.#lines.push(line)
      observeOutput(`the log of ${this.identity}`, line)
    })
  }

  async #get(port: number, path: string): Promise<LoopbackResponse> {
    const answer = await send({ url: `http://${loopback}:${port}${path}`, timeoutMs: 5000 })
    observeOutput(`${path} of ${this.identity}`, answer.text)
    return answer
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + readyWithinMs
    const ready = async (): Promise<boolean> => (await this.probe('/readyz')).status === 200
    while (!(await ready().catch(() => false))) {
      if (this.#child?.exitCode !== null || Date.now() > deadline) throw this.#failure()
      await sleep(pollIntervalMs)
    }
  }

  #failure(): Error {
    const tail = this.#lines.slice(-25).join('\n')
    return new Error(`${this.identity} did not become ready in its life ${this.#lives}; the end of its log:\n${tail}`)
  }
}

function environmentOf({ login, pod }: OperatorOptions): Readonly<Record<string, string>> {
  const podNames = pod === undefined ? {} : { POD_NAME: pod.name, POD_UID: pod.uid }
  if ('kubeconfig' in login) return podNames
  const { hostname, port } = new URL(login.apiServer)
  return { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, ...podNames }
}
