import { event, type Fault, ofRefresh, strike } from './fault.ts'
import type { Point, Service, Verdict } from './wire.ts'

type Matcher = (point: Point) => boolean

function effectOf(service: Service, ...operations: readonly string[]): Matcher {
  return (point) =>
    point.service === service &&
    point.phase === 'effect' &&
    (operations.length === 0 || operations.includes(point.operation))
}

function broken(name: string, weight: number, matches: Matcher, verdict: Verdict): Fault {
  return strike(name, weight, matches, () => verdict)
}

function outage(service: Service, weight: number, longestMs: number): Fault {
  return event(`${service}-outage`, weight, ({ random }, gremlin) => {
    gremlin.breakDown(service, random.between(1000, longestMs), random.chance(0.3) ? 0.3 : 0)
  })
}

/** Calls that fail, vanish, come twice, come late, or are answered from the past. */
export const breakages: readonly Fault[] = [
  broken('server-unreachable', 1, (point) => point.operation === 'connect', 'fail'),
  broken('request-lost', 2, (point) => point.operation === 'write' && point.service === 'server', 'fail'),
  broken('answer-lost', 4, effectOf('server', 'answer'), 'fail'),
  broken('answer-cut', 2, effectOf('server', 'answer'), 'cut'),
  broken('answer-replaced-by-502', 1, effectOf('server', 'answer'), 'ambiguous'),
  broken('answer-replaced-by-page', 1, effectOf('server', 'answer'), 'garbled'),
  broken('answer-slow', 2, effectOf('server', 'answer'), 'slow'),
  broken('server-unavailable', 1, effectOf('server', 'serve'), 'fail'),
  broken('store-unavailable', 2, effectOf('store'), 'fail'),
  broken('store-write-ambiguous', 4, effectOf('store', 'write', 'claim'), 'ambiguous'),
  broken('store-write-fails', 3, effectOf('store', 'write'), 'fail'),
  strike('store-read-stale', 4, effectOf('store', 'read'), (stage) => {
    stage.storeGoesBack()
    return 'stale'
  }),
  broken('store-write-duplicate', 2, effectOf('store', 'write', 'claim'), 'duplicate'),
  broken('record-unavailable', 2, effectOf('records'), 'fail'),
  broken('record-write-ambiguous', 4, effectOf('records', 'replace'), 'ambiguous'),
  broken('record-write-fails', 3, effectOf('records', 'replace'), 'fail'),
  broken('record-write-duplicate', 2, effectOf('records', 'replace'), 'duplicate'),
  broken('journal-fails', 2, effectOf('journal'), 'fail'),
  broken('target-fails', 2, effectOf('target'), 'fail'),
  broken('target-ambiguous', 1, effectOf('target', 'publish'), 'ambiguous'),
  broken('status-fails', 2, effectOf('status'), 'fail'),
  broken('status-ambiguous', 1, effectOf('status'), 'ambiguous'),
  broken('pod-lookup-fails', 1, effectOf('pods'), 'fail'),
  broken(
    'call-slow',
    3,
    (point) => ofRefresh(point) && point.phase === 'request' && point.service !== 'journal',
    'slow',
  ),
  outage('store', 2, 900_000),
  outage('records', 2, 600_000),
  outage('server', 2, 900_000),
  outage('target', 1, 600_000),
  outage('status', 1, 600_000),
  event('slow-network', 1, ({ models: { wire, scheduler }, random }) => {
    wire.slowness = random.between(5, 40)
    scheduler.after(random.between(10_000, 300_000), () => {
      wire.slowness = 1
    })
  }),
]
