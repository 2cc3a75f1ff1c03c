import { expect, it, onTestFinished, vi } from 'vitest'
import { readFaultOptions, suiteNames } from '../../faults/options.ts'

class Ended extends Error {
  readonly code: unknown

  constructor(code: unknown) {
    super(`the process ended with ${String(code)}`)
    this.code = code
  }
}

/** What the suites are started with, or how the process ended instead and what it printed. */
function read(...typed: readonly string[]): {
  readonly options?: ReturnType<typeof readFaultOptions>
  readonly code?: unknown
  readonly printed: string
} {
  const argv = process.argv
  process.argv = ['node', 'faults.ts', ...typed]
  let printed = ''
  const write = (text: unknown): boolean => {
    printed += String(text)
    return true
  }
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
    vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Ended(code)
    }),
  ]
  onTestFinished(() => void vi.restoreAllMocks())
  try {
    return { options: readFaultOptions(), printed }
  } catch (error) {
    if (error instanceof Ended) return { code: error.code, printed }
    throw error
  } finally {
    process.argv = argv
    for (const spy of spies) spy.mockRestore()
  }
}

it('runs everything when nothing is asked for, and what is asked for', () => {
  expect(read().options).toMatchObject({ suites: suiteNames, stores: ['vault', 'aws', 'aws-paced'], runs: 20 })
  expect(read('outages', 'kill', '--store', 'aws', '--runs=3').options).toMatchObject({
    suites: ['kill', 'outages'],
    stores: ['aws'],
    runs: 3,
  })
})

it('tells of every suite and option at --help', () => {
  const { code, printed } = read('--help')
  expect(code).toBe(0)
  for (const name of [...suiteNames, '--runs', '--store', '--patient', '--help']) expect(printed).toContain(name)
})

it.each([
  ['an unknown option', ['--run', '3'], "Unknown option '--run'"],
  ['a suite that there is not', ['kil'], "there is no suite 'kil': there are kill, answers"],
  ['a store that there is not', ['--store', 'vault,etcd'], "there is no store 'etcd': there are vault, aws, aws-paced"],
  ['a number that is none', ['--minutes', 'ten'], "--minutes takes a whole number, not 'ten'"],
])('ends with code 2 at %s, and says what there is', (_, typed, problem) => {
  const { code, printed } = read(...typed)
  expect(code).toBe(2)
  expect(printed).toContain(problem)
  expect(printed).toContain('node test/faults/faults.ts [suites] [options]')
})
