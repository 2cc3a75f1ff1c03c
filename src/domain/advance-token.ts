import { asClientFailure } from './client-credentials.ts'
import { keyText } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import { type Failure, failure } from './failures.ts'
import { isHold } from './hold-reason.ts'
import { settleTurnedAway } from './hold.ts'
import type { Observed } from './observed.ts'
import type { Result } from './result.ts'
import { settleSent, withoutFailure } from './settle.ts'
import type { Progress, Step } from './step.ts'
import type { EpochSeconds } from './time.ts'
import type { AccessToken } from './tokens.ts'

/** Follows a request of a client for itself: there is nothing to keep but the access token. */
export function afterTokenRequest(
  observed: Observed,
  progress: Progress,
  result: Result<AccessToken>,
  now: EpochSeconds,
): Step {
  if (!result.ok && isHold(result.failure)) return settleTurnedAway(observed, progress, result.failure, now)
  if (!result.ok) {
    const { next } = result.failure
    const told = next === 'stall' ? { ...progress, state: acknowledged(observed, progress.state) } : progress
    return settleSent(observed, told, result.failure, now)
  }
  const accessToken = result.value
  if (accessToken.expiresAt <= now) return settleSent(observed, progress, arrivedOver(observed), now)
  const state = obtained(observed, progress.state)
  return { kind: 'act', action: { kind: 'publish', accessToken }, progress: { ...progress, state, accessToken } }
}

/** The state once a token came that is not in the target yet. */
function obtained(observed: Observed, before: CredentialState): CredentialState {
  const state = acknowledged(observed, withoutFailure(before))
  return { ...state, observedGeneration: observed.credential.generation, refreshes: state.refreshes + 1 }
}

/** A human who asked for a refresh was answered, one way or the other. */
function acknowledged({ credential }: Observed, state: CredentialState): CredentialState {
  const { refreshRequest } = credential
  return refreshRequest === undefined ? state : { ...state, handledRefreshRequest: refreshRequest }
}

function arrivedOver({ credential }: Observed): Failure {
  const what = `The access token of OAuthCredential ${keyText(credential.key)} was over before its answer was complete.`
  return asClientFailure(failure('TOKEN_ANSWER_INCOMPLETE', what))
}
