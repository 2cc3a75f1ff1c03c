import type { PendingTokens } from './observed.ts'
import type { RecordLook } from './step.ts'
import type { EpochSeconds } from './time.ts'
import type { RotatedTokens, StoredRefreshToken } from './tokens.ts'

/** Tokens that a record has, and the document that was looked at has not. */
export interface LackingTokens {
  readonly tokens: RotatedTokens
  readonly stored: StoredRefreshToken
}

/** What goes into the document after a look, over a used-up token; not tokens that are known to be used up themselves: such are put over nothing. */
export function lackingIn({ record: { retained, spent }, stored, storeHolds }: RecordLook): LackingTokens | undefined {
  const tokens = retained?.tokens
  if (retained === undefined || tokens === undefined || stored === undefined || storeHolds !== 'spent') return undefined
  return spent.includes(retained.fingerprint) ? undefined : { tokens, stored }
}

/** What is to be done for tokens of a record, which no target waits for. */
export interface RecoveredTokens
  extends LackingTokens, Pick<PendingTokens, 'source' | 'persisted' | 'storeWriteDueAt'> {}

/** As tokens whose answer has just come. */
export function pendingOf({ stored, ...missing }: RecoveredTokens, now: EpochSeconds): PendingTokens {
  return {
    ...missing,
    base: stored,
    presented: stored.refreshToken,
    recorded: true,
    behindSince: missing.tokens.accessToken?.issuedAt ?? now,
    published: true,
    writeBackFailures: 0,
  }
}
