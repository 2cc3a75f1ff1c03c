import { describe } from 'vitest'
import { simulated } from './simulated.ts'

// A file of its own, so that it has a core of its own.
describe('three processes under further seeded faults', () => {
  simulated({ from: 5001, seeds: 5000 })
})
