import type { Target } from './credential.ts'
import type { CredentialState } from './credential-state.ts'
import type { ConsumersState, WorkloadState } from './consumers-state.ts'
import type { Failure } from './failures.ts'
import { contentsDigest } from './formats.ts'
import { present } from './present.ts'
import type { Result } from './result.ts'
import { stableFraction } from './stable-fraction.ts'
import { timeText } from './time-text.ts'
import {
  type DurationSeconds,
  earliest,
  type EpochSeconds,
  epochSeconds,
  later,
  latest,
  minutes,
  seconds,
} from './time.ts'
import { sameWorkload, type Workload, workloadText } from './workload.ts'

/** Of one workload, where the spec does not say. */
const defaultRestartInterval = minutes(5)

const firstRetrySeconds = 15
const longestRetrySeconds = 600
const jitterShare = 0.2

/** Between two restarts of a workload of this target, whoever asks for them. */
/** What a platform lets restarts do, whatever credentials ask for. */
export interface RestartPolicy {
  /** The least time between two restarts of one workload. */
  readonly minimumInterval?: DurationSeconds
  /** So many restarts of all workloads together are begun within any minute. */
  readonly perMinute?: number
}

/** The least time between two restarts of one workload that the target names. */
export function restartIntervalOf(
  { restartIntervalSeconds = defaultRestartInterval }: Target,
  { minimumInterval = restartIntervalSeconds }: RestartPolicy,
): DurationSeconds {
  return seconds(Math.max(restartIntervalSeconds, minimumInterval))
}

/** True when somebody is to be told of what is published. */
export function hasConsumers({ propagation, restart = [] }: Target): boolean {
  return propagation === 'AnnotatePods' || restart.length > 0
}

/** One publication, as far as readers may have to be told of it. */
export interface PublicationNews {
  readonly target: Target
  readonly issuedAt: EpochSeconds
  /** True when the access token is the one that was published before. */
  readonly isSameToken: boolean
  /** True when there was no target of this name before, so that nobody can have begun with anything else in it. */
  readonly isFirst: boolean
  readonly now: EpochSeconds
}

/**
 * The state after a publication. Another access token, or other contents, is news to every workload; the same again,
 * as after a repair or with other labels, is news to none. What is written is news to a mounted copy in any case.
 */
export function withPublication(state: CredentialState, news: PublicationNews): CredentialState {
  const { consumers: before, ...rest } = state
  const { target, now } = news
  const { restart = [] } = target
  if (!hasConsumers(target)) return before === undefined ? state : rest
  const publication = `${tokenOf(before, news)}.${contentsDigest(target)}`
  const at = epochSeconds(Math.floor(now))
  const consumers = present({
    publication,
    publishedAt: before?.publication === publication ? before.publishedAt : at,
    // A value that pods have already would make no change to them.
    writtenAt: before === undefined ? at : latest(at, later(before.writtenAt, seconds(1))),
    annotatedAt: before?.annotatedAt,
    isFirst: restart.length > 0 && isFirst(before, publication, news) ? (true as const) : undefined,
    restarts: restartsOf(target, before, undefined),
  })
  return { ...rest, consumers }
}

/** The same once more, as after a repair, is what it was. */
function isFirst(before: ConsumersState | undefined, publication: string, news: PublicationNews): boolean {
  return news.isFirst || (before?.publication === publication && before.isFirst === true)
}

function tokenOf(before: ConsumersState | undefined, { isSameToken, issuedAt }: PublicationNews): string {
  if (before === undefined || !isSameToken) return timeText(issuedAt)
  return before.publication.slice(0, before.publication.lastIndexOf('.'))
}

/** One state for each workload of the spec; those that nothing is known of have read `publication`. */
function restartsOf(
  { restart = [] }: Target,
  before: ConsumersState | undefined,
  publication: string | undefined,
): readonly WorkloadState[] | undefined {
  if (restart.length === 0) return undefined
  const known = before?.restarts ?? []
  return restart.map(
    ({ kind, name }) =>
      known.find((each) => sameWorkload(each, { kind, name })) ?? present({ kind, name, publication }),
  )
}

/**
 * Who is told of what, as the spec wants it by now. A workload that it names newly counts as up to date: it is
 * restarted for the next publication. `isCurrent`: the target is as the spec wants it.
 */
export function consumersOf(
  { consumers: before, lastRefreshAt }: CredentialState,
  target: Target,
  isCurrent: boolean,
): ConsumersState | undefined {
  if (!hasConsumers(target)) return undefined
  if (before !== undefined) return adapted(before, target)
  if (!isCurrent || lastRefreshAt === undefined) return undefined
  const at = epochSeconds(Math.floor(lastRefreshAt))
  const publication = `${timeText(at)}.${contentsDigest(target)}`
  const restarts = restartsOf(target, undefined, publication)
  return present({ publication, publishedAt: at, writtenAt: at, restarts })
}

/** What was waited for may not be wanted any more: then nobody comes back for it. */
function adapted(before: ConsumersState, target: Target): ConsumersState {
  const { publication, publishedAt, writtenAt, isFirst: first, failures, retryAt } = before
  const annotatedAt = target.propagation === 'AnnotatePods' ? before.annotatedAt : undefined
  const restarts = restartsOf(target, before, publication)
  const after = withoutFirst(present({ publication, publishedAt, writtenAt, annotatedAt, isFirst: first, restarts }))
  return isStillWaitedFor(before, after, target) ? present({ ...after, failures, retryAt }) : after
}

/** The first publication is one like any other once all workloads are known to have read it. */
function withoutFirst(consumers: ConsumersState): ConsumersState {
  const { isFirst: _over, ...rest } = consumers
  const isOwed = consumers.restarts?.some((each) => each.publication !== consumers.publication) === true
  return isOwed ? consumers : rest
}

