import { expect, test } from 'vitest'
import { TargetLooks } from '../../../src/app/target-looks.ts'
import { epochSeconds } from '../../../src/domain/time.ts'

test('a look that was made before the clock was set back puts no other one off', () => {
  const looks = new TargetLooks()
  const [before, after] = [epochSeconds(10_000), epochSeconds(2000)]
  looks.ask('ci/claude', before)
  expect(looks.take('ci/claude', before)).toBe(true)
  expect(looks.ask('ci/claude', before)).toBe(before + 1)
  expect(looks.ask('ci/claude', after)).toBe(after)
  expect(looks.take('ci/claude', after)).toBe(true)
})
