import { expect, onTestFinished, test } from 'vitest'
import { type Candidate, startCandidate } from '../../../src/main/candidate.ts'
import { MemoryLeases } from '../../support/memory-leases.ts'
import { memoryMetrics } from '../../support/memory-metrics.ts'
import { LogLines } from '../../support/memory-ports.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

/** A replica as the election sees it. */
interface Replica {
  readonly candidate: Candidate
  readonly acts: () => boolean
  synced: boolean
  /** How often it was looked what the journal holds. */
  looks: number
  /** What such a look waits for. */
  recovery: Promise<boolean>
  /** Absent: nothing is looked at one by one. */
  recover?: (goesOn: () => boolean) => Promise<boolean>
  /** What the end of its work waits for. */
  work: Promise<void>
}

function replicaOf(identity: string, clock: SimulatedClock, leases: MemoryLeases, leaderElect = true): Replica {
  const replica: Omit<Replica, 'candidate' | 'acts'> = {
    synced: false,
    looks: 0,
    recovery: Promise.resolve(true),
    work: Promise.resolve(),
  }
  let acting = false
  const operator = {
    begin: () => {
      acting = true
    },
    end: async () => {
      await replica.work
      acting = false
    },
    acts: () => acting,
    recoverJournal: (goesOn: () => boolean) => {
      replica.looks += 1
      return replica.recover?.(goesOn) ?? replica.recovery
    },
  }
  const candidate = startCandidate({
    client: leases.link(),
    clock,
    logger: new LogLines(),
    metrics: memoryMetrics().metrics,
    namespace: 'operators',
    identity,
    flags: { leaderElect, leaseName: 'lease' },
    operator,
    source: { synced: () => replica.synced },
  })
  onTestFinished(() => candidate.stop())
  return Object.assign(replica, { candidate, acts: () => acting })
}

test('a replica that does not know every manifest keeps nobody else from acting', async () => {
  const clock = new SimulatedClock()
  const leases = new MemoryLeases(clock)
  const ignorant = replicaOf('ignorant', clock, leases)
  await clock.pass(60)
  const other = replicaOf('other', clock, leases)
  other.synced = true
  await clock.pass(1)
  expect([ignorant.acts(), other.acts()]).toEqual([false, true])
  expect([ignorant.candidate.mayAct(), other.candidate.mayAct()]).toEqual([false, true])
})

test('a replica acts as soon as it knows every manifest, and not after its end', async () => {
  const clock = new SimulatedClock()
  const leases = new MemoryLeases(clock)
  const replica = replicaOf('late', clock, leases)
  await clock.pass(10)
  replica.synced = true
  await clock.pass(1)
  expect(replica.acts()).toBe(true)
  await replica.candidate.stop()
  expect([replica.acts(), replica.candidate.mayAct()]).toEqual([false, false])
})

test('a replica that ends before it knows every manifest never stands', async () => {
  const clock = new SimulatedClock()
  const leases = new MemoryLeases(clock)
  const replica = replicaOf('brief', clock, leases)
  await clock.pass(1)
  await replica.candidate.stop()
  replica.synced = true
  await clock.pass(60)
  expect([replica.acts(), replica.candidate.mayAct()]).toEqual([false, false])
})

test('the end of a replica waits for its look into the journal, looks once more, and leaves nothing behind', async () => {
  const clock = new SimulatedClock()
  const leases = new MemoryLeases(clock)
  const leader = replicaOf('leader', clock, leases)
  leader.synced = true
  await clock.pass(1)
  const standby = replicaOf('standby', clock, leases)
  await clock.pass(60)
  expect(standby.looks).toBe(0)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  standby.recovery = promise
  standby.synced = true
  await clock.pass(60)
  expect(standby.looks).toBe(1)
  let isOver = false
  const stopped = standby.candidate.stop().then(() => {
    isOver = true
  })
  await clock.pass(60)
  expect(isOver).toBe(false)
  resolve(true)
  await stopped
  expect(standby.looks).toBe(2)
  await clock.pass(60)
  expect(standby.looks).toBe(2)
})

