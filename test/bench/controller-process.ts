import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../servers/loopback.ts'
import { end } from './measured-process.ts'
import { benchNamespace } from './objects.ts'
import type { ServersPlace } from './protocol.ts'

/** As in the image. */
export const nodeFlags: readonly string[] = [
  '--disable-sigusr1',
  '--max-semi-space-size=4',
  '--memory-saver-mode',
  '--external-memory-accounted-in-global-limit',
]
/** As in the image. */
export const imageEnvironment = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '131072',
  UV_THREADPOOL_SIZE: '16',
} as const

export interface ControllerOptions {
  /** Holds the bundle. */
  readonly bundle: string
  /** For the journal, the log and the ServiceAccount; its own. */
  readonly directory: string
  readonly place: ServersPlace
  /** That the API server takes. */
  readonly token: string
}

export interface Scrape {
  readonly seconds: number
  /** The longest that the process has let another request wait meanwhile, its own time on the way included. */
  readonly blockSeconds: number
  /** The most CPU time that its main thread has used meanwhile without a look at what else there is to do. */
  readonly stretchSeconds: number
}

const probe = fileURLToPath(new URL('stretch-probe.ts', import.meta.url))

/** The bundled controller, started as in a Pod. */
export class ControllerProcess {
  readonly process: ChildProcess
  readonly startedAtMs: number
  readonly #metricsUrl: string
  readonly #log: string
  readonly #stretchFile: string

  private constructor(options: ControllerOptions, metricsPort: number) {
    const { directory, bundle } = options
    const serviceAccount = join(directory, 'serviceaccount')
    writeServiceAccount(serviceAccount, options)
    this.#metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`
    this.#log = join(directory, 'log')
    this.#stretchFile = join(directory, 'stretch')
    const log = openSync(this.#log, 'w')
    this.startedAtMs = Date.now()
    this.process = spawn(
      process.execPath,
      [
        ...nodeFlags,
        '--import',
        probe,
        join(bundle, 'main.js'),
        'controller',
        ...flags(directory, serviceAccount, metricsPort),
      ],
      {
        stdio: ['ignore', log, 'inherit'],
        env: { ...environment(options.place), BENCH_STRETCH_FILE: this.#stretchFile },
      },
    )
    closeSync(log)
  }

  static async start(options: ControllerOptions): Promise<ControllerProcess> {
    return new ControllerProcess(options, await freePort())
  }

  /** What a Prometheus server does every now and then. */
  scrape(): Promise<Scrape> {
    return this.#waitedDuring(() => fetch(this.#metricsUrl).then((answer) => answer.arrayBuffer()))
  }

  /** What other requests wait without a scrape: refreshes go on, and garbage is collected. */
  async baseline(seconds: number): Promise<Scrape> {
    return this.#waitedDuring(() => sleep(seconds * 1000))
  }

  async #waitedDuring(work: () => Promise<unknown>): Promise<Scrape> {
    const began = performance.now()
    let over = false
    this.process.kill('SIGUSR2')
    const done = work().finally(() => (over = true))
    let blockSeconds = 0
    while (!over) {
      blockSeconds = Math.max(blockSeconds, await this.#waited())
      await sleep(5)
    }
    await done
    return { seconds: (performance.now() - began) / 1000, blockSeconds, stretchSeconds: await this.#stretchSeconds() }
  }

  async #stretchSeconds(): Promise<number> {
    rmSync(this.#stretchFile, { force: true })
    this.process.kill('SIGUSR2')
    for (let tries = 0; tries < 500 && !existsSync(this.#stretchFile); tries += 1) await sleep(10)
    const text = existsSync(this.#stretchFile) ? readFileSync(this.#stretchFile, 'utf8') : ''
    return text === '' ? Number.NaN : Number(text) / 1e6
  }

  /** Seconds until the process has answered a question that costs it nothing. */
  async #waited(): Promise<number> {
    const began = performance.now()
    const answer = await fetch(new URL('/nothing', this.#metricsUrl))
    await answer.arrayBuffer()
    return (performance.now() - began) / 1000
  }

  /** @throws with the end of the log when the controller has ended by itself. */
  assertRunning(): void {
    if (this.process.exitCode === null && this.process.signalCode === null) return
    throw new Error(`the controller ended:\n${readFileSync(this.#log, 'utf8').slice(-2000)}`)
  }

  /** Warnings and errors that it has logged. */
  complaints(): readonly string[] {
    const lines = readFileSync(this.#log, 'utf8').split('\n')
    return lines.filter((line) => line !== '' && !line.includes('"level":"info"'))
  }

  stop(): Promise<void> {
    return end(this.process)
  }
}

function writeServiceAccount(directory: string, { place, token }: ControllerOptions): void {
  mkdirSync(directory, { recursive: true })
  const files = { token, 'ca.crt': place.ca, namespace: benchNamespace }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
}

function flags(directory: string, serviceAccount: string, metricsPort: number): readonly string[] {
  return [
    ['--service-account-directory', serviceAccount],
    ['--journal', join(directory, 'journal')],
    ['--metrics-address', `127.0.0.1:${metricsPort}`],
    ['--health-address', '127.0.0.1:0'],
    ['--allow-private-addresses'],
  ].flat()
}

function environment({ apiServer }: ServersPlace): NodeJS.ProcessEnv {
  const { hostname, port } = new URL(apiServer)
  return { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, ...imageEnvironment }
}
