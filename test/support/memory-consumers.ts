import type { RestartOutcome } from '../../src/domain/consumers.ts'
import type { Failure } from '../../src/domain/failures.ts'
import type { PodReader } from '../../src/domain/readers.ts'
import { failed, ok, type Result } from '../../src/domain/result.ts'
import { timeText } from '../../src/domain/time-text.ts'
import { type EpochSeconds, later } from '../../src/domain/time.ts'
import { workloadText } from '../../src/domain/workload.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { ConsumerNotifier, PodsAnnotated, ReadSecret, RestartOrder } from '../../src/ports/consumers.ts'

interface Done {
  readonly publications: ReadonlySet<string>
  readonly at: EpochSeconds
}

/** Pods and workloads in memory, which outlive the process. */
export class MemoryConsumers implements ConsumerNotifier {
  warns = false
  clock: Clock | undefined
  readonly pods = new Map<string, PodReader>()
  readonly done = new Map<string, Done>()
  /** In order. */
  readonly restarts: string[] = []
  looks = 0
  calls = 0
  fault: Failure | undefined
  /** There are more pods than there is time for. */
  isLeft = false
  /** The last one. */
  order: RestartOrder | undefined
  /** Workloads that run although their Secret is not there. */
  readonly optional = new Set<string>()
  /** Holds a look up. */
  beforeLook: () => Promise<void> = () => Promise.resolve()
  /** What stands in the target and in the status at the moment of a restart. */
  atRestart: () => void = () => undefined

  async readers(): Promise<Result<readonly PodReader[]>> {
    this.looks += 1
    this.calls += 1
    await this.beforeLook()
    return this.fault === undefined ? ok([...this.pods.values()]) : failed(this.fault)
  }

  annotate(_: ReadSecret, names: readonly string[], at: EpochSeconds): Promise<PodsAnnotated> {
    this.calls += 1
    for (const name of names) {
      const pod = this.pods.get(name)
      if (pod !== undefined) this.pods.set(name, { ...pod, annotation: timeText(at) })
    }
    return Promise.resolve({ annotated: names.length, ...(this.isLeft && { isLeft: true }) })
  }

  restart(order: RestartOrder): Promise<Result<RestartOutcome>> {
    const { workload, publication, interval, credential } = order
    this.order = order
    this.calls += 1
    if (this.fault !== undefined) return Promise.resolve(failed(this.fault))
    const now = this.clock?.now() as EpochSeconds
    const key = workloadText(workload)
    if (order.unlessWaitingFor !== undefined && !this.optional.has(key)) return Promise.resolve(ok({ kind: 'current' }))
    const known = this.done.get(key)
    const id = `${credential.name}@${publication}`
    const early = (known && withoutRestart(known, id, { until: later(known.at, interval), now })) ?? deferred(order)
    if (early !== undefined) return Promise.resolve(ok(early))
    this.atRestart()
    this.restarts.push(key)
    this.done.set(key, { publications: new Set([...(known?.publications ?? []), id]), at: now })
    return Promise.resolve(ok({ kind: 'restarted', at: now }))
  }
}

function withoutRestart(
  { publications, at }: Done,
  id: string,
  { until, now }: { readonly until: EpochSeconds; readonly now: EpochSeconds },
): RestartOutcome | undefined {
  if (publications.has(id)) return { kind: 'current', at }
  return now < until ? { kind: 'too-soon', at, until } : undefined
}

function deferred({ waitUntil }: RestartOrder): RestartOutcome | undefined {
  const until = waitUntil?.()
  return until === undefined ? undefined : { kind: 'deferred', until }
}
