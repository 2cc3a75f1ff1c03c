import { backoff, clientLookDelay, lookDelay, recheckDelay } from './backoff.ts'
import type { Credential } from './credential.ts'
import type { CredentialState, RememberedFailure } from './credential-state.ts'
import { dueAt, liesAhead } from './due.ts'
import { failureRegistry } from './failure-registry.ts'
import type { Failure } from './failures.ts'
import { withLoginReplaced } from './login-replaced.ts'
import { awaitsDocument, awaitsManifest, hidesRefusal, isRefusal, isTokenRefusal } from './refusals.ts'
import type { Observed } from './observed.ts'
import { present } from './present.ts'
import { nearEndAt } from './near-end.ts'
import { leftTokens } from './place-left.ts'
import { type Resend, resendAfter } from './resend.ts'
import type { EarlierSends } from './uncertainty.ts'
import type { Action, Postponed, Progress, Settlement, Step } from './step.ts'
import { type DurationSeconds, earliest, type EpochSeconds, later, latest, seconds, secondsBetween } from './time.ts'

/** How long to stay away from a server that throttles and does not say how long. */
const defaultWaitSeconds = 60

/** Progress before anything was done. */
export function firstProgress(observed: Observed): Progress {
  return present({
    state: observed.state,
    pending: observed.pending,
    accessToken: observed.accessToken,
    rejected: observed.rejected,
    record: observed.record,
    opened: observed.opened,
    foundAlone: observed.foundAlone,
    claim: observed.claim,
    intentWatch: observed.intentWatch,
    rolledForwardAt: observed.rolledForwardAt,
    left: observed.left,
    look: observed.look,
    storeIsNewest: observed.broughtHome,
  })
}

/** Begins with an action. */
export function act(observed: Observed, action: Action): Step {
  return { kind: 'act', action, progress: firstProgress(observed) }
}

/** Nothing to do until the refresh is due or the target is to be looked at. */
export function settleFine(observed: Observed, progress: Progress, now: EpochSeconds): Step {
  const due = dueAt(observed, progress.state, now)
  // A deletion, a target that changed, or a refresh that was asked for, while something else had to be done first, is next.
  const { credential, targetDigest } = observed
  const outdated =
    credential.deleting || isRequested(credential, progress.state) || progress.state.targetDigest !== targetDigest
  const planned = earliest(due ?? now, progress.pending?.storeWriteDueAt ?? observed.targetCheckAt)
  const wakeAt = outdated || isLeftBehind(observed, progress, now) ? now : earliest(planned, observed.targetCheckAt)
  return settleFineUntil(observed, progress, wakeAt < now ? now : wakeAt)
}

/** True when a place that was left is to be looked at: one in each reconcile. */
function isLeftBehind({ credential }: Observed, { record, left }: Progress, now: EpochSeconds): boolean {
  return leftTokens({ credential, record, left }, now) !== undefined
}

function isRequested({ refreshRequest }: Credential, { handledRefreshRequest }: CredentialState): boolean {
  return refreshRequest !== undefined && refreshRequest !== handledRefreshRequest
}

/** `postponed`: what is waited for until then, and why. */
export function settleFineUntil(
  observed: Observed,
  progress: Progress,
  wakeAt: EpochSeconds,
  postponed?: Postponed,
): Step {
  const state: CredentialState = { ...progress.state, observedGeneration: observed.credential.generation }
  const settlement: Settlement = { kind: 'fine', ...(postponed && { postponed }) }
  return { kind: 'settled', settlement, progress: { ...progress, state }, wakeAt }
}

/**
 * Remembers a failure and settles by what its code says comes next. While a refusal by the
 * authorization server is known, whatever else fails changes nothing for the human who must act: the
 * refusal stays what is told. Only a refresh token that somebody else refreshes is nothing to log in for, and
 * of another one that was used before, and stands there now, the refusal says nothing.
 */
export function settleFailed(observed: Observed, progress: Progress, cause: Failure, now: EpochSeconds): Step {
  const known = rememberedFailure(progress.state)
  if (known !== undefined && isRefusal(known) && !hidesRefusal(cause))
    return settleStalled(observed, progress, known, now)
  // What a document that was put back is told for takes with it that the target's token may be over with its login.
  const isHidden = known !== undefined && isTokenRefusal(known) && cause.code === 'STORE_ROLLED_BACK'
  return settleAs(observed, isHidden ? withLoginReplaced(progress, now) : progress, cause, now)
}

