import { keyText } from './credential.ts'
import { type Failure, failure } from './failures.ts'
import type { Observed } from './observed.ts'
import { type Provider, providerText } from './provider.ts'
import { rememberedFailure, settleFineUntil, wakeBeforeExpiry } from './settle.ts'
import type { Action, Progress, Step } from './step.ts'
import { earliest, type EpochSeconds, later, minutes } from './time.ts'

/** A refresh that is due and has to wait, through no fault of its credential. */
export interface Hold {
  /** Absent: others are before it, which is nothing to tell. */
  readonly cause?: Failure
  /** When to look again at the latest; it is woken when it is its turn. */
  readonly lookAt: EpochSeconds
}

/** True for the action that begins a refresh. A look whether a human has changed the store is none. */
export function beginsRefresh(action: Action): boolean {
  if (action.kind === 'request-access-token') return true
  return action.kind === 'read-refresh-token' && action.unlessSameAs === undefined
}

/**
 * Waits before anything is read, armed or sent. Nothing has failed, so nothing is counted, and what failed
 * before stays known: how a lost answer goes on hangs on it.
 */
export function settleHeld(observed: Observed, progress: Progress, { cause, lookAt }: Hold, now: EpochSeconds): Step {
  const known = rememberedFailure(progress.state)
  const { targetCheckAt } = observed
  const at = targetCheckAt > now ? earliest(lookAt, targetCheckAt) : lookAt
  const wakeAt = wakeBeforeExpiry(progress.state, at, now)
  // A human who must act hears of nothing else.
  if (known?.next === 'stall') {
    return { kind: 'settled', settlement: { kind: 'stalled', failure: known }, progress, wakeAt }
  }
  const told = cause ?? known
  if (told === undefined) return settleFineUntil(observed, progress, wakeAt)
  return { kind: 'settled', settlement: { kind: 'retrying', failure: told }, progress, wakeAt }
}

/** The token host was found unusable when everything was ready to send, which has left everything as it was. */
export function settleTurnedAway(observed: Observed, progress: Progress, cause: Failure, now: EpochSeconds): Step {
  return settleHeld(observed, progress, { cause, lookAt: later(now, minutes(5)) }, now)
}

/** The token host has shown that it does not answer. */
export function circuitOpen({ credential }: Pick<Observed, 'credential'>, provider: Provider): Failure {
  const what = `The server of ${providerText(provider)} failed several times in a row, so the refresh of OAuthCredential ${keyText(credential.key)} waits.`
  return failure('TOKEN_ENDPOINT_CIRCUIT_OPEN', what)
}

/** The token host has asked for a pause. */
export function hostPaused({ credential }: Pick<Observed, 'credential'>, provider: Provider): Failure {
  const what = `The server of ${providerText(provider)} asked for a pause, so the refresh of OAuthCredential ${keyText(credential.key)} waits.`
  return failure('TOKEN_ENDPOINT_PAUSED', what)
}
