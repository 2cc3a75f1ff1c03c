import { backoff } from './backoff.ts'
import { type Credential, keyText } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import { failure } from './failures.ts'
import type { PendingTokens } from './observed.ts'
import { present } from './present.ts'
import { isRefusal } from './refusals.ts'
import { rememberedFailure, wakeBeforeExpiry } from './settle.ts'
import type { Settlement, Step } from './step.ts'
import { type EpochSeconds, later } from './time.ts'

/** What was known of a credential before an error of the operator itself. */
export interface Unexpected {
  readonly credential: Pick<Credential, 'key' | 'uid'>
  readonly state: CredentialState
  readonly pending?: PendingTokens
}

/** Waits after an error of the operator itself. All that was known stays known, and a refusal stays what is told. */
export function settleUnexpected(
  { credential, state, pending }: Unexpected,
  now: EpochSeconds,
): Extract<Step, { kind: 'settled' }> {
  const what = `Work on OAuthCredential ${keyText(credential.key)} ended in an error of the operator itself.`
  const cause = failure('INTERNAL_ERROR', what)
  const known = rememberedFailure(state)
  const refusal = known !== undefined && isRefusal(known) ? known : undefined
  const lastFailure = refusal === undefined ? { code: cause.code, message: cause.message, at: now } : state.lastFailure
  const failures = state.consecutiveFailures + 1
  const next: CredentialState = present({ ...state, lastFailure, consecutiveFailures: failures })
  const { accessTokenExpiresAt: expiresAt } = state
  const delay = backoff(present({ uid: credential.uid, failures, failedAt: now, expiresAt }))
  const settlement: Settlement =
    refusal === undefined ? { kind: 'retrying', failure: cause } : { kind: 'stalled', failure: refusal }
  return {
    kind: 'settled',
    settlement,
    progress: { state: next, ...(pending && { pending }) },
    wakeAt: wakeBeforeExpiry(next, later(now, delay), now),
  }
}
