import { unlessBackingOff } from './after-failure.ts'
import { isAtHome } from './conclude.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { act } from './settle.ts'
import type { Step } from './step.ts'
import { dueNow } from './store-pacing.ts'
import { repair } from './target-repair.ts'
import type { EpochSeconds } from './time.ts'

/** After so many failed write-backs a deletion is held up no longer; the write-back goes on without the object. */
const writeBacksBeforeDeletion = 5

/** The check for tokens that an earlier process received, and that are not everywhere yet. */
export function answerJournaled(observed: Observed, now: EpochSeconds): Step | undefined {
  const { pending, journal, credential, state } = observed
  if (pending !== undefined || journal?.phase !== 'answered') return undefined
  // The journal keeps it for whoever comes back.
  if (credential.deleting && state.consecutiveFailures >= writeBacksBeforeDeletion) return undefined
  return unlessBackingOff(observed, now) ?? act(observed, { kind: 'read-journaled-answer' })
}

/** The check for tokens that this process received: a rotated refresh token goes first, whatever else is asked. */
export function writeBackPending(observed: Observed, now: EpochSeconds): Step | undefined {
  const { pending } = observed
  if (pending === undefined || isAtHome(pending) || isPaced(observed, now)) return undefined
  if (isNotWaitedFor(observed, pending)) return undefined
  const waiting = unlessBackingOff(observed, now)
  return waiting === undefined
    ? act(observed, { kind: 'write-back', pending: isGoingToRest(observed) ? dueNow(pending) : pending })
    : (repairMeanwhile(observed, now) ?? waiting)
}

/** A deletion does not wait for ever. */
function isNotWaitedFor({ credential: { deleting, finalized } }: Observed, pending: PendingTokens): boolean {
  return deleting && finalized && pending.writeBackFailures >= writeBacksBeforeDeletion
}

/** A target that is gone need not wait for a store that is away, once the record has the refresh token. */
function repairMeanwhile(observed: Observed, now: EpochSeconds): Step | undefined {
  const { pending } = observed
  const isDurable = pending === undefined || pending.recorded || pending.persisted
  return isDurable && !isGoingToRest(observed) ? repair(observed, now) : undefined
}

/** True while the record holds what the store is not to be written with yet. */
function isPaced(observed: Observed, now: EpochSeconds): boolean {
  const { pending } = observed
  if (pending?.storeWriteDueAt === undefined || !pending.recorded) return false
  return now < pending.storeWriteDueAt && !isGoingToRest(observed)
}

/** Nobody comes back for what is left behind now. */
const isGoingToRest = ({ credential }: Observed): boolean => credential.deleting || credential.spec.suspend
