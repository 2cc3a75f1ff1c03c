import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const main = fileURLToPath(new URL('../../src/main/main.ts', import.meta.url))
const endWithParent = new URL('end-with-parent.ts', import.meta.url).href
/** A refresh that is under way takes a second at most here. */
const patienceMs = 10_000
const rememberedLines = 15

/** Standalone mode as a user runs it: the real command in a process of its own. */
export class StandaloneProcess {
  readonly ended: Promise<ProcessEnd>
  readonly #child: ChildProcess
  readonly #lines: string[] = []

  /** `environment`: beside that of this process. */
  constructor(
    arguments_: readonly string[],
    onLine: (line: string) => void,
    environment: Readonly<Record<string, string>> = {},
  ) {
    // In a process group of its own, so that Ctrl-C reaches it once, through us, and not a second time from the terminal.
    this.#child = spawn(process.execPath, ['--import', endWithParent, main, 'standalone', ...arguments_], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...environment },
    })
    const read = [this.#child.stdout, this.#child.stderr].map((stream) => this.#read(stream, onLine))
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        process.off('exit', this.#killAtExit)
        void Promise.all(read).then(() => resolve({ code, signal }))
      })
    })
    process.on('exit', this.#killAtExit)
  }

  /** The last lines that it wrote. */
  get lastLines(): readonly string[] {
    return this.#lines
  }

  /** Lets it finish what is under way. */
  async stop(): Promise<ProcessEnd> {
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.kill(), patienceMs)
    const end = await this.ended
    clearTimeout(timer)
    return end
  }

  kill(): void {
    this.signal('SIGKILL')
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  readonly #killAtExit = (): void => this.kill()

  async #read(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
    if (stream === null) return
    for await (const line of createInterface({ input: stream })) {
      this.#lines.push(line)
      this.#lines.splice(0, this.#lines.length - rememberedLines)
      onLine(line)
    }
  }
}
