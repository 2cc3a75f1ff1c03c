import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bundle } from './bundle.ts'
import { Chance } from './chance.ts'
import { FaultBed } from './fault-bed.ts'
import { Oracle } from './oracle.ts'
import { OwnCore } from './own-core.ts'
import type { FamilyToken } from './refresh-families.ts'
import { commonFigures, spread, type SuiteResult } from './report.ts'
import { startVaultPlace } from './store-places.ts'
import { StrictServer } from './strict-server.ts'

export interface WindowOptions {
  readonly bundle: Bundle
  readonly size: number
  readonly seconds: number
}

/**
 * Measures how long a refresh token is in one place only: W2 until it is in the journal, W3 until it is durable. The
 * controller has a core of its own where the machine has two.
 */
export async function measureWindows({ bundle, size, seconds }: WindowOptions): Promise<SuiteResult> {
  const core = OwnCore.take()
  const chance = new Chance(1)
  const lifetime = (): number => 2 + Math.floor(chance.between(0, 4))
  const server = await StrictServer.start({ lifetime, delays: () => ({ beforeMs: chance.between(0, 30), afterMs: 0 }) })
  const tokens = new Map<string, FamilyToken>()
  server.watch({ used: async (family) => void tokens.set(hashOf(family.newest), family.newest) })
  const store = await startVaultPlace()
  const names = Array.from({ length: size }, (_, index) => `credential-${index}`)
  const bed = await FaultBed.start({ bundle, server, store, names })
  const oracle = new Oracle(bed)
  const directory = mkdtempSync(join(tmpdir(), 'oauth-operator-windows-'))
  try {
    const file = join(directory, 'windows')
    const pod = await bed.newPod()
    const life = bed.live({ pod, failpoint: { FAULTS_MEASURE: file }, ...(core && { launcher: core.launcher }) })
    oracle.follow(life, pod)
    const writes = await bareWrites(bed, seconds)
    if ((await life.end()) !== 0) oracle.violated('it did not end cleanly')
    const { lost, behind } = await oracle.takeStock(false)
    if (lost.length + behind.length > 0) oracle.violated('not everything is in the store after a clean end')
    const figures = { ...figuresOf(readFileSync(file, 'utf8'), { tokens, writes }), ...commonFigures(server, oracle) }
    return { suite: 'windows', figures, violations: oracle.violations }
  } finally {
    rmSync(directory, { recursive: true, force: true })
    await bed.stop()
    await Promise.all([server.stop(), store.stop()])
    core?.giveBack()
  }
}

function hashOf({ value }: FamilyToken): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16)
}

interface Beside {
  readonly tokens: ReadonlyMap<string, FamilyToken>
  /** Milliseconds that bare writes took. */
  readonly writes: readonly number[]
}

const bareWriteEveryMs = 200

/** What W3 cannot be shorter than, at the same time and on the same machine: a bare write of a Secret, acknowledged. */
async function bareWrites(bed: FaultBed, forSeconds: number): Promise<readonly number[]> {
  const took: number[] = []
  const endMs = performance.now() + forSeconds * 1000
  while (performance.now() < endMs) {
    const begunMs = performance.now()
    await bed.writeSecret('bare', randomBytes(1024).toString('base64'))
    took.push(performance.now() - begunMs)
    await sleep(Math.max(0, bareWriteEveryMs - (performance.now() - begunMs)))
  }
  return took
}

function figuresOf(text: string, { tokens, writes }: Beside): SuiteResult['figures'] {
  const rows = text.trimEnd().split('\n').map(rowOf)
  const w2 = (these: readonly Row[]): string => spread(these.map((row) => row.journaledMs - row.lastByteMs))
  const fromServer = (until: 'journaledMs' | 'durableMs'): readonly number[] =>
    rows.flatMap((row) => {
      const deliveredAtMs = tokens.get(row.hash)?.deliveredAtMs
      return deliveredAtMs === undefined ? [] : row[until] - (performance.timeOrigin + deliveredAtMs)
    })
  return {
    'W2, from the last byte read to the journal': w2(rows),
    'W2, where nobody else was given the processor meanwhile': w2(rows.filter(({ preemptions }) => preemptions === 0)),
    'W2, from the last byte written by the server': spread(fromServer('journaledMs')),
    'W3, from the last byte read to the record or the store': spread(rows.map((row) => row.durableMs - row.lastByteMs)),
    'W3, from the last byte written by the server': spread(fromServer('durableMs')),
    'a bare write of a Secret, beside': spread(writes),
  }
}

interface Row {
  readonly hash: string
  readonly lastByteMs: number
  readonly journaledMs: number
  readonly durableMs: number
  readonly preemptions: number
}

function rowOf(line: string): Row {
  const [hash = '', ...numbers] = line.split(' ')
  const [lastByteMs = NaN, journaledMs = NaN, durableMs = NaN, preemptions = NaN] = numbers.map(Number)
  return { hash, lastByteMs, journaledMs, durableMs, preemptions }
}
