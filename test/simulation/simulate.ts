import { conditionOf } from '../../src/domain/conditions.ts'
import type { LossCause } from './token-ledger.ts'
import type { Planned } from './scenario.ts'
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
const recoveryMs = 25 * minute

/** What a stalled credential may say whose refresh token is lost. */
const trueReasons: ReadonlySet<string> = new Set([
  'ReauthorizationRequired',
  'LostResponse',
  'SecondSpender',
  'StoreRolledBack',
  'SeedMissing',
])

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
    await scheduler.run(Math.min(untilMs, scheduler.nowMs + 10 * minute))
  }
}

async function recover(world: World): Promise<void> {
  const { scheduler, violations } = world.models
  world.calm()
  await playUntil(world, scheduler.nowMs + recoveryMs)
  if (violations.found !== undefined) return
  const lost = world.planned.filter((planned) => !isDuplicate(planned) && world.liveToken(planned) === undefined)
  for (const planned of world.planned) judge(world, planned)
  if (lost.length === 0 || violations.found !== undefined) return
  for (const { place } of lost) world.login(place)
  await playUntil(world, scheduler.nowMs + recoveryMs)
  for (const planned of world.planned) judge(world, planned)
}

function isDuplicate({ duplicateOf }: Planned): boolean {
  return duplicateOf !== undefined
}

function judge(world: World, planned: Planned): void {
  const state = world.models.cluster.status(`ci/${planned.name}`)
  const stalled = state === undefined ? undefined : conditionOf(state.conditions, 'Stalled')
  const told = state?.conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`).join(' ') ?? 'nothing'
  const wrong = (what: string): void => world.models.violations.add(`${planned.name} ${what}; its status says ${told}.`)
  if (isDuplicate(planned)) {
    if (stalled?.reason !== 'RefreshTokenOwned') wrong('points at the token of another and is not told so')
  } else if (world.liveToken(planned) === undefined) {
    if (stalled === undefined || !trueReasons.has(stalled.reason))
      wrong('has lost its refresh token and nobody is told')
    judgeLoss(world, planned, wrong)
  } else judgeHealth(world, planned, wrong)
}

function judgeHealth(world: World, planned: Planned, wrong: (what: string) => void): void {
  const { cluster, scheduler, ledger, store } = world.models
  const state = cluster.status(`ci/${planned.name}`)
  const conditions = state?.conditions ?? []
  const accessToken = cluster.targets.get(planned.target)?.accessToken
  if (conditionOf(conditions, 'Stalled') !== undefined) return wrong('has a live refresh token and is stalled')
  if (conditionOf(conditions, 'Ready')?.status !== 'True') return wrong('has a live refresh token and is not ready')
  if (accessToken === undefined || accessToken.expiresAtMs < scheduler.nowMs) return wrong('has no live access token')
  if (accessToken.family.revoked) return wrong('has an access token that was revoked')
  const stored = ledger.find(store.token(planned.place) ?? '')
  if (stored === undefined || !ledger.isAlive(stored)) return wrong('has its newest refresh token not in the store')
}

function judgeLoss(world: World, { place }: Planned, wrong: (what: string) => void): void {
  const mistaken = world.models.ledger.find(world.models.store.token(place) ?? '') === undefined
  const family = world.models.ledger.families.findLast((candidate) => candidate.place === place)
  if (family?.loss === undefined && !mistaken) wrong('has lost its refresh token outside of every window')
}

function lossesOf({ models }: World): ReadonlyMap<LossCause, number> {
  const losses = new Map<LossCause, number>()
  for (const { loss } of models.ledger.families) {
    if (loss !== undefined) losses.set(loss, (losses.get(loss) ?? 0) + 1)
  }
  return losses
}
