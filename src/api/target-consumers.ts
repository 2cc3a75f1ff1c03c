import * as z from 'zod'
import { propagations, workloadKinds } from '../domain/workload.ts'
import { constrained } from './rule.ts'
import { durationText, objectName } from './scalars.ts'

const workload = z
  .strictObject({
    kind: z.enum(workloadKinds).describe('Deployment, StatefulSet or DaemonSet, or Rollout of Argo Rollouts.'),
    name: objectName.describe('Name of the workload, in the namespace of the credential.'),
  })
  .describe('One workload.')

const workloads = constrained(z.array(workload).min(1).max(16), {
  cel: 'self.all(a, self.exists_one(b, b.kind == a.kind && b.name == a.name))',
  message: 'must not name a workload twice',
  holds: namesDiffer,
})

function namesDiffer(items: readonly unknown[]): boolean {
  const names = items.map((item) => {
    const { kind, name } = (typeof item === 'object' && item !== null ? item : {}) as { kind?: unknown; name?: unknown }
    return JSON.stringify([kind, name])
  })
  return new Set(names).size === names.length
}

/** Who learns of a new token, and how. None of these has a default in the schema: who does without has no more to store. */
export const targetConsumers = {
  propagation: z
    .enum(propagations)
    .describe(
      'How volumes of pods learn of a new token. WaitForKubelet: kubelet looks by itself, which takes up to two minutes. AnnotatePods: the ' +
        'running pods that mount the Secret get an annotation, on which kubelet looks at once; the operator needs the right to list and to patch ' +
        'pods. Without a cluster it has no effect. Default: WaitForKubelet.',
    )
    .optional(),
  restart: workloads
    .describe(
      'Workloads that are restarted for each new token, at most 16, in this order: for readers that look only once, such as those of ' +
        'environment variables. The operator needs the right to get and to patch them. Without a cluster it has no effect. Default: none.',
    )
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional(),
  restartInterval: durationText('10s', '8760h')
    .describe(
      'Shortest time between two restarts of one workload, whichever credentials want them, from 10s to 8760h. What comes meanwhile is one ' +
        'restart at its end. ' +
        'Default: 5m.',
    )
    .optional(),
}

/** What says nothing without workloads to restart. */
export const intervalNeedsRestart = {
  cel: '!has(self.restartInterval) || has(self.restart)',
  message: 'must be absent without restart',
  field: 'restartInterval',
  holds: (target: { readonly restart?: unknown; readonly restartInterval?: unknown }) =>
    target.restartInterval === undefined || target.restart !== undefined,
}
