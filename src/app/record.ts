import { conditionsOf } from '../domain/conditions.ts'
import { type Credential, type CredentialKey, keyText } from '../domain/credential.ts'
import { type CredentialState, noState, type RememberedFailure } from '../domain/credential-state.ts'
import type { ClaimState } from '../domain/document-claim.ts'
import { failureRegistry } from '../domain/failure-registry.ts'
import type { Observed } from '../domain/observed.ts'
import { present } from '../domain/present.ts'
import { leftFailure } from '../domain/place-left.ts'
import { previousLookAt, previousProblem } from '../domain/previous-token.ts'
import { dueAt } from '../domain/due.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import { retryAt } from '../domain/settle.ts'
import type { Progress, Step } from '../domain/step.ts'
import { earliest, type EpochSeconds, epochSeconds, later, seconds } from '../domain/time.ts'
import { auditTurn } from './audit.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps } from './deps.ts'
import { targetCheckIntervalOf } from './gather.ts'
import { PackedClaim } from './packed-claim.ts'
import { PackedRecord } from './packed-record.ts'
import { report } from './report-status.ts'
import { transitions } from './transitions.ts'
import { untilTold } from './until-told.ts'
import type { Requeue } from './work-queue.ts'

export type Settled = Extract<Step, { kind: 'settled' }>

/** Whose reconcile ended, and what was remembered before it. */
export interface Recorded {
  readonly key: CredentialKey
  readonly uid: string
  readonly generation: number
  readonly before: CredentialState
  /** Absent for a credential whose spec cannot be acted on. */
  readonly observed?: Observed
  readonly memory?: CredentialMemory
}

export interface Recording {
  readonly memory: CredentialMemory
  readonly requeue: Requeue
}

/** Tells the world how a reconcile ended: status, events, metrics, journal. The one place that does. */
export async function record(subject: Recorded, step: Settled, deps: Deps): Promise<Recording> {
  const state = withConditions(subject, step, deps)
  tell(subject, step, state, deps)
  const settledAnswerAt = await settleJournal(subject, step, deps)
  const nextRefreshAt = nextRefresh(subject, step, { state, now: deps.clock.now() })
  const nextLookAt = later(deps.clock.now(), targetCheckIntervalOf(deps))
  const reported = await report(subject, { state, nextRefreshAt }, deps)
  const statusFailures = reported ? undefined : (subject.memory?.statusFailures ?? 0) + 1
  const credential = reported ? kept(subject, state, deps) : undefined
  const told = { state, nextRefreshAt, settledAnswerAt, nextLookAt, reported, statusFailures, credential }
  const memory = remembered(subject, step, { ...told, installation: deps.installation.id })
  return { memory, requeue: untilTold(memory, withPreviousLook(step.wakeAt, state, deps.clock.now()), deps) }
}

/** However a reconcile ended: a previous access token leaves the target when it is over. */
function withPreviousLook(wakeAt: Requeue, state: CredentialState, now: EpochSeconds): Requeue {
  const lookAt = previousLookAt(state, now)
  return lookAt === undefined ? wakeAt : earliest(wakeAt ?? lookAt, lookAt)
}

/** The manifest with the state that its status says now. While another process may act, that may have changed it since. */
function kept({ observed }: Recorded, state: CredentialState, deps: Deps): Credential | undefined {
  return observed !== undefined && deps.mayTell() ? deps.resources.reported(observed.credential, state) : undefined
}

function withConditions(subject: Recorded, { settlement, progress }: Settled, deps: Deps): CredentialState {
  const { generation, observed } = subject
  const { pending, record, left, writtenBack = false, storeIsNewest = false } = progress
  const state = withGeneration(progress)
  const conditions = conditionsOf({
    state,
    settlement,
    pending,
    writtenBack,
    storeIsNewest,
    target: progress.target ?? (observed?.target.kind === 'observed' ? observed.target.state : undefined),
    targetOutdated: isOutdated(state, observed),
    leftFailure: observed && leftFailure({ credential: observed.credential, record, left }),
    answerWaiting: answerWaits(observed, progress),
    previousProblem: observed && previousProblem(observed),
    generation,
    now: deps.clock.now(),
  })
  return { ...state, observedGeneration: generation, conditions }
}

