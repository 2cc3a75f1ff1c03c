import { expect, test } from 'vitest'
import { nearMiss } from '../../../src/api/near-miss.ts'

const known = ['providerRef', 'refreshToken', 'refresh', 'target', 'key', 'file']

test.each<[string, string | undefined]>([
  ['providerref', 'providerRef'],
  ['provderRef', 'providerRef'],
  ['refresh_token', 'refreshToken'],
  ['refersh', 'refresh'],
  ['tragte', 'target'],
  ['keys', 'key'],
  ['kye', 'key'],
  ['fil', 'file'],
  ['output', undefined],
  ['x', undefined],
  ['', undefined],
])('%s was probably meant as %s', (written, meant) => {
  expect(nearMiss(written, known)).toBe(meant)
})

test('an endless name is not looked at for long', () => {
  const started = performance.now()
  expect(nearMiss('x'.repeat(1_000_000), known)).toBeUndefined()
  expect(performance.now() - started).toBeLessThan(200)
})
