import { KubernetesConsumers } from '../../src/adapters/kubernetes/consumers.ts'
import { minutes } from '../../src/domain/time.ts'
import type { WorkloadKind } from '../../src/domain/workload.ts'
import type { RestartOrder } from '../../src/ports/consumers.ts'
import { aWorkload } from './consumer-objects.ts'
import { FakeKubeClient } from './fake-kube-client.ts'
import type { Json } from './fake-managed-fields.ts'
import { SimulatedClock } from './simulated-clock.ts'

/** What an authorizer says. */
export const denial = 'it is forbidden: User "operator" cannot do that'

/** Pods and workloads of an API server in memory, and who tells them of tokens. */
export class ConsumersBench {
  readonly client = new FakeKubeClient()
  readonly clock = new SimulatedClock()
  readonly consumers = new KubernetesConsumers({ client: this.client, clock: this.clock, warns: true })

  async create(path: string, body: object): Promise<void> {
    const outcome = await this.client.request({ method: 'POST', path, body })
    if (!outcome.ok) throw new Error(outcome.error.message)
  }
}

const plural = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  Rollout: 'rollouts',
}

/** One workload, and a credential that wants it restarted. */
export class RestartBench extends ConsumersBench {
  readonly kind: WorkloadKind
  readonly order: RestartOrder

  constructor(kind: WorkloadKind = 'Deployment') {
    super()
    this.kind = kind
    this.order = {
      credential: { namespace: 'ci', name: 'claude' },
      workload: { kind, name: 'agent' },
      publication: '2027-01-15T08:00:00Z.aa',
      publishedAt: this.clock.now(),
      interval: minutes(5),
    }
  }

  get path(): string {
    const group = this.kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1'
    return `/apis/${group}/namespaces/ci/${plural[this.kind]}`
  }

  async workload(spec: object = {}, metadata: object = {}): Promise<this> {
    const made = aWorkload(this.kind, 'agent', spec) as { metadata: object }
    await this.create(this.path, { ...made, metadata: { ...made.metadata, ...metadata } })
    return this
  }

  async found(): Promise<{ readonly annotations: Json; readonly restartAt: unknown; readonly text: string }> {
    const outcome = await this.client.request({ method: 'GET', path: `${this.path}/agent` })
    const object = (outcome.ok ? outcome.body : {}) as {
      metadata: Json
      spec: { template: { metadata: Json }; restartAt?: unknown }
    }
    const { template, restartAt } = object.spec
    const marked = this.kind === 'Rollout' ? object.metadata : template.metadata
    return { annotations: (marked['annotations'] ?? {}) as Json, restartAt, text: JSON.stringify(template) }
  }

  restart(changes: Partial<RestartOrder> = {}) {
    return this.consumers.restart({ ...this.order, ...changes })
  }

  patches(): number {
    return this.client.requests.filter(({ method }) => method === 'PATCH').length
  }
}
