import { describe } from 'vitest'
import { simulated } from './simulated.ts'

describe('three processes under seeded faults', () => {
  simulated({ from: 1, seeds: 5000 })
})
