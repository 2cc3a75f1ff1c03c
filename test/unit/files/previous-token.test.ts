import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { previousTokenContract } from '../../contract/previous-token.ts'
import { DirectoryPreviousBench } from '../../support/previous-benches.ts'

const benches: DirectoryPreviousBench[] = []

afterAll(() => benches.forEach((bench) => bench.end()))

previousTokenContract('a directory', () => {
  const bench = new DirectoryPreviousBench(mkdtempSync(join(tmpdir(), 'previous-')))
  benches.push(bench)
  return Promise.resolve(bench)
})
