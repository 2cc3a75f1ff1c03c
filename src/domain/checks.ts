import { answerLost, backingOff, changedSinceRefusal, refusedUntilChanged, unlessBackingOff } from './after-failure.ts'
import type { Failure } from './failures.ts'
import { conditionOf } from './conditions.ts'
import { finalizerLeft, finalizerMissing, finalizerOwed } from './finalizer.ts'
import { keyText } from './credential.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { isUnpublished, obtain } from './obtain.ts'
import { isLetGo } from './place-left.ts'
import { previousOver } from './previous-token.ts'
import { providerText } from './provider.ts'
import { staticTokenProblem } from './advance-static-token.ts'
import { mayRotate } from './rotation.ts'
import { owned } from './ownership.ts'
import { wantsRevocation } from './revocation.ts'
import { holdsLater } from './publication-order.ts'
import {
  isAtHome,
  isForSpec,
  isUnmarked,
  loginChanged,
  removeFormerTarget,
  targetWantsPublication,
} from './conclude.ts'
import { unusableReferent } from './referents.ts'
import { dueNow } from './store-pacing.ts'
import { targetConflict } from './target-conflict.ts'
import { dueAt, liesAhead, notBefore } from './due.ts'
import {
  act,
  firstProgress,
  isAnswerLost,
  nextLook,
  rememberedFailure,
  settleFailed,
  settleFineUntil,
  settleStalled,
  wakeBeforeExpiry,
} from './settle.ts'
import type { Step } from './step.ts'
import { earliest, type EpochSeconds, epochSeconds, later, seconds, sooner } from './time.ts'

type Check = (observed: Observed, now: EpochSeconds) => Step | undefined

/** The rules, in order. The first that answers wins. */
export const checks: readonly Check[] = [
  answerJournaled, // an earlier process received tokens that are not everywhere yet
  writeBackPending, // this process did: a rotated refresh token goes first, whatever else is asked
  beingDeleted, // an object on its way out is cleaned up, never refreshed
  previousOver, // nobody is handed a token that is over, whatever else holds
  finalizerOwed, // what is published is cleaned up, whatever else holds
  suspended, // a human said stop
  finalizerMissing, // before anything is published that nobody else would remove
  referentsArriving, // applied together with what it refers to, a credential may be seen first
  ownedByAnother, // two that spend one refresh token destroy each other's
  referentsUnusable, // provider, store, or the right to use them is missing
  targetTaken, // two that publish into one target would take it from each other
  targetNotOurs, // before a refresh token is spent: there must be a place for the result
  publicationPending, // an issued token that has not reached its target
  targetRepairable, // the target is gone, damaged or outdated, and the token is at hand
  storeMayBeBehind, // an earlier process could not write the newest refresh token back
  refusedUntilChanged, // the last attempt needs a human, and nothing has changed since
  changedSinceRefusal, // something has changed since: one more attempt, due or not
  backingOff, // the last attempt failed in a way that passes
  refreshRequested, // somebody set the annotation
  answerLost, // whether a refresh was due or not, nobody knows how it ended
  accessTokenMissing, // nothing was ever published
  targetLost, // as targetRepairable, but only a refresh brings the token back
  accessTokenNearExpiry, // the schedule says so
  staticTokenEnding, // nothing but a human brings the next one
  formerTargetLeft, // the target of an earlier name is still there, and nothing else is to do
  finalizerLeft, // nothing needs it any more
]

/** After so many failed write-backs a deletion is held up no longer; the write-back goes on without the object. */
const writeBacksBeforeDeletion = 5

/** How long after its creation a credential waits for what it refers to, before it says that something is missing. */
const arrivalTime = seconds(5)

/** Each refresh by annotation may burn a single-use token, so they keep this distance. */
const requestedRefreshInterval = seconds(10)

function beingDeleted(observed: Observed, now: EpochSeconds): Step | undefined {
  const { credential, needsCleanup } = observed
  if (!credential.deleting) return undefined
  const mayAct = credential.finalized || !observed.needsFinalizer
  // Before the target goes: nothing else may have the token.
  if (mayAct && wantsRevocation(observed, now)) return act(observed, { kind: 'revoke' })
  if (needsCleanup && mayAct) return act(observed, { kind: 'clean-up' })
  return {
    kind: 'settled',
    settlement: { kind: 'gone' },
    progress: { ...firstProgress(observed), release: credential.finalized },
  }
}

function suspended(observed: Observed, now: EpochSeconds): Step | undefined {
  const { credential } = observed
  if (!credential.spec.suspend) return undefined
  const progress = firstProgress(observed)
  const state = { ...progress.state, observedGeneration: credential.generation }
  const wakeAt = wakeBeforeExpiry(state, observed.targetCheckAt, now)
  return {
    kind: 'settled',
    settlement: { kind: 'suspended' },
    progress: { ...progress, state },
    wakeAt: wakeAt <= now ? later(now, seconds(60)) : wakeAt,
  }
}