test('a standby that ends stands no more, however long the rest takes', async () => {
  const clock = new SimulatedClock()
  const leases = new MemoryLeases(clock)
  const leader = replicaOf('leader', clock, leases)
  leader.synced = true
  await clock.pass(1)
  const standby = replicaOf('standby', clock, leases)
  standby.synced = true
  await clock.pass(10)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  standby.recovery = promise
  await clock.pass(10)
  const stopped = standby.candidate.stop()
  await leader.candidate.stop()
  await clock.pass(30)
  expect([standby.candidate.mayAct(), standby.acts()]).toEqual([false, false])
  resolve(true)
  await stopped
})

test('a leader looks into the journal once it acts no more, and before another one may', async () => {
  const clock = new SimulatedClock()
  const leases = new MemoryLeases(clock)
  const leader = replicaOf('leader', clock, leases)
  leader.synced = true
  await clock.pass(30)
  const before = leader.looks
  await leader.candidate.stop()
  expect(leader.looks).toBe(before + 1)
})

test('a replica that never knew every manifest leaves the journal as it is', async () => {
  const clock = new SimulatedClock()
  const replica = replicaOf('ignorant', clock, new MemoryLeases(clock))
  await clock.pass(60)
  await replica.candidate.stop()
  expect(replica.looks).toBe(0)
})

/** Time passes, and no timer runs: the process is stopped. */
class StoppableClock extends SimulatedClock {
  stoppedMs = 0

  override monotonicMs(): number {
    return super.monotonicMs() + this.stoppedMs
  }
}

test('a Lease that was not renewed in time is given up no sooner than what is under way has ended', async () => {
  const clock = new StoppableClock()
  const leases = new MemoryLeases(clock)
  const leader = replicaOf('leader', clock, leases)
  leader.synced = true
  await clock.pass(1)
  const { promise, resolve } = Promise.withResolvers<void>()
  leader.work = promise
  clock.stoppedMs = 11_000
  const stopped = leader.candidate.stop()
  await clock.pass(1)
  expect(leases.spec['holderIdentity']).toBe('leader')
  resolve()
  await stopped
  expect(leases.spec['holderIdentity']).toBe('')
})

test.each([
  ['a leader', true],
  ['a replica without a Lease', false],
])('the end of %s waits for the records that its journal is to go into, for a while', async (_who, leaderElect) => {
  const clock = new SimulatedClock()
  const replica = replicaOf('leader', clock, new MemoryLeases(clock), leaderElect)
  replica.synced = true
  await clock.pass(30)
  const before = replica.looks
  replica.recovery = Promise.resolve(false)
  let isOver = false
  const stopped = replica.candidate.stop().then(() => {
    isOver = true
  })
  await clock.pass(14)
  expect([replica.looks > before, isOver]).toEqual([true, false])
  await clock.pass(2)
  expect(isOver).toBe(true)
  await stopped
  replica.recovery = Promise.resolve(true)
})

test('the end of a replica that waits for records comes as soon as they are written', async () => {
  const clock = new SimulatedClock()
  const replica = replicaOf('leader', clock, new MemoryLeases(clock))
  replica.synced = true
  await clock.pass(30)
  replica.recovery = Promise.resolve(false)
  const stopped = replica.candidate.stop()
  await clock.pass(3)
  replica.recovery = Promise.resolve(true)
  await clock.pass(1)
  await stopped
  expect(replica.acts()).toBe(false)
})

test('the end of a replica does not wait for each of many records that cannot be reached', async () => {
  const clock = new SimulatedClock()
  const replica = replicaOf('sole', clock, new MemoryLeases(clock), false)
  let looked = 0
  replica.recover = async (goesOn) => {
    for (let entry = 0; entry < 20 && goesOn(); entry += 1) {
      looked += 1
      await new Promise<void>((resolve) => void clock.wakeAfter(10_000, resolve))
    }
    return false
  }
  replica.synced = true
  await clock.pass(1)
  let isOver = false
  const stopped = replica.candidate.stop().then(() => {
    isOver = true
  })
  await clock.pass(25)
  expect([isOver, looked]).toEqual([true, 2])
  await stopped
})
