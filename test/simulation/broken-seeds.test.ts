import { expect, test } from 'vitest'
import { simulate } from './simulate.ts'

// Each of these broke a rule once. What went wrong is told by the commits that mended it.
const broken = [
  1_004_303, 1_006_205, 1_023_904, 1_028_846, 1_029_600, 1_030_604, 1_026_862, 1_035_600, 1_056_649, 1_058_328,
  1_060_495, 1_062_060, 1_081_355, 1_098_050, 2_020_337, 3_073_888, 3_086_688, 3_091_274, 3_129_670, 5_015_282,
  7_012_889, 7_039_346, 9_016_993, 11_017_001, 30_063_355, 40_115_165, 40_122_507, 40_157_249, 40_173_946, 50_101_418,
  50_136_602, 50_201_071, 90_001_575, 90_002_547, 90_024_499, 90_026_835, 110_074_515, 110_076_235, 110_081_715,
  110_089_969, 120_014_728, 120_025_710, 402_931, 523_275, 200_007_491, 200_015_174,
]

test.each(broken)('seed %i holds, which broke once', async (seed) => {
  const { violation } = await simulate(seed)
  expect(violation, `node test/simulation/run.ts --seed ${seed} --trace`).toBeUndefined()
})