/** Whether the times that are kept in it are still those of what the spec wants. */
function isStillWaitedFor(before: ConsumersState, after: ConsumersState, target: Target): boolean {
  const { publication, restarts = [] } = after
  const isOwed = owesPods(after, target) || restarts.some((each) => each.publication !== publication)
  return isOwed && namesOf(after) === namesOf(before)
}

function namesOf({ restarts = [] }: ConsumersState): string {
  return restarts.map(workloadText).join()
}

function owesPods({ annotatedAt, writtenAt }: Pick<ConsumersState, 'annotatedAt' | 'writtenAt'>, target: Target) {
  return target.propagation === 'AnnotatePods' && annotatedAt !== writtenAt
}

/** What is to be done now. */
export interface ConsumersPlan {
  /** What the pods are annotated with; absent when they are. */
  readonly annotateWith?: EpochSeconds
  /** In the order of the spec. */
  readonly restarts: readonly Workload[]
}

/** Undefined when nobody is to be told of anything now. */
export function consumersPlan(
  consumers: ConsumersState,
  target: Target,
  { policy, now }: { readonly policy: RestartPolicy; readonly now: EpochSeconds },
): ConsumersPlan | undefined {
  const { retryAt, writtenAt, publication, restarts = [] } = consumers
  // A time beyond every wait comes from a clock that was wrong.
  const longest = later(now, seconds(restartIntervalOf(target, policy) + 2 * longestRetrySeconds))
  if (retryAt !== undefined && now < retryAt && retryAt < longest) return undefined
  const isOwed = owesPods(consumers, target)
  const outdated = restarts.filter((each) => each.publication !== publication)
  if (!isOwed && outdated.length === 0) return undefined
  return { restarts: outdated, ...(isOwed && { annotateWith: writtenAt }) }
}

/** What came of asking for the restart of a workload. */
export type RestartOutcome =
  | { readonly kind: 'restarted'; readonly at: EpochSeconds }
  /** Its pods have read this publication: it was restarted for it, or began or was restarted after it. */
  | { readonly kind: 'current'; readonly at?: EpochSeconds }
  /** It was restarted not long ago. */
  | { readonly kind: 'too-soon'; readonly at: EpochSeconds; readonly until: EpochSeconds }
  /** Others go first, as no more are begun at once. */
  | { readonly kind: 'deferred'; readonly until: EpochSeconds }

export interface WorkloadTold {
  readonly workload: Workload
  readonly result: Result<RestartOutcome>
}

/** What came of a plan. */
export interface ConsumersTold {
  /** Absent when no pods were to be annotated. */
  readonly pods?: Result<EpochSeconds>
  readonly workloads: readonly WorkloadTold[]
  /**
   * Why it was broken off, so that others may be left. `ended`: nothing may be begun any more, and whoever comes next
   * goes on. `late`: there was no time for all pods, or for none, and it is tried again as after a failure.
   */
  readonly left?: 'ended' | 'late'
}

/** Who is told by now, and when it is gone on with the others. */
export function afterTelling(
  before: ConsumersState,
  told: ConsumersTold,
  { uid, now }: { readonly uid: string; readonly now: EpochSeconds },
): ConsumersState {
  const { failures: failedBefore = 0, retryAt: _over, restarts, annotatedAt, ...rest } = before
  const isMissed = failuresOf(told).length > 0 || told.left === 'late'
  const failures = isMissed ? failedBefore + 1 : undefined
  const waits = told.workloads.flatMap(({ result }) =>
    result.ok && 'until' in result.value ? [result.value.until] : [],
  )
  const atOnce = told.left === undefined ? [] : [now]
  const again = failures === undefined ? atOnce : [later(now, retryDelay(uid, failures))]
  const retries = [...waits, ...again]
  const [first, ...others] = retries
  const after = present({
    ...rest,
    annotatedAt: told.pods?.ok === true ? told.pods.value : annotatedAt,
    restarts: restarts?.map((each) => afterRestart(each, told, before.publication)),
    failures,
    retryAt: first === undefined ? undefined : epochSeconds(Math.ceil(earliest(first, ...others))),
  })
  return withoutFirst(after)
}

/** Why somebody was not told, in the order in which it was tried. */
export function failuresOf({ pods, workloads }: ConsumersTold): readonly Failure[] {
  const results: readonly Result<unknown>[] = [
    ...(pods === undefined ? [] : [pods]),
    ...workloads.map(({ result }) => result),
  ]
  return results.flatMap((result) => (result.ok ? [] : [result.failure]))
}

function afterRestart(before: WorkloadState, { workloads }: ConsumersTold, publication: string): WorkloadState {
  const result = workloads.find(({ workload }) => sameWorkload(workload, before))?.result
  if (result === undefined) return before
  const { kind, name, restartedAt } = before
  if (!result.ok) return { ...before, waitsFor: result.failure.reason }
  const outcome = result.value
  if (outcome.kind === 'deferred') return { ...before, waitsFor: 'RestartLimit' }
  if (outcome.kind === 'too-soon') return { ...before, restartedAt: outcome.at, waitsFor: 'RestartInterval' }
  return present({ kind, name, publication, restartedAt: outcome.at ?? restartedAt })
}

/** 15 s doubling to 10 min, ±20 %. */
function retryDelay(uid: string, failures: number): DurationSeconds {
  const spread = 1 + jitterShare * (2 * stableFraction(uid, failures) - 1)
  return seconds(Math.min(longestRetrySeconds, firstRetrySeconds * 2 ** Math.min(failures - 1, 10)) * spread)
}
