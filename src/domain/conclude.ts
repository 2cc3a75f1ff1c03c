import { withPublication } from './consumers.ts'
import { isRefreshTokenAt } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import { presentedElsewhere } from './elsewhere.ts'
import type { FailureCode } from './failures.ts'
import { ofLatestLogin } from './login-replaced.ts'
import { nextFormerTarget, withoutFormerTarget, withTarget } from './former-targets.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { isEarlierThanKnown } from './publication-order.ts'
import type { Result } from './result.ts'
import { loginOf } from './target-login.ts'
import { sameSecret } from './sensitive.ts'
import { rememberedFailure, settleFailed, settleFine, settleRetrying, settleStalled, withoutFailure } from './settle.ts'
import type { Progress, Step } from './step.ts'
import type { Published, Publishing, TargetState } from './target-state.ts'
import type { EpochSeconds } from './time.ts'
import type { AccessToken } from './tokens.ts'

/** Follows a publication. */
export function afterPublication(
  observed: Observed,
  progress: Progress,
  result: Result<Publishing>,
  now: EpochSeconds,
): Step {
  if (!result.ok) return settleFailed(observed, progress, result.failure, now)
  const next = withPublished(published(observed, progress, now), result.value.beside)
  const told = bringsPending(progress) ? withNews(observed, next) : next
  return removeFormerTarget(observed, told) ?? conclude(observed, told, now)
}

/** False for a publication that only repairs the target: it says nothing of what became of the refresh token since. */
function bringsPending({ pending }: Progress): boolean {
  return pending?.published === false
}

/**
 * What the record says to have become of the newest refresh token since: a publication that failed before this one, or a
 * process that ended, may have kept it from being told.
 */
function withNews(observed: Observed, progress: Progress): Progress {
  const { pending, record, cause } = progress
  if (pending?.recorded !== true || record === undefined || cause !== undefined) return progress
  const news = presentedElsewhere(observed, record)
  return news === undefined ? progress : { ...progress, cause: news }
}

/** Removes a target of an earlier name; undefined when there is none. Never before its successor holds a token. */
export function removeFormerTarget({ credential }: Observed, progress: Progress): Step | undefined {
  const name = nextFormerTarget(progress.state, credential.spec.target)
  return name === undefined ? undefined : { kind: 'act', action: { kind: 'remove-former-target', name }, progress }
}

/** Follows the removal of a target of an earlier name. One that cannot be removed is tried again, and holds no refresh up. */
export function afterRemoval(
  observed: Observed,
  progress: Progress,
  { name, result }: { readonly name: string; readonly result: Result<unknown> },
  now: EpochSeconds,
): Step {
  if (!result.ok) return conclude(observed, { ...progress, cause: progress.cause ?? result.failure }, now)
  const state = withoutFormerTarget(progress.state, name)
  const next = { ...progress, state: isTargetFailure(state.lastFailure?.code) ? withoutFailure(state) : state }
  return removeFormerTarget(observed, next) ?? conclude(observed, next, now)
}

/** True when the spec still names the place that the tokens come from: else their access token is somebody else's login. */
export function isForSpec({ credential }: Observed, { source }: PendingTokens): boolean {
  return isRefreshTokenAt(credential.spec, source)
}

/** True when the target is not as it was published last, or not as the spec wants it. */
export function targetWantsPublication({ target, targetDigest, state }: Observed): boolean {
  if (state.targetDigest !== targetDigest) return true
  if (target.kind !== 'observed') return false
  const found = target.state
  if (found.kind !== 'ours' || !found.intact) return true
  return (found.digest !== undefined && found.digest !== targetDigest) || isEarlierThanKnown(found, state)
}

/** True when the target does not say any more whose it is. That is worth a write, and no refresh. */
export function isUnmarked({ target }: Observed): boolean {
  return target.kind === 'observed' && target.state.kind === 'ours' && target.state.marked === false
}

/** Ends a reconcile in which everything that could be done was done. */
export function conclude(observed: Observed, progress: Progress, now: EpochSeconds): Step {
  const { cause, ...rest } = withoutFinishedTokens(observed, progress)
  if (cause !== undefined) return settleFailed(observed, rest, cause, now)
  const known = rememberedFailure(rest.state)
  if (known === undefined) return settleFine(observed, rest, now)
  return known.next === 'stall' ? settleStalled(observed, rest, known, now) : settleRetrying(observed, rest, known, now)
}

