import type { Measurement } from './measure.ts'
import type { BenchCounts } from './protocol.ts'

/** What `npm run bench` prints of one run. */
export function reportOf(title: string, measurement: Measurement): string {
  const { windows, warmUp, counts, calls, startSeconds, apiHandshakes, runSeconds } = measurement
  const ratios = windows.map((each) => each.microsecondsPerRefresh / each.floorMicrosecondsPerRefresh)
  const cpu = windows.map((each) => each.microsecondsPerRefresh)
  const floor = windows.map((each) => each.floorMicrosecondsPerRefresh)
  const resident = windows.map((each) => each.residentMiB)
  const refreshes = counts.calls['POST token'] ?? 0
  const lines = [
    ['CPU per refresh', `${spread(ratios, 2)} of the floor: ${spread(cpu, 0)} µs, floor ${spread(floor, 0)} µs`],
    ['calls per refresh', callsPerRefresh(counts)],
    ['  first in a process', callsPerRefresh(warmUp)],
    ['  of the floor', summed(calls)],
    ['lateness', times(warmUp.lateness)],
    ['due to published', times(counts.later.rotating.toPublished)],
    ['resident memory', `${spread(resident, 0)} MiB, peak ${measurement.peakResidentMiB.toFixed(0)} MiB`],
    ['start to first refresh', `${spread(startSeconds, 2)} s over ${startSeconds.length} starts`],
    ['TLS handshakes', `${apiHandshakes} with the API server in ${runSeconds.toFixed(0)} s`],
    ['scrape of /metrics', scrapeText(measurement)],
    ['refreshes', `${refreshes} in ${windows.length} windows`],
    ...measurement.complaints.slice(0, 5).map((complaint) => ['complaint', complaint]),
  ]
  return [title, ...lines.map(([name = '', text]) => `  ${name.padEnd(23)}${text}`), ''].join('\n')
}

function scrapeText({ scrapes }: Measurement): string {
  const took = inMilliseconds(scrapes.map(({ scrape }) => scrape.seconds))
  const during = inMilliseconds(scrapes.map(({ scrape }) => scrape.blockSeconds))
  const without = inMilliseconds(scrapes.map(({ without: same }) => same.blockSeconds))
  const waits = `the longest wait of another request ${during} ms in each of ${scrapes.length}, ${without} ms in as long without one`
  const stretch = inMilliseconds(scrapes.map(({ scrape }) => scrape.stretchSeconds))
  const stretchWithout = inMilliseconds(scrapes.map(({ without: same }) => same.stretchSeconds))
  return `${took} ms; ${waits}; the longest stretch of CPU time ${stretch} ms, ${stretchWithout} ms`
}

function inMilliseconds(seconds: readonly number[]): string {
  return spread(
    seconds.map((each) => each * 1000),
    0,
  )
}

/** Median, with least and greatest. */
function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((one, other) => one - other)
  const [least = Number.NaN, greatest = Number.NaN] = [sorted[0], sorted.at(-1)]
  const median =
    ((sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN) + (sorted[Math.floor(sorted.length / 2)] ?? NaN)) / 2
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${greatest.toFixed(digits)})`
}

function callsPerRefresh({ calls }: BenchCounts): string {
  const refreshes = calls['POST token'] ?? 0
  return Object.entries(calls)
    .map(([kind, count]) => `${kind} ${(count / refreshes).toFixed(2)}`)
    .join(', ')
}

function summed(kinds: readonly string[]): string {
  return [...new Set(kinds)].map((kind) => `${kind} ${kinds.filter((each) => each === kind).length}`).join(', ')
}

function times(seconds: readonly number[]): string {
  if (seconds.length === 0) return 'unknown'
  return `p50 ${milliseconds(seconds, 0.5)}, p99 ${milliseconds(seconds, 0.99)} over ${seconds.length}`
}

function milliseconds(seconds: readonly number[], share: number): string {
  return `${(quantile(seconds, share) * 1000).toFixed(0)} ms`
}

/** NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
