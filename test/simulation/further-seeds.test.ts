import { describe } from 'vitest'
import { simulated } from './simulated.ts'

// A file of its own, so that it has a core of its own. Its worlds have all kinds of faults.
describe('three processes under further seeded faults', () => {
  simulated({ from: 1_000_000_000, seeds: 5000 })
})
