import { parseArgs } from 'node:util'

/** What `npm run bench` is to do. */
export interface BenchOptions {
  /** Credentials on loopback servers, one run for each number above 0. */
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

  --sizes <numbers>   credentials on loopback servers, one run for each number; 0 leaves it out
                      (1000,10000; with --quick 1000)
  --real <number>     credentials on a real API server; 0 leaves it out (1000; with --quick 0)
  --seconds <number>  length of each measured window (20; with --quick 12)
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

const everything = { sizes: '1000,10000', real: '1000', seconds: '20' }
const quickLook = { sizes: '1000', real: '0', seconds: '12' }

type Typed = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

/** Reads the command line. Never throws for what somebody typed. */
export function readOptions(args: readonly string[]): ReadOptions {
  const typed = parsed(args)
  if (typeof typed === 'string') return { kind: 'wrong', problem: typed }
  if (typed.help === true) return { kind: 'help' }
  return checked(typed)
}

function checked({ sizes, real, seconds, quick = false }: Typed): ReadOptions {
  const usual = quick ? quickLook : everything
  const options = {
    sizes: (sizes ?? usual.sizes).split(',').map(wholeNumber),
    real: wholeNumber(real ?? usual.real),
    seconds: wholeNumber(seconds ?? usual.seconds),
    quick,
  }
  if (options.sizes.some(Number.isNaN)) return wrong('--sizes takes whole numbers, separated by commas')
  if (Number.isNaN(options.real)) return wrong('--real takes a whole number')
  if (!(options.seconds > 0)) return wrong('--seconds takes a whole number above 0')
  return { kind: 'run', options }
}

function parsed(args: readonly string[]): Typed | string {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    if (error instanceof TypeError && 'code' in error) return error.message
    throw error
  }
}

/** NaN for anything else. */
function wholeNumber(text: string): number {
  return /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
}

function wrong(problem: string): ReadOptions {
  return { kind: 'wrong', problem }
}
