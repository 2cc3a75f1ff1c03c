import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** A process as the kernel accounts for it. */
export interface ProcessUsage {
  readonly cpuSeconds: number
  readonly residentMiB: number
  readonly peakResidentMiB: number
}

const ticksPerSecond = 100

/** CPU and memory of a running process. Linux only: it reads /proc. */
export function usageOf({ pid }: ChildProcess): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    residentMiB: kibibytes(status, 'VmRSS') / 1024,
    peakResidentMiB: kibibytes(status, 'VmHWM') / 1024,
  }
}

function kibibytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
}

/** A script of the benchmark in a process of its own, that answers questions one at a time. */
export class Helper {
  readonly process: ChildProcess

  private constructor(script: string, args: readonly string[]) {
    this.process = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  }

  /** @returns the helper, and what it said when it was ready. */
  static async start<Hello>(
    script: string,
    args: readonly string[] = [],
  ): Promise<{ readonly helper: Helper; readonly hello: Hello }> {
    const helper = new Helper(script, args)
    return { helper, hello: (await helper.#message()) as Hello }
  }

  /** @throws when the process ends instead of answering. */
  async ask<Answer>(question: unknown): Promise<Answer> {
    const answer = this.#message()
    this.process.send(question as object)
    return (await answer) as Answer
  }

  end(): Promise<void> {
    return end(this.process, 'SIGKILL')
  }

  async #message(): Promise<unknown> {
    const ended = new AbortController()
    const exit = once(this.process, 'exit', { signal: ended.signal }).then(() => {
      throw new Error('a process of the benchmark ended')
    })
    try {
      const [message] = (await Promise.race([once(this.process, 'message', { signal: ended.signal }), exit])) as [
        unknown,
      ]
      return message
    } finally {
      exit.catch(() => undefined)
      ended.abort()
    }
  }
}

/** Ends a process and resolves when it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}
