import { afterSend } from './advance-refresh.ts'
import { afterPublication, conclude, isForSpec, targetWantsPublication } from './conclude.ts'
import { decide } from './decide.ts'
import type { Failure } from './failures.ts'
import type { Observed, PendingTokens } from './observed.ts'
import { sameSecret } from './sensitive.ts'
import { settleFailed, settleStalled, withoutFailure } from './settle.ts'
import type { Action, JournaledAnswer, Outcome, Progress, Step, WriteBackOutcome } from './step.ts'
import type { EpochSeconds } from './time.ts'
import type { StoredRefreshToken } from './tokens.ts'
import type { Result } from './result.ts'

/**
 * What follows from the outcome of an action. Pure. States move forward only: every action leads to
 * a later one of the list in decide.ts, or settles.
 */
export function advance(
  observed: Observed,
  step: Extract<Step, { kind: 'act' }>,
  outcome: Outcome,
  now: EpochSeconds,
): Step {
  const { progress, action } = step
  switch (outcome.kind) {
    case 'add-finalizer':
      return outcome.result.ok
        ? decide({ ...observed, needsFinalizer: false }, now)
        : settleFailed(observed, progress, outcome.result.failure, now)
    case 'clean-up':
      return outcome.result.ok
        ? { kind: 'settled', settlement: { kind: 'gone' }, progress: { ...progress, release: true } }
        : settleFailed(observed, progress, outcome.result.failure, now)
    case 'read-refresh-token':
      return afterRead(observed, progress, { action, result: outcome.result }, now)
    case 'send-refresh-token':
      return afterSend(observed, progress, outcome, now)
    case 'read-journaled-answer':
      return afterJournaledAnswer(observed, progress, outcome.result, now)
    case 'write-back':
      return afterWriteBack(observed, progress, outcome, now)
    case 'publish':
      return afterPublication(observed, progress, outcome.result, now)
  }
}

interface Read {
  readonly action: Action
  readonly result: Result<StoredRefreshToken>
}

function afterRead(observed: Observed, progress: Progress, { action: read, result }: Read, now: EpochSeconds): Step {
  if (!result.ok) return settleFailed(observed, progress, result.failure, now)
  const stored = result.value
  const refused = read.kind === 'read-refresh-token' ? read.unlessSameAs : undefined
  if (refused !== undefined && isSameAsRefused(progress, stored)) return settleStalled(progress, refused, now)
  return { kind: 'act', action: sendAction(observed, stored), progress }
}

function sendAction({ journal }: Observed, base: StoredRefreshToken): Action {
  const kind = 'send-refresh-token'
  // Another token means that somebody, perhaps ourselves, stored a successor: the old uncertainty is over.
  if (journal?.phase !== 'sent' || !sameSecret(journal.refreshToken, base.refreshToken)) {
    return { kind, base, earlierSends: 0 }
  }
  return { kind, base, earlierSends: journal.sends, firstSentAt: journal.startedAt }
}

function isSameAsRefused({ state, rejected }: Progress, stored: StoredRefreshToken): boolean {
  return state.storeVersion === stored.version || (rejected !== undefined && sameSecret(rejected, stored.refreshToken))
}

function afterJournaledAnswer(
  observed: Observed,
  progress: Progress,
  result: Result<JournaledAnswer>,
  now: EpochSeconds,
): Step {
  if (!result.ok) return settleFailed(observed, progress, result.failure, now)
  const { reading, entry, stored } = result.value
  const refreshToken = reading.kind === 'issued' ? reading.tokens.refreshToken : reading.refreshToken
  const alreadyStored = refreshToken !== undefined && sameSecret(refreshToken, stored.refreshToken)
  const superseded = !alreadyStored && !sameSecret(stored.refreshToken, entry.refreshToken)
  const sent = { kind: 'answered', reading, sends: entry.sends, startedAt: entry.startedAt } as const
  const persisted = alreadyStored || superseded
  const journaled = { source: entry.source, persisted }
  return afterSend(observed, progress, { kind: 'send-refresh-token', base: stored, sent, journaled }, now)
}

interface WriteBack {
  readonly pending: PendingTokens
  readonly written: WriteBackOutcome
}

/**
 * After a write-back, good or bad, the access token goes out: the journal holds the refresh token, and
 * pods that lose their access token would not help it. A failed write-back is tried again first.
 */
function afterWriteBack(
  observed: Observed,
  progress: Progress,
  { pending, written }: WriteBack,
  now: EpochSeconds,
): Step {
  const next =
    written.kind === 'failed'
      ? stillPending(progress, pending, written.failure)
      : stored(progress, pending, written.stored, written.kind === 'written')
  const accessToken = pending.tokens.accessToken
  const wanted = !pending.published || targetWantsPublication(observed)
  if (accessToken !== undefined && accessToken.expiresAt > now && wanted && isForSpec(observed, pending)) {
    return { kind: 'act', action: { kind: 'publish', accessToken }, progress: next }
  }
  return conclude(observed, next, now)
}

function stillPending(progress: Progress, pending: PendingTokens, cause: Failure): Progress {
  return { ...progress, cause, pending: { ...pending, writeBackFailures: pending.writeBackFailures + 1 } }
}

function stored(
  progress: Progress,
  pending: PendingTokens,
  { version }: StoredRefreshToken,
  written: boolean,
): Progress {
  const state = { ...withoutFailure(progress.state), storeVersion: version }
  return { ...progress, state, writtenBack: written, pending: { ...pending, persisted: true } }
}
