import type { CredentialState } from './credential-state.ts'
import { epochSeconds, type EpochSeconds } from './time.ts'

/** Share of the access token's life; what is left below is near its end. */
const nearEndShare = 0.2

/** When the access token in the target comes near its end; undefined when there is none. */
export function nearEndAt({
  accessTokenExpiresAt: expiresAt,
  lastRefreshAt: issuedAt,
}: Pick<CredentialState, 'accessTokenExpiresAt' | 'lastRefreshAt'>): EpochSeconds | undefined {
  if (expiresAt === undefined || issuedAt === undefined) return undefined
  return epochSeconds(expiresAt - nearEndShare * (expiresAt - issuedAt))
}
