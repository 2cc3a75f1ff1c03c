import { afterAll, describe, expect, it } from 'vitest'
import { findingText, Workshop } from './sabotage.ts'
import { guards } from './sabotage-guards.ts'

/** Those that fall within a second or two; `node test/simulation/sabotage.ts` tries all of them. */
const quick: ReadonlySet<string> = new Set([
  'a request leaves only with its intent in the record',
  'a server that may rotate is asked with an intent only',
  "another process's intent is respected",
  'a request is in the journal before it leaves',
])

describe('the simulation misses a guard that is gone', () => {
  const workshop = new Workshop()
  afterAll(() => workshop.close())

  for (const guard of guards.filter(({ name }) => quick.has(name))) {
    it(guard.name, { timeout: 60_000 }, () => {
      const finding = workshop.try(guard, { seeds: 2000, seconds: 30, workers: 1 })
      expect(finding.outcome, findingText(finding)).toBe('missed')
    })
  }

  it('and every patch applies', () => {
    const names = new Set(guards.map(({ name }) => name))
    expect(names.size).toBe(guards.length)
    expect(guards.filter((guard) => !workshop.applies(guard)).map(({ name }) => name)).toEqual([])
  })
})
