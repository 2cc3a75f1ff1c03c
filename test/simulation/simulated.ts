import { expect, it, onTestFinished } from 'vitest'
import { Crew, type SeedRange } from './crew.ts'
import { add, emptyTally, tallyText } from './tally.ts'

const minute = 60_000
const seedsInRange = 100

/** Plays seeds and expects that none breaks a rule, and that they were no walk in the sun. */
export function simulated({ from, seeds }: { readonly from: number; readonly seeds: number }): void {
  it(
    `lose nothing outside of the named windows, and spend nothing twice (${seeds} seeds)`,
    async () => {
      const tally = emptyTally()
      // Its thread runs the source as it is, which takes a tenth less than what is made of it for tests.
      const crew = new Crew(1)
      onTestFinished(() => crew.end())
      await crew.play(rangesOf(from, from + seeds), (found) => {
        add(tally, found)
        return tally.violations.length === 0
      })
      const [broken] = tally.violations
      const again = broken === undefined ? '' : `node test/simulation/run.ts --seed ${broken.seed} --trace`
      expect(broken, again).toBeUndefined()
      expect(Object.keys(tally.faults).length, tallyText(tally)).toBeGreaterThan(40)
      expect(tally.refreshes / tally.seeds, tallyText(tally)).toBeGreaterThan(10)
    },
    10 * minute,
  )
}

function* rangesOf(first: number, end: number): Iterable<SeedRange> {
  for (let from = first; from < end; from += seedsInRange) yield { from, until: Math.min(end, from + seedsInRange) }
}
