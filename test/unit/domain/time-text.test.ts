import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { epochSeconds } from '../../../src/domain/time.ts'
import { timeText } from '../../../src/domain/time-text.ts'

describe('timeText', () => {
  it('is RFC 3339 in UTC for every second of ten thousand years', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (second) => {
        expect(timeText(epochSeconds(second))).toBe(new Date(second * 1000).toISOString().replace('.000', ''))
      }),
      { numRuns: 2000 },
    )
  })

  it('cuts fractions off', () => {
    expect(timeText(epochSeconds(0.999))).toBe('1970-01-01T00:00:00Z')
  })
})
