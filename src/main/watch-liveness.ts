import type { KubernetesResourceSource } from '../adapters/kubernetes/resource-source.ts'
import type { HealthCheck } from '../adapters/system/health-check.ts'
import type { Clock } from '../ports/clock.ts'

/**
 * A watch that is broken is opened again within a minute or so. One that has heard nothing for this
 * long, while another one hears the API server, is stuck, and only a new process helps.
 */
const stuckAfterMs = 15 * 60_000

/** Unwell when one watch is silent while others are not: an API server that is down is no reason to restart. */
export function watchLiveness(source: KubernetesResourceSource, clock: Clock): HealthCheck {
  return {
    name: 'watches',
    problem: () => {
      const now = clock.monotonicMs()
      const silent = [...source.lastByteAt()].filter(([, at]) => at !== undefined && now - at > stuckAfterMs)
      const stuck = silent.length > 0 && silent.length < source.lastByteAt().size
      return stuck ? `nothing was heard of ${silent.map(([name]) => name).join(', ')} for 15 minutes` : undefined
    },
  }
}
