import { afterAll, afterEach } from 'vitest'
import { assertNoLeak, forgetCanaries } from './canary.ts'
import { observePrinted } from './printed-output.ts'

// Every test file runs under this: what a test prints, through whichever way, is scanned.
observePrinted()

afterEach(assertNoLeak)
afterAll(forgetCanaries)
