import { parseArgs } from 'node:util'

/** What `npm run bench` is to do. */
export interface BenchOptions {
  /** Credentials on loopback servers, one run for each number. */
  readonly sizes: readonly number[]
  /** Credentials on a real API server; 0: leave it out. */
  readonly real: number
  /** Length of a measured window. */
  readonly seconds: number
  readonly quick: boolean
}

export type ReadOptions =
  | { readonly kind: 'run'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const usage = `npm run bench -- [options]

Measures what the operator costs, as a ratio to a floor that is measured over the same seconds.

  --sizes <numbers>   credentials on loopback servers, one run for each number (1000,10000; with --quick 1000)
  --real <number>     credentials on a real API server; 0 leaves it out (1000; with --quick 0)
  --seconds <number>  length of each of the three measured windows (20)
  --quick             a look of about a minute: the windows hold first refreshes
  --help              this text
`

const options = {
  sizes: { type: 'string' },
  real: { type: 'string' },
  seconds: { type: 'string' },
  quick: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Reads the command line. Never throws for what somebody typed. */
export function readOptions(args: readonly string[]): ReadOptions {
  const typed = parsed(args)
  if (typeof typed === 'string') return { kind: 'wrong', problem: typed }
  if (typed.help === true) return { kind: 'help' }
  const quick = typed.quick === true
  const sizes = (typed.sizes ?? (quick ? '1000' : '1000,10000')).split(',').map(wholeNumber)
  const real = wholeNumber(typed.real ?? (quick ? '0' : '1000'))
  const seconds = wholeNumber(typed.seconds ?? (quick ? '12' : '20'))
  if (!sizes.every(isPositive)) return wrong('--sizes takes whole numbers above 0, separated by commas')
  if (real === undefined) return wrong('--real takes a whole number')
  if (!isPositive(seconds)) return wrong('--seconds takes a whole number above 0')
  return { kind: 'run', options: { sizes, real, seconds, quick } }
}

function parsed(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof options }>>['values'] | string {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    if (error instanceof TypeError && 'code' in error) return error.message
    throw error
  }
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,7}$/.test(text) ? Number(text) : undefined
}

function isPositive(value: number | undefined): value is number {
  return value !== undefined && value > 0
}

function wrong(problem: string): ReadOptions {
  return { kind: 'wrong', problem }
}
