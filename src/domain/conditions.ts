import type { Condition, ConditionType, CredentialState } from './credential-state.ts'
import { isConsumerCondition } from './consumer-conditions.ts'
import type { Failure } from './failures.ts'
import { isHoldReason } from './hold-reason.ts'
import type { PendingTokens } from './observed.ts'
import { refreshTokenExpiring } from './refresh-token-expiring.ts'
import { warnsAt } from './static-token.ts'
import type { Settlement } from './step.ts'
import type { TargetState } from './target-state.ts'
import { endOfTime, type EpochSeconds } from './time.ts'
import { timeText } from './time-text.ts'

/** What the conditions follow from. */
export interface ConditionInput {
  readonly state: CredentialState
  readonly settlement: Settlement
  readonly pending?: PendingTokens | undefined
  /** True when an answer is journaled whose refresh token has not been looked at since the process began. */
  readonly answerWaiting: boolean
  /** What is known to be where the target should be. */
  readonly target?: TargetState | undefined
  /** True when what was published last is not what the spec asks for by now. */
  readonly targetOutdated?: boolean | undefined
  /** Why the target holds no previous access token although the spec asks for it. */
  readonly previousProblem?: string | undefined
  readonly generation: number
  /** True when this reconcile put a rotated refresh token into the store. */
  readonly writtenBack: boolean
  /** True when this reconcile has seen that the store holds the newest refresh token. */
  readonly storeIsNewest: boolean
  /** Why the store at a place that was left does not hold its newest refresh token. */
  readonly leftFailure?: Failure | undefined
  readonly now: EpochSeconds
}

type Draft = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/**
 * The conditions of a credential, by kstatus' rules: `Reconciling` and `Stalled` exist only while
 * they are true, `Ready` always. `Ready` says whether pods have a valid token, whatever else is wrong.
 *
 * | type | True means | absent |
 * |---|---|---|
 * | Ready | the target holds an unexpired token of this spec | never |
 * | Reconciling | something is retried, or the target is not yet as the spec wants it | when nothing is |
 * | Stalled | a human must act | when none must |
 * | RefreshTokenPersisted | the store holds the newest refresh token, and so does that of a place that was left | before the first refresh, and for grants without one |
 * | RefreshTokenExpiring | somebody must log in again before a date | while that is far, or not known |
 * | PreviousTokenKept | never: False means that the key of the previous token stays empty | when nothing is in its way |
 * | ConsumersNotified | pods and workloads were told of the published token | where none are to be told |
 * | ConsumersUpdatable | False: a reader gets no new token | while every reader does, or none was looked at |
 *
 * The last two are found when readers are told, after a reconcile, and are only handed on here.
 */
export function conditionsOf(input: ConditionInput): readonly Condition[] {
  const drafts = [
    ready(input),
    reconciling(input),
    stalled(input),
    persisted(input),
    refreshTokenExpiring(input),
    previousKept(input),
    ...input.state.conditions.filter(({ type }) => isConsumerCondition(type)),
  ]
  return drafts.filter((draft) => draft !== undefined).map((draft) => withTransition(draft, input))
}

export function conditionOf(conditions: readonly Condition[], type: ConditionType): Condition | undefined {
  // Asked a dozen times in a reconcile: a closure for each condition would be most of what that costs.
  for (const condition of conditions) if (condition.type === type) return condition
  return undefined
}

/**
 * While a human must act, `Ready` says so too: its reason is the one of `Stalled`, because that is what `kubectl get`
 * shows, and a token that is still valid must not hide that it is the last one.
 */
function ready(input: ConditionInput): Draft {
  const { settlement } = input
  const draft = readiness(input)
  if (settlement.kind === 'stalled') {
    const { reason, message } = settlement.failure
    return { ...draft, reason, message: `${draft.message} ${message}` }
  }
  const postponed = settlement.kind === 'fine' ? settlement.postponed : undefined
  if (postponed === undefined) return draft
  const message = `${draft.message} The refresh that is wanted now begins at ${timeText(postponed.until)}. ${postponed.why}`
  return { ...draft, message }
}

