import type { CredentialState } from './credential-state.ts'
import { earliest, epochSeconds, type EpochSeconds } from './time.ts'

/** Share of the access token's life; what is left below is near its end. */
const nearEndShare = 0.2

/**
 * When the access token in the target comes near its end; undefined when there is none. That of an earlier login than
 * the one to use counts as over since that is known, and now if a clock that ran ahead has told when.
 */
export function nearEndAt(
  { accessTokenExpiresAt: expiresAt, lastRefreshAt: issuedAt, loginReplacedAt }: CredentialState,
  now: EpochSeconds,
): EpochSeconds | undefined {
  if (expiresAt === undefined || issuedAt === undefined) return undefined
  if (loginReplacedAt !== undefined) return earliest(loginReplacedAt, now)
  return epochSeconds(expiresAt - nearEndShare * (expiresAt - issuedAt))
}
