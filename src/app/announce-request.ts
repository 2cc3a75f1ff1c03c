import { type Credential, keyText, refreshTokenSpec } from '../domain/credential.ts'
import type { Failure } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'
import { owned } from '../domain/ownership.ts'
import type { Provider } from '../domain/provider.ts'
import type { RefreshRecord } from '../domain/refresh-record.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { tokenOrigin } from '../domain/token-origin.ts'
import { resultAttributes } from '../domain/span-attributes.ts'
import type { SendAction } from '../domain/step.ts'
import type { EpochSeconds } from '../domain/time.ts'
import type { StoredRefreshToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'
import { arm, sealingKeyOf } from './execute-record.ts'
import { lastLook } from './last-look.ts'
import { lookMark } from './look-mark.ts'
import { notLeading, tooLate } from './not-begun.ts'
import { takeBackArmed } from './recover-journal.ts'
import { earlierSends, sentEntry } from './sent-entry.ts'
import { inSpan } from './traced.ts'

/** An attempt to present a refresh token. */
export interface Attempt {
  readonly send: SendAction
  readonly credential: Credential
  readonly observed: Observed
  readonly provider: Provider
  /** When it was begun; from when its connection stands on, that. */
  startedAt: EpochSeconds
  readonly startedMs: number
  /** When its intent was last about to be made, on the monotonic clock. */
  intendedMs: number
  /** The record with this attempt's intent in it; `unknown` when it may have it, and may not. */
  armed?: RefreshRecord | 'unknown'
  /** What the look before it found nobody else at, once the last one has found nobody either. */
  foundAlone?: string
  /** True once the journal has an entry of this attempt. */
  isJournaled?: boolean
  /** What came of journaling the answer. */
  answerJournaled?: Promise<Result<void>>
}

/**
 * Between the intent and the request. Who takes an intent over waits for longer, so a process that
 * was stopped in between finds here that it is too late.
 */
const sendWindowMs = 10_000

/** From then on the intent is made anew before all that is still to be done. */
const renewalMs = 2_000

/**
 * The last fences, when the connection stands: the journal and the record take the intent, the process
 * may still act, and not so much time has passed that somebody else may have taken over.
 *
 * Failures: those of the journal and of the last look; REFRESH_RECORD_UNAVAILABLE where it is too late;
 * KUBERNETES_UNAVAILABLE where this process may not act any more.
 */
export async function announceRequest(attempt: Attempt, deps: Deps): Promise<Result<void>> {
  const { send, observed } = attempt
  if (!deps.mayBegin()) return failed(notLeading(observed))
  // Of two that waited for their connections, the first to begin may be the last to send, and no leeway counts that wait.
  attempt.startedAt = deps.clock.now()
  attempt.intendedMs = deps.clock.monotonicMs()
  const announced = await announce(attempt, deps)
  if (!announced.ok) return announced
  const lapse = lapseOf(attempt, deps)
  if (lapse !== undefined) return failed(lapse)
  attempt.isJournaled = true
  return deps.journal.sent(sentEntry(attempt, earlierSends(send) + 1))
}

/** Why the request may not follow its intent any more. */
function lapseOf({ observed, intendedMs }: Attempt, deps: Deps): Failure | undefined {
  if (!deps.mayBegin()) return notLeading(observed)
  return deps.clock.monotonicMs() - intendedMs >= sendWindowMs ? tooLate(observed) : undefined
}

/** To a server that does not rotate nothing is announced, and what was before it turned out not to is taken back. */
function announce(attempt: Attempt, deps: Deps): Promise<Result<unknown>> {
  if (attempt.send.record === undefined) return takeBackArmed(attempt.credential, deps)
  return inSpan({ name: 'record-intent' }, deps, (within) => intend(attempt, within), resultAttributes)
}

/** Makes this process the one that may present the token. */
async function intend(attempt: Attempt, deps: Deps): Promise<Result<unknown>> {
  const { send, observed } = attempt
  const fingerprint = deps.records.fingerprint(send.base.refreshToken)
  const twin = deps.tokenOwners.ownerOf(fingerprint, observed.credential.uid)
  if (twin !== undefined) return failed(owned(observed, `OAuthCredential ${keyText(twin)}`))
  deps.tokenOwners.took(fingerprint, refreshTokenSpec(observed.credential).refreshToken, observed.credential)
  const armed = await armRecord(attempt, fingerprint, deps)
  if (!armed.ok) return armed
  attempt.armed = armed.value
  const renew = (): Promise<Result<unknown>> => renewIntent(attempt, armed.value, deps)
  // Nothing but what follows may take longer than a request may come after its intent.
  const lapse = lapseOf(attempt, deps)
  const alone = lapse ? failed(lapse) : await lastLook({ action: send, fingerprint, observed, renew }, deps)
  if (alone.ok) attempt.foundAlone = lookMark(fingerprint, observed.credential, deps)
  else deps.tokenOwners.gaveUp(fingerprint, observed.credential)
  return alone
}

/** The intent, in the journal and then in the record. */
async function armRecord(attempt: Attempt, fingerprint: string, deps: Deps): Promise<Result<RefreshRecord>> {
  const { send, observed, provider, startedAt } = attempt
  const { record, base, earlier } = send
  if (record === undefined) throw new Error('without a record nothing is announced')
  const entry = { ...sentEntry(attempt, earlierSends(send) + 1), phase: 'armed' } as const
  // From here on the journal holds what the record may say, or the entry of an earlier attempt.
  attempt.armed = 'unknown'
  const journaled = await deps.journal.armed(entry)
  if (!journaled.ok) return journaled
  const intent = {
    fingerprint,
    source: refreshTokenSpec(observed.credential).refreshToken,
    startedAt: earlier?.startedAt ?? startedAt,
    sends: earlierSends(send) + 1,
  }
  const sealingKey = sealingKeyOf(base.claim)
  if (record.version === '') deps.unconfirmedRecords.making(record.uid)
  const [origin, generation] = [tokenOrigin(provider), generationOf(base, observed)]
  return arm({ record, intent, origin, generation, stored: send.stored, sealingKey }, deps)
}

/**
 * Makes the intent anew where a list has taken of the time that a request has after it: of ten thousand records, or
 * from a busy API server, one may take more than all of it. The intent has stood meanwhile, or this is refused; and who
 * watches it begins to watch anew. Not where the token may have been presented before: a leeway that was judged goes on.
 */
async function renewIntent(attempt: Attempt, armed: RefreshRecord, deps: Deps): Promise<Result<unknown>> {
  const { send, observed } = attempt
  if (send.earlier !== undefined || deps.clock.monotonicMs() - attempt.intendedMs < renewalMs) return ok(armed)
  if (!deps.mayBegin()) return failed(notLeading(observed))
  attempt.armed = 'unknown'
  attempt.startedAt = deps.clock.now()
  attempt.intendedMs = deps.clock.monotonicMs()
  const intent = armed.intent && { ...armed.intent, startedAt: attempt.startedAt }
  const next = { ...armed, ...(intent && { intent }), epoch: armed.epoch + 1 }
  const renewed = await deps.records.replace(next, sealingKeyOf(send.base.claim))
  if (renewed.ok) attempt.armed = renewed.value
  return renewed
}

/** Which of the tokens that came one after the other the document says that it holds; at least what the status tells. */
function generationOf({ claim }: StoredRefreshToken, { state }: Observed): number {
  const marked = claim?.kind === 'claimed' ? claim.claim.mark?.generation : undefined
  return Math.max(marked ?? 0, state.refreshTokenGeneration ?? 0)
}
