import { conditionOf } from '../domain/conditions.ts'
import { failureRegistry } from '../domain/failure-registry.ts'
import type { Condition } from '../domain/credential-state.ts'
import type { CredentialKey } from '../domain/credential.ts'
import { isHoldReason } from '../domain/hold-reason.ts'
import type { CredentialEvent, EventReason } from '../ports/event-recorder.ts'

/** Reasons for which only a new login helps. */
const loginsLost: ReadonlySet<string> = new Set(['ReauthorizationRequired', 'LostResponse', 'SecondSpender'])

type Told = Pick<CredentialEvent, 'severity' | 'reason' | 'message'>

/**
 * The events that follow from a change of conditions: one per transition, none while nothing changes. To wait
 * for a token host is no news of a credential. `hadFailed`: its last attempt had failed.
 */
export function transitions(
  before: readonly Condition[],
  after: readonly Condition[],
  subject: { readonly key: CredentialKey; readonly uid: string },
  hadFailed = false,
): readonly CredentialEvent[] {
  const told = [
    stalled(before, after),
    persisted(before, after),
    expiring(before, after),
    turnedFalse('ConsumersNotified', 'ConsumersNotNotified', before, after),
    turnedFalse('ConsumersUpdatable', 'ConsumersNotUpdatable', before, after),
    suspension(before, after),
    retrying(before, after, hadFailed),
    ending(before, after),
    ready(before, after, hadFailed),
  ]
  return told.filter((event) => event !== undefined).map((event) => ({ ...subject, ...event }))
}

function stalled(before: readonly Condition[], after: readonly Condition[]): Told | undefined {
  const was = conditionOf(before, 'Stalled')
  const is = conditionOf(after, 'Stalled')
  if (is === undefined || was?.reason === is.reason) return undefined
  const reason: EventReason = loginsLost.has(is.reason) ? 'ReauthorizationRequired' : 'Stalled'
  return { severity: 'Warning', reason, message: is.message }
}

function persisted(before: readonly Condition[], after: readonly Condition[]): Told | undefined {
  const was = conditionOf(before, 'RefreshTokenPersisted')
  const is = conditionOf(after, 'RefreshTokenPersisted')
  // A write that waits for its time is neither news nor trouble.
  if (isPaced(is) || isPaced(was)) return undefined
  if (is?.status === 'False' && was?.status !== 'False') {
    return { severity: 'Warning', reason: 'RefreshTokenWriteBackFailed', message: is.message }
  }
  return rotated(was, is)
}

function rotated(was: Condition | undefined, is: Condition | undefined): Told | undefined {
  if (is?.reason !== 'WrittenBack' || was?.reason === 'WrittenBack') return undefined
  return { severity: 'Normal', reason: 'RefreshTokenRotated', message: is.message }
}

function isPaced(condition: Condition | undefined): boolean {
  return condition?.reason === 'WritePaced'
}

/** A condition of readers of the target that has turned false, or is so for another reason by now. */
function turnedFalse(
  type: 'ConsumersNotified' | 'ConsumersUpdatable',
  reason: EventReason,
  before: readonly Condition[],
  after: readonly Condition[],
): Told | undefined {
  const [was, is] = [conditionOf(before, type), conditionOf(after, type)]
  if (is?.status !== 'False' || (was?.status === 'False' && was.reason === is.reason)) return undefined
  return { severity: 'Warning', reason, message: is.message }
}

function expiring(before: readonly Condition[], after: readonly Condition[]): Told | undefined {
  const is = conditionOf(after, 'RefreshTokenExpiring')
  if (is === undefined || conditionOf(before, 'RefreshTokenExpiring')?.reason === is.reason) return undefined
  return { severity: 'Warning', reason: 'RefreshTokenExpiring', message: is.message }
}

function suspension(before: readonly Condition[], after: readonly Condition[]): Told | undefined {
  const was = conditionOf(before, 'Ready')?.reason === 'Suspended'
  const is = conditionOf(after, 'Ready')?.reason === 'Suspended'
  if (was === is || before.length === 0) return undefined
  return is
    ? { severity: 'Normal', reason: 'Suspended', message: 'Refreshing is suspended by spec.suspend.' }
    : { severity: 'Normal', reason: 'Resumed', message: 'Refreshing is no longer suspended.' }
}

function retrying(before: readonly Condition[], after: readonly Condition[], hadFailed: boolean): Told | undefined {
  const is = failing(after)
  const was = failing(before) ?? (hadFailed ? waiting(before) : undefined)
  if (is === undefined || was !== undefined) return undefined
  return { severity: 'Warning', reason: 'RefreshFailed', message: is.message }
}

/** The condition of something that is retried after a failure of its own. */
function failing(conditions: readonly Condition[]): Condition | undefined {
  const found = waiting(conditions)
  return found === undefined || isHoldReason(found.reason) || isElsewhere(found) ? undefined : found
}

/** The condition of something that waits. A target that waits for its next token is no news, and hides none. */
function waiting(conditions: readonly Condition[]): Condition | undefined {
  const found = conditionOf(conditions, 'Reconciling')
  return found?.reason === 'TargetOutdated' ? undefined : found
}

/** Another process is at it, and nothing has failed: it says so itself when something does. */
function isElsewhere({ reason }: Condition): boolean {
  return reason === failureRegistry.REFRESH_UNDER_WAY.reason
}

function ready(before: readonly Condition[], after: readonly Condition[], hadFailed: boolean): Told | undefined {
  const is = conditionOf(after, 'Ready')
  if (is?.status !== 'True') return undefined
  // What is to be done is told by the event of what stalls it.
  const stalls = conditionOf(after, 'Stalled') !== undefined
  if (is.reason !== 'TokenValid' && !stalls) return undefined
  const message = stalls ? 'The access token is published.' : is.message
  if (wasPending(before)) return { severity: 'Normal', reason: 'TargetCreated', message }
  return recovers(before, after, hadFailed) ? { severity: 'Normal', reason: 'Recovered', message } : undefined
}

function recovers(before: readonly Condition[], after: readonly Condition[], hadFailed: boolean): boolean {
  const hadTrouble = isTroubled(before) || (hadFailed && waiting(before) !== undefined)
  return hadTrouble && !isTroubled(after) && !isHeld(after)
}

function ending(before: readonly Condition[], after: readonly Condition[]): Told | undefined {
  const is = conditionOf(after, 'Ready')
  if (is?.reason !== 'TokenExpiring' || conditionOf(before, 'Ready')?.reason === is.reason) return undefined
  return { severity: 'Warning', reason: 'TokenExpiring', message: is.message }
}

function wasPending(conditions: readonly Condition[]): boolean {
  const was = conditionOf(conditions, 'Ready')
  return was === undefined || (was.status === 'False' && was.reason === 'Pending')
}

function isTroubled(conditions: readonly Condition[]): boolean {
  return (conditionOf(conditions, 'Stalled') ?? failing(conditions)) !== undefined
}

function isHeld(conditions: readonly Condition[]): boolean {
  return failing(conditions) === undefined && waiting(conditions) !== undefined
}