/** Settles after the refresh token was presented, or could not be: a new refusal takes the place of an older one. */
export function settleSent(observed: Observed, progress: Progress, cause: Failure, now: EpochSeconds): Step {
  const known = rememberedFailure(progress.state)
  const isTold = isRefusal(cause) || hidesRefusal(cause)
  if (known === undefined || !isRefusal(known) || isTold) return settleAs(observed, progress, cause, now)
  // A probe that met an outage says nothing about the grant: it is no refusal, and the next one is due after the same delay.
  const state = withFailure(observed, progress.state, known, now)
  const lastFailure = present({ ...state.lastFailure, refusals: progress.state.lastFailure?.refusals })
  return settleStalled(observed, { ...progress, state: { ...state, lastFailure } }, known, now)
}

function settleAs(observed: Observed, progress: Progress, cause: Failure, now: EpochSeconds): Step {
  // What is looked for every few seconds is told and counted once.
  if (awaitsDocument(cause) && !isRefusal(cause) && isStill(observed, progress.state, cause)) {
    return settleStalled(observed, progress, cause, now)
  }
  const state = withFailure(observed, progress.state, cause, now)
  const next: Progress = { ...progress, state }
  return cause.next === 'stall' ? settleStalled(observed, next, cause, now) : settleRetrying(observed, next, cause, now)
}

/** True when the same was found before, with the same manifests. */
function isStill({ inputs }: Observed, { lastFailure: known }: CredentialState, { code, message }: Failure): boolean {
  return known?.code === code && known.message === message && known.inputs === inputs
}

/** Waits after a failure that is already remembered. */
export function settleRetrying(observed: Observed, progress: Progress, cause: Failure, now: EpochSeconds): Step {
  const at = retryAt(observed, progress.state, now) ?? now
  return {
    kind: 'settled',
    settlement: { kind: 'retrying', failure: cause },
    progress,
    wakeAt: wakeBeforeExpiry(progress.state, earliest(at, nextLook(observed, at, now)), now),
  }
}

/** A wait may be long: the target is looked at meanwhile. */
export function nextLook({ targetCheckAt }: Observed, otherwise: EpochSeconds, now: EpochSeconds): EpochSeconds {
  return targetCheckAt > now ? targetCheckAt : otherwise
}

/** Waits for a human, and looks now and then whether one has come. `observed` is absent where nothing can be read. */
export function settleStalled(
  observed: Pick<Observed, 'store'> | undefined,
  progress: Progress,
  cause: Failure,
  now: EpochSeconds,
): Step {
  const delay = stalledLookDelay(observed, progress.state, cause, now)
  return {
    kind: 'settled',
    settlement: { kind: 'stalled', failure: cause },
    progress,
    wakeAt: wakeBeforeExpiry(progress.state, later(now, delay), now),
  }
}

/** How long a stalled credential waits until its next look, at `now`. */
export function stalledLookDelay(
  observed: Pick<Observed, 'store'> | undefined,
  { lastFailure, consecutiveFailures }: CredentialState,
  cause: Failure,
  now: EpochSeconds,
): DurationSeconds {
  const waited = secondsBetween(lastFailure?.at ?? now, now)
  if (cause.code === 'CLIENT_REJECTED') return clientLookDelay(consecutiveFailures, waited)
  if (observed === undefined || !awaitsDocument(cause)) {
    return recheckDelay(consecutiveFailures, awaitsManifest(cause) ? waited : 0)
  }
  const backend = observed.store.kind === 'found' ? observed.store.value.backend.type : undefined
  return lookDelay(backend, waited)
}

/** When the attempt after the last failed one may begin; undefined when the last one succeeded. */
export function retryAt(observed: Observed, state: CredentialState, now: EpochSeconds): EpochSeconds | undefined {
  const { lastFailure } = state
  if (lastFailure === undefined) return undefined
  const { at: failedAt, retryAfterSeconds } = lastFailure
  if (liesAhead(failedAt, now)) return undefined
  // Who said when to come back is not kept waiting for what failed before.
  if (retryAfterSeconds !== undefined && rememberedFailure(state)?.next === 'wait') {
    return later(failedAt, seconds(retryAfterSeconds))
  }
  return afterBackoff(observed, state, { lastFailure, now })
}

