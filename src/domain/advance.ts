import { afterSend } from './advance-refresh.ts'
import { afterStaticRead } from './advance-static-token.ts'
import { withoutPrevious } from './previous-token.ts'
import { afterTokenRequest } from './advance-token.ts'
import { afterClaim, afterPreflight, afterRead } from './advance-preflight.ts'
import { afterBringHome } from './advance-left-place.ts'
import { afterRecordLook } from './advance-record-look.ts'
import { afterPublication, afterRemoval, conclude, isForSpec, targetWantsPublication } from './conclude.ts'
import { decide } from './decide.ts'
import { presentedElsewhere } from './elsewhere.ts'
import { withoutFinalizer } from './finalizer.ts'
import type { Failure } from './failures.ts'
import { withLoginReplaced } from './login-replaced.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { withoutRecord, withRecord } from './opened-tokens.ts'
import { present } from './present.ts'
import { mayKeepInRecord } from './preflight.ts'
import type { RefreshRecord } from './refresh-record.ts'
import { isRefusal } from './refusals.ts'
import type { Result } from './result.ts'
import { sameSecret } from './sensitive.ts'
import { rememberedFailure, settleFailed, settleFineUntil, withoutFailure } from './settle.ts'
import { withSight } from './store-sight.ts'
import type { JournaledAnswer, Outcome, Progress, Step, WriteBackOutcome } from './step.ts'
import type { EpochSeconds } from './time.ts'
import type { StoredRefreshToken } from './tokens.ts'

/**
 * What follows from the outcome of an action. Pure. States move forward only: every action leads to
 * a later one of the list in decide.ts, or settles; but for a request that begins anew, once.
 */
export function advance(
  gathered: Observed,
  step: Extract<Step, { kind: 'act' }>,
  outcome: Outcome,
  now: EpochSeconds,
): Step {
  const { left } = step.progress
  // What was done for a place that was left is not done again in this reconcile.
  return follow(left === undefined ? gathered : { ...gathered, left }, step, outcome, now)
}

function follow(
  observed: Observed,
  { progress, action }: Extract<Step, { kind: 'act' }>,
  outcome: Outcome,
  now: EpochSeconds,
): Step {
  switch (outcome.kind) {
    case 'read-refresh-token':
      return afterRead(observed, progress, { action, ...outcome }, now)
    case 'pre-flight':
      return afterPreflight(observed, progress, outcome, now)
    case 'claim-document':
      return afterClaim(observed, progress, outcome, now)
    case 'send-refresh-token':
      return afterSend(observed, progress, outcome, now)
    case 'request-access-token':
      return afterTokenRequest(observed, progress, outcome.result, now)
    case 'read-access-token':
      return afterStaticRead(observed, progress, outcome.result, now)
    case 'read-record':
      return afterRecordLook(observed, progress, outcome.result, now)
    case 'read-journaled-answer':
      return afterJournaledAnswer(observed, progress, outcome.result, now)
    case 'write-back':
      return afterWriteBack(observed, progress, outcome, now)
    default:
      return afterOther(observed, progress, outcome, now)
  }
}

/** Whether it worked is told by then: it holds nothing up. */
function afterRevocation(observed: Observed, progress: Progress, isOver: boolean, now: EpochSeconds): Step {
  return isOver ? decide({ ...observed, revocationTried: true }, now) : settleFineUntil(observed, progress, now)
}

type FinalizerOutcome = Extract<Outcome, { kind: 'add-finalizer' | 'remove-finalizer' }>
type TargetOutcome = Extract<Outcome, { kind: 'clean-up' | 'publish' | 'end-previous' | 'remove-former-target' }>
type OtherOutcome = Extract<Outcome, { kind: 'revoke' | 'bring-home' }> | FinalizerOutcome | TargetOutcome

/** Follows what is done beside a refresh: to an object of the cluster, a directory that stands for one, or a place that was left. */
function afterOther(observed: Observed, progress: Progress, outcome: OtherOutcome, now: EpochSeconds): Step {
  switch (outcome.kind) {
    case 'revoke':
      return afterRevocation(observed, progress, outcome.isOver, now)
    case 'bring-home':
      return afterBringHome(observed, outcome, now)
    case 'add-finalizer':
    case 'remove-finalizer':
      return afterFinalizer(observed, progress, outcome, now)
    default:
      return afterTarget(observed, progress, outcome, now)
  }
}

