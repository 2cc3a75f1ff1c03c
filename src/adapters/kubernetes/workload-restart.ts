import * as z from 'zod'
import { decodeTime } from '../../api/status-time.ts'
import type { RestartOutcome } from '../../domain/consumers.ts'
import { keyText } from '../../domain/credential.ts'
import { consumerAnnotations } from '../../domain/names.ts'
import { present } from '../../domain/present.ts'
import { stableFraction } from '../../domain/stable-fraction.ts'
import { timeText } from '../../domain/time-text.ts'
import { type DurationSeconds, type EpochSeconds, epochSeconds, later, latest, seconds } from '../../domain/time.ts'
import type { RestartOrder } from '../../ports/consumers.ts'
import { demandFor } from './pod-readers.ts'
import { ReadingSpec } from './pod-schema.ts'

const Texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {})

const Count = z.number().nullish()

/** The fields of a workload that a restart has to do with. */
export const RestartableWorkload = z.object({
  metadata: z.object({
    resourceVersion: z.string().min(1),
    creationTimestamp: z.string().default(''),
    deletionTimestamp: z.string().nullish(),
    annotations: Texts,
  }),
  spec: z.object({
    paused: z.boolean().default(false),
    updateStrategy: z.object({ type: z.string().default('') }).nullish(),
    restartAt: z.string().nullish(),
    template: z
      .object({ metadata: z.object({ annotations: Texts }).nullish(), spec: ReadingSpec.nullish().catch(undefined) })
      .nullish(),
  }),
  // A DaemonSet counts them under another name.
  status: z.object({ readyReplicas: Count, numberReady: Count }).nullish().catch(undefined),
})
export type RestartableWorkload = z.infer<typeof RestartableWorkload>

/** What is to be done with a workload as it was found. */
export type RestartDecision =
  | { readonly kind: 'none'; readonly outcome: RestartOutcome }
  | { readonly kind: 'gone' }
  /** Nothing that is written would replace its pods. `why` is the end of a sentence. */
  | { readonly kind: 'stuck'; readonly why: string }
  /** A merge patch that is refused for any other version of the workload. */
  | { readonly kind: 'patch'; readonly body: object; readonly at: EpochSeconds }

/** What `kubectl rollout restart` sets. */
const restartedByHand = 'kubectl.kubernetes.io/restartedAt'

/** So far a clock of another machine may be ahead before what it wrote counts for nothing. */
const clockTolerance = seconds(60)

/** Over this part of the interval those come back that wait for the same workload, and over no more seconds. */
const spreadShare = 0.1
const longestSpreadSeconds = 30

/** So many credentials are remembered that a workload was restarted for. */
const mostEntries = 16

/**
 * A restart is written where its controller looks. Deployments, StatefulSets and DaemonSets roll out a changed pod
 * template. A Rollout has `spec.restartAt`, which replaces pods as they are; a changed template would be a new version to
 * it, that goes through analysis and waits for whoever promotes it.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/features/restart/
 */
export function decideRestart(found: RestartableWorkload, order: RestartOrder, now: EpochSeconds): RestartDecision {
  const { metadata } = found
  const { publication, publishedAt, credential, interval } = order
  if (typeof metadata.deletionTimestamp === 'string') return { kind: 'gone' }
  const marks = marksOf(found, order)
  const at = ownRestart(marks, now)
  const entries = entriesOf(marks)
  const isDone = entries.some(([name, known]) => name === credential.name && known === publication)
  if (isDone || waited(found, order) || beganAfter(found, { at, now }) > publishedAt) {
    return { kind: 'none', outcome: present({ kind: 'current' as const, at }) }
  }
  const why = whyStuck(found, order)
  if (why !== undefined) return { kind: 'stuck', why }
  const last = lastRestart(at, order, now)
  const until = last === undefined ? now : later(last, interval)
  if (last !== undefined && now < until) {
    return { kind: 'none', outcome: { kind: 'too-soon', at: last, until: later(until, turnAfter(entries, order)) } }
  }
  return { kind: 'patch', body: restartPatch(found, order, now), at: epochSeconds(Math.floor(now)) }
}

/**
 * True where no pod can have begun with anything else than what a first publication put into its Secret: none asks for it,
 * or all wait for it, and none runs. Those that run although they wait have begun with an earlier Secret of this name.
 */
