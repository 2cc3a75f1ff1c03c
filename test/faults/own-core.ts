import { execFileSync } from 'node:child_process'

/**
 * A core for one process alone, as a Pod has one that requests it: what is measured of that process is then its own
 * time, and not that of servers which a cluster runs elsewhere. This process, and all that it starts, leave the core.
 */
export class OwnCore {
  readonly #all: readonly number[]
  readonly #own: number

  private constructor(all: readonly number[], own: number) {
    this.#all = all
    this.#own = own
    stayOn(all.filter((core) => core !== own))
  }

  /** Undefined on a machine with a single core. */
  static take(): OwnCore | undefined {
    const all = coresOfThisProcess()
    const own = all.at(-1)
    return all.length < 2 || own === undefined ? undefined : new OwnCore(all, own)
  }

  /** What a command line begins with that is to have the core. */
  get launcher(): readonly string[] {
    return ['taskset', '-c', String(this.#own)]
  }

  giveBack(): void {
    stayOn(this.#all)
  }
}

/** With all threads: new ones inherit from those that make them. */
function stayOn(cores: readonly number[]): void {
  execFileSync('taskset', ['-acp', cores.join(','), String(process.pid)], { stdio: 'ignore' })
}

/** As `taskset` lists them, such as `0-2,5`. */
function coresOfThisProcess(): readonly number[] {
  const told = execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' })
  const ranges = told.slice(told.lastIndexOf(':') + 1).split(',')
  return ranges.flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
