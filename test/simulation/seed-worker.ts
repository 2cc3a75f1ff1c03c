import { parentPort } from 'node:worker_threads'
import type { SeedRange } from './crew.ts'
import { simulate } from './simulate.ts'
import { count, emptyTally } from './tally.ts'

/** Plays each range of seeds that it is sent, and answers with the tally of it. */
parentPort?.on('message', (range: SeedRange) => void play(range))

async function play({ from, until, step = 1 }: SeedRange): Promise<void> {
  const tally = emptyTally()
  for (let seed = from; seed < until; seed += step) count(tally, await simulate(seed))
  parentPort?.postMessage(tally)
}
