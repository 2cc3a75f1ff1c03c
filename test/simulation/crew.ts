import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Tally } from './tally.ts'

/** Seeds from one up to, but without, another: each, or every so many. */
export interface SeedRange {
  readonly from: number
  readonly until: number
  readonly step?: number
}

/** Threads that play seeds. What they find comes in the order of the seeds, whoever is done first. */
export class Crew {
  readonly #workers: readonly Worker[]

  constructor(size: number) {
    const file = new URL('./seed-worker.ts', import.meta.url)
    this.#workers = Array.from({ length: size }, () => new Worker(file))
  }

  /** Plays the ranges; `found` hears of each in turn, and says whether another one is to be begun. */
  async play(ranges: Iterable<SeedRange>, found: (tally: Tally, range: SeedRange) => boolean): Promise<void> {
    const todo = ranges[Symbol.iterator]()
    let turn = Promise.resolve()
    let goesOn = true
    const shift = async (worker: Worker): Promise<void> => {
      for (let next = todo.next(); goesOn && next.done !== true; next = todo.next()) {
        const range = next.value
        const before = turn
        const played = this.#played(worker, range)
        turn = before.then(async () => {
          goesOn = found(await played, range) && goesOn
        })
        await played
      }
    }
    await Promise.all(this.#workers.map(shift))
    await turn
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  async #played(worker: Worker, range: SeedRange): Promise<Tally> {
    worker.postMessage(range)
    const [tally] = (await once(worker, 'message')) as [Tally]
    return tally
  }
}
