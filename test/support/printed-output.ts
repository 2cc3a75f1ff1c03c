import { observeOutput } from './canary.ts'

/** What watches already: files that share a process ask for it once each, and the runner may have put in a new console. */
const watching = new WeakSet<object>()

/** Has everything scanned that this process prints from now on. Idempotent. */
export function observePrinted(): void {
  for (const name of ['stdout', 'stderr'] as const) observeStream(name)
  for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const) observeConsole(level)
}

function observeStream(name: 'stdout' | 'stderr'): void {
  const stream = process[name] as { write: (...args: unknown[]) => boolean }
  if (watching.has(stream.write)) return
  const write = stream.write.bind(stream)
  stream.write = (chunk, ...rest): boolean => {
    observeOutput(name, typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString('utf8'))
    return write(chunk, ...rest)
  }
  watching.add(stream.write)
}

function observeConsole(level: 'debug' | 'log' | 'info' | 'warn' | 'error'): void {
  if (watching.has(console[level])) return
  const print = console[level].bind(console)
  console[level] = (...args: unknown[]): void => {
    observeOutput(`console.${level}`, args.map(String).join(' '))
    print(...args)
  }
  watching.add(console[level])
}
