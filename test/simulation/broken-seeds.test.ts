import { beforeAll, expect, test } from 'vitest'
import { Crew } from './crew.ts'

// Each of these broke a rule once. What went wrong is told by the commits that mended it.
const broken = [
  1_004_303, 1_006_205, 1_023_904, 1_028_846, 1_029_600, 1_030_604, 1_026_862, 1_035_600, 1_056_649, 1_058_328,
  1_060_495, 1_062_060, 1_081_355, 1_098_050, 2_020_337, 3_073_888, 3_086_688, 3_091_274, 3_129_670, 5_015_282,
  7_012_889, 7_039_346, 9_016_993, 11_017_001, 30_063_355, 40_115_165, 40_122_507, 40_157_249, 40_173_946, 50_101_418,
  50_136_602, 50_201_071, 90_001_575, 90_002_547, 90_024_499, 90_026_835, 110_074_515, 110_076_235, 110_081_715,
  110_089_969, 120_014_728, 120_025_710, 402_931, 523_275, 200_007_491, 200_015_174, 300_008_019, 300_012_907,
  300_038_627, 300_149_611, 300_164_475, 300_314_707, 300_405_075, 310_189_467, 500_000_005, 500_000_157, 500_001_997,
  500_006_221, 510_007_101, 510_018_125, 510_056_813, 520_029_653, 530_048_277, 530_057_717, 560_073_061, 560_112_653,
  17_735, 20_751, 29_255, 36_935, 800_211_117, 800_376_565, 800_381_645, 810_023_765, 810_030_343, 870_000_711,
  870_027_087, 860_000_943, 870_018_255, 840_100_515, 900_002_701, 900_063_693, 920_021_815, 900_003_621, 920_058_591,
  920_167_967, 930_008_125, 900_002_109, 920_090_255, 940_002_735, 944_131_279, 946_056_887, 946_077_647, 943_015_483,
]

/** What each of them broke now. Played one after the other by a thread that runs the source as it is, and stays warm. */
const played = new Map<number, readonly string[]>()

beforeAll(async () => {
  const crew = new Crew(1)
  const ranges = broken.map((seed) => ({ from: seed, until: seed + 1 }))
  await crew.play(ranges, ({ seeds, violations }, { from }) => {
    if (seeds === 1)
      played.set(
        from,
        violations.map(({ what }) => what),
      )
    return true
  })
  await crew.end()
}, 120_000)

test.each(broken)('seed %i holds, which broke once', (seed) => {
  expect(played.get(seed), `node test/simulation/run.ts --seed ${seed} --trace`).toEqual([])
})
