import { readFileSync } from 'node:fs'
import type { StartedTestContainer } from 'testcontainers'
import { expect } from 'vitest'
import { runsAs } from './mount-owner.ts'
import { stateOf } from './operator-container.ts'

/** What the kernel holds true of the process, on the machine that Docker runs on. */
export async function expectNoPrivilege(container: StartedTestContainer): Promise<void> {
  const { running, pid } = await stateOf(container)
  expect(running).toBe(true)
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  expect(status).toMatch(new RegExp(`^Uid:(\\t${runsAs.uid}){4}$`, 'm'))
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    expect(status).toMatch(new RegExp(`^${set}:\\t0{16}$`, 'm'))
  }
  expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).toMatch(/ \/ ro[, ]/)
}
