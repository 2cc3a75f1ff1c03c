import type { RestartOutcome } from '../../domain/consumers.ts'
import { type CredentialKey, keyText } from '../../domain/credential.ts'
import { type Failure, failure } from '../../domain/failures.ts'
import { consumerAnnotations, fieldManager } from '../../domain/names.ts'
import { present } from '../../domain/present.ts'
import type { PodReader } from '../../domain/readers.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { timeText } from '../../domain/time-text.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import type { WorkloadKind } from '../../domain/workload.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ConsumerNotifier, PodsAnnotated, ReaderPurpose, ReadSecret, RestartOrder } from '../../ports/consumers.ts'
import { classifyKubeError, consumerCodes, problemOf } from './classify.ts'
import type { KubeClient, KubeError, KubeOutcome } from './kube-client.ts'
import { listPages } from './list-pages.ts'
import { metadataOnly } from './metadata-only.ts'
import { podPath, podsPath, secretText } from './object-paths.ts'
import { podReader } from './pod-readers.ts'
import { decideRestart, RestartableWorkload, type RestartDecision } from './workload-restart.ts'

/** Pods of one credential that are annotated at the same time. */
const concurrentPods = 4

/** Milliseconds for all pods of one credential: meanwhile nothing else is done for it. */
const podsTimeoutMs = 30_000

/** Milliseconds for one call about a workload. */
const workloadTimeoutMs = 10_000

/** A write that meets a change by somebody else is made anew so many times. */
const triesPerWrite = 4

/** Which value of the chart gives the right to look at pods. */
const grants: Readonly<Record<ReaderPurpose, string>> = {
  annotate: 'propagation.annotatePods',
  warn: 'propagation.warnings',
}

const resources: Readonly<
  Record<WorkloadKind, { readonly group: string; readonly version: string; readonly name: string }>
> = {
  Deployment: { group: 'apps', version: 'v1', name: 'deployments' },
  StatefulSet: { group: 'apps', version: 'v1', name: 'statefulsets' },
  DaemonSet: { group: 'apps', version: 'v1', name: 'daemonsets' },
  Rollout: { group: 'argoproj.io', version: 'v1alpha1', name: 'rollouts' },
}

export interface KubernetesConsumersOptions {
  readonly client: KubeClient
  readonly clock: Clock
  /** Whether readers that get no updates are told of for every credential. */
  readonly warns: boolean
}

/**
 * Pods and workloads of the credentials' namespaces. Nothing of them is watched or kept: pods are listed when a token
 * was published, in pages, and of each only how it reads the one Secret.
 *
 * Needs `list` and `patch` on pods, and `get` and `patch` on deployments, statefulsets and daemonsets of `apps` and on
 * rollouts of `argoproj.io`, each only for who uses it.
 */
export class KubernetesConsumers implements ConsumerNotifier {
  readonly warns: boolean
  readonly #client: KubeClient
  readonly #clock: Clock

  constructor({ client, clock, warns }: KubernetesConsumersOptions) {
    this.warns = warns
    this.#client = client
    this.#clock = clock
  }

