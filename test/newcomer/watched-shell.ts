import { type ChildProcess, spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerHome } from '../servers/server-home.ts'

const pollIntervalMs = 50
const toldLines = 25

/** What npm tells the scripts that it runs: not a newcomer's, whose npm would take it for its own. */
const ofNpm =
  /^(npm_(lifecycle|package)_|npm_(command|execpath|node_execpath|config_(local_prefix|prefix|loglevel))$|INIT_CWD$|NODE$)/

/** The environment of a person who has just opened a terminal: nothing of the npm that may run this program. */
function ownEnvironment(): Readonly<Record<string, string | undefined>> {
  const kept = Object.entries(process.env).filter(([name]) => !ofNpm.test(name))
  const path = (process.env['PATH'] ?? '').split(delimiter)
  const ownPath = path.filter((directory) => !/node_modules[/\\]\.bin|node-gyp-bin/.test(directory))
  return { ...Object.fromEntries(kept), PATH: ownPath.join(delimiter) }
}

/** A script in a terminal of its own, whose output somebody reads while it runs. */
export class WatchedShell {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #output = ''

  /** Runs it in a directory of the home, which ends it with this process. */
  constructor(script: string, directory: string, home: ServerHome) {
    this.#child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: directory,
      env: ownEnvironment(),
      // A process group of its own, as a terminal gives to each command: Ctrl-C reaches all of it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const group = this.#child.pid ?? 0
    if (group !== 0) home.watch(group)
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve(null))
      this.#child.once('close', (code) => resolve(code))
    })
    void this.#ended.then(() => home.forget(group))
  }

  get output(): string {
    return this.#output
  }

  /**
   * Waits until it has printed what the pattern finds.
   * @throws with the last lines when it ends without, or needs longer than `withinMs`.
   */
  async until(pattern: RegExp, withinMs: number): Promise<RegExpExecArray> {
    return this.holds(() => pattern.exec(this.#output) ?? undefined, withinMs)
  }

  /** Like {@link until}, for anything that a look can find; undefined means not yet. */
  async holds<T>(look: () => T | undefined, withinMs: number): Promise<T> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined
      if (isOver) await this.#ended
      const found = look()
      if (found !== undefined) return found
      if (isOver) throw this.#failure(`it ended with ${this.#child.signalCode ?? `exit code ${this.#child.exitCode}`}`)
      if (performance.now() > deadline) throw this.#failure(`it took longer than ${withinMs / 1000} s`)
      await sleep(pollIntervalMs)
    }
  }

  /** Presses Ctrl-C. Resolves with the exit code. @throws when it goes on for longer than `withinMs`. */
  async interrupt(withinMs: number): Promise<number | null> {
    process.kill(-(this.#child.pid ?? 0), 'SIGINT')
    const late = sleep(withinMs, 'late' as const, { ref: false })
    const end = await Promise.race([this.#ended, late])
    if (end === 'late') throw this.#failure(`it did not end within ${withinMs / 1000} s of Ctrl-C`)
    return end
  }

  #failure(what: string): Error {
    const lines = this.#output.trimEnd().split('\n').slice(-toldLines)
    return new Error(`${what}; what it printed last:\n${lines.map((line) => `  ${line}`).join('\n')}`)
  }
}
