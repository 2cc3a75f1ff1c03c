import { describe, expect, it } from 'vitest'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { simulate } from './simulate.ts'

describe('the scheduler of the simulation', () => {
  it('lets all that waits for work of its own process run before the next thing happens', async () => {
    const scheduler = new Scheduler()
    const told: string[] = []
    const process = { alive: true, paused: false, defer: () => undefined }
    const wander = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
      told.push('first')
    }
    scheduler.after(5, () => void wander(), process)
    scheduler.after(5, () => told.push('second'), process)
    await scheduler.run(10)
    expect(told).toEqual(['first', 'second'])
    expect(scheduler.nowMs).toBe(10)
  })

  it('does nothing for a process that has ended, and holds up what one that is paused would do', async () => {
    const scheduler = new Scheduler()
    const told: string[] = []
    const held: Parameters<Scheduler['again']>[0][] = []
    const ended = { alive: false, paused: false, defer: () => undefined }
    const paused = { alive: true, paused: true, defer: (happening: (typeof held)[number]) => void held.push(happening) }
    scheduler.after(1, () => told.push('by the ended one'), ended)
    scheduler.after(2, () => told.push('by the paused one'), paused)
    await scheduler.run(3)
    expect(told).toEqual([])
    paused.paused = false
    for (const happening of held) scheduler.again(happening)
    await scheduler.run(4)
    expect(told).toEqual(['by the paused one'])
  })

  it('draws the same numbers for the same seed', () => {
    const [one, other] = [new Random(7), new Random(7)]
    expect(Array.from({ length: 20 }, () => one.next())).toEqual(Array.from({ length: 20 }, () => other.next()))
  })

  it('plays a seed the same way every time, told or not', async () => {
    const [silent, told] = [await simulate(11), await simulate(11, true)]
    expect({ ...silent, story: '' }).toEqual({ ...told, story: '' })
  })
})
