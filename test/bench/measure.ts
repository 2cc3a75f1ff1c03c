import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ControllerProcess } from './controller-process.ts'
import { type FleetMember, meanIntervalSeconds } from './fleet.ts'
import { Helper, type ProcessUsage, usageOf } from './measured-process.ts'
import { type BenchCounts, noCounts, type Question, type RecordedCall, type ServersPlace } from './protocol.ts'

/** One API server with credentials on it, and the servers around it. */
export interface BenchSetting {
  readonly bundle: string
  readonly servers: Helper
  readonly place: ServersPlace
  /** Bearer token that the API server takes. */
  readonly token: string
  readonly size: number
  /** Puts every credential into the middle of its life. */
  readonly renew: () => Promise<readonly FleetMember[]>
}

export interface BenchTimes {
  readonly starts: number
  /** Long enough for the first refresh of every credential, unless somebody only wants a quick look. */
  readonly warmUpSeconds: number
  readonly windows: number
  readonly windowSeconds: number
}

/** Controller and floor over the same seconds. */
export interface MeasuredWindow {
  readonly refreshes: number
  readonly microsecondsPerRefresh: number
  readonly floorMicrosecondsPerRefresh: number
  readonly residentMiB: number
}

export interface Measurement {
  readonly startSeconds: readonly number[]
  /** While every credential was refreshed for the first time in this process. */
  readonly warmUp: BenchCounts
  readonly windows: readonly MeasuredWindow[]
  readonly counts: BenchCounts
  readonly apiHandshakes: number
  readonly runSeconds: number
  readonly peakResidentMiB: number
  readonly scrapeSeconds: number
  readonly complaints: readonly string[]
}

/** As Prometheus does by default, once a minute or more often. */
const scrapeEverySeconds = 30

/** Runs the controller on the setting, and beside it the floor. */
export async function measure(setting: BenchSetting, times: BenchTimes): Promise<Measurement> {
  const startSeconds: number[] = []
  for (let start = 1; start < times.starts; start += 1) {
    await withController(setting, async (_, seconds) => void startSeconds.push(seconds))
  }
  const calls = steadyCalls(await ask<readonly RecordedCall[]>(setting, { ask: 'recorded' }))
  return withController(setting, async (controller, seconds) => {
    const run = await measureRun({ setting, times, calls, controller })
    return { startSeconds: [...startSeconds, seconds], ...run }
  })
}

interface Run {
  readonly setting: BenchSetting
  readonly times: BenchTimes
  readonly calls: readonly RecordedCall[]
  readonly controller: ControllerProcess
}

/** Starts a controller, waits for its first token request, and ends it when `work` is done. */
async function withController<T>(
  setting: BenchSetting,
  work: (controller: ControllerProcess, startSeconds: number) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'oauth-operator-bench-'))
  await ask(setting, { ask: 'fleet', members: await setting.renew() })
  const controller = await ControllerProcess.start({ ...setting, directory })
  try {
    const firstAtMs = await Promise.race([
      ask<number>(setting, { ask: 'first-token-request' }),
      sleep(60_000).then(() => {
        controller.assertRunning()
        throw new Error('the controller has sent no token request within a minute')
      }),
    ])
    // Let the first refresh end, so that all of its calls are recorded.
    await sleep(500)
    return await work(controller, (firstAtMs - controller.startedAtMs) / 1000)
  } finally {
    await controller.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measureRun(run: Run): Promise<Omit<Measurement, 'startSeconds'>> {
  const { setting, times, calls, controller } = run
  const began = performance.now()
  const perSecond = setting.size / meanIntervalSeconds
  const order = JSON.stringify({ place: setting.place, calls, perSecond })
  const { helper: floor } = await Helper.start('test/bench/floor.ts', [order])
  try {
    await pass(controller, times.warmUpSeconds)
    const warmUp = await ask<BenchCounts>(setting, { ask: 'counts' })
    const windows: MeasuredWindow[] = []
    const all: BenchCounts[] = []
    for (let window = 0; window < times.windows; window += 1) {
      const { measured, counts } = await measureWindow(run, floor)
      windows.push(measured)
      all.push(counts)
    }
    const scrapeSeconds = await controller.scrape()
    return {
      warmUp,
      windows,
      counts: all.reduce(together, noCounts()),
      apiHandshakes: [warmUp, ...all].reduce((sum, { apiHandshakes }) => sum + apiHandshakes, 0),
      runSeconds: (performance.now() - began) / 1000,
      peakResidentMiB: usageOf(controller.process).peakResidentMiB,
      scrapeSeconds,
      complaints: controller.complaints(),
    }
  } finally {
    await floor.end()
  }
}

async function measureWindow(
  { setting, times, controller }: Run,
  floor: Helper,
): Promise<{ readonly measured: MeasuredWindow; readonly counts: BenchCounts }> {
  await ask(setting, { ask: 'counts' })
  const floorBefore = await floor.ask<number>('refreshes')
  const before = [usageOf(controller.process), usageOf(floor.process)] as const
  await pass(controller, times.windowSeconds)
  const after = [usageOf(controller.process), usageOf(floor.process)] as const
  const counts = await ask<BenchCounts>(setting, { ask: 'counts' })
  const refreshes = counts.calls['POST token'] ?? 0
  const floorRefreshes = (await floor.ask<number>('refreshes')) - floorBefore
  return {
    counts,
    measured: {
      refreshes,
      microsecondsPerRefresh: microseconds(before[0], after[0]) / refreshes,
      floorMicrosecondsPerRefresh: microseconds(before[1], after[1]) / floorRefreshes,
      residentMiB: after[0].residentMiB,
    },
  }
}

/** Lets time pass, with a scrape now and then. */
async function pass(controller: ControllerProcess, seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= scrapeEverySeconds) {
    await sleep(Math.min(left, scrapeEverySeconds) * 1000)
    controller.assertRunning()
    if (left >= scrapeEverySeconds) await controller.scrape()
  }
}

function microseconds(before: ProcessUsage, after: ProcessUsage): number {
  return (after.cpuSeconds - before.cpuSeconds) * 1e6
}

/** What a refresh costs once its target was looked at and the store is logged in to. */
function steadyCalls(calls: readonly RecordedCall[]): readonly RecordedCall[] {
  const kinds = ['GET vault', 'POST token', 'PUT vault', 'PATCH secrets', 'PATCH status']
  const steady = calls.filter(({ kind }) => kinds.includes(kind))
  if (steady.filter(({ kind }) => kind === 'POST token').length !== 1 || steady.at(-1)?.kind !== 'PATCH status') {
    throw new Error(`one refresh was expected, and there were: ${calls.map(({ kind }) => kind).join(', ')}`)
  }
  return steady
}

function together(one: BenchCounts, other: BenchCounts): BenchCounts {
  const calls = { ...one.calls }
  for (const [kind, count] of Object.entries(other.calls)) calls[kind] = (calls[kind] ?? 0) + count
  const apiHandshakes = one.apiHandshakes + other.apiHandshakes
  return { calls, apiHandshakes, lateness: [...one.lateness, ...other.lateness] }
}

function ask<Answer>({ servers }: BenchSetting, question: Question): Promise<Answer> {
  return servers.ask<Answer>(question)
}
