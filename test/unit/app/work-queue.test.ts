import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { Limiter } from '../../../src/app/limiter.ts'
import { WakeHeap } from '../../../src/app/wake-heap.ts'
import { WorkQueue } from '../../../src/app/work-queue.ts'
import fc from 'fast-check'
import { epochSeconds, later, seconds } from '../../../src/domain/time.ts'
import { memoryMetrics } from '../../support/memory-metrics.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

function queueOf(
  clock: SimulatedClock,
  work: (key: string) => Promise<number | undefined>,
): { queue: WorkQueue; bugs: unknown[] } {
  const bugs: unknown[] = []
  const queue = new WorkQueue({
    clock,
    metrics: memoryMetrics().metrics,
    work: async (key) => {
      const delay = await work(key)
      return delay === undefined ? undefined : later(clock.now(), seconds(delay))
    },
    onBug: (bug) => bugs.push(bug),
  })
  queue.start()
  return { queue, bugs }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}

describe('WorkQueue', () => {
  it('works on a key once, however often it is added meanwhile, and once more if it was added during the work', async () => {
    const clock = new SimulatedClock()
    let runs = 0
    let release: () => void = () => undefined
    const { queue } = queueOf(clock, async () => {
      runs += 1
      if (runs === 1) await new Promise<void>((resolve) => (release = resolve))
      return undefined
    })
    queue.add('a')
    queue.add('a')
    await clock.pass(1)
    expect(runs).toBe(1)
    queue.add('a')
    queue.add('a')
    await clock.pass(1)
    expect(runs).toBe(1)
    release()
    await clock.pass(1)
    expect(runs).toBe(2)
  })

  it('works on keys in the order in which they were added', async () => {
    const clock = new SimulatedClock()
    const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`)
    const order: string[] = []
    const { queue } = queueOf(clock, (key) => {
      order.push(key)
      return Promise.resolve(undefined)
    })
    for (const key of keys) queue.add(key)
    await clock.pass(1)
    expect(order).toEqual(keys)
  })

  it('comes back when the work said so, not earlier', async () => {
    const clock = new SimulatedClock()
    const times: number[] = []
    const { queue } = queueOf(clock, () => {
      times.push(clock.monotonicMs() / 1000)
      return Promise.resolve(100)
    })
    queue.add('a')
    await clock.pass(350)
    expect(times.map((time) => Math.round(time * 100) / 100)).toEqual([0, 100, 200, 300])
  })

  it('finishes what runs and starts nothing new once it drains', async () => {
    const clock = new SimulatedClock()
    const done: string[] = []
    let release: () => void = () => undefined
    const { queue } = queueOf(clock, async (key) => {
      await new Promise<void>((resolve) => (release = resolve))
      done.push(key)
      return 1
    })
    queue.add('a')
    await clock.pass(0.1)
    const drained = queue.drain()
    queue.add('b')
    await clock.pass(10)
    expect(done).toEqual([])
    release()
    await drained
    await clock.pass(10)
    expect(done).toEqual(['a'])
  })

  it('tells everybody who waits that all work has ended', async () => {
    const clock = new SimulatedClock()
    let release: () => void = () => undefined
    const { queue } = queueOf(clock, () => new Promise((resolve) => (release = () => resolve(undefined))))
    queue.add('a')
    await clock.pass(0.1)
    const ended: string[] = []
    const drains = ['first', 'second'].map((who) => queue.drain().then(() => ended.push(who)))
    await clock.pass(10)
    expect(ended).toEqual([])
    release()
    await clock.pass(10)
    expect(ended).toEqual(['first', 'second'])
    await Promise.all(drains)
  })

  it('hands a bug on instead of swallowing it', async () => {
    const clock = new SimulatedClock()
    const { queue, bugs } = queueOf(clock, () => Promise.reject(new Error('bug')))
    queue.add('a')
    await clock.pass(1)
    expect(bugs).toEqual([new Error('bug')])
  })
})

describe('WakeHeap', () => {
  it('gives keys back in the order of their latest times', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(50))), (sets) => {
        const heap = new WakeHeap()
        const expected = new Map<string, number>()
        for (const [key, at] of sets) {
          heap.set(key, at)
          expected.set(key, at)
        }
        const taken: number[] = []
        for (let key = heap.take(Infinity); key !== undefined; key = heap.take(Infinity))
          taken.push(expected.get(key) ?? -1)
        expect(taken).toEqual([...expected.values()].sort((one, other) => one - other))
      }),
    )
  })

  it('keeps its order while keys are set again and again, and does not grow with it', () => {
    const heap = new WakeHeap()
    const before = heapBytes()
    // Whoever waits for a server that is down asks every few minutes, for days.
    for (let turn = 0; turn < 400_000; turn += 1) heap.set(`key-${turn % 10}`, 9 - (turn % 10) + (turn % 2))
    expect(heapBytes() - before).toBeLessThan(4 * 1024 * 1024)
    const taken: string[] = []
    for (let key = heap.take(Infinity); key !== undefined; key = heap.take(Infinity)) taken.push(key)
    expect(taken).toEqual([8, 9, 6, 7, 4, 5, 2, 3, 0, 1].map((index) => `key-${index}`))
  })
})

describe('Limiter', () => {
  it('never exceeds concurrency or rate, and lets the most urgent in first', async () => {
    const clock = new SimulatedClock()
    const limiter = new Limiter(clock)
    const limit = { perSecond: 10, concurrent: 3 }
    const started: { deadline: number; atMs: number }[] = []
    let running = 0
    let most = 0
    const runs = Array.from({ length: 40 }, (_, index) => {
      const deadline = (index * 7) % 40
      return limiter.run('host', limit, deadline, async () => {
        running += 1
        most = Math.max(most, running)
        started.push({ deadline, atMs: clock.monotonicMs() })
        await new Promise<void>((resolve) => clock.wakeAfter(50, resolve))
        running -= 1
      })
    })
    await clock.pass(10)
    await Promise.all(runs)
    expect(most).toBe(3)
    for (const { atMs } of started) {
      const inWindow = started.filter((other) => other.atMs >= atMs && other.atMs < atMs + 1000).length
      expect(inWindow).toBeLessThanOrEqual(20)
    }
    const waited = started.slice(3).map(({ deadline }) => deadline)
    expect(waited).toEqual([...waited].sort((one, other) => one - other))
  })

  it('keeps one host from holding up another', async () => {
    const clock = new SimulatedClock()
    const limiter = new Limiter(clock)
    void limiter.run('slow', { perSecond: 1, concurrent: 1 }, 0, () => new Promise(() => undefined))
    await expect(limiter.run('fast', { perSecond: 1, concurrent: 1 }, 0, () => Promise.resolve('done'))).resolves.toBe(
      'done',
    )
  })

  it('gives room back when the work fails', async () => {
    const limiter = new Limiter(new SimulatedClock())
    const limit = { perSecond: 1000, concurrent: 1 }
    await expect(limiter.run('host', limit, 0, () => Promise.reject(new Error('bug')))).rejects.toThrow('bug')
    await expect(limiter.run('host', limit, 0, () => Promise.resolve(1))).resolves.toBe(1)
  })

  it('forgets those that nobody enters any more', async () => {
    let nowMs = 0
    const clock = { now: () => epochSeconds(0), monotonicMs: () => nowMs, wakeAfter: () => () => undefined }
    const limiter = new Limiter(clock)
    const before = heapBytes()
    for (let index = 0; index < 5000; index += 1) {
      await limiter.run(`revocation-${index}`, { perSecond: 5, concurrent: 2 }, 0, () => Promise.resolve())
      nowMs += 1000
    }
    expect(heapBytes() - before).toBeLessThan(512 * 1024)
  })
})
