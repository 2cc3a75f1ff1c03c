import { auditEntry, auditJournaled, auditOutcome, auditWriteBack, type Performed } from '../domain/audit.ts'
import type { AuditDetail, AuditEntry, AuditEvent } from '../domain/audit-entry.ts'
import { conditionOf } from '../domain/conditions.ts'
import type { ConsumersTold } from '../domain/consumers.ts'
import type { Credential } from '../domain/credential.ts'
import { type CredentialState, noState } from '../domain/credential-state.ts'
import { failureRegistry } from '../domain/failure-registry.ts'
import type { AnsweredEntry } from '../domain/journal-entry.ts'
import type { Observed } from '../domain/observed.ts'
import type { Outcome } from '../domain/step.ts'
import type { TokenAnswerReading } from '../domain/token-exchange.ts'
import { workloadText } from '../domain/workload.ts'
import type { CredentialEvent, EventReason } from '../ports/event-recorder.ts'
import type { Deps, EngineDeps } from './deps.ts'
import { unhindered } from './unhindered.ts'

/** Nothing here throws: what was done stands, told or not. */
type Auditing = Pick<Deps, 'audit' | 'records' | 'logger'>
type Subject = Pick<Credential, 'key' | 'uid' | 'generation'>

/** A request is any text that somebody has put into an annotation. */
const longestRequest = 64

/** Writes down what an action has changed. */
export function auditPerformed(observed: Observed, performed: Performed, deps: Auditing): void {
  if (deps.audit === undefined) return
  const entries = unhindered(() => auditOutcome(observed, performed, (token) => deps.records.fingerprint(token)), deps)
  write(entries ?? [], deps)
}

/** Writes down where tokens went that were kept until this process ends. */
export function auditBroughtHome(
  { credential, state }: { readonly credential: Subject; readonly state: CredentialState },
  outcome: Omit<Extract<Outcome, { kind: 'write-back' }>, 'kind'>,
  deps: Auditing,
): void {
  if (deps.audit === undefined) return
  tell(credential, state, () => auditWriteBack(outcome, (token) => deps.records.fingerprint(token)), deps)
}

/** Writes down what an answer said that this process has brought from its journal into the record, without leading. */
export function auditRecovered(
  entry: AnsweredEntry,
  reading: TokenAnswerReading,
  deps: Auditing & Pick<EngineDeps, 'resources'>,
): void {
  if (deps.audit === undefined) return
  const { uid, credential: key } = entry
  const known = deps.resources.credential(key)?.credential
  const { generation, state } = known?.uid === uid ? known : { generation: 0, state: noState }
  const details = (): readonly AuditDetail[] =>
    auditJournaled(entry, reading, (token) => deps.records.fingerprint(token))
  tell({ key, uid, generation }, state, details, deps)
}

/** What a reconcile that ended has changed of what is known of a credential. */
export interface Turn {
  readonly subject: Subject
  readonly before: CredentialState
  readonly after: CredentialState
  readonly events: readonly CredentialEvent[]
  /** Of the annotation, as it is now and as this process last saw it. */
  readonly request: { readonly now: string | undefined; readonly seen: string | undefined }
}

/** Writes down what a reconcile has found to be otherwise than before. */
export function auditTurn(turn: Turn, deps: Auditing): void {
  if (deps.audit === undefined) return
  const { subject, after, events } = turn
  const changes = (): readonly AuditDetail[] =>
    events.map(({ reason }) => ofEvent(reason, after)).filter((detail) => detail !== undefined)
  tell(subject, after, () => [...ofRequest(turn), ...changes()], deps)
}

/** Writes down which workloads were restarted. */
export function auditTold(
  { credential, state }: { readonly credential: Subject; readonly state: CredentialState },
  { workloads }: ConsumersTold,
  deps: Auditing,
): void {
  if (deps.audit === undefined) return
  const restarted = workloads.filter(({ result }) => result.ok && result.value.kind === 'restarted')
  const details = (): readonly AuditDetail[] =>
    restarted.map(({ workload }) => ({ event: 'WorkloadRestarted', workload: workloadText(workload) }))
  tell(credential, state, details, deps)
}

function tell(
  subject: Subject,
  { refreshes, refreshTokenGeneration: tokenGeneration }: CredentialState,
  details: () => readonly AuditDetail[],
  deps: Auditing,
): void {
  const entries = unhindered(
    () => details().map((detail) => auditEntry(subject, { refreshes, tokenGeneration }, detail)),
    deps,
  )
  write(entries ?? [], deps)
}

function write(entries: readonly AuditEntry[], deps: Auditing): void {
  for (const entry of entries) unhindered(() => deps.audit?.record(entry), deps)
}

function ofRequest({ before, after, request: { now, seen } }: Turn): readonly AuditDetail[] {
  const { handledRefreshRequest: handled } = after
  const isHandled = handled !== undefined && handled !== before.handledRefreshRequest
  const isNew = now !== undefined && now !== before.handledRefreshRequest && now !== seen
  return [
    ...(isNew ? [{ event: 'RefreshRequested', request: shown(now) } as const] : []),
    ...(isHandled ? [{ event: 'RefreshRequestHandled', request: shown(handled) } as const] : []),
  ]
}

function shown(request: string): string {
  return request.slice(0, longestRequest)
}

/** What is told as an event anyway, where it is one of an auditor's. */
function ofEvent(reason: EventReason, { conditions, lastFailure }: CredentialState): AuditDetail | undefined {
  const stalled = conditionOf(conditions, 'Stalled')?.reason
  const event = eventOf(reason, stalled)
  if (event === undefined) return undefined
  return event === 'Suspended' || event === 'Resumed' ? { event } : { event, code: lastFailure?.code }
}

function eventOf(reason: EventReason, stalled: string | undefined): AuditEvent | undefined {
  switch (reason) {
    case 'Suspended':
    case 'Resumed':
    case 'RefreshTokenWriteBackFailed':
      return reason
    case 'ReauthorizationRequired':
      return stalled === failureRegistry.REFRESH_TOKEN_REUSED.reason ? 'SecondSpenderSeen' : 'LoginLost'
    case 'Stalled':
      return stalled === failureRegistry.REFRESH_TOKEN_OWNED.reason ? 'OwnershipDenied' : undefined
    default:
      return undefined
  }
}
