import { KubeTransport } from '../../src/adapters/kubernetes/transport.ts'
import type { Cluster } from '../servers/kube-apiserver.ts'
import { SettableSettings } from './kube-test-bed.ts'
import { memoryMetrics } from './memory-metrics.ts'
import { LogLines } from './memory-ports.ts'
import { ScaledClock } from './scaled-clock.ts'

/** The operator's own transport to a real API server, logged in with a bearer token. */
export function clientOf(cluster: Cluster, token: string): KubeTransport {
  return new KubeTransport({
    settings: new SettableSettings(cluster.url, token, { ca: cluster.caPem }),
    clock: new ScaledClock(1),
    random: Math.random,
    logger: new LogLines(),
    metrics: memoryMetrics().metrics,
  })
}
