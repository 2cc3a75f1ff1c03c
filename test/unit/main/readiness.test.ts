import { expect, test } from 'vitest'
import { readiness } from '../../../src/main/readiness.ts'

test.each([
  ['knows every manifest and its cluster', true, true, []],
  ['may not read which cluster it is in', true, false, ['cluster']],
  ['has not listed every kind', false, true, ['caches']],
])('a replica that %s is ready only if nothing is missing', (_, synced, known, missing) => {
  const checks = readiness({ synced: () => synced }, { known: () => known })
  expect(checks.filter((check) => check.problem() !== undefined).map(({ name }) => name)).toEqual(missing)
})