function afterTarget(observed: Observed, progress: Progress, outcome: TargetOutcome, now: EpochSeconds): Step {
  const { result } = outcome
  if (outcome.kind === 'publish') {
    return afterPublication(observed, { ...progress, accessToken: outcome.accessToken }, outcome.result, now)
  }
  // One that cannot be taken out is tried again, and holds nothing up.
  if (outcome.kind === 'end-previous') return decide(withoutPrevious(observed, result.ok), now)
  if (outcome.kind === 'remove-former-target') return afterRemoval(observed, progress, outcome, now)
  if (!result.ok) return settleFailed(observed, progress, result.failure, now)
  return { kind: 'settled', settlement: { kind: 'gone' }, progress: { ...progress, release: true } }
}

function afterFinalizer(
  observed: Observed,
  progress: Progress,
  { kind, result }: FinalizerOutcome,
  now: EpochSeconds,
): Step {
  if (kind === 'remove-finalizer') return decide(withoutFinalizer(observed), now)
  return result.ok
    ? decide({ ...observed, needsFinalizer: false }, now)
    : settleFailed(observed, progress, result.failure, now)
}

function afterJournaledAnswer(
  observed: Observed,
  progress: Progress,
  result: Result<JournaledAnswer>,
  now: EpochSeconds,
): Step {
  if (!result.ok) return settleFailed(observed, progress, result.failure, now)
  const { reading, entry, by, stored, record, storeHolds } = result.value
  const storeBehind = storeHolds === 'spent'
  const refreshToken = reading.kind === 'issued' ? reading.tokens.refreshToken : reading.refreshToken
  const alreadyStored = refreshToken !== undefined && sameSecret(refreshToken, stored.refreshToken)
  const superseded = !alreadyStored && !storeBehind && !sameSecret(stored.refreshToken, entry.refreshToken)
  const { sends, startedAt } = entry
  const sent = { kind: 'answered', reading, sends, startedAt, ...(by && { by }) } as const
  const persisted = alreadyStored || superseded
  const journaled = {
    source: entry.source,
    storeVersion: entry.storeVersion,
    persisted,
    superseded,
    isReplaced: superseded && storeHolds === 'another',
    ...present({ announced: entry.announced }),
  }
  const action = {
    kind: 'send-refresh-token',
    base: { ...stored, refreshToken: entry.refreshToken },
    storeBehind,
  } as const
  const received = { kind: 'send-refresh-token', action, sent, journaled, ...(record && { record }) } as const
  return afterSend(observed, progress, received, now)
}

interface WriteBack {
  readonly pending: PendingTokens
  readonly written: WriteBackOutcome
  readonly committed: Result<RefreshRecord>
}

/**
 * After a write-back the access token goes out, as long as the store or the record has the refresh
 * token: pods that lose their access token would not help it. What failed is tried again first.
 */
function afterWriteBack(observed: Observed, progress: Progress, outcome: WriteBack, now: EpochSeconds): Step {
  const next = withNews(observed, withWriteBack(observed, progress, outcome, now), outcome.committed)
  const { pending } = next
  const { accessToken } = pending.tokens
  // Nobody is to find a target there of an object that is gone, or goes.
  const wanted = !observed.credential.deleting && (!pending.published || targetWantsPublication(observed))
  const durable = pending.persisted || pending.recorded
  if (accessToken !== undefined && accessToken.expiresAt > now && wanted && durable && isForSpec(observed, pending)) {
    return { kind: 'act', action: { kind: 'publish', accessToken }, progress: next }
  }
  return refreshWithoutStore(observed, next, outcome.written, now) ?? conclude(observed, next, now)
}

type PendingProgress = Progress & { readonly pending: PendingTokens }

