import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { afterSign, type Circuit, closedCircuit } from '../../../src/domain/circuit.ts'
import { rampedLimits, rampMs } from '../../../src/domain/host-limits.ts'
import { hostPause, type HostSign } from '../../../src/domain/host-sign.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'

const page = readFileSync('docs/budgets.md', 'utf8').replaceAll(/\s+/g, ' ')

function failing(circuit: Circuit, sign: HostSign, nowMs: number): Circuit {
  const context = { uid: String(nowMs), nowMs, fraction: 0, isRecovering: false, isCorroborated: false }
  return afterSign(circuit, sign, context)
}

/** The first failure that opens a circuit, and for how many seconds it is open at first and at most. */
function opening(sign: HostSign): readonly [count: number, first: number, longest: number] {
  let circuit: Circuit = closedCircuit
  let count = 0
  for (; circuit.kind === 'closed'; count += 1) circuit = failing(circuit, sign, count)
  const first = Math.round((circuit.untilMs - count + 1) / 1000)
  let longest = first
  for (let times = 0; times < 12 && circuit.kind === 'open'; times += 1) {
    const { untilMs } = circuit
    circuit = failing(circuit, sign, untilMs)
    if (circuit.kind === 'open') longest = Math.round((circuit.untilMs - untilMs) / 1000)
  }
  return [count, first, longest]
}

it('the page on budgets says when a circuit opens, and for how long', () => {
  expect(opening('unreached')).toEqual([5, 10, 60])
  expect(opening('down')).toEqual([5, 10, 300])
  expect(page).toContain('after five of them')
  expect(page).toContain('It lasts 10 s, doubling each time to a minute where connections fail, and to five')
})

it('and how slowly it goes on, and how long a pause is that has no length', () => {
  expect(rampMs).toBe(20_000)
  expect(rampedLimits({ requestsPerSecond: 100, maxConcurrent: 10 }, 0)).toEqual({
    requestsPerSecond: 20,
    maxConcurrent: 2,
  })
  expect(page.match(/for 20 s [^.]*the limits grow from a fifth to the whole/gi)).toHaveLength(2)
  const answer = { status: 429, contentType: '', body: new Sensitive(''), complete: true }
  expect(hostPause({ kind: 'answered', answer }, undefined)?.seconds).toBe(30)
  expect(page).toContain('without `Retry-After` for 30 s')
})