function published(observed: Observed, progress: Progress, now: EpochSeconds): Progress {
  const { accessToken, pending } = progress
  if (accessToken === undefined) return progress
  const told = toldOf(observed, progress, accessToken, now)
  const isNew = bringsPending(progress)
  const state = isNew ? ofLatestLogin(told) : told
  return {
    ...progress,
    ...(pending && { pending: { ...pending, published: true } }),
    target: publishedTarget(observed, accessToken),
    state: {
      ...withTarget(
        (isNew && hasPlace(pending)) || isTargetFailure(state.lastFailure?.code) ? withoutFailure(state) : state,
        observed.credential.spec.target,
      ),
      ...publicationFields(observed, accessToken),
      ...(progress.look?.version !== undefined && { storeVersion: progress.look.version }),
    },
  }
}

/** The state that says who is to be told of this publication. */
function toldOf(observed: Observed, progress: Progress, accessToken: AccessToken, now: EpochSeconds): CredentialState {
  const { credential, target } = observed
  const { state } = progress
  if (observed.withoutConsumers === true) return state
  return withPublication(state, {
    target: credential.spec.target,
    issuedAt: accessToken.issuedAt,
    isSameToken: isPublishedToken(observed, progress, accessToken),
    isFirst: isAbsent(target) && !isPublishedUnder(credential.spec.target.name, state),
    now,
  })
}

/** A status of an earlier release does not say the name. */
function isPublishedUnder(name: string, { targetName, targetDigest }: CredentialState): boolean {
  return targetName === undefined ? targetDigest !== undefined : targetName === name
}

function isAbsent(target: Observed['target']): boolean {
  return target.kind === 'observed' && target.state.kind === 'absent'
}

/** True when this token, with this expiry, was published before, as far as that can be told. */
function isPublishedToken(
  { accessToken: before }: Observed,
  { state, look }: Progress,
  { value, expiresAt }: AccessToken,
): boolean {
  if (Math.floor(state.accessTokenExpiresAt ?? 0) !== Math.floor(expiresAt)) return false
  // The document of a static token has the version in which it was published.
  const isSameDocument = look?.version !== undefined && look.version === state.storeVersion
  return isSameDocument || (before !== undefined && sameSecret(before.value, value))
}

/** The previous access token that the publication has left in the target, and none that was there before. */
function withPublished(progress: Progress, beside: Published | undefined): Progress {
  const { previousExpiresAt: _before, ...state } = progress.state
  return { ...progress, state: { ...state, ...beside } }
}

function publishedTarget({ targetDigest: digest }: Observed, { issuedAt, expiresAt }: AccessToken): TargetState {
  return { kind: 'ours', digest, issuedAt, expiresAt, intact: true }
}

/** True when the token in the target is of another login than the spec names by now. */
export function loginChanged({ state, targetDigest }: Observed): boolean {
  return state.targetDigest !== undefined && loginOf(state.targetDigest) !== loginOf(targetDigest)
}

/** True when the newest refresh token is in the store, and the record knows of it. */
export function isAtHome({ persisted, recorded }: PendingTokens): boolean {
  return persisted && recorded
}

/** True when the newest refresh token is where it is to be for now. */
function hasPlace(pending: PendingTokens | undefined): boolean {
  if (pending === undefined) return false
  return isAtHome(pending) || (pending.recorded && pending.storeWriteDueAt !== undefined)
}

function publicationFields(
  { credential, targetDigest }: Observed,
  accessToken: AccessToken,
): Pick<CredentialState, 'observedGeneration' | 'accessTokenExpiresAt' | 'lastRefreshAt' | 'targetDigest'> {
  return {
    observedGeneration: credential.generation,
    accessTokenExpiresAt: accessToken.expiresAt,
    lastRefreshAt: accessToken.issuedAt,
    targetDigest,
  }
}

/** Failures that a successful publication disproves. */
export function isTargetFailure(code: FailureCode | undefined): boolean {
  return (
    code === 'TARGET_NOT_OWNED' ||
    code === 'TARGET_REJECTED' ||
    code === 'TARGET_UNAVAILABLE' ||
    code === 'OUTPUT_NOT_REPRESENTABLE' ||
    code === 'KUBERNETES_UNAVAILABLE' ||
    code === 'KUBERNETES_FORBIDDEN'
  )
}

function withoutFinishedTokens(observed: Observed, progress: Progress): Progress {
  const { pending, ...rest } = progress
  if (pending === undefined || !(pending.published || !isForSpec(observed, pending))) return progress
  if (isAtHome(pending)) return { ...rest, answerSettled: true }
  // The record outlives the journal, so the journal need not wait for the store.
  return pending.recorded ? { ...progress, answerSettled: true } : progress
}
