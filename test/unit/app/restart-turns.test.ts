import { describe, expect, test } from 'vitest'
import { RestartTurns } from '../../../src/app/restart-turns.ts'
import type { Workload } from '../../../src/domain/workload.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

/** Somebody who asks, and comes back when it is told to. */
async function insist(clock: SimulatedClock, turns: RestartTurns, namespace: string, name: string): Promise<void> {
  const may = turns.asked({ namespace, name }, { kind: 'Deployment', name })
  for (let until = may(); until !== undefined; until = may()) {
    const waitMs = (until - clock.now()) * 1000
    await new Promise<void>((resolve) => void clock.wakeAfter(waitMs, resolve))
  }
}

interface Begun {
  readonly who: string
  readonly at: number
}

function crowd(clock: SimulatedClock, turns: RestartTurns, sizes: Readonly<Record<string, number>>): Begun[] {
  const begun: Begun[] = []
  for (const [namespace, size] of Object.entries(sizes)) {
    for (let index = 0; index < size; index += 1) {
      const who = `${namespace}-${index}`
      void insist(clock, turns, namespace, who).then(() => begun.push({ who, at: clock.monotonicMs() }))
    }
  }
  return begun
}

describe('turns of restarts', () => {
  test('without a limit everybody begins at once', async () => {
    const clock = new SimulatedClock()
    const begun = crowd(clock, new RestartTurns(clock, undefined), { a: 500 })
    await clock.pass(0.01)
    expect(begun).toHaveLength(500)
  })

  test('no more are begun in any minute, and they take no longer than that asks for', async () => {
    const clock = new SimulatedClock()
    const turns = new RestartTurns(clock, 20)
    const begun = crowd(clock, turns, { a: 70, b: 30 })
    await clock.pass(5 * 60)
    expect(begun).toHaveLength(100)
    for (const { at } of begun) {
      expect(begun.filter((other) => other.at >= at && other.at < at + 60_000).length).toBeLessThanOrEqual(20)
    }
    expect(turns.waiting).toBe(0)
  })

  test('namespaces take turns, so that a small one does not wait for a big one', async () => {
    const clock = new SimulatedClock()
    const turns = new RestartTurns(clock, 10)
    const begun = crowd(clock, turns, { big: 200 })
    await clock.pass(61)
    const late = crowd(clock, turns, { small: 4, other: 3 })
    await clock.pass(185)
    expect(late).toHaveLength(7)
    expect(begun.length).toBeLessThan(200)
    await clock.pass(25 * 60)
    expect(begun).toHaveLength(200)
  })

  test('who does not come back keeps nobody waiting for ever', async () => {
    const clock = new SimulatedClock()
    const turns = new RestartTurns(clock, 1)
    await insist(clock, turns, 'a', 'first')
    expect(turns.asked({ namespace: 'a', name: 'gone' }, { kind: 'Deployment', name: 'gone' })()).toBeDefined()
    const begun = crowd(clock, turns, { a: 1 })
    await clock.pass(30 * 60)
    expect(begun).toHaveLength(1)
    expect(turns.waiting).toBe(0)
  })

  describe('where one restart serves two credentials', () => {
    const workload = (name: string): Workload => ({ kind: 'Deployment', name })

    /** One has begun; b and c wait for one workload, d for another. */
    function aLine(): {
      clock: SimulatedClock
      turns: RestartTurns
      ask: (name: string, of: string) => number | undefined
    } {
      const clock = new SimulatedClock()
      const turns = new RestartTurns(clock, 1)
      const begunAt = clock.now()
      const ask = (name: string, of: string): number | undefined => {
        const until = turns.asked({ namespace: 'shop', name }, workload(of))()
        return until === undefined ? undefined : Math.round(until - begunAt)
      }
      expect([ask('a', 'one'), ask('b', 'two'), ask('c', 'two'), ask('d', 'three')]).toEqual([undefined, 60, 120, 180])
      return { clock, turns, ask }
    }

    test('the other one gives its place up', async () => {
      const { clock, turns, ask } = aLine()
      await clock.pass(60)
      expect(ask('b', 'two')).toBeUndefined()
      turns.leave({ namespace: 'shop', name: 'c' }, workload('two'))
      turns.leave({ namespace: 'elsewhere', name: 'c' }, workload('two'))
      await clock.pass(60)
      expect(ask('d', 'three')).toBeUndefined()
      expect(turns.waiting).toBe(0)
    })

    test('the other one is forgotten when it does not even ask', async () => {
      const { clock, turns, ask } = aLine()
      await clock.pass(60)
      expect(ask('b', 'two')).toBeUndefined()
      await clock.pass(120)
      expect(ask('d', 'three')).toBeUndefined()
      expect(turns.waiting).toBe(0)
    })
  })

  test('who may begin may do so for as long as it tries', () => {
    const clock = new SimulatedClock()
    const turns = new RestartTurns(clock, 1)
    const may = turns.asked({ namespace: 'a', name: 'a' }, { kind: 'Deployment', name: 'a' })
    expect([may(), may(), may()]).toEqual([undefined, undefined, undefined])
    expect(turns.asked({ namespace: 'a', name: 'a' }, { kind: 'StatefulSet', name: 'a' })()).toBeDefined()
  })
})
