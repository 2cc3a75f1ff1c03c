import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'
import { count, emptyTally, type Tally, tallyText } from './tally.ts'

/**
 * Plays seeds of the simulation.
 *
 *   node test/simulation/run.ts --seeds 10000 [--from 1] [--seconds 60] [--resume progress.json]
 *   node test/simulation/run.ts --seed 4711 --trace
 *
 * `--first` stops at the first seed that breaks a rule.
 *
 * Ends with code 1 when a seed broke a rule; prints for each the command that plays it again.
 */

interface Progress {
  readonly next: number
  readonly tally: Tally
}

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '0' },
    resume: { type: 'string' },
    trace: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
  },
})
/** Told every so often. */
const seedsBetweenReports = 1000

if (options.seed !== undefined) await playOne(Number(options.seed))
else await playMany()

async function playOne(seed: number): Promise<void> {
  const outcome = await simulate(seed, true)
  const lines = outcome.story.split('\n')
  console.log((options.trace ? lines : lines.slice(-41)).join('\n'))
  console.log(outcome.violation === undefined ? `seed ${seed} holds` : `seed ${seed} breaks: ${outcome.violation}`)
  if (outcome.violation !== undefined) process.exitCode = 1
}

async function playMany(): Promise<void> {
  const { next, tally } = earlierProgress()
  const until = next + Number(options.seeds)
  const startedMs = performance.now()
  const deadlineMs = Number(options.seconds) > 0 ? startedMs + Number(options.seconds) * 1000 : Infinity
  let seed = next
  for (; seed < until && performance.now() < deadlineMs; seed += 1) {
    const outcome = await simulate(seed)
    count(tally, outcome)
    if (outcome.violation !== undefined) {
      console.log(`seed ${seed}: ${outcome.violation}`)
      if (options.first) break
    }
    if ((seed + 1 - next) % seedsBetweenReports === 0) report({ next: seed + 1, tally }, seed + 1 - next, startedMs)
  }
  report({ next: seed, tally }, seed - next, startedMs)
  console.log(tallyText(tally))
  for (const { seed: broken } of tally.violations.slice(0, 10)) {
    console.log(`again: node test/simulation/run.ts --seed ${broken} --trace`)
  }
  if (tally.violations.length > 0) process.exitCode = 1
}

function report(progress: Progress, played: number, startedMs: number): void {
  const seconds = (performance.now() - startedMs) / 1000
  const { tally, next } = progress
  console.log(
    `next seed ${next}: ${Math.round(played / seconds)} seeds/s, ${tally.refreshes} refreshes, ${tally.violations.length} violations`,
  )
  if (options.resume === undefined) return
  writeFileSync(`${options.resume}.new`, JSON.stringify(progress))
  renameSync(`${options.resume}.new`, options.resume)
}

function earlierProgress(): Progress {
  if (options.resume !== undefined && existsSync(options.resume)) {
    return JSON.parse(readFileSync(options.resume, 'utf8')) as Progress
  }
  return { next: Number(options.from), tally: emptyTally() }
}
