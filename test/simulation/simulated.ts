import { expect, it } from 'vitest'
import { simulate } from './simulate.ts'
import { count, emptyTally, tallyText } from './tally.ts'

const minute = 60_000

/** Plays seeds and expects that none breaks a rule, and that they were no walk in the sun. */
export function simulated({ from, seeds }: { readonly from: number; readonly seeds: number }): void {
  it(
    `lose nothing outside of the named windows, and spend nothing twice (${seeds} seeds)`,
    async () => {
      const tally = emptyTally()
      for (let seed = from; seed < from + seeds && tally.violations.length === 0; seed += 1) {
        count(tally, await simulate(seed))
      }
      const [broken] = tally.violations
      const again = broken === undefined ? '' : `node test/simulation/run.ts --seed ${broken.seed} --trace`
      expect(broken, again).toBeUndefined()
      expect(Object.keys(tally.faults).length, tallyText(tally)).toBeGreaterThan(40)
      expect(tally.refreshes / tally.seeds, tallyText(tally)).toBeGreaterThan(10)
    },
    10 * minute,
  )
}
