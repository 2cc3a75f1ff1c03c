import { describe, expect, it } from 'vitest'
import { LookSchedule } from '../../../src/adapters/files/look-schedule.ts'
import { Vanishing } from '../../../src/adapters/files/vanishing.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

describe('a schedule of looks', () => {
  it('looks at once, regularly, and soon after a notice', async () => {
    const clock = new SimulatedClock(0)
    const looks: number[] = []
    const schedule = new LookSchedule({ clock, look: () => Promise.resolve((looks.push(clock.monotonicMs()), 5000)) })
    schedule.start()
    await clock.pass(11)
    expect(looks).toEqual([0, 5000, 10_000])
    schedule.notice()
    await clock.pass(0.03)
    schedule.notice()
    await clock.pass(1)
    expect(looks).toEqual([0, 5000, 10_000, 11_080])
    await clock.pass(5)
    expect(looks.at(-1)).toBe(16_080)
  })

  it('is not held up by notices that never end', async () => {
    const clock = new SimulatedClock(0)
    let looks = 0
    const schedule = new LookSchedule({ clock, look: () => Promise.resolve(((looks += 1), 5000)) })
    schedule.start()
    await clock.pass(0)
    for (let notices = 0; notices < 300; notices += 1) {
      schedule.notice()
      await clock.pass(0.01)
    }
    expect(looks).toBeGreaterThanOrEqual(3)
  })

  it('looks again for what was noticed while it looked, and never twice at once', async () => {
    const clock = new SimulatedClock(0)
    const ends: (() => void)[] = []
    const schedule = new LookSchedule({
      clock,
      look: () => new Promise((resolve) => ends.push(() => resolve(5000))),
    })
    schedule.start()
    await clock.pass(0)
    schedule.notice()
    await clock.pass(3)
    expect(ends).toHaveLength(1)
    ends[0]?.()
    await new Promise((resolve) => setImmediate(resolve))
    await clock.pass(0.05)
    expect(ends).toHaveLength(2)
    const stopped = schedule.stop()
    ends[1]?.()
    await stopped
    await clock.pass(60)
    expect(ends).toHaveLength(2)
  })
})

describe('what vanishes', () => {
  it('is there until it has been missing for long enough', () => {
    const vanishing = new Vanishing<string>(1000)
    const settle = (names: readonly string[], now: number): readonly string[] => [
      ...vanishing.settle(new Map(names.map((name) => [name, name])), now).keys(),
    ]
    expect(settle(['a', 'b'], 0)).toEqual(['a', 'b'])
    expect(settle(['b'], 10)).toEqual(['b', 'a'])
    expect(vanishing.isWaiting()).toBe(true)
    expect(settle(['b'], 1009)).toEqual(['b', 'a'])
    expect(settle(['b'], 1010)).toEqual(['b'])
    expect(vanishing.isWaiting()).toBe(false)
  })

  it('begins anew when it was seen between', () => {
    const vanishing = new Vanishing<string>(1000)
    const here = new Map([['a', 'a']])
    vanishing.settle(here, 0)
    vanishing.settle(new Map(), 100)
    vanishing.settle(here, 900)
    expect(vanishing.isWaiting()).toBe(false)
    vanishing.settle(new Map(), 1000)
    expect(vanishing.settle(new Map(), 1900).has('a')).toBe(true)
    expect(vanishing.settle(new Map(), 2000).has('a')).toBe(false)
  })
})