function answerJournaled(observed: Observed, now: EpochSeconds): Step | undefined {
  const { pending, journal, credential, state } = observed
  if (pending !== undefined || journal?.phase !== 'answered') return undefined
  if (credential.finalized && credential.deleting && state.consecutiveFailures >= writeBacksBeforeDeletion) {
    return undefined
  }
  return unlessBackingOff(observed, now) ?? act(observed, { kind: 'read-journaled-answer' })
}

function writeBackPending(observed: Observed, now: EpochSeconds): Step | undefined {
  const { pending } = observed
  if (pending === undefined || isAtHome(pending) || isPaced(observed, now)) return undefined
  if (isNotWaitedFor(observed, pending, now)) return undefined
  const waiting = unlessBackingOff(observed, now)
  return waiting === undefined
    ? act(observed, { kind: 'write-back', pending: isLeavingNow(observed, pending) ? dueNow(pending) : pending })
    : (repairMeanwhile(observed, now) ?? waiting)
}

/** Neither a deletion waits for ever, nor another place. */
function isNotWaitedFor(observed: Observed, pending: PendingTokens, now: EpochSeconds): boolean {
  const { deleting, finalized } = observed.credential
  const isHeld = deleting && finalized && pending.writeBackFailures >= writeBacksBeforeDeletion
  return isHeld || (!isGoingToRest(observed) && isLetGo(observed, pending, now))
}

/** A target that is gone need not wait for a store that is away, once the record has the refresh token. */
function repairMeanwhile(observed: Observed, now: EpochSeconds): Step | undefined {
  const { pending } = observed
  const isDurable = pending === undefined || pending.recorded || pending.persisted
  return isDurable && !isGoingToRest(observed) ? repair(observed, now) : undefined
}

/** True while the record holds what the store is not to be written with yet. */
function isPaced(observed: Observed, now: EpochSeconds): boolean {
  const { pending } = observed
  if (pending?.storeWriteDueAt === undefined || !pending.recorded) return false
  return now < pending.storeWriteDueAt && !isLeavingNow(observed, pending)
}

/** Nobody writes this place later. */
const isLeavingNow = (observed: Observed, pending: PendingTokens): boolean =>
  isGoingToRest(observed) || !isForSpec(observed, pending)

/** Nobody comes back for what is left behind now. */
const isGoingToRest = ({ credential }: Observed): boolean => credential.deleting || credential.spec.suspend

function ownedByAnother(observed: Observed, now: EpochSeconds): Step | undefined {
  const { firstOwner, provider } = observed
  if (firstOwner === undefined || provider.kind !== 'found' || !mayRotate(observed, provider.value)) return undefined
  const cause = owned(observed, `OAuthCredential ${keyText(firstOwner.key)}`)
  return stalledOrTold(observed, cause, now)
}

/** Tells a problem that stays until something changes once, and not at every look. */
function stalledOrTold(observed: Observed, cause: Failure, now: EpochSeconds): Step {
  const progress = firstProgress(observed)
  const known = progress.state.lastFailure
  if (known?.code === cause.code && known.inputs === observed.inputs)
    return settleStalled(observed, progress, cause, now)
  return settleFailed(observed, progress, cause, now)
}

function storeMayBeBehind(observed: Observed, now: EpochSeconds): Step | undefined {
  const { pending, state, record } = observed
  if (pending !== undefined || record !== undefined) return undefined
  if (conditionOf(state.conditions, 'RefreshTokenPersisted')?.status !== 'False') return undefined
  return unlessBackingOff(observed, now) ?? act(observed, { kind: 'read-record' })
}

/** Each kind comes over a watch of its own, so nothing says that a provider is known before a credential that was applied after it. */
function referentsArriving(observed: Observed, now: EpochSeconds): Step | undefined {
  const { createdAt } = observed.credential
  const until = later(createdAt, arrivalTime)
  // The API server's clock is another one: hours that it is ahead must not become hours of waiting.
  const isNew = observed.state.refreshes === 0 && now < until && now >= sooner(createdAt, arrivalTime)
  return isNew && mayArrive(observed) ? settleFineUntil(observed, firstProgress(observed), until) : undefined
}

function mayArrive(observed: Observed): boolean {
  const code = unusableReferent(observed)?.code
  if (code === 'STORE_ACCESS_NOT_GRANTED') return observed.namespaceLabels === undefined
  return code === 'PROVIDER_NOT_FOUND' || code === 'STORE_NOT_FOUND'
}

function referentsUnusable(observed: Observed, now: EpochSeconds): Step | undefined {
  const unusable = unusableReferent(observed)
  return unusable === undefined ? undefined : stalledOrTold(observed, unusable, now)
}

