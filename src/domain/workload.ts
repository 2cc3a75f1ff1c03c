/** What is rolled by a controller of the cluster. `Rollout` is the one of Argo Rollouts. */
export const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout'] as const

export type WorkloadKind = (typeof workloadKinds)[number]

/** One workload, in the namespace of who names it. */
export interface Workload {
  readonly kind: WorkloadKind
  readonly name: string
}

/** How mounted copies of a target learn of a publication. */
export const propagations = ['WaitForKubelet', 'AnnotatePods'] as const

export type Propagation = (typeof propagations)[number]

/** `Deployment agent`, for messages. */
export function workloadText({ kind, name }: Workload): string {
  return `${kind} ${name}`
}

export function sameWorkload(one: Workload, other: Workload): boolean {
  return one.kind === other.kind && one.name === other.name
}
