import { consumerFailures } from '../../domain/consumer-failures.ts'
import { failure, failureCodes, type FailureCode } from '../../domain/failures.ts'
import type { StoreBackendType } from '../../domain/token-store.ts'
import type { WorkloadKind } from '../../domain/workload.ts'
import type { Instruments } from './instruments.ts'

/** Beyond this many pairs of provider and namespace, failure series begin at their first failure: series cost scrape time. */
const mostPairs = 100

const statusClasses = ['2xx', '3xx', '4xx', '5xx', 'none'] as const

/** The condition reason of a code: the value of every label `reason`. Several codes share one. */
export function reasonOf(code: FailureCode): string {
  return failure(code, '').reason
}

function reasonsOf(codes: readonly FailureCode[]): readonly string[] {
  return [...new Set(codes.map(reasonOf))]
}

/** What concerns readers of a target never fails a refresh. */
const allReasons = reasonsOf(failureCodes().filter((code) => !Object.hasOwn(consumerFailures, code)))
const storeReasons = reasonsOf(failureCodes().filter((code) => code.startsWith('STORE_')))

/**
 * Begins series at zero when a provider or a store is first seen. `increase()` counts from a
 * series' first sample, so a failure counter that is born at 1 hides the first failure.
 */
export class FirstSight {
  readonly #instruments: Instruments
  readonly #providers = new Set<string>()
  readonly #pairs = new Set<string>()
  readonly #stores = new Set<StoreBackendType>()

  constructor(instruments: Instruments) {
    this.#instruments = instruments
  }

  /** An empty name is that of a credential whose spec could not be read. */
  provider(provider: string, namespace: string): void {
    if (provider === '') return
    this.#begin(provider)
    const pair = `${namespace}/${provider}`
    if (this.#pairs.size >= mostPairs || this.#pairs.has(pair)) return
    this.#pairs.add(pair)
    this.#instruments.refreshAttempts.inc({ provider, namespace }, 0)
    for (const reason of allReasons) this.#instruments.refreshFailures.inc({ provider, namespace, reason }, 0)
  }

  #begin(provider: string): void {
    if (this.#providers.has(provider)) return
    this.#providers.add(provider)
    this.#instruments.rotations.inc({ provider }, 0)
    this.#instruments.throttled.inc({ provider }, 0)
    this.#instruments.circuitOpenings.inc({ provider }, 0)
    for (const result of ['success', 'error']) this.#instruments.revocations.inc({ provider, result }, 0)
    for (const code of statusClasses) this.#instruments.tokenResponses.inc({ provider, code }, 0)
  }

  workload(namespace: string, kind: WorkloadKind): void {
    for (const result of ['success', 'error', 'deferred']) {
      this.#instruments.workloadRestarts.inc({ namespace, kind, result }, 0)
    }
  }

  store(type: StoreBackendType): void {
    if (this.#stores.has(type)) return
    this.#stores.add(type)
    for (const reason of storeReasons) this.#instruments.writeBackFailures.inc({ store_type: type, reason }, 0)
  }
}
