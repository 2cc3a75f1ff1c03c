import type { HealthCheck } from '../adapters/system/health-check.ts'
import type { ResourceSource } from '../ports/resource-source.ts'
import type { ClusterIdentity } from './cluster-identity.ts'

/**
 * What a replica has to know before it can act. Both come from the API server, and a right that is
 * missing holds up either: a rollout to a role that lacks one has to stop and not to replace what works.
 */
export function readiness(
  source: Pick<ResourceSource, 'synced'>,
  cluster: Pick<ClusterIdentity, 'known'>,
): readonly HealthCheck[] {
  return [
    { name: 'caches', problem: () => (source.synced() ? undefined : 'not every kind has been listed yet') },
    { name: 'cluster', problem: () => (cluster.known() ? undefined : 'it is not known yet which cluster this is') },
  ]
}
