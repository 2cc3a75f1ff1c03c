import type { CredentialState } from './credential-state.ts'
import type { ClaimState } from './document-claim.ts'
import type { RefreshRecord } from './refresh-record.ts'
import type { Progress } from './step.ts'
import { tokenMark } from './token-mark.ts'

// Whether a store has ever had a refresh token.

/** Progress once the document of the spec was seen to hold a refresh token, or was written with it. */
export function withSight<Known extends Progress>(progress: Known, fingerprint: string | undefined): Known {
  if (fingerprint === undefined) return progress
  return { ...progress, state: { ...progress.state, seenInStore: tokenMark(fingerprint) } }
}

/** Progress once the document of the spec was seen to hold an older one. */
export function withoutSight<Known extends Progress>(progress: Known): Known {
  if (progress.state.seenInStore === undefined) return progress
  const { seenInStore: _noMore, ...state } = progress.state
  return { ...progress, state }
}

/**
 * As {@link withSight}, of whatever the document shows: one that was replaced before says that it has gone back since,
 * and so does one of which the document itself says that the operator wrote it. What nobody knows says nothing;
 * somebody may take it away again.
 */
export function afterSight<Known extends Progress>(
  progress: Known,
  { fingerprint, claim }: { readonly fingerprint: string; readonly claim: ClaimState | undefined },
  { retained, spent }: RefreshRecord,
): Known {
  if (retained?.fingerprint === fingerprint) return withSight(progress, fingerprint)
  const written = claim?.kind === 'claimed' ? claim.claim.mark?.fingerprint : undefined
  return spent.includes(fingerprint) || written === fingerprint ? withoutSight(progress) : progress
}

/** True when some process has seen this very refresh token in its document, as far as the status tells. */
export function wasSeenInStore({ seenInStore }: Pick<CredentialState, 'seenInStore'>, fingerprint: string): boolean {
  return seenInStore === tokenMark(fingerprint)
}
