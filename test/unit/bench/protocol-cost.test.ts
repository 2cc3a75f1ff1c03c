import { describe, expect, it } from 'vitest'
import type { LaterRefreshes } from '../../bench/protocol.ts'
import { leastCalls, type ProtocolCost, protocolReport, unexpectedCost } from '../../bench/protocol-cost.ts'

const cheap: LaterRefreshes = times(2, leastCalls, 0.01)
const rotating = times(2, { ...leastCalls, 'PATCH record': 2, 'PUT document': 1 }, 0.04)

function times(count: number, calls: Readonly<Record<string, number>>, seconds: number): LaterRefreshes {
  const all = Object.fromEntries(Object.entries(calls).map(([kind, each]) => [kind, each * count]))
  return { count, calls: all, toPublished: Array.from({ length: count }, () => seconds) }
}

function costWith(change: Partial<ProtocolCost>): ProtocolCost {
  return { rotating, constant: cheap, never: cheap, ...change }
}

describe('what the refresh protocol adds', () => {
  it('is told in calls and milliseconds', () => {
    const text = protocolReport(costWith({}))
    expect(text).toMatch(/^ {2}PATCH record +2 +0 +0$/m)
    expect(text).toMatch(/^ {2}due to published, p50 +40 ms +10 ms +10 ms$/m)
    expect(text).toContain('It adds 3.00 calls, and 30 ms to the median and 30 ms to p99')
    expect(text).toContain('adds nothing where the token stays')
  })

  it.each([
    ['another call', { never: times(2, { ...leastCalls, 'GET record': 1 }, 0.01) }, 'constant, Never: GET record 1'],
    [
      'a call that is made now and then',
      { constant: { ...cheap, calls: { ...cheap.calls, 'GET target': 1 } } },
      'constant, Detect: GET target 0.500',
    ],
    ['a call that is missing', { never: times(2, { 'POST token': 1 }, 0.01) }, 'GET document 0'],
    ['no refresh at all', { constant: times(0, {}, 0.01) }, 'constant, Detect: no refresh was seen'],
  ])('is expected to be nothing where the token stays as it is: %s', (_, change, named) => {
    expect(unexpectedCost(costWith(change))).toContain(named)
    expect(protocolReport(costWith(change))).toContain(named)
  })

  it('is not complained about where the token rotates', () => {
    expect(unexpectedCost(costWith({}))).toBeUndefined()
  })
})
