import type { CredentialState } from './credential-state.ts'
import { targetWantsPublication } from './conclude.ts'
import type { Failure } from './failures.ts'
import type { Observed } from './observed.ts'
import { obtained, withAnsweredRequest } from './obtained.ts'
import type { Result } from './result.ts'
import { sameSecret } from './sensitive.ts'
import { settleFailed, settleFine, withoutFailure } from './settle.ts'
import { endsAt, staticTokenOver } from './static-token.ts'
import type { Progress, Step } from './step.ts'
import type { EpochSeconds } from './time.ts'
import type { AccessToken, StoredAccessToken } from './tokens.ts'

/** Follows a look at the document of a static token: what is new there goes to the target. */
export function afterStaticRead(
  observed: Observed,
  progress: Progress,
  result: Result<StoredAccessToken>,
  now: EpochSeconds,
): Step {
  // A look that brought nothing to publish is due again as soon as the failure allows.
  if (!result.ok) {
    const told = result.failure.next === 'stall' ? withRequest(observed, progress) : progress
    return settleFailed(observed, told, result.failure, now)
  }
  const { accessToken, version } = result.value
  if (accessToken.expiresAt <= now) {
    const over = staticTokenOver(observed.credential, accessToken.expiresAt)
    return settleFailed(observed, withRequest(observed, progress), over, now)
  }
  return isPublished(observed, progress, result.value)
    ? unchanged(observed, progress, result.value, now)
    : publish(observed, { ...progress, look: { at: now, version } }, accessToken)
}

function publish(observed: Observed, progress: Progress, accessToken: AccessToken): Step {
  const state = obtained(observed, progress.state)
  return { kind: 'act', action: { kind: 'publish', accessToken }, progress: { ...progress, state, accessToken } }
}

/** True when the target holds this token, as far as is known. A document may change beside it. */
function isPublished(observed: Observed, { accessToken: atHand, state }: Progress, stored: StoredAccessToken): boolean {
  if (state.accessTokenExpiresAt === undefined || targetWantsPublication(observed)) return false
  if (state.storeVersion === stored.version) return true
  const { value, expiresAt } = stored.accessToken
  return atHand !== undefined && sameSecret(atHand.value, value) && atHand.expiresAt === expiresAt
}

/** The token stays at hand, for a target that is damaged, as old as it was. */
function unchanged(
  observed: Observed,
  progress: Progress,
  { accessToken, version }: StoredAccessToken,
  now: EpochSeconds,
): Step {
  const { lastRefreshAt: issuedAt = accessToken.issuedAt } = progress.state
  const { state } = withRequest(observed, progress)
  const ending = staticTokenProblem(observed, state, now)
  const look = { at: now, version }
  const seen: Progress = { ...progress, look, accessToken: { ...accessToken, issuedAt } }
  const known = { ...state, storeVersion: version }
  return ending === undefined
    ? settleFine({ ...observed, look }, { ...seen, state: withoutFailure(known) }, now)
    : settleFailed({ ...observed, look }, { ...seen, state: known }, ending, now)
}

function withRequest(observed: Observed, progress: Progress): Progress {
  return { ...progress, state: withAnsweredRequest(observed, progress.state) }
}

/** What is to be told of the token in the target, when it nears its end. */
export function staticTokenProblem(
  { credential }: Observed,
  state: CredentialState,
  now: EpochSeconds,
): Failure | undefined {
  if (credential.spec.grant !== 'StaticToken') return undefined
  const end = endsAt(state)
  const { accessTokenExpiresAt: expiresAt } = state
  return end === undefined || expiresAt === undefined || now < end ? undefined : staticTokenOver(credential, expiresAt)
}
