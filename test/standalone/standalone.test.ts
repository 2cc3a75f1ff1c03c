import { demoSuite } from './demo-suite.ts'
import { faultSuite } from './faults-suite.ts'
import { grantSuite } from './grants-suite.ts'
import { mainJobSuite } from './main-job-suite.ts'
import { manifestSuite } from './manifests-suite.ts'
import { traceSuite } from './traces-suite.ts'

// One file, because almost all of it is waiting for tokens to grow old, and only the tests of one file
// wait at the same time. The longest go first.
faultSuite()
demoSuite()
grantSuite()
mainJobSuite()
manifestSuite()
traceSuite()
