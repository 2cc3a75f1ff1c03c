import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerHome } from './server-home.ts'

export interface ServerProcessOptions {
  readonly name: string
  readonly home: ServerHome
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Asked again and again until it resolves to true; a rejection counts as "not yet". */
  readonly ready: () => Promise<boolean>
  readonly readyWithinMs: number
}

const pollIntervalMs = 50
const logTailLines = 25
const stopWithinMs = 10_000

/** Only slept on. */
const pauseClock = new Int32Array(new SharedArrayBuffer(4))

/** A running server: one process group, its output in `<name>.log` of its home. */
export class ServerProcess {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #group: number
  readonly #ended: Promise<void>
  readonly #logFile: string

  private constructor(options: ServerProcessOptions) {
    this.#name = options.name
    this.#logFile = options.home.path(`${options.name}.log`)
    const log = openSync(this.#logFile, 'a')
    // Detached: a process group of its own, so that a signal reaches the server's children too.
    this.#child = spawn(options.command, options.args, {
      cwd: options.home.directory,
      detached: true,
      env: { PATH: process.env['PATH'], HOME: options.home.directory, ...options.env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#group = this.#child.pid ?? 0
    if (this.#group !== 0) options.home.watch(this.#group)
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve())
      this.#child.once('exit', () => resolve())
    })
    void this.#ended.then(() => options.home.forget(this.#group))
    this.#child.unref()
  }

  /**
   * Starts a server and waits until it is ready.
   * @throws with the end of the server's log when it ends, or is not ready in time; it is killed then.
   */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options)
    const deadline = Date.now() + options.readyWithinMs
    while (!(await options.ready().catch(() => false))) {
      if (!server.isRunning()) throw server.#failure('ended before it was ready')
      if (Date.now() > deadline) {
        await server.kill()
        throw server.#failure(`was not ready within ${options.readyWithinMs / 1000} s`)
      }
      await sleep(pollIntervalMs)
    }
    // Something else may be listening on the port that the server was to have.
    if (!server.isRunning()) throw server.#failure('ended while it became ready')
    return server
  }

  isRunning(): boolean {
    return this.#group !== 0 && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** @returns the last lines that the server printed. */
  logTail(lines = logTailLines): string {
    if (!existsSync(this.#logFile)) return ''
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }

  /** SIGTERM, and SIGKILL to whatever is left after 10 s. */
  async stop(): Promise<void> {
    this.#signal('SIGCONT') // a paused process would not see the SIGTERM
    this.#signal('SIGTERM')
    await Promise.race([this.#end(), sleep(stopWithinMs, undefined, { ref: false })])
    await this.kill()
  }

  /** SIGKILL, as a crash. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#end()
  }

  /**
   * SIGSTOP: connections stay open and nothing answers. Returns when every thread of the process has
   * stopped, because the signal leaves them running for a moment.
   */
  pause(): void {
    this.#signal('SIGSTOP')
    const deadline = Date.now() + 5000
    while (!this.#isStopped() && Date.now() < deadline) Atomics.wait(pauseClock, 0, 0, 2)
  }

  #isStopped(): boolean {
    const tasks = `/proc/${this.#child.pid}/task`
    // Only Linux shows its threads.
    return (
      !existsSync(tasks) ||
      readdirSync(tasks).every((task) => / [TtZX] /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')))
    )
  }

  resume(): void {
    this.#signal('SIGCONT')
  }

  #end(): Promise<void> {
    if (this.isRunning()) this.#child.ref()
    return this.#ended
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.isRunning()) return
    try {
      process.kill(-this.#group, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  #failure(what: string): Error {
    return new Error(`${this.#name} ${what}; the end of its log:\n${this.logTail()}`)
  }
}
