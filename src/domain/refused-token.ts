import { withLoginReplaced } from './login-replaced.ts'
import { isRefusal, isTokenRefusal } from './refusals.ts'
import { sameSecret } from './sensitive.ts'
import { rememberedFailure, withoutFailure } from './settle.ts'
import type { Progress } from './step.ts'
import type { EpochSeconds } from './time.ts'
import type { StoredRefreshToken } from './tokens.ts'

/** True when a refresh token is the one that was refused, as far as anybody remembers. */
export function isSameAsRefused({ state, rejected }: Progress, stored: StoredRefreshToken): boolean {
  return state.storeVersion === stored.version || (rejected !== undefined && sameSecret(rejected, stored.refreshToken))
}

/**
 * Progress once a refresh token was presented: a refusal is about one token, and says nothing of another one. That the
 * target still holds what the refused one has brought stays known until the other one brings something.
 */
export function withPresented(progress: Progress, presented: StoredRefreshToken, now: EpochSeconds): Progress {
  const known = rememberedFailure(progress.state)
  if (known === undefined || !isRefusal(known) || isSameAsRefused(progress, presented)) return progress
  const { rejected: _other, ...rest } = progress
  const next = { ...rest, state: withoutFailure(progress.state) }
  return isTokenRefusal(known) ? withLoginReplaced(next, now) : next
}
