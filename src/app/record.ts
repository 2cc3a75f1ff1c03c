import { conditionsOf } from '../domain/conditions.ts'
import { keyText, type CredentialKey } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import type { Observed } from '../domain/observed.ts'
import { present } from '../domain/present.ts'
import { dueAt } from '../domain/settle.ts'
import type { Step } from '../domain/step.ts'
import { earliest, type EpochSeconds, epochSeconds, later, seconds } from '../domain/time.ts'
import type { StatusReport } from '../ports/status-writer.ts'
import type { CredentialMemory } from './credential-memory.ts'
import type { Deps } from './deps.ts'
import { targetCheckInterval } from './gather.ts'
import { transitions } from './transitions.ts'
import type { Requeue } from './work-queue.ts'

type Settled = Extract<Step, { kind: 'settled' }>

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

/** A status that could not be written is tried again after this, whatever else is planned. */
const statusRetry = seconds(15)

/** Tells the world how a reconcile ended: status, events, metrics, journal. The one place that does. */
export async function record(subject: Recorded, step: Settled, deps: Deps): Promise<Recording> {
  const state = withConditions(subject, step, deps)
  tell(subject, step, state, deps)
  await settleJournal(subject, step, deps)
  const nextRefreshAt = nextRefresh(subject, step, { state, now: deps.clock.now() })
  const memory = remembered(subject, step, { state, nextRefreshAt, now: deps.clock.now() })
  const reported = await report(subject, memory, deps)
  const wakeAt = step.wakeAt
  const retryAt = later(deps.clock.now(), statusRetry)
  const requeue = reported ? wakeAt : wakeAt === undefined ? retryAt : earliest(wakeAt, retryAt)
  return { memory: { ...memory, reported }, requeue }
}

function withConditions({ generation }: Recorded, step: Settled, deps: Deps): CredentialState {
  const { state, pending, writtenBack } = step.progress
  const { settlement } = step
  const conditions = conditionsOf({
    state,
    settlement,
    ...(pending && { pending }),
    writtenBack: writtenBack ?? false,
    generation,
    now: deps.clock.now(),
  })
  return { ...state, observedGeneration: generation, conditions }
}

function tell(subject: Recorded, step: Settled, state: CredentialState, deps: Deps): void {
  const { key, uid, before, observed } = subject
  for (const event of transitions(before.conditions, state.conditions, { key, uid })) deps.events.record(event)
  const provider = observed?.provider.kind === 'found' ? observed.provider.value.name : undefined
  if (state.refreshes > before.refreshes) {
    const rotated = step.progress.writtenBack ?? false
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
  if (failed === undefined || failed.at === before.lastFailure?.at) return
  if (provider !== undefined) deps.metrics.refreshFailed(provider, key.namespace, failed.code)
  deps.logger.warn({ credential: keyText(key), uid, code: failed.code, failures }, failed.message)
}

function countRefresh(provider: string, before: CredentialState, { progress }: Settled, deps: Deps): void {
  if (progress.writtenBack === true) deps.metrics.refreshTokenRotated(provider)
  if (before.accessTokenExpiresAt === undefined) return
  deps.metrics.remainingLifetime(provider, seconds(before.accessTokenExpiresAt - deps.clock.now()))
}

/** The journal forgets an answer once all of it has arrived where it belongs. */
async function settleJournal({ uid }: Recorded, { progress }: Settled, deps: Deps): Promise<void> {
  if (progress.answerSettled !== true || deps.journal.pending(uid) === undefined) return
  const result = await deps.journal.settled(uid)
  if (!result.ok) deps.logger.warn({ uid, code: result.failure.code }, 'the journal could not be brought up to date')
}

function nextRefresh(
  { observed }: Recorded,
  step: Settled,
  { state, now }: { state: CredentialState; now: EpochSeconds },
): Requeue {
  if (observed === undefined || step.settlement.kind === 'stalled' || step.settlement.kind === 'suspended')
    return undefined
  return step.settlement.kind === 'retrying' ? step.wakeAt : dueAt(observed, state, now)
}

function remembered(
  { uid, observed, memory }: Recorded,
  { progress }: Settled,
  { state, nextRefreshAt, now }: { state: CredentialState; nextRefreshAt: Requeue; now: EpochSeconds },
): CredentialMemory {
  const { pending, accessToken, rejected, target } = progress
  const seen = observed?.target ?? { kind: 'unchecked' }
  return present({
    uid,
    credential: observed?.credential,
    state,
    pending,
    accessToken,
    rejected,
    // A publication has put everything in order that a look could find.
    ...(target === undefined
      ? { target: seen, targetCheckAt: observed?.targetCheckAt ?? memory?.targetCheckAt ?? epochSeconds(0) }
      : { target: { kind: 'observed' as const, state: target }, targetCheckAt: later(now, targetCheckInterval) }),
    nextRefreshAt,
    reported: false,
  })
}

/** Writes the status when it differs from what was last written. True when status and memory agree afterwards. */
async function report({ key, uid, before, memory }: Recorded, next: CredentialMemory, deps: Deps): Promise<boolean> {
  const planned = memory === undefined || memory.nextRefreshAt === next.nextRefreshAt
  if (planned && memory?.reported !== false && JSON.stringify(before) === JSON.stringify(next.state)) return true
  const { state, nextRefreshAt } = next
  const content: StatusReport = { key, uid, state, ...(nextRefreshAt !== undefined && { nextRefreshAt }) }
  const written = await deps.status.write(content)
  if (!written.ok) deps.logger.warn({ credential: keyText(key), code: written.failure.code }, written.failure.message)
  return written.ok
}
