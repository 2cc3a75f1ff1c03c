import { recover } from './advance-preflight.ts'
import { conclude } from './conclude.ts'
import { keyText, type RefreshTokenSource } from './credential.ts'
import { type Failure, type FailureCode, failure } from './failures.ts'
import { withLoginReplaced } from './login-replaced.ts'
import { obtain } from './obtain.ts'
import type { Observed } from './observed.ts'
import { hasTimeForPlaceLeft, isOfPlace } from './place-left.ts'
import { wasJustRolledForward } from './preflight.ts'
import type { RefreshRecord } from './refresh-record.ts'
import type { Result } from './result.ts'
import { isAnswerLost, rememberedFailure, settleFailed } from './settle.ts'
import type { Action, LookBefore, Progress, RecordLook, Step } from './step.ts'
import { storeWriteDueAt as storeWriteDueAtOf } from './store-pacing.ts'
import type { EpochSeconds } from './time.ts'
import type { RotatedTokens, StoredRefreshToken } from './tokens.ts'

interface LookedAt {
  readonly action: Extract<Action, { kind: 'read-record' }>
  readonly result: Result<RecordLook>
}

/** Follows a look at what the record holds: what its store lacks goes there. */
export function afterRecordLook(
  observed: Observed,
  progress: Progress,
  { action: { before }, result }: LookedAt,
  now: EpochSeconds,
): Step {
  if (!result.ok) return afterFailedLook(observed, progress, { before, cause: result.failure }, now)
  const { record } = result.value
  const known: Progress = { ...progress, record }
  const lacking = lackingAt(result.value)
  if (lacking !== undefined) return bringHome(observed, known, { ...lacking, record, before }, now)
  return before === undefined ? afterLookHere(observed, known, result.value, now) : backTo(before, known, record)
}

interface Lacking {
  readonly tokens: RotatedTokens
  readonly stored: StoredRefreshToken
  readonly source: RefreshTokenSource
}

/** Tokens that the store lacks; not those that are known to be used up themselves: such are put over nothing. */
function lackingAt({ record: { retained, spent }, stored, storeHolds }: RecordLook): Lacking | undefined {
  if (retained === undefined || spent.includes(retained.fingerprint) || storeHolds !== 'spent') return undefined
  const { tokens, source } = retained
  return stored === undefined || tokens === undefined ? undefined : { tokens, stored, source }
}

interface BroughtHome extends Lacking {
  readonly record: RefreshRecord
  readonly before: LookBefore | undefined
}

function bringHome(
  observed: Observed,
  progress: Progress,
  { tokens, stored, source, record, before }: BroughtHome,
  now: EpochSeconds,
): Step {
  const cause = before && untakenAt(observed, { source, record }, now)
  if (cause !== undefined) return afterFailedLook(observed, progress, { before, cause }, now)
  const dueAt = storeWriteDueAt(observed, record, now)
  const missing = { tokens, persisted: false, ...(dueAt !== undefined && { storeWriteDueAt: dueAt }) }
  return recover(observed, progress, { missing, stored }, now)
}

function afterLookHere(
  observed: Observed,
  progress: Progress,
  { record: { retained }, storeHolds }: RecordLook,
  now: EpochSeconds,
): Step {
  const isReplaced = storeHolds === 'another' && retained !== undefined && isOfPlace(retained, observed)
  const next: Progress = { ...progress, storeIsNewest: storeHolds !== 'spent' }
  return conclude(observed, isReplaced ? withLoginReplaced(next, now) : next, now)
}

/** Nothing is to be done at the place that was left: the pre-flight goes on. */
function backTo({ look }: LookBefore, progress: Progress, { retained }: RefreshRecord): Step {
  const seen = retained && { leftSeen: retained.fingerprint }
  return { kind: 'act', action: look, progress: { ...progress, ...seen } }
}

/** A place that was left is written at once: nobody would come back for it. */
function storeWriteDueAt(observed: Observed, record: RefreshRecord, now: EpochSeconds): EpochSeconds | undefined {
  const { store } = observed
  const isHere = record.retained !== undefined && isOfPlace(record.retained, observed)
  return isHere && store.kind === 'found' ? storeWriteDueAtOf(observed, store.value, record, now) : undefined
}

interface Failed {
  readonly before: LookBefore | undefined
  readonly cause: Failure
}

/**
 * A place that was left is waited for, as long as that does no harm, and for some looks where nothing else has failed: what
 * it lacks stays in the record until then. How long its store wants to be left alone says nothing of the place of the spec.
 */
function afterFailedLook(observed: Observed, progress: Progress, { before, cause }: Failed, now: EpochSeconds): Step {
  const { retryAfterSeconds: _ofThatStore, ...retried } = cause
  if (waits(observed, cause, now)) return settleFailed(observed, progress, before === undefined ? cause : retried, now)
  // Which place that was, nobody knows before the record is read.
  if (before === undefined) return obtain(observed)
  return { kind: 'act', action: { ...before.look, isLeftGivenUp: true }, progress }
}

/** A store that is away for a moment is mostly back by then: a minute or two after the first time. */
const failedLooks = 5

/** Where an answer was lost, a moment later may be too late to ask for it once more. Without the record nobody goes on. */
function waits(observed: Observed, { code }: Failure, now: EpochSeconds): boolean {
  const { state } = observed
  const known = rememberedFailure(state)
  if (!isOfStore(code) || known === undefined) return true
  if (isAnswerLost(observed, known)) return false
  return hasTimeForPlaceLeft(observed, now) || (isCounted(known) && state.consecutiveFailures < failedLooks)
}

/** A store that throttles is waited for without being counted. */
function isCounted({ code, next }: Pick<Failure, 'code' | 'next'>): boolean {
  return isOfStore(code) && next !== 'wait'
}

function isOfStore(code: FailureCode): boolean {
  return code.startsWith('STORE_')
}

/** Why the tokens of a place that was left are not put there once more: it has just not taken them, or not kept them. */
function untakenAt(
  observed: Observed,
  { source: { key, store }, record }: Pick<BroughtHome, 'source' | 'record'>,
  now: EpochSeconds,
): Failure | undefined {
  const { credential, pending, record: known } = observed
  // What was put somewhere just now may have been other tokens, at another place.
  const isSame = known?.retained?.fingerprint === record.retained?.fingerprint
  if (pending?.persisted !== false && !(isSame && wasJustRolledForward(observed, now))) return undefined
  const what = `The document "${key}" of ${store.kind} ${store.name}, which OAuthCredential ${keyText(credential.key)} named before, has not kept its newest refresh token.`
  return failure('STORE_CONFLICT', what)
}
