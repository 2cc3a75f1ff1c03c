import { type ConsumerFindings, isConsumerCondition, withConsumerConditions } from '../domain/consumer-conditions.ts'
import {
  afterTelling,
  consumersOf,
  type ConsumersPlan,
  consumersPlan,
  type ConsumersTold,
  hasConsumers,
  restartIntervalOf,
  type WorkloadTold,
} from '../domain/consumers.ts'
import type { ConsumersState } from '../domain/consumers-state.ts'
import { conditionOf } from '../domain/conditions.ts'
import { type Credential, keyText } from '../domain/credential.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import type { Observed } from '../domain/observed.ts'
import { type PodReader, staleReaders } from '../domain/readers.ts'
import { present } from '../domain/present.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { timeText } from '../domain/time-text.ts'
import { earliest, type EpochSeconds, later, minutes } from '../domain/time.ts'
import { sameWorkload, type Workload, workloadText } from '../domain/workload.ts'
import type { ConsumerNotifier } from '../ports/consumers.ts'
import { auditTold } from './audit.ts'
import type { Deps } from './deps.ts'
import { atTurnForPods, type Missed } from './pod-turns.ts'
import { record, type Recorded, type Recording, type Settled } from './record.ts'
import { isSameState } from './told-state.ts'
import type { Requeue } from './work-queue.ts'

/** How often it is looked at most whether readers get updates; a change of the manifest is looked at in any case. */
const readersInterval = minutes(10)

/** A reconcile that has ended and was recorded. */
interface Ended {
  readonly subject: Recorded & { readonly observed: Observed }
  readonly end: Settled
  readonly recording: Recording
}

/**
 * Tells those who read the target of what was published, once the status says that it was, and records who was told.
 *
 * Guarantees: level-based, as the state says who has been told; nothing that fails here fails the credential, or holds
 * a refresh up for longer than the calls take. Without readers to tell it does nothing.
 */
export async function tellConsumers(begun: Ended, deps: Deps): Promise<Recording> {
  const { consumers: notifier } = deps
  if (notifier === undefined) return withoutCluster(begun, deps)
  if (isUnconcerned(begun, notifier)) return begun.recording
  const ended = { ...begun, recording: withLookedAt(begun) }
  if (isAtRest(ended, deps)) return ended.recording
  const found = await findings(ended, notifier, deps)
  const again = await recordAgain(ended, found, deps)
  const { readersLookedAt = firstLookAt(ended, deps) } = ended.recording.memory
  const lookedAt = found.lookedAt ?? readersLookedAt
  return {
    memory: { ...again.memory, ...(lookedAt !== undefined && { readersLookedAt: lookedAt }) },
    requeue: sooner(again.requeue, found.consumers?.retryAt),
  }
}

/** Since when a process counts the time to the next look at readers that an earlier one has found. */
function firstLookAt({ subject }: Ended, { clock }: Deps): EpochSeconds | undefined {
  return conditionOf(subject.before.conditions, 'ConsumersUpdatable') === undefined ? undefined : clock.now()
}

/** True where nothing may be begun, or before the status says what was published. */
function isAtRest({ end, recording }: Ended, deps: Deps): boolean {
  return end.settlement.kind === 'suspended' || !recording.memory.reported || !deps.mayBegin()
}

function recordAgain({ subject, end, recording }: Ended, found: Findings, deps: Deps): Promise<Recording> {
  const { memory } = recording
  const state = stateWith(memory.state, found, subject.generation, deps.clock.now())
  if (isSameState(memory.state, state)) return Promise.resolve(recording)
  return record({ ...subject, before: memory.state, memory }, { ...end, progress: { ...end.progress, state } }, deps)
}

function sooner(one: Requeue, other: Requeue): Requeue {
  if (one === undefined || other === undefined) return one ?? other
  return earliest(one, other)
}

/** A target in a directory has no pods; that is said once for each version of the manifest. */
function withoutCluster({ subject, recording }: Ended, { logger }: Deps): Recording {
  const { credential } = subject.observed
  const isKnown = subject.memory?.credential?.generation === credential.generation
  if (!isKnown && hasConsumers(credential.spec.target)) {
    const fields = { credential: keyText(credential.key) }
    logger.warn(fields, 'spec.target.propagation and spec.target.restart have no effect without a cluster')
  }
  return recording
}

