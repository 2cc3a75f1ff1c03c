import { answerLost, backingOff, changedSinceRefusal, refusedUntilChanged, unlessBackingOff } from './after-failure.ts'
import { answerJournaled, writeBackPending } from './write-back-due.ts'
import type { Failure } from './failures.ts'
import { conditionOf } from './conditions.ts'
import { finalizerLeft, finalizerMissing, finalizerOwed } from './finalizer.ts'
import { keyText } from './credential.ts'
import { nextFormerTarget } from './former-targets.ts'
import type { Observed } from './observed.ts'
import { obtain } from './obtain.ts'
import { leftTokens } from './place-left.ts'
import { previousOver } from './previous-token.ts'
import { providerText } from './provider.ts'
import { staticTokenProblem } from './advance-static-token.ts'
import { mayBeAnnounced } from './rotation.ts'
import { owned } from './ownership.ts'
import { wantsRevocation } from './revocation.ts'
import { isForSpec, removeFormerTarget, targetWantsPublication } from './conclude.ts'
import { unusableReferent } from './referents.ts'
import { targetRepairable } from './target-repair.ts'
import { targetConflict } from './target-conflict.ts'
import { dueAt, liesAhead, notBefore } from './due.ts'
import {
  act,
  firstProgress,
  nextLook,
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
  leftPlaceBehind, // the store at a place before may lack its newest refresh token, and nobody waits for it
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

function ownedByAnother(observed: Observed, now: EpochSeconds): Step | undefined {
  const { firstOwner, provider } = observed
  // What a human says is never replaced, any number may share. What was not replaced so far may be with the next answer.
  if (firstOwner === undefined || provider.kind !== 'found' || !mayBeAnnounced(provider)) return undefined
  const cause = owned(observed, `OAuthCredential ${keyText(firstOwner)}`)
  const { foundAlone: _noLonger, ...known } = observed
  return stalledOrTold(known, cause, now)
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

function leftPlaceBehind(observed: Observed, now: EpochSeconds): Step | undefined {
  if (observed.leftTried === true || isRefreshNext(observed, now)) return undefined
  const tokens = leftTokens(observed, now)
  return tokens && act(observed, { kind: 'bring-home', tokens })
}

/** A store that was left may take a minute to say nothing: pods do not wait for that. */
function isRefreshNext(observed: Observed, now: EpochSeconds): boolean {
  const { credential, state } = observed
  if (credential.deleting || credential.spec.suspend || state.lastFailure !== undefined) return false
  const due = dueAt(observed, state, now)
  return targetWantsPublication(observed) || (due !== undefined && now >= due)
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
  if (target.kind === 'unreadable') {
    return unlessBackingOff(observed, now) ?? settleFailed(observed, firstProgress(observed), target.failure, now)
  }
  if (target.kind === 'unchecked' || target.state.kind !== 'foreign') return undefined
  const progress = firstProgress(observed)
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
  const { state, credential } = observed
  const isLeft = nextFormerTarget(state, credential.spec.target) !== undefined
  return isLeft ? removeFormerTarget(observed, firstProgress(observed)) : undefined
}

function staticTokenEnding(observed: Observed, now: EpochSeconds): Step | undefined {
  const ending = staticTokenProblem(observed, observed.state, now)
  return ending === undefined ? undefined : settleFailed(observed, firstProgress(observed), ending, now)
}
