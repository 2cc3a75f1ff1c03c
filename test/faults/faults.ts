import { bundlePrograms } from './bundle.ts'
import { cutAnswers } from './cut-answers.ts'
import { cutStore } from './cut-store.ts'
import { killAtPoints } from './failpoints.ts'
import { killAtRandom } from './kill.ts'
import { readFaultOptions, type SuiteName } from './options.ts'
import { outages } from './outages.ts'
import { pauseTheLeader } from './pause.ts'
import type { Leeway } from './refresh-families.ts'
import { print, type SuiteResult } from './report.ts'
import { measureWindows } from './windows.ts'

// `npm run test:faults`: what real processes and real servers do to each other. Exit code 1 at any violation.

const { suites: chosen, stores, runs, seed, size, minutes, seconds, stride, only, patient } = readFaultOptions()
const backends = (['vault', 'aws'] as const).filter((name) => stores.includes(name))
// Longer than the operator waits for an answer.
const leeways: readonly (Leeway | undefined)[] = [
  undefined,
  { seconds: 150, kind: 'SameToken' },
  { seconds: 150, kind: 'PreviousGeneration' },
]
const bundle = await bundlePrograms()
const results: SuiteResult[] = []

const suites: Readonly<Record<SuiteName, () => Promise<void>>> = {
  kill: async () => {
    for (const store of stores)
      results.push(await killAtRandom({ bundle, store, runs, seed, size, minutes, podsLost: 0.3 }))
  },
  answers: async () => {
    for (const leeway of leeways) results.push(await cutAnswers({ bundle, stride, ...(leeway && { leeway }) }))
  },
  store: async () => {
    for (const store of backends) results.push(await cutStore({ bundle, store, seed, size, minutes, stride }))
  },
  leeway: async () => {
    // Long enough for a new Pod's wait; with PreviousGeneration a second kill in a row may lose what the first left.
    const leeway = { seconds: 900, kind: 'SameToken' } as const
    const options = { bundle, store: 'vault', runs, seed, size, minutes, leeway } as const
    results.push(await killAtRandom({ ...options, podsLost: 0.1 }))
  },
  windows: async () => {
    results.push(await measureWindows({ bundle, size, seconds }))
  },
  outages: async () => {
    results.push(...(await outages({ bundle, size, seconds, only })))
  },
  pause: async () => {
    results.push(await pauseTheLeader({ bundle, runs, seed, size, minutes, seconds: [16, 80] }))
  },
  points: async () => {
    for (const store of backends) results.push(await killAtPoints({ bundle, store, patient, only }))
  },
}

try {
  console.log(`seed ${seed}`)
  for (const name of chosen) await suites[name]()
} finally {
  bundle.remove()
  for (const result of results) print(result)
}
process.exitCode = results.some(({ violations }) => violations.length > 0) ? 1 : 0
