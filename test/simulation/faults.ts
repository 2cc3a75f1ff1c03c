import { event, type Fault, ofRefresh, type Stage, strike } from './fault.ts'
import { breakages } from './faults-of-calls.ts'
import { humanActs } from './faults-of-people.ts'
import type { Gremlin } from './gremlin.ts'
import type { Process } from './process.ts'
import { Random } from './random.ts'
import type { Point } from './wire.ts'

/** An intent is in the record, nothing has been sent, and nothing else of this process can be lost with it. */
function isBetweenIntentAndRequest({ service, operation, phase, process }: Point): boolean {
  const entries = [...process.pod.journal.values()]
  const isArmed = service === 'records' && operation === 'replace' && phase === 'answer'
  return isArmed && entries.length === 1 && entries[0]?.phase === 'armed' && process.awaited.size === 0
}

const processFaults: readonly Fault[] = [
  strike('crash', 8, ofRefresh, ({ fleet }, { process }) => {
    fleet.crash(process)
    return 'pass'
  }),
  strike('pod-loss', 3, ofRefresh, ({ fleet }, { process }) => {
    fleet.lose(process)
    return 'pass'
  }),
  strike('short-pause', 2, ofRefresh, (stage, { process }) => pause(stage, process, 15_000)),
  strike('long-pause', 3, ofRefresh, (stage, { process }) => pause(stage, process, 400_000)),
  strike('lease-lost', 4, ofRefresh, ({ fleet, random }, { process }) => {
    fleet.overthrow(process, random.chance(0.5) ? 0 : random.between(0, 40_000))
    return 'pass'
  }),
  strike('evicted-while-stopped', 3, isBetweenIntentAndRequest, ({ fleet }, { process }) => {
    fleet.evictWhileStopped(process)
    return 'pass'
  }),
  event('clock-jump', 0.5, ({ random, fleet, models }) => {
    models.cluster.clocksWereSet = true
    const { pod } = random.pick(fleet.processes())
    const size = random.chance(0.5) ? 30 : 1800
    pod.wallOffsetSeconds = Math.round(random.between(-size, size))
  }),
]

function pause({ fleet, random }: Stage, process: Process, longestMs: number): undefined {
  fleet.pause(process, random.between(longestMs / 30, longestMs))
}

/** A process that just got an answer reaches nothing any more, and another one takes the Lease. */
const partition: Fault = {
  name: 'partition',
  weight: 3,
  begin: ({ fleet, random }, gremlin) =>
    gremlin.await({
      fault: 'partition',
      matches: ({ service, operation, phase }) => service === 'server' && operation === 'answer' && phase === 'answer',
      skip: 0,
      act: ({ process }) => {
        gremlin.cutOff(process, random.between(10_000, 400_000))
        fleet.overthrow(process, random.between(0, 10_000))
        return 'pass'
      },
    }),
}

/** Store and records are away just when an answer has come. */
const bothAway: Fault = {
  name: 'store-and-records-outage',
  weight: 2,
  begin: ({ random }, gremlin) =>
    gremlin.await({
      fault: 'store-and-records-outage',
      matches: ({ service, operation, phase }) => service === 'server' && operation === 'answer' && phase === 'answer',
      skip: 0,
      act: () => {
        const durationMs = random.between(1000, 120_000)
        gremlin.breakDown('store', durationMs, 0)
        gremlin.breakDown('records', durationMs, 0)
        return 'pass'
      },
    }),
}

/** Every kind of fault. */
const faults: readonly Fault[] = [...processFaults, partition, bothAway, ...breakages, ...humanActs]

/** Spreads faults over a time: many wait for a moment in the middle of work from then on. */
export function planFaults(stage: Stage, gremlin: Gremlin, count: number, withinMs: number): void {
  const weighted = faults.map((fault) => [fault, fault.weight] as const)
  for (let planned = 0; planned < count; planned += 1) {
    const fault = stage.random.weighted(weighted)
    stage.models.scheduler.after(stage.random.between(0, withinMs), () => {
      if (!stage.isCalm) fault.begin(stage, gremlin)
    })
  }
}

/** In one world of so many Pods are deleted by force whose processes go on. */
const worldsForEachForce = 10
const mostForced = 3

/**
 * Somebody deletes a Pod by force while its request is on the wire, and its process goes on for a while. Worlds in which
 * this happens are chosen by their seed and planned apart, so that all others stay what they were.
 */
export function planForcedDeletions(seed: number, stage: Stage, gremlin: Gremlin, withinMs: number): void {
  if (seed % worldsForEachForce !== 1) return
  const random = new Random(seed)
  const fault = strike(
    'deleted-by-force',
    0,
    ({ service, operation }) => service === 'server' && operation !== 'connect',
    ({ fleet }, { process }) => {
      fleet.deleteByForce(process)
      return 'pass'
    },
  )
  for (let count = 1 + random.below(mostForced); count > 0; count -= 1) {
    stage.models.scheduler.after(random.between(0, withinMs), () => {
      if (!stage.isCalm) fault.begin(stage, gremlin)
    })
  }
}

/** In one world of so many credentials are deleted, and made anew. */
const worldsForEachRecreation = 8
const mostRecreated = 4

/** True of a world in which objects are made anew. */
export function recreatesObjects(seed: number): boolean {
  const ofClass = seed % worldsForEachRecreation
  return ofClass === 3 || (isMixed(seed) && (ofClass === 5 || ofClass === 7))
}