function readiness({ state, settlement, now, target }: ConditionInput): Draft {
  const { accessTokenExpiresAt: expiresAt } = state
  const suspended = settlement.kind === 'suspended'
  if (expiresAt !== undefined && target !== undefined && target.kind !== 'ours') return targetMissing(target)
  if (expiresAt !== undefined && expiresAt > now) {
    const until = validUntil(expiresAt)
    return suspended
      ? { type: 'Ready', status: 'True', reason: 'Suspended', message: `${until} Refreshing is suspended.` }
      : (expiring(state, until, { settlement, now }) ?? {
          type: 'Ready',
          status: 'True',
          reason: 'TokenValid',
          message: until,
        })
  }
  if (suspended) {
    const message = 'There is no valid access token, and refreshing is suspended.'
    return { type: 'Ready', status: 'Unknown', reason: 'Suspended', message }
  }
  return notReady(state, settlement)
}

function validUntil(expiresAt: EpochSeconds): string {
  return expiresAt >= endOfTime
    ? 'The access token is valid, and has no known expiry.'
    : `The access token is valid until ${timeText(expiresAt)}.`
}

/** A token that nobody refreshes is told of in time. What a stalled credential needs is told by what stalls it. */
function expiring(
  state: CredentialState,
  until: string,
  { settlement, now }: Pick<ConditionInput, 'settlement' | 'now'>,
): Draft | undefined {
  const from = state.grant === 'StaticToken' && settlement.kind !== 'stalled' ? warnsAt(state) : undefined
  if (from === undefined || now < from) return undefined
  const message = `${until} It is not refreshed: replace it in its store before then.`
  return { type: 'Ready', status: 'True', reason: 'TokenExpiring', message }
}

function targetMissing(target: TargetState): Draft {
  return target.kind === 'foreign'
    ? { type: 'Ready', status: 'False', reason: 'TargetConflict', message: `The target belongs to ${target.owner}.` }
    : {
        type: 'Ready',
        status: 'False',
        reason: 'TargetMissing',
        message: 'The target is gone, and could not be made again yet.',
      }
}

function notReady(state: CredentialState, settlement: Settlement): Draft {
  const expired = state.accessTokenExpiresAt
  const failure = settlement.kind === 'retrying' ? settlement.failure : undefined
  const since =
    expired === undefined
      ? 'No access token has been published yet.'
      : `The access token expired at ${timeText(expired)}.`
  const message = failure === undefined ? since : `${since} ${failure.message}`
  return {
    type: 'Ready',
    status: 'False',
    reason: notReadyReason(expired !== undefined, failure !== undefined),
    message,
  }
}

function notReadyReason(expired: boolean, failing: boolean): string {
  if (expired) return 'TokenExpired'
  return failing ? 'RefreshFailed' : 'Pending'
}

function reconciling({ settlement, targetOutdated }: ConditionInput): Draft | undefined {
  if (settlement.kind === 'fine' && targetOutdated === true) return outdated
  if (settlement.kind !== 'retrying') return undefined
  const { failure } = settlement
  return { type: 'Reconciling', status: 'True', reason: reconcilingReason(failure), message: failure.message }
}

/** Without it, the valid token of an earlier spec would be taken for that of this one. */
const outdated: Draft = {
  type: 'Reconciling',
  status: 'True',
  reason: 'TargetOutdated',
  message: 'The target is not yet as the spec asks; the next access token is published so.',
}

function reconcilingReason({ code, next, reason }: Failure): string {
  // Another process is at it: neither an error nor a limit.
  if (code === 'REFRESH_UNDER_WAY' || isHoldReason(reason)) return reason
  return next === 'wait' ? 'WaitingForRateLimit' : 'RetryingAfterError'
}

function stalled({ settlement }: ConditionInput): Draft | undefined {
  if (settlement.kind !== 'stalled') return undefined
  const { reason, message } = settlement.failure
  return { type: 'Stalled', status: 'True', reason, message }
}

