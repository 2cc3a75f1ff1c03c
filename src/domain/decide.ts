import { checks } from './checks.ts'
import { failure } from './failures.ts'
import { keyText } from './credential.ts'
import type { Observed, ObservedInvalid } from './observed.ts'
import { problemList } from './referents.ts'
import { firstProgress, settleFine, settleStalled, withoutFailure } from './settle.ts'
import type { Step } from './step.ts'
import type { EpochSeconds } from './time.ts'

/**
 * What to do now with a credential. Pure: the answer follows from what was gathered and the time.
 *
 * The ordered list in checks.ts is the specification: the first check that answers wins, and when
 * none does the credential is fine until its next wake-up.
 *
 * ```
 *              read-refresh-token ─► pre-flight ─► send-refresh-token ─► write-back ─► publish ─► settled
 * decide ─►    read-journaled-answer ────────────────────────▲             ▲
 *              read-record ──────────────────────────────────┤             │
 *              write-back (pending) ─────────────────────────┘             │
 *              publish (pending, or the target was damaged) ───────────────┘
 *              bring-home (to a place that was left) ─► decide, once more
 * ```
 */
export function decide(observed: Observed, now: EpochSeconds): Step {
  for (const check of checks) {
    const step = check(observed, now)
    if (step !== undefined) return step
  }
  // Whatever failed last is either mended or no longer wanted: nothing in the list is due.
  const progress = firstProgress(observed)
  return settleFine(observed, { ...progress, state: withoutFailure(progress.state) }, now)
}

/** What to do with a credential whose spec cannot be acted on: say so, touch nothing. */
export function decideInvalid({ credential, state }: ObservedInvalid, now: EpochSeconds): Step {
  if (credential.deleting) {
    return { kind: 'settled', settlement: { kind: 'gone' }, progress: { state, release: credential.finalized } }
  }
  const what = `OAuthCredential ${keyText(credential.key)} is invalid: ${problemList(credential.problems)}.`
  return settleStalled(undefined, { state }, failure('SPEC_INVALID', what), now)
}
