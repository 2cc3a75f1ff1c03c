import { describe, expect, it } from 'vitest'
import {
  afterSign,
  type Circuit,
  circuitState,
  closedCircuit,
  probeNow,
  type SignContext,
} from '../../../src/domain/circuit.ts'
import type { HostSign } from '../../../src/domain/host-sign.ts'

function context(changes: Partial<SignContext> = {}): SignContext {
  return { uid: 'one', nowMs: 0, fraction: 0, isRecovering: false, isCorroborated: false, ...changes }
}

/** What a circuit is after these signs, each of another credential. */
function after(signs: readonly HostSign[], changes: Partial<SignContext> = {}, from: Circuit = closedCircuit): Circuit {
  return signs.reduce(
    (circuit, sign, index) => afterSign(circuit, sign, context({ uid: `c-${index}`, ...changes })),
    from,
  )
}

/** How long it is open each time that it opens anew, in seconds. */
function delays(sign: 'down' | 'unreached', count: number): readonly number[] {
  const found: number[] = []
  let circuit = after(Array<HostSign>(5).fill(sign))
  for (let nowMs = 0; found.length < count && circuit.kind === 'open'; nowMs = circuit.untilMs) {
    if (found.length > 0) circuit = afterSign(circuit, sign, context({ nowMs }))
    if (circuit.kind === 'open') found.push((circuit.untilMs - nowMs) / 1000)
    if (circuit.kind !== 'open') break
  }
  return found
}

const down = 'down' as const

describe('a circuit', () => {
  const cases: Readonly<Record<string, readonly [readonly HostSign[], 'open' | 'closed', Partial<SignContext>?]>> = {
    'is closed after four failures': [[down, down, down, down], 'closed'],
    'opens at the fifth': [[down, down, down, down, down], 'open'],
    'opens after failures of both kinds': [['unreached', down, 'unreached', down, 'unreached'], 'open'],
    'begins to count anew after an answer': [[down, down, down, down, 'up', down, down, down, down], 'closed'],
    'does not take silence for an answer': [[down, down, 'none', down, down, 'none', down], 'open'],
    'counts requests without an answer of one credential once': [Array(50).fill(down), 'closed', { uid: 'one' }],
    'counts every connection that failed': [Array(5).fill('unreached'), 'open', { uid: 'one' }],
    'opens at once when somebody else has found the host down': [[down], 'open', { isCorroborated: true }],
    'opens at once when the host has just come back': [[down], 'open', { isRecovering: true }],
    'is closed by refusals however many': [Array(50).fill('up'), 'closed'],
  }
  it.each(Object.entries(cases))('%s', (_name, [signs, kind, changes]) => {
    expect(after(signs, changes).kind).toBe(kind)
  })

  it('stays open for longer each time, up to a minute where nothing was sent and up to five where a refresh token may be used', () => {
    expect(delays('unreached', 5)).toEqual([10, 20, 40, 60, 60])
    expect(delays('down', 7)).toEqual([10, 20, 40, 80, 160, 300, 300])
  })

  it('is spread by up to a fifth', () => {
    const circuit = after(Array<HostSign>(5).fill(down), { fraction: 0.5 })
    expect(circuit).toMatchObject({ untilMs: 11_000 })
  })

  it('lets one try when its time is over', () => {
    const circuit = after(Array<HostSign>(5).fill(down))
    expect(circuitState(circuit, 9999)).toBe('open')
    expect(circuitState(circuit, 10_000)).toBe('half-open')
  })

  it('takes no notice of what fails late, and closes when something succeeds late', () => {
    const circuit = after(Array<HostSign>(5).fill(down))
    expect(afterSign(circuit, down, context({ nowMs: 500, uid: 'late' }))).toBe(circuit)
    expect(afterSign(circuit, 'up', context({ nowMs: 500 })).kind).toBe('closed')
  })

  it('goes on where it was when the host fails again before it has recovered for good', () => {
    const twice = afterSign(after(Array<HostSign>(5).fill(down)), down, context({ nowMs: 10_000 }))
    const back = afterSign(twice, 'up', context({ nowMs: 30_000 }))
    expect(afterSign(back, down, context({ nowMs: 31_000, isRecovering: true }))).toMatchObject({ untilMs: 71_000 })
    const recovered = afterSign(back, 'up', context({ nowMs: 60_000 }))
    expect(after(Array<HostSign>(5).fill(down), { nowMs: 0 }, recovered)).toMatchObject({ untilMs: 10_000 })
  })

  it('is tried at once when a neighbour has found the host up', () => {
    const circuit = probeNow(after(Array<HostSign>(5).fill(down)), 3000)
    expect(circuitState(circuit, 3000)).toBe('half-open')
    expect(probeNow(closedCircuit, 3000)).toBe(closedCircuit)
  })
})
