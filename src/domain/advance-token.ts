import { asClientFailure } from './client-credentials.ts'
import { keyText } from './credential.ts'
import { type Failure, failure } from './failures.ts'
import { isHold } from './hold-reason.ts'
import { settleTurnedAway } from './hold.ts'
import type { Observed } from './observed.ts'
import { obtained, withAnsweredRequest } from './obtained.ts'
import type { Result } from './result.ts'
import { settleSent } from './settle.ts'
import type { Progress, Step } from './step.ts'
import type { EpochSeconds } from './time.ts'
import { issuanceMark } from './issuance-mark.ts'
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
    const told = next === 'stall' ? { ...progress, state: withAnsweredRequest(observed, progress.state) } : progress
    return settleSent(observed, told, result.failure, now)
  }
  const issued = result.value
  if (issued.expiresAt <= now) return settleSent(observed, progress, arrivedOver(observed), now)
  const state = obtained(observed, progress.state)
  const accessToken = { ...issued, mark: issuanceMark(observed, state) }
  return { kind: 'act', action: { kind: 'publish', accessToken }, progress: { ...progress, state, accessToken } }
}

function arrivedOver({ credential }: Observed): Failure {
  const what = `The access token of OAuthCredential ${keyText(credential.key)} was over before its answer was complete.`
  return asClientFailure(failure('TOKEN_ANSWER_INCOMPLETE', what))
}
