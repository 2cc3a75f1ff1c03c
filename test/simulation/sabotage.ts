import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { argumentsOrEnd, wholeNumbersOrEnd } from '../support/command-line.ts'
import type { Guard } from './sabotage-guard.ts'
import { guards } from './sabotage-guards.ts'

const usage = `Takes one guard after the other out of a copy of the production source, and expects the simulation to miss it.

  node test/simulation/sabotage.ts [--seeds 20000] [--seconds 60] [--only "part of a name"] [--from 1] [--step 1]

Exit code 1 when a guard is not missed, or when its patch does not apply any more; 2 when the arguments are wrong.
`

const repository = fileURLToPath(new URL('../../', import.meta.url))

/** What the simulation is made of, and the tests that guards name. */
const copied = [
  'src',
  'test/simulation',
  'test/support',
  'test/app',
  'test/unit/app',
  'test/unit/domain',
  'vitest.config.ts',
  'tsconfig.base.json',
  'package.json',
]

/** What became of one guard. */
export interface Finding {
  readonly guard: string
  readonly outcome: 'missed' | 'not missed' | 'patch does not apply'
  /** The first seed that broke a rule, and which. */
  readonly seed?: number
  readonly what?: string
  readonly seconds: number
}

export interface SabotageOptions {
  readonly seeds: number
  readonly seconds: number
  /** Threads, each of which has to load the whole source first; absent: one for each core. */
  readonly workers?: number
}

interface Found {
  readonly seed: number
  readonly what: string
}

/** Vitest takes itself for a worker of another one where it finds that one's variables. */
const outsideOfTests = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')))

/** A copy of the source that guards are taken out of, one at a time. */
export class Workshop {
  readonly #directory = mkdtempSync(join(tmpdir(), 'sabotage-'))

  constructor() {
    for (const part of copied) cpSync(join(repository, part), join(this.#directory, part), { recursive: true })
    symlinkSync(join(repository, 'node_modules'), join(this.#directory, 'node_modules'))
  }

  /** True when there is exactly one place to patch. */
  applies({ file, find }: Guard): boolean {
    return readFileSync(join(this.#directory, file), 'utf8').split(find).length === 2
  }

  try(guard: Guard, limits: SabotageOptions): Finding {
    const { name } = guard
    if (!this.applies(guard)) return { guard: name, outcome: 'patch does not apply', seconds: 0 }
    const startedMs = performance.now()
    const took = (): number => (performance.now() - startedMs) / 1000
    if (guard.test !== undefined) return this.#byItsTest({ ...guard, test: guard.test }, took)
    const found = this.#atItsSeed(guard) ?? this.#among(guard, limits, took)
    return found === undefined
      ? { guard: name, outcome: 'not missed', seconds: took() }
      : { guard: name, outcome: 'missed', ...found, seconds: took() }
  }

  #byItsTest(guard: Guard & { readonly test: string }, took: () => number): Finding {
    const isHeld = this.#passes(guard.test) && !this.#taken(guard, () => this.#passes(guard.test))
    return { guard: guard.name, outcome: isHeld ? 'missed' : 'not missed', what: guard.test, seconds: took() }
  }

  #passes(test: string): boolean {
    const command = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'fast*', test]
    return spawnSync(process.execPath, command, { cwd: this.#directory, env: outsideOfTests }).status === 0
  }

  /** Does something while the guard is out of the source. */
  #taken<T>(guard: Guard, act: () => T): T {
    const file = join(this.#directory, guard.file)
    const source = readFileSync(file, 'utf8')
    writeFileSync(
      file,
      source.replace(guard.find, () => guard.replace),
    )
    try {
      return act()
    } finally {
      writeFileSync(file, source)
    }
  }

  #atItsSeed(guard: Guard): Found | undefined {
    const { seed } = guard
    if (seed === undefined) return undefined
    const found = this.#without(guard, { from: seed, seeds: 1, seconds: 60, workers: 1 })
    return found !== undefined && this.#holds(seed) ? found : undefined
  }

  #among(guard: Guard, limits: SabotageOptions, took: () => number): Found | undefined {
    for (let from = 1; took() < limits.seconds && from <= limits.seeds;) {
      const rest = { seeds: limits.seeds - from + 1, seconds: limits.seconds - took() }
      const found = this.#without(guard, { ...limits, ...rest, from })
      // What breaks a rule with the guard in place as well says nothing of the guard.
      if (found === undefined || this.#holds(found.seed)) return found
      from = found.seed + 1
    }
    return undefined
  }

  #without(guard: Guard, limits: SabotageOptions & { readonly from: number }): Found | undefined {
    const { from, seeds, seconds, workers } = limits
    const asked = ['--from', from, '--seeds', seeds, '--seconds', Math.max(1, seconds)]
    if (workers !== undefined) asked.push('--workers', workers)
    const { stdout, stderr, status } = this.#taken(guard, () => this.#run(['--first', ...asked.map(String)]))
    const [, seed, what = ''] = /^seed (\d+): (.*)$/m.exec(stdout) ?? []
    const isBroken = seed === undefined ? status !== 0 : /ReferenceError|TypeError/.test(what)
    // A patch that does not even run proves nothing.
    if (isBroken) throw new Error(`without "${guard.name}" the simulation does not run: ${what}${stderr}`)
    return seed === undefined ? undefined : { seed: Number(seed), what }
  }

  #holds(seed: number): boolean {
    return this.#run(['--seed', String(seed)]).status === 0
  }

  #run(options: readonly string[]): {
    readonly stdout: string
    readonly stderr: string
    readonly status: number | null
  } {
    const command = ['test/simulation/run.ts', ...options]
    return spawnSync(process.execPath, command, { cwd: this.#directory, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  }

  close(): void {
    rmSync(this.#directory, { recursive: true })
  }
}

/** One line of the table. */
export function findingText({ guard, outcome, seed, what, seconds }: Finding): string {
  const found = seed === undefined ? outcome : `seed ${seed}`
  return [guard.padEnd(70), found.padEnd(12), `${seconds.toFixed(1)} s`.padStart(8), (what ?? '').slice(0, 100)].join(
    ' ',
  )
}

function main(): void {
  const { values } = argumentsOrEnd(usage, {
    options: {
      seeds: { type: 'string', default: '20000' },
      seconds: { type: 'string', default: '60' },
      only: { type: 'string', default: '' },
      from: { type: 'string', default: '1' },
      step: { type: 'string', default: '1' },
    },
  })
  const { seeds, seconds, from, step } = values
  wholeNumbersOrEnd(usage, { seeds, seconds, from, step })
  const chosen = guards
    .filter(({ name }) => name.includes(values.only))
    .filter(
      (_, index) => index + 1 >= Number(values.from) && (index + 1 - Number(values.from)) % Number(values.step) === 0,
    )
  const workshop = new Workshop()
  const findings = chosen.map((guard) => {
    const finding = workshop.try(guard, { seeds: Number(values.seeds), seconds: Number(values.seconds) })
    console.log(findingText(finding))
    return finding
  })
  workshop.close()
  const missed = findings.filter(({ outcome }) => outcome === 'missed').length
  console.log(`${missed} of ${findings.length} guards are missed when they are gone`)
  if (missed < findings.length) process.exitCode = 1
}

if (import.meta.main) main()
