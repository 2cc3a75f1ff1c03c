import type { WorkloadKind } from '../../src/domain/workload.ts'

/** How a pod reads a Secret. */
export type Way = 'volume' | 'projected' | 'subPath' | 'env' | 'envFrom' | 'init' | 'sidecar' | 'none'

const agentContainer = { name: 'agent', image: 'agent' }

/** The spec of a pod that reads `secret` in the way, and nothing else in it. */
function readingSpec(secret: string, way: Way): object {
  const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: secret, key: 'access_token' } } }]
  const volume = { name: 'token', secret: { secretName: secret } }
  const mount = { name: 'token', mountPath: '/token' }
  const projected = { name: 'token', projected: { sources: [{ secret: { name: secret } }] } }
  const specs: Readonly<Record<Way, object>> = {
    none: { containers: [agentContainer] },
    volume: { containers: [{ ...agentContainer, volumeMounts: [mount] }], volumes: [volume] },
    projected: { containers: [{ ...agentContainer, volumeMounts: [mount] }], volumes: [projected] },
    subPath: {
      containers: [{ ...agentContainer, volumeMounts: [{ ...mount, subPath: 'access_token' }] }],
      volumes: [volume],
    },
    env: { containers: [{ ...agentContainer, env }] },
    envFrom: { containers: [{ ...agentContainer, envFrom: [{ secretRef: { name: secret } }] }] },
    init: { containers: [agentContainer], initContainers: [{ ...agentContainer, name: 'first', env }] },
    sidecar: {
      containers: [agentContainer],
      initContainers: [{ ...agentContainer, name: 'first', env, restartPolicy: 'Always' }],
    },
  }
  return specs[way]
}

export interface PodForm {
  readonly secret?: string
  readonly way?: Way
  readonly metadata?: object
  readonly phase?: string
}

export function aPod(
  name: string,
  { secret = 'claude-token', way = 'volume', metadata, phase = 'Running' }: PodForm = {},
) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: readingSpec(secret, way),
    status: { phase },
  }
}

/** Metadata of a pod that a Deployment has made. */
export function madeByDeployment(name: string, hash = '5d4f8c7b9'): object {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-${hash}`, uid: 'a-uid', controller: true }
  return { labels: { app: name, 'pod-template-hash': hash }, ownerReferences: [owner] }
}

/** A workload that reads `secret` from its environment. */
export function aWorkload(kind: WorkloadKind, name: string, spec: object = {}, secret = 'claude-token'): object {
  const labels = { app: name }
  const group = kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1'
  const template = { metadata: { labels }, spec: readingSpec(secret, 'env') }
  return { apiVersion: group, kind, metadata: { name }, spec: { selector: { matchLabels: labels }, template, ...spec } }
}