function withWriteBack(
  observed: Observed,
  progress: Progress,
  { pending, written, committed }: WriteBack,
  now: EpochSeconds,
): PendingProgress {
  const known: Progress = committed.ok
    ? withRecord(progress, committed.value)
    : { ...withoutRecord(progress), cause: committed.failure }
  const kept = { ...pending, recorded: pending.recorded || committed.ok }
  switch (written.kind) {
    case 'paced':
    case 'kept':
      return { ...known, pending: kept }
    case 'failed':
      return stillPending(observed, known, kept, written.failure)
    case 'written':
      return stored(isForSpec(observed, pending) ? withNewestWritten(known) : known, kept, written.stored)
    case 'superseded':
      return withdrawn(
        withLoginReplaced(superseded(withoutCauseBefore(known, committed), { ...kept, superseded: true }), now),
      )
    case 'overtaken':
      return withdrawn({ ...known, pending: { ...kept, persisted: true } })
  }
}

/** The newest refresh token of the record is the one that was just written. */
function withNewestWritten(progress: Progress): Progress {
  return withSight(progress, progress.record?.retained?.fingerprint)
}

/** Of the login that the store holds by now nothing is known: what became of the one before stops nobody from using it. */
function withoutCauseBefore(
  { cause: _ofTheOneBefore, ...progress }: Progress,
  committed: Result<RefreshRecord>,
): Progress {
  return committed.ok ? progress : { ...progress, cause: committed.failure }
}

/** What the record says to have become of the newest refresh token since is told, once its access token is published. */
function withNews(observed: Observed, next: PendingProgress, committed: Result<RefreshRecord>): PendingProgress {
  const isOver = next.cause !== undefined || next.pending.superseded === true || !isForSpec(observed, next.pending)
  const news = committed.ok && !isOver ? presentedElsewhere(observed, committed.value) : undefined
  return news === undefined ? next : { ...next, cause: news }
}

/** Somebody else's login, or a later refresh, is the one to publish by now. */
function withdrawn({ accessToken: _ours, ...progress }: PendingProgress): PendingProgress {
  const { accessToken: _withdrawn, ...tokens } = progress.pending.tokens
  return { ...progress, pending: { ...progress.pending, tokens, published: true } }
}

/** The store still takes nothing, the access token is nearly over, and a human has said that the record is enough. */
function refreshWithoutStore(
  observed: Observed,
  progress: PendingProgress,
  written: WriteBackOutcome,
  now: EpochSeconds,
): Step | undefined {
  const { base, published, recorded, tokens } = progress.pending
  if (wantsNoOther(observed, progress)) return undefined
  const allowed = written.kind === 'failed' && published && recorded && mayKeepInRecord(observed, now)
  // Another place in the spec by now may have another owner, who must not get this token.
  if (!allowed || !isForSpec(observed, progress.pending) || tokens.refreshToken === undefined) return undefined
  const stored = { ...base, refreshToken: tokens.refreshToken }
  return { kind: 'act', action: { kind: 'pre-flight', stored, storeFailure: written.failure }, progress }
}

/** Whoever goes or rests wants no other token, and of one that was refused the server has said what it has to say. */
function wantsNoOther({ credential: { deleting, spec } }: Observed, { state }: Progress): boolean {
  const known = rememberedFailure(state)
  return deleting || spec.suspend || (known !== undefined && isRefusal(known))
}

function stillPending(observed: Observed, progress: Progress, pending: PendingTokens, cause: Failure): PendingProgress {
  // The record has them, and brings them home without anybody waiting.
  const isLeft = pending.recorded && !isForSpec(observed, pending)
  if (isLeft) return { ...progress, pending: { ...pending, persisted: true } }
  return { ...progress, cause, pending: { ...pending, writeBackFailures: pending.writeBackFailures + 1 } }
}

function stored(progress: Progress, pending: PendingTokens, { version }: StoredRefreshToken): PendingProgress {
  const known = superseded(progress, pending)
  return { ...known, state: { ...known.state, storeVersion: version }, writtenBack: true }
}

/** The store has what it is to have. Nobody has presented what somebody else put there, so it is not the version that was used. */
function superseded(progress: Progress, pending: PendingTokens): PendingProgress {
  const { storeWriteDueAt: _over, ...rest } = pending
  const state = pending.recorded ? withoutFailure(progress.state) : progress.state
  return { ...progress, state, writtenBack: false, storeIsNewest: true, pending: { ...rest, persisted: true } }
}
