import { setTimeout as sleep } from 'node:timers/promises'
import type { ControllerProcess, Scrape } from './controller-process.ts'
import { lifetimeSeconds, meanIntervalOf, providerNames } from './fleet.ts'
import { Helper, type ProcessUsage, usageOf } from './measured-process.ts'
import { addCalls, type BenchCounts, noCounts, type RecordedCall } from './protocol.ts'
import { ask, type BenchSetting, withController } from './setting.ts'

export interface BenchTimes {
  /** At least 2. */
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
  /** What the floor repeats: the kinds of the calls of one refresh, in order. */
  readonly calls: readonly string[]
  /** While every credential was refreshed for the first time in this process. */
  readonly warmUp: BenchCounts
  readonly windows: readonly MeasuredWindow[]
  readonly counts: BenchCounts
  readonly apiHandshakes: number
  readonly runSeconds: number
  readonly peakResidentMiB: number
  readonly scrapes: readonly ScrapePair[]
  readonly complaints: readonly string[]
}

/** A scrape, and as many seconds without one right after it. */
export interface ScrapePair {
  readonly scrape: Scrape
  readonly without: Scrape
}

/** As Prometheus does by default, once a minute or more often. */
const scrapeEverySeconds = 30
/** One alone says little: a collection of garbage that falls into it takes as long as the scrape blocks. */
const measuredScrapes = 20

/** Runs the controller on the setting, and beside it the floor. */
export async function measure(setting: BenchSetting, times: BenchTimes): Promise<Measurement> {
  const startSeconds: number[] = []
  for (let start = 2; start < times.starts; start += 1) {
    await withController(setting, (_, seconds) => Promise.resolve(void startSeconds.push(seconds)))
  }
  const calls = await withController(setting, (_, seconds) => {
    startSeconds.push(seconds)
    return laterRefresh(setting)
  })
  return withController(setting, async (controller, seconds) => {
    const run = await measureRun({ setting, times, calls, controller })
    return { startSeconds: [...startSeconds, seconds], calls: calls.map(({ kind }) => kind), ...run }
  })
}

/** What a refresh costs once nothing is new: the target was looked at, the document is claimed, the record is there. */
async function laterRefresh(setting: BenchSetting): Promise<readonly RecordedCall[]> {
  const calls = await Promise.race([
    ask<readonly RecordedCall[]>(setting, { ask: 'later-refresh' }),
    sleep(60_000, undefined, { ref: false }),
  ])
  if (calls === undefined) throw new Error('the overdue credential was not refreshed often enough within a minute')
  return calls
}

interface Run {
  readonly setting: BenchSetting
  readonly times: BenchTimes
  readonly calls: readonly RecordedCall[]
  readonly controller: ControllerProcess
}

async function measureRun(run: Run): Promise<Omit<Measurement, 'startSeconds' | 'calls'>> {
  const { setting, times, calls, controller } = run
  const began = performance.now()
  const perSecond = setting.size / meanIntervalOf(lifetimeSeconds)
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
    const scrapes: ScrapePair[] = []
    for (let scrape = 0; scrape < measuredScrapes; scrape += 1) scrapes.push(await scrapePair(controller))
    return {
      warmUp,
      windows,
      counts: all.reduce(together, noCounts()),
      apiHandshakes: [warmUp, ...all].reduce((sum, { apiHandshakes }) => sum + apiHandshakes, 0),
      runSeconds: (performance.now() - began) / 1000,
      peakResidentMiB: usageOf(controller.process).peakResidentMiB,
      scrapes,
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

async function scrapePair(controller: ControllerProcess): Promise<ScrapePair> {
  const scrape = await controller.scrape()
  await sleep(500)
  const without = await controller.baseline(scrape.seconds)
  await sleep(500)
  return { scrape, without }
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

function together(one: BenchCounts, other: BenchCounts): BenchCounts {
  const sum = noCounts()
  for (const { calls, apiHandshakes, lateness, later } of [one, other]) {
    addCalls(sum.calls, calls)
    sum.apiHandshakes += apiHandshakes
    sum.lateness.push(...lateness)
    for (const name of providerNames) {
      sum.later[name].count += later[name].count
      addCalls(sum.later[name].calls, later[name].calls)
      sum.later[name].toPublished.push(...later[name].toPublished)
    }
  }
  return sum
}
