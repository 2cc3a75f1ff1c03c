import { describe, expect, it } from 'vitest'
import { parseCount, parseInterval } from '../../../src/cli/shared-options.ts'

describe('an interval', () => {
  it.each([
    ['10s', 10],
    ['1h30m', 5400],
    ['24h', 86_400],
  ])('%s is one', (text, expected) => {
    expect(parseInterval(text)).toBe(expected)
  })

  it.each(['', '10', '9s', '25h', '-5m', 'soon'])('"%s" is none', (text) => {
    expect(() => parseInterval(text)).toThrow('Expected a duration from 10s to 24h')
  })
})

describe('a number of restarts', () => {
  it.each([
    ['1', 1],
    ['999999', 999_999],
  ])('%s is one', (text, expected) => {
    expect(parseCount(text)).toBe(expected)
  })

  it.each(['', '0', '-1', '1.5', '1e3', 'many', '1000000'])('"%s" is none', (text) => {
    expect(() => parseCount(text)).toThrow('Expected a whole number')
  })
})
