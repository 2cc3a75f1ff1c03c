import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import type { RunStep, StepOptions } from './recipe.ts'

const progressIntervalMs = 10_000
const stepLimitMs = 40 * 60_000
const keptOutputCharacters = 4000

/**
 * @param label names the build in progress lines.
 * @param logFile receives the whole output.
 * @returns a function that runs commands one after the other and prints a progress line every 10 s.
 */
export function stepRunner(label: string, logFile: string): RunStep {
  const start = Date.now()
  const log = createWriteStream(logFile)
  return (command, args, options = {}) => {
    const task = `${label}: ${command.split('/').at(-1) ?? command} ${args[0] === '-m' ? (args[1] ?? '') : (args[0] ?? '')}`
    const progress = (): void => console.log(`${task}, ${Math.round((Date.now() - start) / 1000)} s`)
    progress()
    const timer = setInterval(progress, progressIntervalMs)
    return runCommand(command, args, options, log).finally(() => clearInterval(timer))
  }
}

function runCommand(command: string, args: readonly string[], options: StepOptions, log: WriteStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Not `timeout`: its timer outlives a command that could not be started, and would keep us alive.
      signal: AbortSignal.timeout(stepLimitMs),
    })
    let tail = ''
    const keep = (chunk: Buffer): void => {
      log.write(chunk)
      tail = (tail + chunk.toString('utf8')).slice(-keptOutputCharacters)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') reject(new Error(`${command} is not on PATH`))
      else if (error.name === 'AbortError') reject(new Error(`${command} took more than ${stepLimitMs / 60_000} min`))
      else reject(error)
    })
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${command} ${args[0] ?? ''} ended with ${signal ?? code ?? 'nothing'}: ${lastLine(tail)}`))
    })
  })
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? ''
}
