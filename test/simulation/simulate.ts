import { conditionOf } from '../../src/domain/conditions.ts'
import type { CredentialState } from '../../src/domain/credential-state.ts'
import type { Family, LossCause } from './token-ledger.ts'
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
const recoveryMs = 20 * minute

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
  const lost = world.planned.filter(
    (planned) => planned.duplicateOf === undefined && world.liveToken(planned) === undefined,
  )
  for (const planned of world.planned) judge(world, planned)
  if (lost.length === 0 || violations.found !== undefined) return
  for (const { place } of lost) world.login(place)
  await playUntil(world, scheduler.nowMs + recoveryMs)
  for (const planned of world.planned) judge(world, planned)
}

function judge(world: World, planned: Planned): void {
  const { cluster, violations } = world.models
  const state = cluster.status(`ci/${planned.name}`)
  const stalled = state === undefined ? undefined : conditionOf(state.conditions, 'Stalled')
  const told = state?.conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`).join(' ') ?? 'nothing'
  const wrong = (what: string): void => violations.add(`${planned.name} ${what}; its status says ${told}.`)
  if (stalled?.reason === 'RefreshTokenOwned' && hasOwner(world, planned)) return
  // A former leader's last word says nothing of what the leader knows.
  if (cluster.writers.get(`ci/${planned.name}`)?.leads === false) return
  if (world.liveToken(planned) === undefined) {
    // Nobody can know before the next refresh.
    if (isReady(state) && stalled === undefined) return
    if (stalled === undefined || !trueReasons.has(stalled.reason))
      wrong('has lost its refresh token and nobody is told')
    if (planned.duplicateOf === undefined) judgeLoss(world, planned, wrong)
  } else judgeHealth(world, planned, wrong)
}

function isReady(state: CredentialState | undefined): boolean {
  return state !== undefined && conditionOf(state.conditions, 'Ready')?.status === 'True'
}

/** Of several that share a token which rotates, one is at it. */
function hasOwner(world: World, { place, provider, name }: Planned): boolean {
  const { profile, declaresNothing } = world.server(provider)
  // A token that is not known to stay the same is treated as one that does not.
  if (!profile.rotates && !declaresNothing) return false
  const others = world.planned.filter((other) => other.place === place && other.name !== name)
  return others.some((other) => {
    const conditions = world.models.cluster.status(`ci/${other.name}`)?.conditions ?? []
    return conditionOf(conditions, 'Stalled')?.reason !== 'RefreshTokenOwned'
  })
}

function judgeHealth(world: World, planned: Planned, wrong: (what: string) => void): void {
  const { cluster, scheduler } = world.models
  const state = cluster.status(`ci/${planned.name}`)
  const conditions = state?.conditions ?? []
  const accessToken = cluster.targets.get(planned.target)?.accessToken
  const stalled = conditionOf(conditions, 'Stalled')
  if (stalled?.reason === 'StoreRolledBack' && isDisplaced(world, planned)) return
  if (stalled !== undefined) return wrong('has a live refresh token and is stalled')
  if (!isReady(state)) return wrong('has a live refresh token and is not ready')
  if (accessToken === undefined || accessToken.expiresAtMs < scheduler.nowMs) return wrong('has no live access token')
  const { ledger, store } = world.models
  const stored = ledger.find(store.token(planned.place) ?? '')
  const isFresh = accessToken.issuedAtMs > world.calmMs
  if (isFresh && (stored === undefined || !ledger.isAlive(stored)))
    return wrong('has its refresh token not in the store')
  // While it waits to ask again whether an answer was lost, it cannot know.
  if (conditionOf(conditions, 'Reconciling') !== undefined) return
  if (accessToken.family.revoked) return wrong('has an access token that was revoked')
}

function judgeLoss(world: World, planned: Planned, wrong: (what: string) => void): void {
  const family = lastLogin(world, planned)
  if (family?.loss === undefined && !isDisplaced(world, planned)) {
    wrong('has lost its refresh token outside of every window')
  }
}

/** What stands in the store in place of the last login was put there by a human, or came back with a rollback. */
function isDisplaced(world: World, planned: Planned): boolean {
  const { ledger, store } = world.models
  return ledger.find(store.token(planned.place) ?? '')?.family !== lastLogin(world, planned)
}

function lastLogin({ models }: World, { place }: Planned): Family | undefined {
  return models.ledger.families.findLast((family) => family.place === place)
}

function lossesOf({ models }: World): ReadonlyMap<LossCause, number> {
  const losses = new Map<LossCause, number>()
  for (const { loss } of models.ledger.families) {
    if (loss !== undefined) losses.set(loss, (losses.get(loss) ?? 0) + 1)
  }
  return losses
}
