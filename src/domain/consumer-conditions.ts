import { type ConsumersTold, failuresOf, type RestartPolicy } from './consumers.ts'
import type { ConsumersState } from './consumers-state.ts'
import type { Condition, ConditionType } from './credential-state.ts'
import type { Failure } from './failures.ts'
import type { StaleReaders } from './readers.ts'
import type { Result } from './result.ts'
import { timeText } from './time-text.ts'
import type { DurationSeconds, EpochSeconds } from './time.ts'
import { workloadText } from './workload.ts'

/** The conditions that tell of readers. What they say is found after a publication, and holds until the next look. */
const consumerConditionTypes = ['ConsumersNotified', 'ConsumersUpdatable'] as const satisfies readonly ConditionType[]

type Draft = Pick<Condition, 'status' | 'reason' | 'message'>

/** What was found of readers in one reconcile. */
export interface ConsumerFindings {
  /** Absent when nobody is to be told of anything. */
  readonly consumers?: ConsumersState
  /** Absent when nobody was told of anything this time. */
  readonly told?: ConsumersTold
  /** Who gets no updates. `unknown`: not looked at this time. `none`: not looked at at all. */
  readonly readers: Result<StaleReaders | undefined> | 'unknown' | 'none'
  /** What the platform lets restarts do. */
  readonly policy?: RestartPolicy
  /** The interval that the spec asks for; absent where nobody is restarted. */
  readonly wantedInterval?: DurationSeconds
}

/** The conditions with what was found. */
export function withConsumerConditions(
  conditions: readonly Condition[],
  findings: ConsumerFindings,
  { generation, now }: { readonly generation: number; readonly now: EpochSeconds },
): readonly Condition[] {
  const others = conditions.filter(({ type }) => !isConsumerCondition(type))
  const found = consumerConditionTypes.flatMap((type) => {
    const previous = conditions.find((each) => each.type === type)
    const draft = type === 'ConsumersNotified' ? notified(findings, previous) : updatable(findings, previous)
    return draft === undefined ? [] : [dated(type, draft, { previous, generation, now })]
  })
  return [...others, ...found]
}

export function isConsumerCondition(type: ConditionType): boolean {
  return consumerConditionTypes.some((each) => each === type)
}

function dated(
  type: ConditionType,
  { status, reason, message }: Draft,
  { previous, generation, now }: { previous: Condition | undefined; generation: number; now: EpochSeconds },
): Condition {
  const lastTransitionTime = previous?.status === status ? previous.lastTransitionTime : now
  return { type, status, reason, message, observedGeneration: generation, lastTransitionTime }
}

function notified(
  { consumers, told, policy = {}, wantedInterval }: ConsumerFindings,
  previous: Draft | undefined,
): Draft | undefined {
  if (consumers === undefined) return undefined
  // Without a time to go on with the others nobody is left.
  if (told === undefined) return consumers.retryAt === undefined ? allTold : previous
  const failures = failuresOf(told)
  if (failures.length > 0) return failing(failures)
  switch (told.left) {
    case 'late':
      return waitsForTurn
    case 'ended':
      return previous
    case undefined:
      return waiting(consumers, { ...policy, wantedInterval }) ?? allTold
  }
}

type Limits = RestartPolicy & { readonly wantedInterval: DurationSeconds | undefined }

function waiting({ restarts = [], retryAt, publishedAt }: ConsumersState, limits: Limits): Draft | undefined {
  const found = restarts.find(({ waitsFor }) => waitsFor !== undefined)
  if (found === undefined) return undefined
  const at = timeText(retryAt ?? publishedAt)
  if (found.waitsFor === 'RestartLimit') {
    const message = `${workloadText(found)} is restarted for the published token later: the operator begins no more than ${limits.perMinute ?? 0} restarts in a minute (--restarts-per-minute), and others go first. It is tried again at ${at}.`
    return { status: 'Unknown', reason: 'WaitingForRestartLimit', message }
  }
  const message = `${workloadText(found)} was restarted not long ago, and is restarted for the published token at ${at}.`
  return { status: 'Unknown', reason: 'WaitingForRestartInterval', message: `${message}${floorText(limits)}` }
}

/** Nothing, unless the platform keeps a longer interval than the spec asks for. */
function floorText({ minimumInterval, wantedInterval: wanted }: Limits): string {
  if (minimumInterval === undefined || wanted === undefined || minimumInterval <= wanted) return ''
  return ` The operator leaves ${minimumInterval} s between two restarts of a workload (--minimum-restart-interval), where spec.target.restartInterval asks for ${wanted} s.`
}

const allTold: Draft = {
  status: 'True',
  reason: 'Notified',
  message: 'All pods and workloads that are to be told of the published token have been.',
}

const waitsForTurn: Draft = {
  status: 'Unknown',
  reason: 'WaitingForTurn',
  message:
    'Not all pods are told of the published token yet: there are more of them, or of credentials that go first, than ' +
    'there is time for at once. It goes on by itself.',
}

/** All that is to be mended, each thing once; the first says what it is called. */
function failing(failures: readonly Failure[]): Draft {
  const [first] = failures
  const message = [...new Set(failures.map((failure) => failure.message))].join(' ')
  return { status: 'False', reason: first?.reason ?? '', message }
}

function updatable({ readers }: ConsumerFindings, previous: Draft | undefined): Draft | undefined {
  if (readers === 'none') return undefined
  if (readers === 'unknown') return previous
  if (!readers.ok) return { status: 'Unknown', reason: readers.failure.reason, message: readers.failure.message }
  return readers.value && { status: 'False', ...readers.value }
}