/** True when something was published, and not as the spec wants it by now. */
function isOutdated({ targetDigest }: CredentialState, observed: Observed | undefined): boolean {
  return targetDigest !== undefined && observed !== undefined && targetDigest !== observed.targetDigest
}

/** The newest generation outlives the record, in case that somebody deletes it. */
function withGeneration({ state, record: found }: Settled['progress']): CredentialState {
  const { refreshTokenGeneration: known = 0 } = state
  return found === undefined || found.generation <= known
    ? state
    : { ...state, refreshTokenGeneration: found.generation }
}

function answerWaits(observed: Observed | undefined, { pending, answerSettled }: Progress): boolean {
  return observed?.journal?.phase === 'answered' && pending === undefined && answerSettled !== true
}

function tell(subject: Recorded, step: Settled, state: CredentialState, deps: Deps): void {
  const { key, uid, before, observed, memory } = subject
  const hadFailed = before.lastFailure !== undefined
  const events = transitions(before.conditions, state.conditions, { key, uid }, hadFailed)
  for (const event of events) deps.events.record(event)
  const request = { now: observed?.credential.refreshRequest, seen: memory?.credential?.refreshRequest }
  auditTurn({ subject, before, after: state, events, request }, deps)
  const provider = observed?.provider.kind === 'found' ? observed.provider.value.name : undefined
  if (state.refreshes > before.refreshes) {
    const rotated = isRotated(step.progress)
    deps.logger.info({ credential: keyText(key), uid, refreshes: state.refreshes, rotated }, 'refreshed')
    if (provider !== undefined) countRefresh(provider, before, step, deps)
  }
  tellFailure(subject, step, provider, deps)
}

function tellFailure(
  { key, uid, before }: Recorded,
  { progress }: Settled,
  provider: string | undefined,
  deps: Deps,
): void {
  const { lastFailure: failed, consecutiveFailures: failures } = progress.state
  if (failed === undefined || isKnown(failed, before.lastFailure)) return
  // Another process is at it: nothing has failed.
  const isWaiting = failed.code === 'REFRESH_UNDER_WAY'
  if (provider !== undefined && !isWaiting) deps.metrics.refreshFailed(provider, key.namespace, failed.code)
  const line = { credential: keyText(key), uid, code: failed.code, failures }
  if (isWaiting) deps.logger.info(line, failed.message)
  else deps.logger.warn(line, failed.message)
}

/** What is waited for is told once. */
function isKnown(failed: RememberedFailure, before: RememberedFailure | undefined): boolean {
  if (before === undefined) return false
  const isSame = failed.code === before.code && failed.message === before.message
  return failed.at === before.at || (isSame && failureRegistry[failed.code].next === 'wait')
}

function countRefresh(provider: string, before: CredentialState, { progress }: Settled, deps: Deps): void {
  if (isRotated(progress)) deps.metrics.refreshTokenRotated(provider)
  if (before.accessTokenExpiresAt === undefined) return
  deps.metrics.remainingLifetime(provider, seconds(before.accessTokenExpiresAt - deps.clock.now()))
}

/** True when a new refresh token came, whether or not the store has taken it yet. */
function isRotated({ writtenBack, pending }: Progress): boolean {
  return writtenBack === true || pending?.persisted === false
}

/**
 * The journal forgets an answer once all of it has arrived where it belongs. Returns which answer is
 * over although the journal could not forget it.
 */
