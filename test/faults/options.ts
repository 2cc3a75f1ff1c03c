import { argumentsOrEnd, wholeNumbersOrEnd, wrongArguments } from '../support/command-line.ts'

const usage = `node test/faults/faults.ts [suites] [options]

Kills, pauses and cuts off real processes and real servers, and checks that no refresh token is lost or spent twice.

Suites, all by default: kill answers store leeway windows outages pause points

  --runs <number>      kills for each store (20)
  --seed <number>      what chance begins with; a run prints its own (another each time)
  --store <names>      of vault, aws and aws-paced, separated by commas (all)
  --size <number>      credentials (24)
  --minutes <number>   the longest that a suite may take (60)
  --seconds <number>   length of each outage (40)
  --stride <number>    bytes between two cuts (1)
  --only <text>        only failpoints and outages whose name holds this
  --patient            wait wherever a new Pod has to wait
  --help               this text

It takes the servers that 'npm run servers' provides. Exit code 1 at any violation, 2 when the arguments are wrong.
`

const storeNames = ['vault', 'aws', 'aws-paced'] as const
export const suiteNames = ['kill', 'answers', 'store', 'leeway', 'windows', 'outages', 'pause', 'points'] as const

/** Where refresh tokens are: `aws-paced` is written every quarter of an hour only. */
export type StoreName = (typeof storeNames)[number]
export type SuiteName = (typeof suiteNames)[number]

export interface FaultOptions {
  readonly suites: readonly SuiteName[]
  readonly stores: readonly StoreName[]
  readonly runs: number
  readonly seed: number
  readonly size: number
  readonly minutes: number
  readonly seconds: number
  readonly stride: number
  readonly only: string
  readonly patient: boolean
}

/** Reads the command line. What is wrong ends the process, before anything is built or started. */
export function readFaultOptions(): FaultOptions {
  const { values, positionals } = argumentsOrEnd(usage, {
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      store: { type: 'string', default: storeNames.join(',') },
      size: { type: 'string', default: '24' },
      minutes: { type: 'string', default: '60' },
      patient: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      seconds: { type: 'string', default: '40' },
      stride: { type: 'string', default: '1' },
    },
  })
  const { runs, seed, size, minutes, seconds, stride, store, only, patient } = values
  return {
    ...numbers({ runs, seed, size, minutes, seconds, stride }),
    suites: positionals.length === 0 ? suiteNames : known('suite', suiteNames, positionals),
    stores: known('store', storeNames, store.split(',')),
    only,
    patient,
  }
}

function numbers<Name extends string>(typed: Readonly<Record<Name, string>>): Readonly<Record<Name, number>> {
  wholeNumbersOrEnd(usage, typed)
  return Object.fromEntries(Object.entries<string>(typed).map(([name, text]) => [name, Number(text)])) as Record<
    Name,
    number
  >
}

function known<Name extends string>(what: string, names: readonly Name[], typed: readonly string[]): readonly Name[] {
  const unknown = typed.find((word) => !names.some((name) => name === word))
  if (unknown !== undefined) wrongArguments(usage, `there is no ${what} '${unknown}': there are ${names.join(', ')}`)
  return names.filter((name) => typed.includes(name))
}
