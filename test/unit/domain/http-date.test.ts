import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseHttpDate } from '../../../src/domain/http-date.ts'

describe('parseHttpDate', () => {
  const table: Readonly<Record<string, number | undefined>> = {
    // The three forms of the same second, RFC 9110 §5.6.7.
    'Sun, 06 Nov 1994 08:49:37 GMT': 784_111_777,
    'Sunday, 06-Nov-94 08:49:37 GMT': 784_111_777,
    'Sun Nov  6 08:49:37 1994': 784_111_777,
    'Thu, 01 Jan 1970 00:00:00 GMT': 0,
    'Thu, 29 Feb 2024 23:59:59 GMT': 1_709_251_199,
    'Friday, 15-Jan-27 08:00:00 GMT': 1_800_000_000,
    'Sun, 06 Nov 1994 08:49:37 CET': undefined,
    'Sun, 06 Foo 1994 08:49:37 GMT': undefined,
    'Sun, 06 Nov 1994 24:00:00 GMT': undefined,
    '1994-11-06T08:49:37Z': undefined,
    '': undefined,
  }
  test.each(Object.entries(table))('%s', (text, expected) => {
    expect(parseHttpDate(text)).toBe(expected)
  })

  test('agrees with the platform on every date from 1970 to 2200', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7_258_118_399 }), (second) => {
        expect(parseHttpDate(new Date(second * 1000).toUTCString())).toBe(second)
      }),
    )
  })
})