async function settleJournal(
  { uid, memory }: Recorded,
  { progress }: Settled,
  deps: Deps,
): Promise<EpochSeconds | undefined> {
  const entry = deps.journal.pending(uid)
  if (entry?.phase !== 'answered') return undefined
  const over = progress.answerSettled === true || entry.startedAt === memory?.settledAnswerAt
  if (!over) return undefined
  const result = await deps.journal.settled(uid)
  if (result.ok) return undefined
  deps.logger.warn({ uid, code: result.failure.code }, result.failure.message)
  return entry.startedAt
}

function nextRefresh(
  { observed }: Recorded,
  step: Settled,
  { state, now }: { state: CredentialState; now: EpochSeconds },
): Requeue {
  if (observed === undefined || step.settlement.kind === 'stalled' || step.settlement.kind === 'suspended')
    return undefined
  // A static token is looked at all the time, and never refreshed.
  if (observed.credential.spec.grant === 'StaticToken') return undefined
  const due = dueAt(observed, state, now)
  if (step.settlement.kind === 'retrying') return retryAt(observed, state, now) ?? due
  const postponed = step.settlement.kind === 'fine' ? step.settlement.postponed : undefined
  return postponed?.until ?? due
}

interface After {
  readonly state: CredentialState
  readonly nextRefreshAt: Requeue
  readonly settledAnswerAt: EpochSeconds | undefined
  /** At a target that is written now. */
  readonly nextLookAt: EpochSeconds
  readonly installation: string
  readonly reported: boolean
  readonly statusFailures: number | undefined
  /** The manifest as it is kept with this state. */
  readonly credential: Credential | undefined
}

function remembered(
  subject: Recorded,
  { progress }: Settled,
  { state, settledAnswerAt, nextLookAt, installation, reported, ...after }: After,
): CredentialMemory {
  const { uid, observed, memory } = subject
  const { nextRefreshAt, statusFailures, credential = observed && withoutState(observed.credential) } = after
  // A spec that cannot be acted on makes nothing unknown that is known.
  if (observed === undefined && memory !== undefined) return present({ ...memory, state, reported, statusFailures })
  const { pending, accessToken, rejected, record, foundAlone, claim, left, look } = progress
  return present({
    uid,
    credential,
    state,
    pending,
    accessToken,
    rejected,
    record: record && packedRecord(record, subject),
    // Of a record that is known they are in there.
    opened: record === undefined ? progress.opened : undefined,
    // Where the token rotates, every request is looked about.
    foundAlone: state.rotates === true ? undefined : foundAlone,
    claim: claim && packedClaim(claim, subject, installation),
    intentWatch: progress.intentWatch,
    rolledForwardAt: progress.rolledForwardAt,
    left,
    look,
    ...targetMemory(observed, progress, nextLookAt),
    nextRefreshAt,
    settledAnswerAt,
    reported,
    statusFailures,
  })
}

/** What no action has touched is packed already. */
function packedRecord(record: RefreshRecord, { key, uid, observed, memory }: Recorded): PackedRecord {
  const kept = record === observed?.record ? memory?.record : undefined
  return kept ?? new PackedRecord(record, observed?.credential ?? { uid, key })
}

function packedClaim(claim: ClaimState, { key, uid, observed, memory }: Recorded, installation: string): PackedClaim {
  const kept = claim === observed?.claim ? memory?.claim : undefined
  return kept ?? new PackedClaim(claim, { installation, uid, key })
}

/** What is remembered is ahead of the status that came with the manifest, and of ten thousand credentials a second state is megabytes. */
function withoutState(credential: Credential): Credential {
  return { ...credential, state: noState }
}

/** A publication has put everything in order that a look could find, so the next look is far. */
function targetMemory(
  observed: Observed | undefined,
  { target }: Progress,
  nextLookAt: EpochSeconds,
): Pick<CredentialMemory, 'target' | 'targetCheckAt'> {
  if (target !== undefined) return { target: { kind: 'observed', state: target }, targetCheckAt: nextLookAt }
  if (observed === undefined) return { target: { kind: 'unchecked' }, targetCheckAt: epochSeconds(0) }
  return { target: observed.target, targetCheckAt: observed.targetCheckAt }
}