/** When readers were looked at last is remembered by this process alone. */
function withLookedAt({ subject, recording }: Ended): Recording {
  const readersLookedAt = subject.memory?.readersLookedAt
  return readersLookedAt === undefined ? recording : { ...recording, memory: { ...recording.memory, readersLookedAt } }
}

/** True for nearly all credentials: nobody is to be told of anything, and nobody was. */
function isUnconcerned({ subject, recording }: Ended, { warns }: ConsumerNotifier): boolean {
  const { conditions, consumers } = recording.memory.state
  if (warns || hasConsumers(subject.observed.credential.spec.target) || consumers !== undefined) return false
  return !conditions.some(({ type }) => isConsumerCondition(type))
}

interface Findings extends ConsumerFindings {
  /** When readers were looked at, if they were. */
  readonly lookedAt?: EpochSeconds
}

async function findings(ended: Ended, notifier: ConsumerNotifier, deps: Deps): Promise<Findings> {
  const { subject, recording } = ended
  const { credential, targetDigest } = subject.observed
  const { target } = credential.spec
  const { state } = recording.memory
  const consumers = consumersOf(state, target, state.targetDigest === targetDigest)
  const { restartPolicy = {} } = deps
  const plan = consumers && consumersPlan(consumers, target, { policy: restartPolicy, now: deps.clock.now() })
  const looked = await look(ended, plan, notifier, deps)
  const readers = readersFound(credential, looked, notifier)
  const limits = { policy: restartPolicy, wantedInterval: restartIntervalOf(target, {}) }
  const found = { readers, ...limits, ...(isLook(looked) && { lookedAt: deps.clock.now() }) }
  if (consumers === undefined) return found
  if (plan === undefined) return { ...found, consumers }
  const told = await tell({ credential, state, consumers, plan, looked }, notifier, deps)
  auditTold({ credential, state }, told, deps)
  const after = afterTelling(consumers, told, { uid: credential.uid, now: deps.clock.now() })
  return { ...found, consumers: after, told }
}

/** The pods that read the target, or why they were not looked at; undefined when they need not be now. */
type Looked = Result<readonly PodReader[]> | Missed | undefined

function isLook(looked: Looked): looked is Result<readonly PodReader[]> {
  return typeof looked === 'object'
}

async function look(
  ended: Ended,
  plan: ConsumersPlan | undefined,
  notifier: ConsumerNotifier,
  deps: Deps,
): Promise<Looked> {
  const { key, spec } = ended.subject.observed.credential
  const secret = { namespace: key.namespace, name: spec.target.name }
  const annotates = spec.target.propagation === 'AnnotatePods'
  const isWanted = notifier.warns || annotates
  if (plan?.annotateWith === undefined && !(isWanted && isLookDue(ended, deps.clock.now()))) return undefined
  const purpose = annotates ? 'annotate' : 'warn'
  const turn = await atTurnForPods(ended.recording.memory.state, deps, () => notifier.readers(secret, purpose))
  return turn.kind === 'taken' ? turn.value : turn.why
}

/** After a publication, and for as long as a reader gets no updates; what an earlier process told is believed for a while. */
function isLookDue({ subject, end, recording }: Ended, now: EpochSeconds): boolean {
  const { readersLookedAt } = recording.memory
  const told = conditionOf(subject.before.conditions, 'ConsumersUpdatable')
  if (told !== undefined && told.observedGeneration !== subject.generation) return true
  const isPublished = end.progress.target !== undefined
  if (readersLookedAt === undefined) return isPublished
  return (isPublished || told !== undefined) && now >= later(readersLookedAt, readersInterval)
}

function readersFound(
  { key, spec }: Credential,
  looked: Looked,
  { warns }: ConsumerNotifier,
): ConsumerFindings['readers'] {
  const { target } = spec
  if (!isLook(looked)) return warns || target.propagation === 'AnnotatePods' ? 'unknown' : 'none'
  if (!looked.ok) return warns ? looked : 'unknown'
  return ok(staleReaders(looked.value, `${key.namespace}/${target.name}`, target.restart ?? []))
}

interface Telling {
  readonly credential: Credential
  readonly state: CredentialState
  readonly consumers: ConsumersState
  readonly plan: ConsumersPlan
  readonly looked: Looked
}