  async readers({ namespace, name }: ReadSecret, purpose: ReaderPurpose): Promise<Result<readonly PodReader[]>> {
    const found = await this.#limited((signal) =>
      listPages(this.#client, {
        path: podsPath(namespace),
        query: { fieldSelector: 'status.phase=Running' },
        keep: (pod) => podReader(pod, name),
        onPage: () => undefined,
        signal,
      }),
    )
    if (found.ok) return ok(found.items)
    const what = `Looking for pods that read ${secretText(namespace, name)}`
    const permission = `list pods in the namespace ${namespace}, which the chart grants by ${grants[purpose]}`
    return failed(classifyKubeError(found.error, { what, permission, codes: consumerCodes }))
  }

  async annotate(secret: ReadSecret, pods: readonly string[], writtenAt: EpochSeconds): Promise<PodsAnnotated> {
    return this.#limited(async (signal) => {
      const annotations = { [consumerAnnotations.tokenPublishedAt]: timeText(writtenAt) }
      const round: AnnotationRound = {
        left: [...pods],
        annotated: 0,
        failure: undefined,
        cut: undefined,
        isOver: false,
      }
      const work = async (): Promise<void> => {
        for (let pod = round.left.shift(); pod !== undefined && !round.isOver; pod = round.left.shift()) {
          await this.#annotateOne({ ...secret, pod, annotations, signal }, round)
        }
      }
      await Promise.all(Array.from({ length: Math.min(concurrentPods, pods.length) }, work))
      const { annotated, cut } = round
      // An API server that has taken none does not answer; one that has taken some is only not through with them.
      const cause = round.failure ?? (annotated === 0 ? cut : undefined)
      return present({ annotated, failure: cause, isLeft: cause === undefined && cut ? (true as const) : undefined })
    })
  }

  async #annotateOne(
    { namespace, name, pod, annotations, signal }: ReadSecret & PodAnnotation,
    round: AnnotationRound,
  ): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.#patch(podPath(namespace, pod), { metadata: { annotations } }, { signal })
      if (outcome.ok) {
        round.annotated += 1
        return
      }
      const problem = problemOf(outcome.error)
      if (problem === 'missing') return
      if (problem === 'conflict' && tries < triesPerWrite) continue
      const what = `Annotating Pod ${namespace}/${pod}, which mounts ${secretText(namespace, name)},`
      const permission = `patch pods in the namespace ${namespace}, which the chart grants by ${grants.annotate}`
      const cause = classifyKubeError(outcome.error, { what, permission, codes: consumerCodes })
      keep(round, cause, { isLate: signal.aborted, isForbidden: problem === 'forbidden' })
      return
    }
  }

  async restart(order: RestartOrder): Promise<Result<RestartOutcome>> {
    for (let tries = 0; tries < triesPerWrite; tries += 1) {
      const decided = await this.#decide(order)
      if (!decided.ok) return decided
      const decision = decided.value
      if (decision.kind === 'none') return ok(decision.outcome)
      const until = order.waitUntil?.()
      if (until !== undefined) return ok({ kind: 'deferred', until })
      const outcome = await this.#patch(workloadPath(order), decision.body, { timeoutMs: workloadTimeoutMs })
      if (outcome.ok) return ok({ kind: 'restarted', at: decision.at })
      if (problemOf(outcome.error) !== 'conflict') return failed(workloadFailure(outcome.error, order, 'patch'))
    }
    // Of this workload alone: the API server answers, and the others are not to wait for it.
    const what = `${orderText(order)} is changed by somebody else each time that it is about to be restarted.`
    return failed(failure('CONSUMERS_REJECTED', what))
  }

  async #decide(order: RestartOrder): Promise<Result<Carried>> {
    const path = workloadPath(order)
    const found = await this.#client.request({ method: 'GET', path, timeoutMs: workloadTimeoutMs })
    if (!found.ok)
      return problemOf(found.error) === 'missing' ? missing(order) : failed(workloadFailure(found.error, order, 'get'))
    const parsed = RestartableWorkload.safeParse(found.body)
    if (!parsed.success) {
      return failed(failure('CONSUMERS_REJECTED', `Reading ${orderText(order)} brought no such object.`))
    }
    const decision = decideRestart(parsed.data, order, this.#clock.now())
    if (decision.kind === 'gone') return missing(order)
    return decision.kind === 'stuck' ? failed(stuck(order, decision.why)) : ok(decision)
  }

  #patch(
    path: string,
    body: object,
    limit: { readonly signal: AbortSignal } | { readonly timeoutMs: number },
  ): Promise<KubeOutcome> {
    return this.#client.request({
      method: 'PATCH',
      path,
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      accept: metadataOnly,
      body,
      ...limit,
    })
  }

  async #limited<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ending = new AbortController()
    const cancel = this.#clock.wakeAfter(podsTimeoutMs, () => ending.abort())
    try {
      return await work(ending.signal)
    } finally {
      cancel()
    }
  }
}

interface PodAnnotation {
  readonly pod: string
  readonly annotations: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** What becomes of the pods of one publication. */
interface AnnotationRound {
  readonly left: string[]
  annotated: number
  failure: Failure | undefined
  /** What became of the first one that the time was not enough for. */
  cut: Failure | undefined
  isOver: boolean
}

/** Without the right nobody else fares better, nor when the time is over. */
function keep(
  round: AnnotationRound,
  cause: Failure,
  { isLate, isForbidden }: { readonly isLate: boolean; readonly isForbidden: boolean },
): void {
  if (isLate) round.cut ??= cause
  else round.failure ??= cause
  round.isOver ||= isForbidden || isLate
}

function workloadPath({ credential, workload }: RestartOrder): string {
  const { group, version, name } = resources[workload.kind]
  const inNamespace = `namespaces/${encodeURIComponent(credential.namespace)}/${name}/${encodeURIComponent(workload.name)}`
  return `/apis/${group}/${version}/${inNamespace}`
}

/** `Deployment ci/agent`. */
function orderText({
  credential,
  workload,
}: {
  credential: CredentialKey
  workload: RestartOrder['workload']
}): string {
  return `${workload.kind} ${credential.namespace}/${workload.name}`
}

function workloadFailure(error: KubeError, order: RestartOrder, verb: 'get' | 'patch'): Failure {
  if (problemOf(error) === 'missing') return notFound(order)
  const { group, name } = resources[order.workload.kind]
  const { namespace } = order.credential
  return classifyKubeError(error, {
    what: `${verb === 'get' ? 'Reading' : 'Restarting'} ${orderText(order)}`,
    permission: `${verb} ${name}.${group} in the namespace ${namespace}, which the chart grants by propagation.restart`,
    codes: consumerCodes,
  })
}

/** A decision that can be carried out. */
type Carried = Extract<RestartDecision, { kind: 'none' | 'patch' }>

/** Whoever comes after a first publication begins with it: nobody is waited for, or missed. */
function missing(order: RestartOrder): Result<Carried> {
  const { unlessWaitingFor } = order
  return unlessWaitingFor === undefined ? failed(notFound(order)) : ok({ kind: 'none', outcome: { kind: 'current' } })
}

function notFound(order: RestartOrder): Failure {
  const what = `There is no ${orderText(order)}, which is to be restarted for OAuthCredential ${keyText(order.credential)}.`
  return failure('WORKLOAD_NOT_FOUND', what)
}

function stuck(order: RestartOrder, why: string): Failure {
  const what = `${orderText(order)} cannot be restarted for OAuthCredential ${keyText(order.credential)}: ${why}.`
  return failure('WORKLOAD_NOT_ROLLING', what)
}
