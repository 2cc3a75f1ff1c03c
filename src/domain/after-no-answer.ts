import type { Failure } from './failures.ts'
import { isHold } from './hold-reason.ts'
import { settleTurnedAway } from './hold.ts'
import type { Observed } from './observed.ts'
import { isRefusal } from './refusals.ts'
import { rememberedFailure, settleSent } from './settle.ts'
import type { Progress, SendAction, Step } from './step.ts'
import type { EpochSeconds } from './time.ts'

export interface Unanswered {
  readonly action: SendAction
  readonly cause: Failure
}

/** Follows a request that was not made, or whose answer nobody has. */
export function afterNoAnswer(
  observed: Observed,
  progress: Progress,
  { action, cause }: Unanswered,
  now: EpochSeconds,
): Step {
  if (isHold(cause)) return settleTurnedAway(observed, progress, cause, now)
  return mayBeginAnew(progress, { action, cause }) ? begunAnew(progress) : settleSent(observed, progress, cause, now)
}

/**
 * True where somebody has written a record since it was read, so that the request was not made. Most often nobody is at
 * the token: every Secret is written again, as it was, after another encryption key was put into the API server, and
 * that is no failure to tell of. Once in a reconcile, and not for a server that nobody is told of in a record.
 */
function mayBeginAnew({ state, isBegunAnew }: Progress, { action, cause }: Unanswered): boolean {
  const last = rememberedFailure(state)
  // What was refused is presented again only where that was looked at.
  const wasRefused = last !== undefined && isRefusal(last)
  return cause.code === 'REFRESH_RECORD_CONFLICT' && action.record !== undefined && isBegunAnew !== true && !wasRefused
}

/** Reads all that the request rests upon once more. */
function begunAnew(progress: Progress): Step {
  return { kind: 'act', action: { kind: 'read-refresh-token' }, progress: { ...progress, isBegunAnew: true } }
}