function persisted(input: ConditionInput): Draft | undefined {
  const { settlement, pending, answerWaiting, leftFailure } = input
  if (answerWaiting || pending?.persisted === false) return notPersisted(settlement, pending)
  const isRolledBack = settlement.kind === 'stalled' && settlement.failure.code === 'STORE_ROLLED_BACK'
  if (isRolledBack) return rolledBack(settlement)
  return leftFailure === undefined ? toldBefore(input) : leftBehind(leftFailure)
}

/** What was told of the store stays until something else is seen. */
function toldBefore(input: ConditionInput): Condition | Draft | undefined {
  const { state } = input
  const previous = conditionOf(state.conditions, 'RefreshTokenPersisted')
  if (state.grant !== undefined) return former(previous, input)
  if (state.refreshes === 0) return undefined
  return previous !== undefined && isStillSo(previous, input) ? previous : newest(previous, input)
}

/** Of the refresh token of a former grant it is told until it is certain to be in its store. */
function former(previous: Condition | undefined, input: ConditionInput): Condition | undefined {
  return previous?.status === 'False' && isStillSo(previous, input) ? previous : undefined
}

function previousKept({ previousProblem: message }: ConditionInput): Draft | undefined {
  if (message === undefined) return undefined
  return { type: 'PreviousTokenKept', status: 'False', reason: 'EndedByRefresh', message }
}

function rolledBack({ failure: { reason, message } }: Extract<Settlement, { kind: 'stalled' }>): Draft {
  return { type: 'RefreshTokenPersisted', status: 'False', reason, message }
}

/** True when this reconcile has seen nothing that speaks against what was told of the store. */
function isStillSo({ status }: Condition, { writtenBack, storeIsNewest }: ConditionInput): boolean {
  return !writtenBack && (status === 'True' || (status === 'False' && !storeIsNewest))
}

function newest(previous: Condition | undefined, { writtenBack }: ConditionInput): Draft {
  const reason = writtenBack || previous !== undefined ? 'WrittenBack' : 'NotRotated'
  const message = 'The store holds the newest refresh token.'
  return { type: 'RefreshTokenPersisted', status: 'True', reason, message }
}

function notPersisted(settlement: Settlement, pending: PendingTokens | undefined): Draft {
  const failure = 'failure' in settlement ? settlement.failure : undefined
  if (failure === undefined && pending?.storeWriteDueAt !== undefined) return paced(pending.storeWriteDueAt)
  const why = failure?.message ?? 'It is being written.'
  const message = `The store does not hold the newest refresh token yet; the journal does. ${why}`
  return { type: 'RefreshTokenPersisted', status: 'False', reason: failure?.reason ?? 'WritePending', message }
}

function leftBehind({ reason, message: why }: Failure): Draft {
  const message = `A document that was named before does not hold its newest refresh token yet; the operator's record does. ${why}`
  return { type: 'RefreshTokenPersisted', status: 'False', reason, message }
}

function paced(dueAt: EpochSeconds): Draft {
  const message = `The operator's record holds the newest refresh token; the store bears only so many writes, and is written at ${timeText(dueAt)} or when the operator ends.`
  return { type: 'RefreshTokenPersisted', status: 'False', reason: 'WritePaced', message }
}

/** Keeps the time of the last change of `status`, as metav1.Condition wants it. */
function withTransition(draft: Draft, { state, generation, now }: ConditionInput): Condition {
  const previous = conditionOf(state.conditions, draft.type)
  const lastTransitionTime = previous?.status === draft.status ? previous.lastTransitionTime : now
  const { type, status, reason, message } = draft
  const next: Condition = { type, status, reason, message, observedGeneration: generation, lastTransitionTime }
  return previous !== undefined && isSameCondition(previous, next) ? previous : next
}

/** As after most reconciles: what stays needs no memory of its own, and is known by itself to be the same. */
function isSameCondition(one: Condition, other: Condition): boolean {
  if (one.status !== other.status || one.reason !== other.reason || one.message !== other.message) return false
  return one.observedGeneration === other.observedGeneration && one.lastTransitionTime === other.lastTransitionTime
}
