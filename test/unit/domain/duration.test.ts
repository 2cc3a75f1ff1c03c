import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseGoDuration } from '../../../src/domain/duration.ts'

test.each<[string, number]>([
  ['90s', 90],
  ['1h30m', 5400],
  ['1.5h', 5400],
  ['.5m', 30],
  ['2.s', 2],
  ['30m1h', 5400],
  ['1h1h', 7200],
  ['0', 0],
  ['-0', 0],
  ['0s', 0],
  ['-5m', -300],
  ['+5m', 300],
  ['250ms', 0.25],
  ['3us', 3e-6],
  ['3µs', 3e-6],
  ['3μs', 3e-6],
  ['1500000000ns', 1.5],
  ['2562047h47m16s', 9_223_372_036],
])('%s is a duration of so many seconds', (text, expected) => {
  expect(parseGoDuration(text)).toBeCloseTo(expected, 9)
})

test.each([
  '',
  ' ',
  '90',
  '-',
  '+',
  's',
  '.s',
  '1d',
  '1w',
  '1H',
  '1 h',
  '1h ',
  ' 1h',
  '1h-5m',
  '1,5h',
  '--1h',
  '1e3s',
  '0x1s',
  '١s',
  '1h\n',
])('%j is none', (text) => {
  expect(parseGoDuration(text)).toBeUndefined()
})

test.each(['2562048h', '9223372037s', `${'9'.repeat(400)}h`])('%s is longer than Go can hold', (text) => {
  expect(parseGoDuration(text)).toBeUndefined()
})

test('the parts of a duration add up', () => {
  const part = fc.nat({ max: 100_000 })
  fc.assert(
    fc.property(part, part, part, (h, m, s) => {
      expect(parseGoDuration(`${h}h${m}m${s}s`)).toBe(h * 3600 + m * 60 + s)
    }),
  )
})

test('no text takes long', () => {
  const started = performance.now()
  expect(parseGoDuration(`${'1h'.repeat(50_000)}x`)).toBeUndefined()
  expect(parseGoDuration(`${'1'.repeat(100_000)}x`)).toBeUndefined()
  expect(performance.now() - started).toBeLessThan(500)
})
