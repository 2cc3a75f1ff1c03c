import type { Failure } from './failures.ts'
import { isRefusal } from './refusals.ts'
import { rememberedFailure } from './settle.ts'
import type { Progress, Step } from './step.ts'

/**
 * Reads all that a request rests upon once more, where somebody has written a record since it was read, so that the
 * request was not made. Most often nobody is at the token: every Secret is written again, as it was, after another
 * encryption key was put into the API server, and that is no failure to tell of. Once in a reconcile.
 */
export function begunAnew(progress: Progress, { code }: Failure): Step | undefined {
  const last = rememberedFailure(progress.state)
  if (code !== 'REFRESH_RECORD_CONFLICT' || progress.isBegunAnew === true) return undefined
  // What was refused is presented again only where that was looked at.
  if (last !== undefined && isRefusal(last)) return undefined
  return { kind: 'act', action: { kind: 'read-refresh-token' }, progress: { ...progress, isBegunAnew: true } }
}
