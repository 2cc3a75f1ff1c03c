import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import { argumentsOrEnd, wholeNumbersOrEnd } from '../support/command-line.ts'
import { Crew, type SeedRange } from './crew.ts'
import { earlierProgress, keepProgress, type Progress } from './progress.ts'
import { add, tallyText } from './tally.ts'

const usage = `Plays seeds of the simulation.

  node test/simulation/run.ts --seeds 10000 [--from 1] [--every 1] [--seconds 60] [--resume progress.json]
                              [--workers 1] [--first]
  node test/simulation/run.ts --seed 4711 --trace

--every 8 plays one seed in eight: some faults are of such a class, and are found sooner in it. --resume goes on where
an earlier run has stopped, until --seeds are played on one and the same engine. --first stops soon after the first seed
that breaks a rule. --workers is how many cores are used, all without it.

Exit code 1 when a seed broke a rule, with the command that plays it again; 2 when the arguments are wrong.
`

const { values: options } = argumentsOrEnd(usage, {
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    every: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '0' },
    resume: { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism()) },
    trace: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
  },
})
// No number would be no seed at all, and all would be well.
const { seed: typedSeed, seeds, from, every, workers } = options
wholeNumbersOrEnd(usage, { seed: typedSeed, seeds, from, every, workers })
const step = Math.max(1, Number(every))

/** Told, and kept, every so often. */
const seedsBetweenReports = 1000
/** What a thread plays at a time, and to its end: few where the first seed that breaks a rule ends everything. */
const seedsInRange = options.first ? 10 : 100

if (options.seed !== undefined) await playOne(Number(options.seed))
else await playMany()

async function playOne(seed: number): Promise<void> {
  // Loaded here alone: threads that play many load it for themselves.
  const { simulate } = await import('./simulate.ts')
  const outcome = await simulate(seed, true)
  const lines = outcome.story.split('\n')
  console.log((options.trace ? lines : lines.slice(-41)).join('\n'))
  console.log(outcome.violation === undefined ? `seed ${seed} holds` : `seed ${seed} breaks: ${outcome.violation}`)
  if (outcome.violation !== undefined) process.exitCode = 1
}

async function playMany(): Promise<void> {
  const { engine, next, tally } = earlierProgress(options.resume, Number(options.from))
  const before = tally.seeds
  const until = next + Math.max(0, Number(options.seeds) - before) * step
  const startedMs = performance.now()
  const deadlineMs = Number(options.seconds) > 0 ? startedMs + Number(options.seconds) * 1000 : Infinity
  const crew = new Crew(Math.max(1, Number(options.workers)))
  let played = 0
  await crew.play(rangesOf(next, until), (found, range) => {
    add(tally, found)
    for (const { seed, what } of found.violations) console.log(`seed ${seed}: ${what}`)
    played = tally.seeds - before
    if (played % seedsBetweenReports === 0) report({ engine, next: range.until, tally }, played, startedMs)
    return performance.now() < deadlineMs && !(options.first && found.violations.length > 0)
  })
  await crew.end()
  report({ engine, next: next + played * step, tally }, played, startedMs)
  console.log(tallyText(tally))
  for (const { seed: broken } of tally.violations.slice(0, 10)) {
    console.log(`again: node test/simulation/run.ts --seed ${broken} --trace`)
  }
  if (tally.violations.length > 0) process.exitCode = 1
}

function* rangesOf(next: number, end: number): Iterable<SeedRange> {
  const width = seedsInRange * step
  for (let first = next; first < end; first += width) yield { from: first, until: Math.min(end, first + width), step }
}

function report(progress: Progress, played: number, startedMs: number): void {
  const seconds = (performance.now() - startedMs) / 1000
  const { tally, next } = progress
  console.log(
    `next seed ${next}: ${Math.round(played / seconds)} seeds/s, ${tally.refreshes} refreshes, ${tally.violations.length} violations`,
  )
  keepProgress(options.resume, progress)
}
