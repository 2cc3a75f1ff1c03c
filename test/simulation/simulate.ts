import { StuckError } from './scheduler.ts'
import type { LossCause } from './token-ledger.ts'
import { judge } from './verdict.ts'
import { World } from './world.ts'

/** How one seed went. */
export interface Outcome {
  readonly seed: number
  /** What must never happen, and did; with when. */
  readonly violation: string | undefined
  /** The last events in words, of a run that was traced. */
  readonly story: string
  readonly steps: number
  readonly simulatedHours: number
  readonly refreshes: number
  readonly publications: number
  readonly faults: ReadonlyMap<string, number>
  readonly losses: ReadonlyMap<LossCause, number>
}

const minute = 60_000
/** After the faults, and again after the last login, the world has this long to become quiet and healthy. */
const recoveryMs = 20 * minute

/** Plays one seed to its end, or to the first violation. */
export async function simulate(seed: number, tracing = false): Promise<Outcome> {
  const world = new World(seed, tracing)
  const { scheduler, violations } = world.models
  world.start()
  await playUntil(world, world.scenario.faultyMs)
  if (violations.found === undefined) await recover(world)
  return {
    seed,
    violation: violations.found,
    story: violations.story(tracing),
    steps: scheduler.steps,
    simulatedHours: scheduler.nowMs / 3_600_000,
    refreshes: [...world.servers.values()].reduce((sum, { refreshes }) => sum + refreshes, 0),
    publications: world.models.cluster.publications,
    faults: world.gremlin.counts,
    losses: lossesOf(world),
  }
}

/** A violation ends the play soon, not at once: what follows from it does not matter. */
async function playUntil(world: World, untilMs: number): Promise<void> {
  const { scheduler, violations } = world.models
  while (scheduler.nowMs < untilMs && violations.found === undefined) {
    try {
      await scheduler.run(Math.min(untilMs, scheduler.nowMs + 10 * minute))
    } catch (problem) {
      if (!(problem instanceof StuckError)) throw problem
      violations.add(problem.message)
    }
  }
}

async function recover(world: World): Promise<void> {
  const { scheduler, violations } = world.models
  world.calm()
  await playUntil(world, scheduler.nowMs + recoveryMs)
  if (violations.found !== undefined) return
  const lost = world.planned.filter(
    (planned) => planned.duplicateOf === undefined && world.liveToken(planned) === undefined,
  )
  for (const planned of world.planned) judge(world, planned)
  if (lost.length === 0 || violations.found !== undefined) return
  for (const { place } of lost) world.login(place)
  await playUntil(world, scheduler.nowMs + recoveryMs)
  for (const planned of world.planned) judge(world, planned)
}

function lossesOf({ models }: World): ReadonlyMap<LossCause, number> {
  const losses = new Map<LossCause, number>()
  for (const { loss } of models.ledger.families) {
    if (loss !== undefined) losses.set(loss, (losses.get(loss) ?? 0) + 1)
  }
  return losses
}