/**
 * True of a world in which the object of the store goes as well, objects may have finalizers, and those whose credentials
 * move have others that are made anew. Theirs are the seeds from here on, so that all others stay what they were.
 */
function isMixed(seed: number): boolean {
  return seed >= 1_000_000_000
}

/** True of a world in which a target does not go with its credential, unless the operator removes it. */
export function keepsTargets(seed: number): boolean {
  return isMixed(seed) && recreatesObjects(seed) && new Random(seed).chance(0.5)
}

/** Somebody replaces a credential by force, or deletes it for a while, where a refresh is under way; often the operator is restarted, too. */
export function planRecreations(seed: number, stage: Stage, gremlin: Gremlin, withinMs: number): void {
  if (!recreatesObjects(seed)) return
  const random = new Random(seed)
  const fault = strike(
    'recreated',
    0,
    ({ service }) => service === 'server' || service === 'records' || service === 'store',
    ({ fleet, planned }, { process }) => {
      const gapMs = random.pick([0, random.between(3000, 60_000), random.between(60_000, 1_200_000)])
      stage.recreate(random.pick(planned), gapMs)
      const end = random.below(10)
      if (end < 5) fleet.crash(process)
      else if (end < 7) fleet.lose(process)
      else if (end < 8) fleet.overthrow(process, random.between(0, 20_000))
      return 'pass'
    },
  )
  for (let count = 1 + random.below(mostRecreated); count > 0; count -= 1) {
    stage.models.scheduler.after(random.between(0, withinMs), () => {
      if (!stage.isCalm) fault.begin(stage, gremlin)
    })
  }
}

const mostMoved = 5

/** Somebody gives a credential a document of its own, or the one before again, where a refresh is under way. */
export function planMoves(seed: number, stage: Stage, gremlin: Gremlin, withinMs: number): void {
  if (seed % worldsForEachRecreation !== 5) return
  const random = new Random(seed)
  const fault = strike(
    'moved',
    0,
    ({ service }) => service === 'server' || service === 'records' || service === 'store',
    ({ fleet, planned }, { process }) => {
      stage.move(random.pick(planned))
      const end = random.below(10)
      if (end < 4) fleet.crash(process)
      else if (end < 6) fleet.lose(process)
      else if (end < 7) fleet.overthrow(process, random.between(0, 20_000))
      return 'pass'
    },
  )
  for (let count = 1 + random.below(mostMoved); count > 0; count -= 1) {
    stage.models.scheduler.after(random.between(0, withinMs), () => {
      if (!stage.isCalm) fault.begin(stage, gremlin)
    })
  }
}

/** What an answer has brought is on its way to where it outlives the process. */
function isBeingKept({ service, operation, phase }: Point): boolean {
  if (phase === 'request') return false
  return service === 'records' ? operation === 'replace' : service === 'store' && operation === 'write'
}

/**
 * Somebody moves the very credential whose tokens are being kept, mostly as the process ends that does it, and now and
 * then while the store is away: what only the record has by then belongs to a place that was left.
 */
export function planMovesOfKept(seed: number, stage: Stage, gremlin: Gremlin, withinMs: number): void {
  if (seed % worldsForEachRecreation !== 7) return
  const random = new Random(seed)
  const move = strike('moved-while-kept', 0, isBeingKept, ({ fleet, planned }, { process, about }) => {
    const moved = planned.find(({ uid, place }) => uid === about || place === about)
    if (moved !== undefined) stage.move(moved)
    const end = random.below(10)
    if (end < 6) fleet.lose(process)
    else if (end < 8) fleet.crash(process)
    return 'pass'
  })
  const away: Fault = {
    name: 'store-away-while-kept',
    weight: 0,
    begin: () =>
      gremlin.await({
        fault: 'store-away-while-kept',
        matches: ({ service, operation, phase }) =>
          service === 'server' && operation === 'answer' && phase === 'answer',
        skip: 0,
        act: () => {
          gremlin.breakDown('store', random.between(100, 60_000), 0)
          move.begin(stage, gremlin)
          return 'pass'
        },
      }),
  }
  for (let count = 1 + random.below(mostMoved); count > 0; count -= 1) {
    const fault = random.chance(0.5) ? move : away
    stage.models.scheduler.after(random.between(0, withinMs), () => {
      if (!stage.isCalm) fault.begin(stage, gremlin)
    })
  }
}

const mostWithdrawn = 3

/** Somebody deletes the object of the store where a refresh is under way, and creates it again; now and then the operator is restarted, too. */
export function planWithdrawals(seed: number, stage: Stage, gremlin: Gremlin, withinMs: number): void {
  if (!isMixed(seed)) return
  const random = new Random(seed + 1)
  const fault = strike(
    'store-object-deleted',
    0,
    ({ service }) => service === 'server' || service === 'records' || service === 'store',
    ({ fleet }, { process }) => {
      stage.withdrawStore(random.pick([random.between(1000, 60_000), random.between(60_000, 1_200_000)]))
      const end = random.below(10)
      if (end < 3) fleet.crash(process)
      else if (end < 5) fleet.lose(process)
      return 'pass'
    },
  )
  for (let count = random.below(mostWithdrawn + 1); count > 0; count -= 1) {
    stage.models.scheduler.after(random.between(0, withinMs), () => {
      if (!stage.isCalm) fault.begin(stage, gremlin)
    })
  }
}
