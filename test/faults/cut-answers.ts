import { setTimeout as sleep } from 'node:timers/promises'
import type { Bundle } from './bundle.ts'
import { FaultBed } from './fault-bed.ts'
import { Oracle } from './oracle.ts'
import type { Leeway } from './refresh-families.ts'
import { commonFigures, type SuiteResult } from './report.ts'
import { startVaultPlace } from './store-places.ts'
import { answerMessage, type Cut, StrictServer } from './strict-server.ts'
import { becomes } from './waiting.ts'

export interface CutAnswersOptions {
  readonly bundle: Bundle
  readonly leeway?: Leeway
  /** Bytes between two cuts; 1: every byte. */
  readonly stride: number
}

/** Seconds: each credential is refreshed again and again, so that its turn to be cut comes. */
const lifetime = 20
/** No more in a row than a host may leave without an answer before it is taken to be down. */
const mostInRow = 3
/** The longest that the operator waits for an answer. */
const responseTimeoutMs = 60_000

/**
 * Cuts an answer of the token endpoint behind each of its bytes, one credential for each cut: the connection ends,
 * is reset, or says nothing more. The refresh token is to be kept as soon as all of it has arrived. Whole answers come
 * in between, because nothing is sent to a host that seems to be down.
 */
export async function cutAnswers(options: CutAnswersOptions): Promise<SuiteResult> {
  const sample = answerMessage('x'.repeat(newTokenLength), lifetime)
  const cuts = planOf(sample.length, options.stride)
  const complete = sample.indexOf('x'.repeat(newTokenLength)) + newTokenLength + 1
  const turns = new Turns(cuts)
  const server = await StrictServer.start({
    lifetime: () => lifetime,
    // The first answer for a token only: another one is whole.
    cut: ({ name }, { parent }) => (parent?.uses.length === 1 ? turns.take(name) : undefined),
    completeAtByte: complete,
    ...(options.leeway && { leeway: options.leeway }),
  })
  const store = await startVaultPlace()
  const names = [...cuts.keys()]
  const { leeway } = options
  const rotation = leeway && { reuseLeeway: `${leeway.seconds}s`, leewayKind: leeway.kind }
  const bed = await FaultBed.start({ bundle: options.bundle, server, store, names, ...(rotation && { rotation }) })
  const oracle = new Oracle(bed)
  try {
    const pod = await bed.newPod()
    const life = bed.live({ pod })
    oracle.follow(life, pod)
    await settle(bed, turns)
    if ((await life.end()) !== 0) oracle.violated('it did not end cleanly')
    await judge({ bed, oracle, cuts, turns, complete, leeway })
    const kind = leeway === undefined ? 'no leeway' : `a leeway of ${leeway.seconds} s for ${leeway.kind}`
    const figures = { cuts: cuts.size, 'bytes of an answer': sample.length, ...commonFigures(server, oracle) }
    return { suite: `cut answers of a token endpoint with ${kind}`, figures, violations: oracle.violations }
  } finally {
    await bed.stop()
    await Promise.all([server.stop(), store.stop()])
  }
}

/** Which credential's answer is cut, and when: once for each. */
class Turns {
  readonly #left: Map<string, Cut>
  #inRow = 0

  constructor(cuts: ReadonlyMap<string, Cut>) {
    this.#left = new Map(cuts)
  }

  take(name: string): Cut | undefined {
    const cut = this.#inRow < mostInRow ? this.#left.get(name) : undefined
    this.#inRow = cut === undefined ? 0 : this.#inRow + 1
    if (cut !== undefined) this.#left.delete(name)
    return cut
  }

  isDone(name: string): boolean {
    return !this.#left.has(name)
  }
}

const newTokenLength = 'rt0faults-'.length + 20

function planOf(length: number, stride: number): ReadonlyMap<string, Cut> {
  const plan = new Map<string, Cut>()
  const add = (by: Cut['by'], every: number): void => {
    for (let bytes = 0; bytes <= length; bytes += every) plan.set(`cut-${by}-${bytes}`, { bytes, by })
  }
  add('end', stride)
  add('reset', stride * 4)
  add('stall', stride * 24)
  return plan
}

/** Waits until every credential has what it can have: its newest token in the store, or the knowledge of its loss. */
async function settle(bed: FaultBed, turns: Turns): Promise<void> {
  const { server, store, names } = bed.options
  const open = new Set(names)
  const closed = async (name: string): Promise<boolean> => {
    const family = server.families.current(name)
    if (!turns.isDone(name)) return false
    if (family.deadSinceMs !== undefined) return true
    const inStore = await store.read(name)
    return server.families.live(family).some(({ value }) => value === inStore)
  }
  const deadline = performance.now() + responseTimeoutMs + 180_000
  let said = open.size
  while (open.size > 0 && performance.now() < deadline) {
    for (const name of open) if (await closed(name)) open.delete(name)
    if (said - open.size >= 50) {
      said = open.size
      console.log(`cut answers: ${names.length - open.size} of ${names.length} are settled`)
    }
    await sleep(500)
  }
  // What the status says may come a moment later.
  await becomes(() => open.size > 0, 2000)
}

interface Scene {
  readonly bed: FaultBed
  readonly oracle: Oracle
  readonly cuts: ReadonlyMap<string, Cut>
  readonly turns: Turns
  readonly complete: number
  readonly leeway: Leeway | undefined
}

async function judge(scene: Scene): Promise<void> {
  const { bed, oracle, turns, leeway } = scene
  const { server, store, names } = bed.options
  const statuses = await bed.statuses()
  for (const name of names) {
    const family = server.families.current(name)
    const inStore = await store.read(name)
    const kept = server.families.live(family).some(({ value }) => value === inStore)
    if (!turns.isDone(name)) oracle.violated(`${name}: its answer was never cut`)
    if (kept) continue
    const problem = problemOfLoss(name, statuses.get(name)?.lastFailure?.code ?? 'no failure', scene)
    if (problem !== undefined) oracle.violated(`${name}: ${problem}`)
  }
  if (leeway === undefined) for (const problem of presentedOften(server)) oracle.violated(problem)
}

/** Undefined when nobody could have kept the refresh token, and the status says so. */
function problemOfLoss(name: string, code: string, { cuts, complete, leeway }: Scene): string | undefined {
  if (leeway !== undefined) return `lost in spite of the leeway (${code})`
  const { bytes = 0 } = cuts.get(name) ?? {}
  if (bytes >= complete) return `the refresh token had arrived and is not in the store (${code})`
  return code === 'REFRESH_ANSWER_LOST' ? undefined : `the answer was lost, and the status says ${code}`
}

function presentedOften({ families }: StrictServer): readonly string[] {
  const uses = new Map<string, number>()
  for (const { name, verdict } of families.presentations)
    if (verdict !== 'rotated') uses.set(name, (uses.get(name) ?? 0) + 1)
  return [...uses].flatMap(([name, count]) => (count > 1 ? `${name}: presented again ${count} times` : []))
}
