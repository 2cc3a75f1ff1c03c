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
  /** Whether to measure what the refresh protocol adds. */
  readonly protocol: boolean
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
  --protocol          only what the refresh protocol adds to a refresh, in less than two minutes
  --help              this text
`

const options = {
  sizes: { type: 'string' },
  real: { type: 'string' },
  seconds: { type: 'string' },
  quick: { type: 'boolean' },
  protocol: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

const everything = { sizes: '1000,10000', real: '1000', seconds: '20' }
const quickLook = { sizes: '1000', real: '0', seconds: '12' }
const protocolAlone = { sizes: '0', real: '0', seconds: '20' }

type Typed = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

/** Reads the command line. Never throws for what somebody typed. */
export function readOptions(args: readonly string[]): ReadOptions {
  const typed = parsed(args)
  if (typeof typed === 'string') return { kind: 'wrong', problem: typed }
  if (typed.help === true) return { kind: 'help' }
  return checked(typed)
}

function checked({ quick = false, protocol = false, ...typed }: Typed): ReadOptions {
  const { sizes, real, seconds } = { ...usual(quick, protocol), ...typed }
  const options = {
    sizes: sizes.split(',').map(wholeNumber),
    real: wholeNumber(real),
    seconds: wholeNumber(seconds),
    quick,
    protocol: protocol || !quick,
  }
  if (options.sizes.some(Number.isNaN)) return wrong('--sizes takes whole numbers, separated by commas')
  if (Number.isNaN(options.real)) return wrong('--real takes a whole number')
  if (!(options.seconds > 0)) return wrong('--seconds takes a whole number above 0')
  return { kind: 'run', options }
}

function usual(quick: boolean, protocol: boolean): typeof everything {
  if (protocol) return protocolAlone
  return quick ? quickLook : everything
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
