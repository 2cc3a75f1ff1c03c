import type { WorkloadKind } from '../../src/domain/workload.ts'
import { readerImage } from './container-image.ts'

/** How a pod reads the key `access_token` of a Secret. */
export type Way = 'volume' | 'subPath' | 'env'

/** What the container calls what it reads in each way. */
export const whatIsRead: Readonly<Record<Way, string>> = {
  volume: 'file:/token/access_token',
  subPath: 'file:/part',
  env: 'env:TOKEN',
}

export interface PodReading {
  readonly secret: string
  readonly way: Way
  /** Whether it may run without the Secret. */
  readonly optional?: boolean
}

const key = 'access_token'

/** A pod that runs, and says what it reads. It has the network of the host, as there is no other. */
function podSpec({ secret, way, optional = false }: PodReading): object {
  const mounts = {
    volume: [{ name: 'token', mountPath: '/token' }],
    subPath: [{ name: 'token', mountPath: '/part', subPath: key }],
    env: [],
  }
  const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: secret, key, optional } } }]
  const container = {
    name: 'reader',
    image: readerImage,
    imagePullPolicy: 'Never',
    args: [whatIsRead[way]],
    volumeMounts: mounts[way],
    ...(way === 'env' && { env }),
  }
  const volumes = [{ name: 'token', secret: { secretName: secret, optional } }]
  const network = { hostNetwork: true, dnsPolicy: 'Default' }
  return {
    ...network,
    terminationGracePeriodSeconds: 1,
    containers: [container],
    ...(way !== 'env' && { volumes }),
  }
}

export function readingPod(name: string, namespace: string, reading: PodReading): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: podSpec(reading) }
}

export function readingWorkload(kind: WorkloadKind, name: string, namespace: string, reading: PodReading): object {
  const labels = { app: name }
  const own = {
    Deployment: { replicas: 2 },
    StatefulSet: { replicas: 2, serviceName: name },
    DaemonSet: {},
    // Without a step it is a rollout like any other.
    Rollout: { replicas: 2, strategy: { canary: {} } },
  }
  return {
    apiVersion: kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec: {
      ...own[kind],
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(reading) },
    },
  }
}
