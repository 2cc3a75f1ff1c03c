import { setTimeout as sleep } from 'node:timers/promises'
import type { Bundle } from './bundle.ts'
import { Chance } from './chance.ts'
import { ByteCutter } from './cut-server.ts'
import { FaultBed } from './fault-bed.ts'
import { Oracle } from './oracle.ts'
import { commonFigures, type SuiteResult } from './report.ts'
import { startAwsPlace, startVaultPlace } from './store-places.ts'
import { StrictServer } from './strict-server.ts'
import { becomes } from './waiting.ts'

export interface CutStoreOptions {
  readonly bundle: Bundle
  readonly store: 'vault' | 'aws'
  readonly seed: number
  readonly size: number
  readonly minutes: number
  readonly stride: number
}

/** Whoever has failed often in a row waits five minutes at most, and needs a while for the calls then. */
const longestPauseMs = 330_000

/**
 * Cuts the answers of the store behind each of their bytes while refresh tokens are written into it. Nothing may be
 * lost, and nothing presented twice: the server of the tokens never fails.
 */
export async function cutStore(options: CutStoreOptions): Promise<SuiteResult> {
  const chance = new Chance(options.seed)
  const server = await StrictServer.start({
    lifetime: () => 2,
  })
  const store = options.store === 'vault' ? await startVaultPlace({ tls: false }) : await startAwsPlace()
  const cutter = await new ByteCutter(store.address, {
    kindOf: ({ method, path, target }) => (path.includes('/auth/') ? undefined : target || method),
    oneOf: 4,
    stride: options.stride,
    breaking: () => (chance.happens(0.02) ? 'stall' : chance.happens(0.5) ? 'end' : 'reset'),
  }).start()
  const names = Array.from({ length: options.size }, (_, index) => `credential-${index}`)
  const bed = await FaultBed.start({ bundle: options.bundle, server, store, names, storeAddress: cutter.address })
  const oracle = new Oracle(bed)
  try {
    const pod = await bed.newPod()
    const life = bed.live({ pod })
    oracle.follow(life, pod)
    const deadline = performance.now() + options.minutes * 60_000
    for (let looks = 1; !cutter.isThrough() && performance.now() < deadline; looks += 1) {
      await sleep(1000)
      if (looks % 20 === 0)
        console.log(`cut store: ${progressOf(cutter)}, ${server.families.counts().rotated} refreshes`)
    }
    cutter.mend()
    const before = new Map(names.map((name) => [name, server.families.current(name).newest.depth]))
    const moved = (): boolean =>
      [...before].every(([name, depth]) => server.families.current(name).newest.depth > depth)
    if (!(await becomes(moved, longestPauseMs)))
      oracle.violated(`not every credential was refreshed within ${longestPauseMs / 1000} s of the mending`)
    if ((await life.end()) !== 0) oracle.violated('it did not end cleanly')
    const { lost, behind } = await oracle.takeStock(false)
    if (lost.length > 0) oracle.violated(`lost though nothing died: ${lost.join(', ')}`)
    if (behind.length > 0) oracle.violated(`not in the store after a clean end: ${behind.join(', ')}`)
    if (bed.leaks() > 0) oracle.violated(`${bed.leaks()} log lines hold a token`)
    const figures = { cuts: progressOf(cutter), through: String(cutter.isThrough()), ...commonFigures(server, oracle) }
    return { suite: `cut answers of ${options.store}`, figures, violations: oracle.violations }
  } finally {
    await bed.stop()
    await Promise.all([cutter.stop(), server.stop(), store.stop()])
  }
}

function progressOf({ kinds }: ByteCutter): string {
  return kinds.map(({ kind, next, longest }) => `${kind}: ${Math.min(next, longest)}/${longest}`).join(', ')
}
