import { conditionOf } from '../../src/domain/conditions.ts'
import { type CredentialState, noState } from '../../src/domain/credential-state.ts'
import type { Retained } from './record-model.ts'
import type { Planned } from './scenario.ts'
import type { AccessTokenFact, Family, RefreshTokenFact } from './token-ledger.ts'
import type { World } from './world.ts'

/** What a stalled credential may say whose refresh token is lost. */
const trueReasons: ReadonlySet<string> = new Set([
  'ReauthorizationRequired',
  'LostResponse',
  'SecondSpender',
  'StoreRolledBack',
  'SeedMissing',
])

/** Of these, what says that the access token may be revoked, too. */
const refusals: ReadonlySet<string> = new Set(['ReauthorizationRequired', 'LostResponse', 'SecondSpender'])

const minuteMs = 60_000

/** One credential of a world that has become quiet. */
interface Case {
  readonly world: World
  readonly planned: Planned
  readonly state: CredentialState
  readonly stalled: string | undefined
  readonly isReady: boolean
  /** In the store. */
  readonly stored: RefreshTokenFact | undefined
}

type Check = (found: Case) => string | undefined

/** Says what is wrong with a credential after everything that was broken has worked again for a while. */
export function judge(world: World, planned: Planned): void {
  const { cluster, violations, ledger, store } = world.models
  const state = cluster.status(`ci/${planned.name}`) ?? noState
  const stalled = conditionOf(state.conditions, 'Stalled')?.reason
  const isReady = conditionOf(state.conditions, 'Ready')?.status === 'True'
  const stored = ledger.find(store.token(planned.place) ?? '')
  const found: Case = { world, planned, state, stalled, isReady, stored }
  if (isExcused(found)) return
  const wrong = world.liveToken(planned) === undefined ? lossProblem(found) : healthProblem(found)
  if (wrong === undefined) return
  const told = state.conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`).join(' ')
  violations.add(`${planned.name} ${wrong}; its status says ${told}.`)
}

function isExcused(found: Case): boolean {
  const { world, planned, stalled } = found
  if (stalled === 'RefreshTokenOwned' && hasOwner(found)) return true
  if ((stalled === 'RefreshTokenOwned' || stalled === undefined) && wasLeft(found)) return true
  if (stalled !== undefined && isLeftover(found)) return true
  // A former leader's last word says nothing of what the leader knows.
  return world.models.cluster.writers.get(`ci/${planned.name}`)?.leads === false
}

/** Of several that share a token which rotates, one is at it. A token that is not known to stay the same counts as one that does not. */
function hasOwner({ world, planned: { place, provider, name } }: Case): boolean {
  const { profile, declaresNothing } = world.server(provider)
  if (!profile.rotates && !declaresNothing) return false
  const others = world.planned.filter((other) => other.place === place && other.name !== name)
  return others.some((other) => {
    const conditions = world.models.cluster.status(`ci/${other.name}`)?.conditions ?? []
    return conditionOf(conditions, 'Stalled')?.reason !== 'RefreshTokenOwned'
  })
}

/**
 * A process that stood still while its credential went puts its token there when it goes on, and nobody else takes that
 * away. Whoever was refused before that goes on saying so.
 */
function isLeftover({ world: { models }, planned: { target, formerUids } }: Case): boolean {
  return models.cluster.keepsTargets && formerUids.includes(models.cluster.targets.get(target)?.uid ?? '')
}

/** Whoever has claimed the document names another one by now: it may be the same one by another name, so a human says who takes over. */
function wasLeft({ world, planned: { place, uid } }: Case): boolean {
  const owner = world.models.store.claim(place)?.owner
  const former = world.planned.filter((one) => one.uid !== uid && one.place !== place && world.hasBeenAt(one, place))
  // Or it has used up what the document shows again.
  return former.some((one) => owner === `cluster/${one.uid}` || owner === `cluster/${uid}`)
}

function lossProblem(found: Case): string | undefined {
  const { stalled, isReady, planned } = found
  // Nobody can know before the next refresh.
  if (isReady && stalled === undefined) return undefined
  if (!isToldTruly(found)) return 'has lost its refresh token and nobody is told'
  const isOneOfTwo = planned.duplicateOf !== undefined
  if (isOneOfTwo || lastLogin(found)?.loss !== undefined || isDisplaced(found) || isLockedIn(found)) return undefined
  return 'has lost its refresh token outside of every window'
}

function isToldTruly({ stalled, world }: Case): boolean {
  if (stalled === undefined) return false
  // Whoever has used it up names another document by now.
  const isUsedUp = stalled === 'RefreshTokenOwned' && world.planned.some((one) => world.hasMoved(one))
  return isUsedUp || trueReasons.has(stalled)
}

/** What the record keeps, its own or that of another one at its place, is sealed with a key that went with an older document (W5). */
function isLockedIn({ world, planned: { place } }: Case): boolean {
  const key = world.models.store.claim(place)?.sealingKey.reveal()
  const users = world.planned.filter((one) => one.place === place)
  const isClosed = ({ key: other, token }: Retained): boolean =>
    token.family.place === place && other !== undefined && other !== key
  return users.some((one) => world.retained(one).some(isClosed))
}

const healthChecks: readonly Check[] = [
  (found) => {
    if (found.stalled === undefined) return undefined
    // A login that a rollback has displaced, and another one has brought back, was left for a later one meanwhile.
    const isUncertain = isDisplaced(found) || found.stored?.family.returned === true
    const isConservative = found.stalled === 'StoreRolledBack' && (isUncertain || isMiscounted(found))
    return isConservative ? undefined : 'has a live refresh token and is stalled'
  },
  ({ isReady, stalled }) =>
    isReady || stalled !== undefined ? undefined : 'has a live refresh token and is not ready',
  accessTokenProblem,
  storeProblem,
  recordProblem,
]

function healthProblem(found: Case): string | undefined {
  for (const check of healthChecks) {
    const problem = check(found)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Of a record that was put back nobody knows which of its tokens the status counts, once they were at several places, or of several objects. */
function isMiscounted({ world, planned }: Case): boolean {
  return world.recordsWereRestored && (world.hasMoved(planned) || planned.formerUids.length > 0)
}

function accessTokenProblem(found: Case): string | undefined {
  const { cluster, scheduler } = found.world.models
  // An expiry that was read off a wrong clock tells nobody that it has passed.
  if (found.stalled !== undefined || cluster.clocksWereSet) return undefined
  const accessToken = accessTokenOf(found)
  if (accessToken === undefined || accessToken.expiresAtMs < scheduler.nowMs) return 'has no live access token'
  // While it waits to ask again whether an answer was lost, it cannot know.
  const isWaiting = conditionOf(found.state.conditions, 'Reconciling') !== undefined
  const isUntold = accessToken.family.revoked && !isWaiting && !isToldByOther(found, accessToken)
  return isUntold ? 'has an access token that was revoked' : undefined
}

/**
 * Where all lead at once, who knows of no refusal tells over the status of who does; whoever leads alone later knows that one.
 * Of two that name one document, against what they are told, the one tells of the login whose refresh token it presented.
 */
function isToldByOther({ world, planned: own }: Case, { family }: AccessTokenFact): boolean {
  const refusalsOf = ({ name }: Planned) =>
    (world.models.cluster.stalls.get(`ci/${name}`) ?? []).filter(({ reason }) => refusals.has(reason))
  const beside = world.planned.filter((one) => one !== own && one.place === own.place).flatMap(refusalsOf)
  if (beside.some((told) => told.family === family || told.family === undefined)) return true
  return world.scenario.everybodyLeads && refusalsOf(own).some((told) => told.family === family)
}

function storeProblem(found: Case): string | undefined {
  const { world, stored } = found
  const { scheduler, ledger } = world.models
  const isUnderWay = stored !== undefined && scheduler.nowMs - stored.spentAtMs < minuteMs
  const isRefreshed = (accessTokenOf(found)?.issuedAtMs ?? 0) > world.calmMs
  if (!isRefreshed || isUnderWay || (stored !== undefined && ledger.isAlive(stored))) return undefined
  return 'has its refresh token not in the store'
}

/** Whoever has refreshed has had an answer, and nothing is left of the intent that it answered. */
function recordProblem(found: Case): string | undefined {
  const { world, planned } = found
  const { profile } = world.server(planned.provider)
  const isRefreshed = (accessTokenOf(found)?.issuedAtMs ?? 0) > world.calmMs
  if (!profile.rotates || !isRefreshed || isAtIt(found)) return undefined
  return world.models.records.current(planned.uid)?.intent === undefined
    ? undefined
    : 'was refreshed, and its record holds an intent'
}

/** True while somebody presents the refresh token. */
function isAtIt({ world, planned: { uid } }: Case): boolean {
  return world.fleet.processes().some(({ pod }) => pod.journal.has(uid))
}

function accessTokenOf({ world, planned }: Case): AccessTokenFact | undefined {
  return world.models.cluster.targets.get(planned.target)?.accessToken
}

/** What stands in the store in place of the last login was put there by a human, or came back with a rollback. */
function isDisplaced(found: Case): boolean {
  return found.stored?.family !== lastLogin(found)
}

function lastLogin({ world, planned: { place } }: Case): Family | undefined {
  return world.models.ledger.families.findLast((family) => family.place === place)
}
