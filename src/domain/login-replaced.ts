import type { CredentialState } from './credential-state.ts'
import type { Progress } from './step.ts'
import type { EpochSeconds } from './time.ts'

// The token in the target may be of an earlier login than the one to use by now. Who replaces a login may know why:
// the earlier one's tokens count as over, and a refresh is due until one has brought a token.

/** Progress once another login than that of the target's token is known to be the one to use. */
export function withLoginReplaced<Known extends Progress>(progress: Known, now: EpochSeconds): Known {
  const { loginReplacedAt = now } = progress.state
  return { ...progress, state: { ...progress.state, loginReplacedAt } }
}

/** The state once the target holds a token of the login to use. */
export function ofLatestLogin({ loginReplacedAt: _over, ...state }: CredentialState): CredentialState {
  return state
}
