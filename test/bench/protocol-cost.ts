import { setTimeout as sleep } from 'node:timers/promises'
import { fleet, headStartSeconds, meanIntervalOf, namedObjects, type ProviderName, providerNames } from './fleet.ts'
import { Helper } from './measured-process.ts'
import type { BenchCounts, LaterRefreshes, ServersPlace } from './protocol.ts'
import { quantile } from './report.ts'
import { ask, type BenchSetting, withController } from './setting.ts'

// What the refresh protocol adds to a refresh: credentials of one server that rotates, and of servers that
// do not, side by side in one process, so that all of them are measured in the same conditions.

const credentialsEach = 200
/** Short, so that every credential comes back while somebody waits. */
const lifetime = 60
/** No interval is longer: half of the life. */
const longestIntervalSeconds = lifetime / 2
const marginSeconds = 3

/** All that a refresh does for a token that stays as it is. */
export const leastCalls = { 'GET document': 1, 'POST token': 1, 'PATCH target': 1, 'PATCH status': 1 } as const

export type ProtocolCost = BenchCounts['later']

/** Runs all three fleets at once, past the first refresh of each credential. */
export async function measureProtocol(bundle: string): Promise<ProtocolCost> {
  const { helper: servers, hello: place } = await Helper.start<ServersPlace>('test/bench/bench-servers.ts')
  try {
    const size = credentialsEach * providerNames.length
    const objects = namedObjects(size, providerNames)
    const renew = () => Promise.resolve(fleet(objects, Date.now() / 1000, lifetime))
    const setting: BenchSetting = { bundle, servers, place, token: 'bench', size, renew }
    return await withController(setting, async (controller) => {
      await sleep((headStartSeconds + meanIntervalOf(lifetime) + marginSeconds) * 1000)
      await ask(setting, { ask: 'counts' })
      await sleep((longestIntervalSeconds + marginSeconds) * 1000)
      controller.assertRunning()
      return (await ask<BenchCounts>(setting, { ask: 'counts' })).later
    })
  } finally {
    await servers.end()
  }
}

/** Why a fleet whose tokens stay as they are pays for the protocol all the same; undefined when none does. */
export function unexpectedCost(cost: ProtocolCost): string | undefined {
  const wanted = Object.entries(leastCalls)
  for (const name of ['constant', 'never'] as const) {
    const { calls, count } = cost[name]
    if (count === 0) return `${titles[name]}: no refresh was seen`
    const kinds = new Set([...Object.keys(calls), ...Object.keys(leastCalls)])
    const odd = [...kinds].filter((kind) => calls[kind] !== count * (wanted.find(([each]) => each === kind)?.[1] ?? 0))
    if (odd.length > 0) return `${titles[name]}: ${odd.map((kind) => `${kind} ${each(cost[name], kind)}`).join(', ')}`
  }
  return undefined
}

const titles: Readonly<Record<ProviderName, string>> = {
  rotating: 'rotates',
  constant: 'constant, Detect',
  never: 'constant, Never',
}

/** What `npm run bench` prints of it. */
export function protocolReport(cost: ProtocolCost): string {
  const { rotating, never } = cost
  const fleets = providerNames.map((name) => cost[name])
  const kinds = [...new Set(fleets.flatMap(({ calls }) => Object.keys(calls)))]
  const rows = [
    ['', ...providerNames.map((name) => titles[name])],
    ...kinds.map((kind) => [kind, ...fleets.map((refreshes) => each(refreshes, kind))]),
    ['all calls', ...fleets.map((refreshes) => allCalls(refreshes).toFixed(2))],
    ['due to published, p50', ...fleets.map((refreshes) => inMs(timeOf(refreshes, 0.5)))],
    ['due to published, p99', ...fleets.map((refreshes) => inMs(timeOf(refreshes, 0.99)))],
    ['refreshes', ...fleets.map(({ count }) => String(count))],
  ]
  const unexpected = unexpectedCost(cost)
  const calls = allCalls(rotating) - allCalls(never)
  const [median = '', most = ''] = [0.5, 0.99].map((share) => inMs(timeOf(rotating, share) - timeOf(never, share)))
  return [
    `\nThe refresh protocol: ${credentialsEach} credentials each, tokens of ${lifetime} s, after the first refresh in a process`,
    ...rows.map(([name = '', ...cells]) => `  ${name.padEnd(23)}${cells.map((cell) => cell.padStart(18)).join('')}`),
    `  It adds ${calls.toFixed(2)} calls, and ${median} to the median and ${most} to p99, where the token rotates.`,
    unexpected === undefined
      ? '  It adds nothing where the token stays as it is.'
      : `  Unexpected where the token stays as it is: ${unexpected}`,
    '',
  ].join('\n')
}

function each({ calls, count }: LaterRefreshes, kind: string): string {
  const calledEach = (calls[kind] ?? 0) / count
  return Number.isInteger(calledEach) ? String(calledEach) : calledEach.toFixed(3)
}

function allCalls({ calls, count }: LaterRefreshes): number {
  return Object.values(calls).reduce((sum, called) => sum + called, 0) / count
}

function timeOf({ toPublished }: LaterRefreshes, share: number): number {
  return quantile(toPublished, share) * 1000
}

function inMs(milliseconds: number): string {
  return `${milliseconds.toFixed(0)} ms`
}