async function tell(telling: Telling, notifier: ConsumerNotifier, deps: Deps): Promise<ConsumersTold> {
  const pods = await annotatePods(telling, notifier, deps)
  const workloads: WorkloadTold[] = []
  let isReachable = typeof pods !== 'object' || !isUnavailable(pods)
  for (const workload of telling.plan.restarts) {
    if (!deps.mayBegin() || !isReachable) break
    const result = await restart(workload, telling, notifier, deps)
    workloads.push({ workload, result })
    isReachable = !isUnavailable(result)
  }
  // Another process may act by now, or this one is to end: who is left is told by whoever comes next.
  const isCut = workloads.length < telling.plan.restarts.length
  const left = typeof pods === 'string' ? pods : isCut ? 'ended' : undefined
  return { workloads, ...(typeof pods === 'object' && { pods }), ...(left && { left }) }
}

/** While the API server does not answer, each further call would only keep the credential from its next refresh. */
function isUnavailable(result: Result<unknown>): boolean {
  return !result.ok && result.failure.code === 'KUBERNETES_UNAVAILABLE'
}

async function annotatePods(
  { credential, state, plan, looked }: Telling,
  notifier: ConsumerNotifier,
  deps: Deps,
): Promise<Result<EpochSeconds> | Missed | undefined> {
  const { annotateWith: writtenAt } = plan
  if (writtenAt === undefined || looked === undefined) return undefined
  if (!isLook(looked)) return looked
  if (!looked.ok) return looked
  const { namespace } = credential.key
  const value = timeText(writtenAt)
  const pods = looked.value.filter(({ mounts, annotation }) => mounts && annotation !== value).map(({ name }) => name)
  const secret = { namespace, name: credential.spec.target.name }
  const turn = await atTurnForPods(state, deps, () => notifier.annotate(secret, pods, writtenAt))
  if (turn.kind === 'missed') return turn.why
  const done = turn.value
  if (done.annotated > 0) deps.metrics.podsAnnotated(namespace, done.annotated)
  if (done.failure !== undefined) return failed(done.failure)
  return done.isLeft === true ? 'late' : ok(writtenAt)
}

async function restart(
  workload: Workload,
  { credential, consumers }: Telling,
  notifier: ConsumerNotifier,
  deps: Deps,
): Promise<WorkloadTold['result']> {
  const { key, uid, spec } = credential
  const { publication, publishedAt } = consumers
  const interval = restartIntervalOf(spec.target, deps.restartPolicy ?? {})
  const lastRestartAt = consumers.restarts?.find((each) => sameWorkload(each, workload))?.restartedAt
  const unlessWaitingFor = consumers.isFirst === true ? spec.target.name : undefined
  const waitUntil = deps.restartTurns.asked(key, workload)
  const order = { credential: key, workload, publication, publishedAt, interval, waitUntil }
  const result = await notifier.restart({ ...order, ...present({ lastRestartAt, unlessWaitingFor }) })
  // Another credential may have restarted it meanwhile: then this one is in nobody's way.
  if (!result.ok || result.value.kind !== 'deferred') deps.restartTurns.leave(key, workload)
  countRestart(workload, result, { namespace: key.namespace, metrics: deps.metrics })
  if (result.ok && result.value.kind !== 'restarted') return result
  const fields = { credential: keyText(key), uid, workload: workloadText(workload) }
  if (!result.ok) {
    deps.logger.warn({ ...fields, code: result.failure.code }, result.failure.message)
    return result
  }
  deps.logger.info(fields, 'restarted')
  const message = `${workloadText(workload)} is restarted for the token that was published at ${timeText(publishedAt)}.`
  deps.events.record({ key, uid, severity: 'Normal', reason: 'WorkloadRestarted', message })
  return result
}

function countRestart(
  { kind }: Workload,
  result: WorkloadTold['result'],
  { namespace, metrics }: { readonly namespace: string } & Pick<Deps, 'metrics'>,
): void {
  const outcome = result.ok ? result.value.kind : 'failed'
  if (outcome === 'failed') metrics.workloadRestarted(namespace, kind, 'error')
  if (outcome === 'restarted') metrics.workloadRestarted(namespace, kind, 'success')
  if (outcome === 'deferred') metrics.workloadRestarted(namespace, kind, 'deferred')
}

function stateWith(
  { consumers: _before, ...state }: CredentialState,
  found: Findings,
  generation: number,
  now: EpochSeconds,
): CredentialState {
  const { consumers } = found
  const conditions = withConsumerConditions(state.conditions, found, { generation, now })
  return { ...state, conditions, ...(consumers && { consumers }) }
}