function afterBackoff(
  observed: Observed,
  state: CredentialState,
  { lastFailure, now }: { readonly lastFailure: RememberedFailure; readonly now: EpochSeconds },
): EpochSeconds {
  const { at: failedAt, retryAfterSeconds } = lastFailure
  const resend = resendOf(observed, state, failedAt)
  const wait = backoff(
    present({
      uid: observed.credential.uid,
      failures: resend?.kind === 'at-once' ? 1 : Math.max(1, state.consecutiveFailures),
      failedAt,
      expiresAt: state.accessTokenExpiresAt,
      retryAfterSeconds,
      reuseLeewaySeconds: resend?.kind === 'within-leeway' ? resend.leewaySeconds : undefined,
    }),
  )
  const at = later(failedAt, wait)
  return resend?.kind === 'near-end' && holdsToken(observed) ? latest(at, nearEndAt(state, now) ?? at) : at
}

/** False when the access token that could be used up first is in no target. */
export function holdsToken({ target, accessToken }: Observed): boolean {
  if (accessToken !== undefined || target.kind !== 'observed') return true
  return target.state.kind === 'ours' && target.state.intact
}

/** True for a failure after which nobody knows whether the refresh token was used. */
export function isAnswerLost({ credential }: Observed, { code, next }: Pick<Failure, 'code' | 'next'>): boolean {
  return credential.spec.grant === 'RefreshToken' && next === 'uncertain' && code.startsWith('TOKEN_')
}

/** How a refresh token may be presented again whose answer was lost; undefined when none was. */
function resendOf(observed: Observed, state: CredentialState, failedAt: EpochSeconds): Resend | undefined {
  const { provider } = observed
  const last = rememberedFailure(state)
  if (provider.kind !== 'found' || last === undefined || !isAnswerLost(observed, last)) return undefined
  return resendAfter(provider.value, lostSends(observed, state, failedAt), failedAt)
}

/** What is known of the sends without an answer. After the loss of a Pod that is no more than how often it failed. */
function lostSends({ record, journal }: Observed, state: CredentialState, failedAt: EpochSeconds): EarlierSends {
  const known = record?.intent ?? (journal?.phase === 'sent' ? journal : undefined)
  return known ?? { sends: Math.max(1, state.consecutiveFailures), startedAt: failedAt }
}

/** The condition Ready turns false at expiry, so somebody has to wake up then and say so. */
export function wakeBeforeExpiry(state: CredentialState, at: EpochSeconds, now: EpochSeconds): EpochSeconds {
  const { accessTokenExpiresAt: expiresAt } = state
  return expiresAt !== undefined && expiresAt > now ? earliest(at, expiresAt) : at
}

/** The state after something worked again. */
export function withoutFailure(state: CredentialState): CredentialState {
  if (state.lastFailure === undefined && state.consecutiveFailures === 0) return state
  const { lastFailure: _over, ...rest } = state
  return { ...rest, consecutiveFailures: 0 }
}

/** The last failure as it was told. Its code comes from a status that anyone may have edited, so an unknown one is dropped. */
export function rememberedFailure({ lastFailure }: CredentialState): Failure | undefined {
  if (lastFailure === undefined || !Object.hasOwn(failureRegistry, lastFailure.code)) return undefined
  const { next, reason } = failureRegistry[lastFailure.code]
  return { code: lastFailure.code, next, reason, message: lastFailure.message }
}

function withFailure(
  observed: Observed,
  state: CredentialState,
  cause: Failure,
  now: EpochSeconds,
): CredentialState & { readonly lastFailure: RememberedFailure } {
  const { code, message } = cause
  const waits = cause.next === 'wait'
  const retryAfterSeconds = cause.retryAfterSeconds ?? (waits ? defaultWaitSeconds : undefined)
  const lastFailure: RememberedFailure = {
    code,
    message,
    at: now,
    inputs: isRefusal(cause) ? observed.grantInputs : observed.inputs,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(isRefusal(cause) && state.lastFailure?.code === code && { refusals: refusalsOf(state) + 1 }),
  }
  return {
    ...state,
    observedGeneration: observed.credential.generation,
    lastFailure,
    consecutiveFailures: state.consecutiveFailures + (waits ? 0 : 1),
  }
}

/** How often in a row the authorization server has refused in the way that is remembered. */
export function refusalsOf({ lastFailure }: CredentialState): number {
  return lastFailure?.refusals ?? 1
}