function waited(found: RestartableWorkload, { unlessWaitingFor: secret }: RestartOrder): boolean {
  const pods = found.spec.template?.spec ?? undefined
  if (secret === undefined) return false
  if (pods === undefined) return true
  const demand = demandFor(secret, pods)
  return demand === 'none' || (demand === 'required' && readyPods(found) === 0)
}

function readyPods({ status }: RestartableWorkload): number {
  return status?.readyReplicas ?? status?.numberReady ?? 0
}

/**
 * How long after the interval a credential comes back. Where others have the same workload, they come one after the other:
 * the first restarts it, and the rest find that it was.
 */
function turnAfter(entries: Entries, { credential, interval }: RestartOrder): DurationSeconds {
  const isShared = entries.some(([name]) => name !== credential.name)
  const spread = Math.min(longestSpreadSeconds, interval * spreadShare)
  return seconds(isShared ? spread * stableFraction(keyText(credential), 0) : 0)
}

/** Where a restart leaves its traces: on a Rollout itself, whose template it must not change. */
function marksOf(
  { metadata, spec }: RestartableWorkload,
  { workload }: RestartOrder,
): Readonly<Record<string, string>> {
  return workload.kind === 'Rollout' ? metadata.annotations : (spec.template?.metadata?.annotations ?? {})
}

function ownRestart(marks: Readonly<Record<string, string>>, now: EpochSeconds): EpochSeconds | undefined {
  const at = decodeTime(marks[consumerAnnotations.restartedAt])
  return at === undefined || at > later(now, clockTolerance) ? undefined : at
}

/** What puts a workload back to what stands in Git may take the traces of a restart away, and then restarts it itself. */
function lastRestart(
  at: EpochSeconds | undefined,
  { lastRestartAt: known }: RestartOrder,
  now: EpochSeconds,
): EpochSeconds | undefined {
  if (known === undefined || known > later(now, clockTolerance)) return at
  return at === undefined ? known : latest(at, known)
}

/** Since when all of its pods are there: no pod is older than the workload, or than its last restart by whomever. */
function beganAfter(
  { metadata, spec }: RestartableWorkload,
  { at, now }: { readonly at: EpochSeconds | undefined; readonly now: EpochSeconds },
): EpochSeconds {
  const byHand = [spec.restartAt, spec.template?.metadata?.annotations[restartedByHand]].flatMap((text) => {
    const time = decodeTime(text)
    // A Rollout may have one that is planned.
    return time === undefined || time > later(now, seconds(1)) ? [] : [time]
  })
  return latest(decodeTime(metadata.creationTimestamp) ?? epochSeconds(0), ...(at === undefined ? [] : [at]), ...byHand)
}

function whyStuck({ spec }: RestartableWorkload, { workload }: RestartOrder): string | undefined {
  if (workload.kind === 'Deployment' && spec.paused) return 'it is paused'
  const isManual = spec.updateStrategy?.type === 'OnDelete'
  return isManual ? 'its update strategy is OnDelete' : undefined
}

function restartPatch(found: RestartableWorkload, order: RestartOrder, now: EpochSeconds): object {
  const { credential, publication, workload } = order
  const others = entriesOf(marksOf(found, order)).filter(([name]) => name !== credential.name)
  const entries = [...others.slice(1 - mostEntries), [credential.name, publication]]
  const annotations = {
    [consumerAnnotations.restartedFor]: entries.map((entry) => entry.join('@')).join(','),
    [consumerAnnotations.restartedAt]: timeText(now),
  }
  const { resourceVersion } = found.metadata
  if (workload.kind !== 'Rollout') {
    return { metadata: { resourceVersion }, spec: { template: { metadata: { annotations } } } }
  }
  // Pods that were created within this second are older than the restart.
  const restartAt = timeText(epochSeconds(Math.ceil(now)))
  return { metadata: { resourceVersion, annotations }, spec: { restartAt } }
}

type Entries = readonly (readonly [string, string])[]

/** Credentials with the publication that the workload was last restarted for. */
function entriesOf(marks: Readonly<Record<string, string>>): Entries {
  return (marks[consumerAnnotations.restartedFor] ?? '').split(',').flatMap((entry) => {
    const [name = '', publication = ''] = entry.split('@', 2)
    return name === '' || publication === '' ? [] : [[name, publication] as const]
  })
}
