import { afterAll, afterEach } from 'vitest'
import { assertNoLeak, forgetCanaries, observeOutput } from './canary.ts'

// Every test file runs under this: what a test prints, through whichever way, is scanned.
for (const name of ['stdout', 'stderr'] as const) {
  const stream = process[name]
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    observeOutput(name, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'))
    return write(chunk, ...rest)
  }
}

for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const) {
  const print = console[level].bind(console)
  console[level] = (...args: unknown[]): void => {
    observeOutput(`console.${level}`, args.map(String).join(' '))
    print(...args)
  }
}

afterEach(assertNoLeak)
afterAll(forgetCanaries)
