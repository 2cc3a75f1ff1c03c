import { beforeEach, describe, expect, test } from 'vitest'
import { LeaderElection } from '../../../src/adapters/kubernetes/leader-election.ts'
import type { Clock } from '../../../src/ports/clock.ts'
import { MemoryLeases, type LeaseLink } from '../../support/memory-leases.ts'
import { memoryMetrics } from '../../support/memory-metrics.ts'
import { LogLines } from '../../support/memory-ports.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

interface Candidate {
  readonly election: LeaderElection
  readonly link: LeaseLink
  readonly clock: PausableClock
  readonly log: LogLines
  readonly counts: ReadonlyMap<string, number>
  readonly happened: string[]
  readonly stop: () => Promise<void>
}

/** The clock of one process, which may be stopped as by SIGSTOP: time goes on, its timers wait; and whose wall time may be wrong. */
class PausableClock implements Clock {
  readonly #clock: SimulatedClock
  #held: (() => void)[] | undefined
  wallSkewSeconds = 0

  constructor(clock: SimulatedClock) {
    this.#clock = clock
  }

  pause(): void {
    this.#held = []
  }

  resume(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const wake of held) wake()
  }

  now() {
    return (this.#clock.now() + this.wallSkewSeconds) as ReturnType<Clock['now']>
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  wakeAfter(delayMs: number, wake: () => void): () => void {
    let cancelled = false
    const cancelTimer = this.#clock.wakeAfter(delayMs, () => {
      if (this.#held === undefined) wake()
      else this.#held.push(() => !cancelled && wake())
    })
    return () => {
      cancelled = true
      cancelTimer()
    }
  }
}

let time: SimulatedClock
let leases: MemoryLeases

beforeEach(() => {
  time = new SimulatedClock()
  leases = new MemoryLeases(time)
})

function candidate(identity: string, prepare: (clock: PausableClock, link: LeaseLink) => void = () => {}): Candidate {
  const clock = new PausableClock(time)
  const link = leases.link()
  prepare(clock, link)
  const log = new LogLines()
  const { metrics, counts } = memoryMetrics()
  const election = new LeaderElection({
    client: link,
    clock,
    random: () => 0.5,
    logger: log,
    metrics,
    namespace: 'oauth-system',
    name: 'controller',
    identity,
  })
  const happened: string[] = []
  const stop = election.run({
    onStarted: () => happened.push(`started at ${time.monotonicMs() / 1000}`),
    onLost: () => happened.push(`lost at ${time.monotonicMs() / 1000}`),
  })
  return { election, link, clock, log, counts, happened, stop }
}

function leaders(...candidates: readonly Candidate[]): number {
  return candidates.filter(({ election }) => election.isLeader()).length
}

/** Lets time pass in small steps and makes sure that there is never more than one leader. */
async function passWithOneLeader(seconds: number, ...candidates: readonly Candidate[]): Promise<void> {
  for (let step = 0; step < seconds * 4; step += 1) {
    await time.pass(0.25)
    expect(leaders(...candidates)).toBeLessThanOrEqual(1)
  }
}

