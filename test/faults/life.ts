import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { accessTokenMark, refreshTokenMark } from './refresh-families.ts'

export interface LifeOptions {
  /** The bundled program. */
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly logFile: string
  /** What the command line begins with. */
  readonly launcher?: readonly string[]
}

/** One process of the operator, from its start to its end. Times are milliseconds of `performance.now`. */
export class Life {
  readonly startedAtMs = performance.now()
  endedAtMs: number | undefined
  /** Settles with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>
  readonly #child: ChildProcess

  /** Bytes that were in its log before it began. */
  readonly logBegan: number

  constructor({ program, args, env, logFile, launcher = [] }: LifeOptions) {
    this.logBegan = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
    const log = openSync(logFile, 'a')
    const [command, ...rest] = [...launcher, process.execPath, program, ...args]
    this.#child = spawn(command ?? process.execPath, rest, { env, stdio: ['ignore', log, log] })
    closeSync(log)
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.endedAtMs ??= performance.now()
        resolve(signal ?? code ?? 'unknown')
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** SIGKILL. @returns when it was sent. */
  async kill(): Promise<number> {
    const atMs = performance.now()
    this.endedAtMs ??= atMs
    this.#child.kill('SIGKILL')
    await this.ended
    return this.endedAtMs
  }

  /** SIGTERM; killed when it takes more than `withinMs`. */
  async end(withinMs = 90_000): Promise<number | string> {
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), withinMs)
    const code = await this.ended
    clearTimeout(late)
    return code
  }

  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** True while every thread is stopped. */
  get isStopped(): boolean {
    const stat = `/proc/${this.pid}/stat`
    return existsSync(stat) && / [Tt] /.test(readFileSync(stat, 'utf8'))
  }
}

/** A directory that holds a journal, as an emptyDir of a Pod does. */
export class JournalPlace {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  /** True when a whole token stands in any file of it, sent or answered: without what ends it, nobody knows that it is whole. */
  holds(token: string): boolean {
    if (!existsSync(this.directory)) return false
    const forms = [`"refreshToken":"${token}"`, `\\"${token}\\"`]
    return readdirSync(this.directory, { withFileTypes: true }).some((file) => {
      const text = file.isFile() ? readFileSync(join(this.directory, file.name), 'latin1') : ''
      return forms.some((form) => text.includes(form))
    })
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Lines of a log that hold a token, without the token. */
export function leakedInto(logFile: string): number {
  if (!existsSync(logFile)) return 0
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes(refreshTokenMark) || line.includes(accessTokenMark)).length
}
