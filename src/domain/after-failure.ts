import { probeDelay } from './backoff.ts'
import { isOpenElsewhere } from './elsewhere.ts'
import type { Failure } from './failures.ts'
import type { Observed } from './observed.ts'
import { obtain } from './obtain.ts'
import { hidesRefusal, isRefusal, probePolicy } from './refusals.ts'
import { mayRotate } from './rotation.ts'
import { tokenOrigin } from './token-origin.ts'
import { liesAhead } from './due.ts'
import {
  firstProgress,
  isAnswerLost,
  refusalsOf,
  rememberedFailure,
  retryAt,
  settleRetrying,
  settleStalled,
  stalledLookDelay,
} from './settle.ts'
import type { Step } from './step.ts'
import { type EpochSeconds, later } from './time.ts'

// The checks that follow from the last failure: whether it is waited for, looked at, or tried again.

/** The store is read all the while: what is there by now may be another refresh token. */
export function refusedUntilChanged(observed: Observed, now: EpochSeconds): Step | undefined {
  const last = rememberedFailure(observed.state)
  if (last?.next !== 'stall' || somethingChanged(observed)) return undefined
  if (!isRefusal(last)) return unlessRecheckDue(observed, last, now)
  if (isProbeDue(observed, last, now)) return undefined
  // A client that asks for itself has nothing in a store that another one could take the place of.
  if (observed.store.kind === 'none') return settleStalled(observed, firstProgress(observed), last, now)
  return obtain(observed, last)
}

/** True when the very token that was refused is to be presented once more. */
function isProbeDue(observed: Observed, last: Failure, now: EpochSeconds): boolean {
  const { state, provider } = observed
  // Whoever has been refused since an earlier version knows no server yet. A look judges the request all the same.
  const rotates = provider.kind !== 'found' || mayRotate(observed, provider.value, tokenOrigin(provider.value))
  const policy = probePolicy(last, rotates)
  if (policy === undefined) return false
  const failedAt = state.lastFailure?.at ?? now
  return liesAhead(failedAt, now) || now >= later(failedAt, probeDelay(policy, refusalsOf(state)))
}

export function changedSinceRefusal(observed: Observed): Step | undefined {
  const last = rememberedFailure(observed.state)
  // A refresh need not be due then: whether the refused token still stands there, only a look at the store tells.
  return last !== undefined && (isRefusal(last) || hidesRefusal(last)) ? obtain(observed) : undefined
}

export function backingOff(observed: Observed, now: EpochSeconds): Step | undefined {
  // What the other side asked for holds whatever a human changes.
  const asked = observed.state.lastFailure?.retryAfterSeconds !== undefined
  return somethingChanged(observed) && !asked ? undefined : unlessBackingOff(observed, now)
}

/** Nobody knows how the last refresh ended, or how that of another process does. */
export function answerLost(observed: Observed): Step | undefined {
  const last = rememberedFailure(observed.state)
  const isOpen = last !== undefined && isAnswerLost(observed, last)
  return isOpen || isOpenElsewhere(observed) ? obtain(observed) : undefined
}

/** Waits while the last failure's time is not over; undefined when there is nothing to wait for. */
export function unlessBackingOff(observed: Observed, now: EpochSeconds): Step | undefined {
  const last = rememberedFailure(observed.state)
  if (last?.next === 'stall') return unlessRecheckDue(observed, last, now)
  const at = retryAt(observed, observed.state, now)
  if (last === undefined || at === undefined || now >= at) return undefined
  return settleRetrying(observed, firstProgress(observed), last, now)
}

/** A human must act, and may have: it is tried again soon, and at once when something changed. */
function unlessRecheckDue(observed: Observed, last: Failure, now: EpochSeconds): Step | undefined {
  const failedAt = observed.state.lastFailure?.at ?? now
  if (isRefusal(last) || liesAhead(failedAt, now) || somethingChanged(observed)) return undefined
  const due = later(failedAt, stalledLookDelay(observed, observed.state, last, failedAt))
  return now < due ? settleStalled(observed, firstProgress(observed), last, now) : undefined
}

/** True when an attempt now would use other manifests, another request by a human, or another proof of the client than the failed one. */
function somethingChanged({ state, inputs, grantInputs, clientChanged }: Observed): boolean {
  const last = rememberedFailure(state)
  if (clientChanged === true) return true
  return state.lastFailure?.inputs !== (last !== undefined && isRefusal(last) ? grantInputs : inputs)
}