describe('one candidate', () => {
  test('creates the Lease and leads at once', async () => {
    const { election, happened } = candidate('a')
    expect(election.isLeader()).toBe(false)
    await time.pass(0)
    expect(election.isLeader()).toBe(true)
    expect(happened).toEqual(['started at 0'])
    expect(leases.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 })
    expect(leases.spec['renewTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  })

  test('renews every two seconds and keeps leading, with one request each time', async () => {
    const { election, link, happened } = candidate('a')
    await time.pass(60)
    expect(election.isLeader()).toBe(true)
    expect(happened).toHaveLength(1)
    expect(link.requests.map(({ method }) => method)).toEqual(['GET', 'POST', ...Array<string>(30).fill('PUT')])
    expect(link.requests.every(({ timeoutMs = 0, urgent }) => timeoutMs < 2000 && timeoutMs > 0 && urgent)).toBe(true)
    expect(leases.spec['acquireTime']).not.toBe(leases.spec['renewTime'])
    expect(leases.spec['leaseTransitions']).toBe(0)
  })

  test('keeps labels and fields of the Lease that are not ours', async () => {
    const { link } = candidate('a')
    await time.pass(1)
    const { lease } = leases
    if (lease !== undefined) {
      leases.lease = {
        metadata: { ...lease.metadata, resourceVersion: '77', labels: { team: 'x' } },
        spec: { ...lease.spec, strategy: 'OldestEmulationVersion' },
      }
    }
    await time.pass(5)
    expect(leases.lease?.metadata['labels']).toEqual({ team: 'x' })
    expect(leases.spec).toMatchObject({ strategy: 'OldestEmulationVersion', holderIdentity: 'a' })
    expect(link.requests.map(({ method }) => method)).toContain('GET')
  })

  test('is sure for ten seconds after its last renewal, counted from before it was sent', async () => {
    const { election, link, happened, counts } = candidate('a', (_, slow) => (slow.answerDelayMs = 500))
    await time.pass(4.9)
    expect(election.isLeader()).toBe(true)
    link.cut = true
    // GET 0–0.5, POST sent at 0.5, answered at 1; renewal sent at 3, answered at 3.5; the next, at 5, gets lost.
    await time.pass(8)
    expect(election.isLeader()).toBe(true)
    await time.pass(0.1)
    expect(election.isLeader()).toBe(false)
    expect(happened).toEqual(['started at 1', 'lost at 13'])
    await time.pass(60)
    expect(happened).toHaveLength(2)
    expect(counts.get('leading')).toBe(3)
  })

  test('whose answers get lost renews nothing as far as it knows, and stops leading', async () => {
    const { election, link, happened } = candidate('a')
    await time.pass(1)
    link.deaf = true
    await time.pass(30)
    expect(election.isLeader()).toBe(false)
    expect(happened).toEqual(['started at 0', 'lost at 10'])
  })

  test('finds its way back when an answer got lost although the renewal was carried out', async () => {
    const { election, link } = candidate('a')
    await time.pass(1)
    link.deaf = true
    await time.pass(3)
    link.deaf = false
    await time.pass(60)
    expect(election.isLeader()).toBe(true)
    expect(leases.spec['leaseTransitions']).toBe(0)
  })

  test('whose Lease is deleted makes it anew and goes on', async () => {
    const { election, happened } = candidate('a')
    await time.pass(1)
    leases.delete()
    await time.pass(30)
    expect(election.isLeader()).toBe(true)
    expect(happened).toHaveLength(1)
  })

  test('whose Lease is taken by hand stops leading at the next attempt', async () => {
    const { election, happened } = candidate('a')
    await time.pass(1)
    const { lease } = leases
    if (lease !== undefined) {
      leases.lease = {
        metadata: { ...lease.metadata, resourceVersion: '77' },
        spec: { ...lease.spec, holderIdentity: 'thief' },
      }
    }
    await time.pass(2)
    expect(election.isLeader()).toBe(false)
    expect(happened).toEqual(['started at 0', 'lost at 2'])
  })

  test('says once that the Lease cannot be reached', async () => {
    const { log } = candidate('a', (_, link) => (link.cut = true))
    await time.pass(120)
    expect(log.lines.filter((line) => line.includes('cannot be'))).toHaveLength(1)
  })

  test('is not leader after it was stopped, is told no loss, and sends nothing more', async () => {
    const { election, link, happened, stop } = candidate('a')
    await time.pass(5)
    await stop()
    const sent = link.requests.length
    expect(election.isLeader()).toBe(false)
    await time.pass(60)
    expect(happened).toEqual(['started at 0'])
    expect(link.requests).toHaveLength(sent)
    expect(leases.spec['holderIdentity']).toBe('a')
  })
})

describe('two candidates', () => {
  test('one leads, the other waits and changes nothing', async () => {
    const a = candidate('a')
    await time.pass(1)
    const b = candidate('b')
    await passWithOneLeader(120, a, b)
    expect(a.election.isLeader()).toBe(true)
    expect(b.happened).toEqual([])
    expect(b.link.requests.every(({ method }) => method === 'GET')).toBe(true)
  })

  test('who start together do not both lead', async () => {
    const [a, b] = [candidate('a'), candidate('b')]
    await passWithOneLeader(60, a, b)
    expect(leaders(a, b)).toBe(1)
  })

  test('after the leader is cut off the other leads when the lease duration is over, and not before', async () => {
    const a = candidate('a')
    await time.pass(1)
    const b = candidate('b')
    await passWithOneLeader(20, a, b)
    a.link.cut = true
    const cutAt = time.monotonicMs() / 1000
    await passWithOneLeader(40, a, b)
    expect(b.election.isLeader()).toBe(true)
    const [lostAt, startedAt] = [a.happened[1], b.happened[0]].map((text) => Number(text?.split(' ').at(-1)))
    expect(lostAt).toBeLessThanOrEqual(cutAt + 10)
    expect(startedAt).toBeGreaterThan((lostAt ?? 0) + 2)
    expect(startedAt).toBeLessThanOrEqual(cutAt + 15 + 3.2 + 3.2)
    expect(leases.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
  })

  test('a leader that was paused is not leader when it wakes, before any callback runs, and never again', async () => {
    const a = candidate('a')
    await time.pass(1)
    const b = candidate('b')
    await passWithOneLeader(10, a, b)
    a.clock.pause()
    await passWithOneLeader(40, a, b)
    expect(b.election.isLeader()).toBe(true)
    expect(a.happened).toHaveLength(1)
    expect(a.election.isLeader()).toBe(false)
    a.clock.resume()
    await passWithOneLeader(30, a, b)
    expect(a.happened).toHaveLength(2)
    expect(leases.spec['holderIdentity']).toBe('b')
  })

  test('an answer that comes after the deadline does not bring a leader back', async () => {
    const a = candidate('a')
    await time.pass(1)
    a.link.answerDelayMs = 14_000
    await time.pass(20)
    expect(a.happened).toEqual(['started at 0', 'lost at 10'])
    expect(a.election.isLeader()).toBe(false)
  })

  test.each([-86_400, 86_400])('wall clocks that differ by %i s make no difference', async (skew) => {
    const a = candidate('a')
    await time.pass(1)
    const b = candidate('b', (clock) => (clock.wallSkewSeconds = skew))
    await passWithOneLeader(60, a, b)
    expect(a.election.isLeader()).toBe(true)
    a.clock.wallSkewSeconds = -skew
    await passWithOneLeader(30, a, b)
    expect(a.election.isLeader()).toBe(true)
    a.link.cut = true
    await passWithOneLeader(30, a, b)
    expect(b.election.isLeader()).toBe(true)
  })

  test('a longer duration that the holder declared is waited for', async () => {
    leases.lease = {
      metadata: { resourceVersion: '1' },
      spec: {
        holderIdentity: 'old',
        leaseDurationSeconds: 60,
        leaseTransitions: 4,
        renewTime: '2001-01-01T00:00:00.000000Z',
      },
    }
    const a = candidate('a')
    await time.pass(59)
    expect(a.election.isLeader()).toBe(false)
    await time.pass(5)
    expect(a.election.isLeader()).toBe(true)
    expect(leases.spec['leaseTransitions']).toBe(5)
  })

  test('a change of the Lease that is no renewal does not prolong it', async () => {
    const a = candidate('a')
    await time.pass(1)
    a.link.cut = true
    const b = candidate('b')
    for (let second = 0; second < 20; second += 1) {
      await time.pass(1)
      const { lease } = leases
      if (lease === undefined || b.election.isLeader()) break
      leases.lease = {
        ...lease,
        metadata: { ...lease.metadata, resourceVersion: `x${second}`, labels: { touched: second } },
      }
    }
    expect(b.election.isLeader()).toBe(true)
  })
})

describe('release', () => {
  test('after the guarded work lets the other lead without waiting for the duration', async () => {
    const a = candidate('a')
    await time.pass(1)
    const b = candidate('b')
    await passWithOneLeader(10, a, b)
    expect(await a.election.release()).toBe(true)
    expect(a.election.isLeader()).toBe(false)
    expect(leases.spec).toMatchObject({ holderIdentity: '', leaseTransitions: 0 })
    await passWithOneLeader(4.5, a, b)
    expect(b.election.isLeader()).toBe(true)
    expect(leases.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 })
    expect(a.happened).toHaveLength(1)
  })

  test('stop alone does not release', async () => {
    const a = candidate('a')
    await time.pass(3)
    await a.stop()
    expect(leases.spec['holderIdentity']).toBe('a')
  })

  test('of a Lease that somebody else holds changes nothing', async () => {
    const a = candidate('a')
    await time.pass(1)
    const b = candidate('b')
    await passWithOneLeader(3, a, b)
    const before = leases.lease
    expect(await b.election.release()).toBe(false)
    expect(leases.lease).toEqual(before)
  })

  test('after a lost renewal that was carried out still succeeds', async () => {
    const a = candidate('a')
    await time.pass(1)
    a.link.deaf = true
    await time.pass(1.5)
    a.link.deaf = false
    expect(await a.election.release()).toBe(true)
    expect(leases.spec['holderIdentity']).toBe('')
  })

  test('the same process may stand again', async () => {
    const a = candidate('a')
    await time.pass(1)
    await a.election.release()
    a.election.run({ onStarted: () => a.happened.push('again'), onLost: () => {} })
    await time.pass(1)
    expect(a.election.isLeader()).toBe(true)
    expect(a.happened).toEqual(['started at 0', 'again'])
  })
})

test('durations that contradict each other are refused', () => {
  const clock = new SimulatedClock()
  const { metrics } = memoryMetrics()
  const options = { client: leases.link(), clock, random: () => 0, logger: new LogLines(), metrics }
  const names = { namespace: 'n', name: 'l', identity: 'i' }
  expect(() => new LeaderElection({ ...options, ...names, leaseDurationMs: 5000, renewDeadlineMs: 5000 })).toThrow(
    RangeError,
  )
  expect(() => new LeaderElection({ ...options, ...names, retryPeriodMs: 9000 })).toThrow(RangeError)
})