function targetNotOurs(observed: Observed, now: EpochSeconds): Step | undefined {
  const { target, credential } = observed
  const progress = firstProgress(observed)
  if (target.kind === 'unreadable') {
    return unlessBackingOff(observed, now) ?? settleFailed(observed, progress, target.failure, now)
  }
  if (target.kind === 'unchecked' || target.state.kind !== 'foreign') return undefined
  const what = `The target ${credential.spec.target.name} of OAuthCredential ${keyText(credential.key)} exists and belongs to ${target.state.owner}.`
  const cause = targetConflict(what, target.state)
  const known = progress.state.lastFailure
  return known?.code === cause.code
    ? settleStalled(observed, progress, cause, now)
    : settleFailed(observed, progress, cause, now)
}

/** Who has published into it keeps it: that is told to the other one by the target itself. */
function targetTaken(observed: Observed, now: EpochSeconds): Step | undefined {
  const { targetHolder, credential, state } = observed
  const { name } = credential.spec.target
  if (targetHolder === undefined || state.targetName === name) return undefined
  const what = `The target ${name} of OAuthCredential ${keyText(credential.key)} is that of OAuthCredential ${keyText(targetHolder)}, which came first.`
  return stalledOrTold(observed, targetConflict(what, { byCredential: true }), now)
}

function publicationPending(observed: Observed, now: EpochSeconds): Step | undefined {
  const { pending } = observed
  const accessToken = pending?.tokens.accessToken
  if (pending === undefined || accessToken === undefined || pending.published) return undefined
  if (accessToken.expiresAt <= now || !isForSpec(observed, pending)) return undefined
  return unlessBackingOff(observed, now) ?? act(observed, { kind: 'publish', accessToken })
}

function targetRepairable(observed: Observed, now: EpochSeconds): Step | undefined {
  const step = repair(observed, now)
  if (step === undefined) return undefined
  // A lost answer says nothing about the target, and may be waited for till the access token is nearly over.
  const last = rememberedFailure(observed.state)
  return last !== undefined && isAnswerLost(observed, last) ? step : (unlessBackingOff(observed, now) ?? step)
}

/** Publishes the token at hand where the target lacks it; undefined when it does not, or there is none for this login. */
function repair(observed: Observed, now: EpochSeconds): Step | undefined {
  const { accessToken, target } = observed
  if (accessToken === undefined || accessToken.expiresAt <= now || loginChanged(observed)) return undefined
  const wanted = targetWantsPublication(observed) || isUnmarked(observed) || isUnpublished(observed, accessToken)
  if (!wanted || holdsLater(target, accessToken.issuedAt, now)) return undefined
  return act(observed, { kind: 'publish', accessToken })
}

function refreshRequested(observed: Observed, now: EpochSeconds): Step | undefined {
  const { credential, state } = observed
  const { refreshRequest } = credential
  if (refreshRequest === undefined || refreshRequest === state.handledRefreshRequest) return undefined
  const allowedAt = later(state.lastRefreshAt ?? epochSeconds(0), requestedRefreshInterval)
  if (now < allowedAt && !liesAhead(allowedAt, now)) {
    const why = `Refreshes that are asked for keep ${requestedRefreshInterval} s apart.`
    return postponed(observed, now, why, allowedAt)
  }
  return refreshUnlessTooSoon(observed, now)
}

/** A refresh that something wants now, at the earliest when the provider allows one. */
function refreshUnlessTooSoon(observed: Observed, now: EpochSeconds): Step {
  const { provider, state } = observed
  const allowedAt = notBefore(observed, state, now)
  if (provider.kind !== 'found' || allowedAt === undefined || now >= allowedAt) {
    return obtain(observed)
  }
  const { minimumRefreshIntervalSeconds } = provider.value
  const why = `${providerText(provider.value)} wants ${minimumRefreshIntervalSeconds} s between two refreshes.`
  return postponed(observed, now, why, allowedAt)
}

function postponed(observed: Observed, now: EpochSeconds, why: string, until: EpochSeconds): Step {
  const wakeAt = wakeBeforeExpiry(observed.state, earliest(until, nextLook(observed, until, now)), now)
  return settleFineUntil(observed, firstProgress(observed), wakeAt, { until, why })
}

function accessTokenMissing(observed: Observed): Step | undefined {
  return observed.state.accessTokenExpiresAt === undefined ? obtain(observed) : undefined
}

function targetLost(observed: Observed, now: EpochSeconds): Step | undefined {
  return targetWantsPublication(observed) ? refreshUnlessTooSoon(observed, now) : undefined
}

function accessTokenNearExpiry(observed: Observed, now: EpochSeconds): Step | undefined {
  const due = dueAt(observed, observed.state, now)
  return due !== undefined && now >= due ? obtain(observed) : undefined
}

function formerTargetLeft(observed: Observed): Step | undefined {
  return removeFormerTarget(observed, firstProgress(observed))
}

function staticTokenEnding(observed: Observed, now: EpochSeconds): Step | undefined {
  const ending = staticTokenProblem(observed, observed.state, now)
  return ending === undefined ? undefined : settleFailed(observed, firstProgress(observed), ending, now)
}
