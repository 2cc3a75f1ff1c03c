import { expect, test } from 'vitest'
import { defaultResponseTimeoutMs, patienceMs } from '../../../src/adapters/oauth/patience.ts'
import { aProvider, aRotation } from '../../support/builders.ts'

const table: Readonly<Record<string, [reuseLeewaySeconds: number, longestMs: number | undefined, expected: number]>> = {
  'without a leeway the answer is waited for to the end': [0, undefined, defaultResponseTimeoutMs],
  'half of a short leeway is left for another request': [30, undefined, 15_000],
  'a long leeway changes nothing': [3600, undefined, defaultResponseTimeoutMs],
  'a leeway of a moment leaves the server some seconds': [2, undefined, 5000],
  'what is set stays the limit': [30, 4000, 4000],
}

test.each(Object.entries(table))('%s', (_, [reuseLeewaySeconds, longestMs, expected]) => {
  const provider = aProvider({ rotation: aRotation({ reuseLeewaySeconds }) })
  expect(patienceMs(provider, longestMs)).toBe(expected)
})
