import { consumerAnnotations } from '../../domain/names.ts'
import { present } from '../../domain/present.ts'
import type { PodReader } from '../../domain/readers.ts'
import { type ReadingContainer, ReadingPod, type ReadingSpec } from './pod-schema.ts'

/** Labels that the controllers of Deployments and of Argo Rollouts put on their pods, with the end of the ReplicaSet's name. */
const madeBy = { 'rollouts-pod-template-hash': 'Rollout', 'pod-template-hash': 'Deployment' } as const

/** How a running pod reads a Secret; undefined when it does not, or is on its way out. */
export function podReader(raw: unknown, secret: string): PodReader | undefined {
  const parsed = ReadingPod.safeParse(raw)
  if (!parsed.success) return undefined
  const { metadata, status } = parsed.data
  if (status.phase !== 'Running' || typeof metadata.deletionTimestamp === 'string') return undefined
  const ways = waysOf(parsed.data, secret)
  if (!ways.mounts && !ways.fromEnvironment) return undefined
  return present({
    name: metadata.name,
    owner: ownerOf(metadata),
    annotation: metadata.annotations[consumerAnnotations.tokenPublishedAt],
    ...ways,
  })
}

function waysOf({ spec }: ReadingPod, secret: string): Pick<PodReader, 'mounts' | 'bySubPath' | 'fromEnvironment'> {
  const volumes = spec.volumes.filter(
    (volume) =>
      volume.secret?.secretName === secret ||
      volume.projected?.sources.some((source) => source.secret?.name === secret),
  )
  const names = new Set(volumes.map(({ name }) => name))
  // What an init container read is of the past, unless it runs beside the others.
  const running = [...spec.containers, ...spec.initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')]
  return {
    mounts: names.size > 0,
    bySubPath: running.some((container) => mountsPart(container, names)),
    fromEnvironment: running.some((container) => readsEnvironment(container, secret)),
  }
}

/** How pods ask for a Secret: they wait for a `required` one, and are started without an `optional` one. */
export function demandFor(
  secret: string,
  { containers, initContainers, volumes }: ReadingSpec,
): 'none' | 'required' | 'optional' {
  const inVolumes = volumes.flatMap((volume) => [
    { name: volume.secret?.secretName, optional: volume.secret?.optional },
    ...(volume.projected?.sources ?? []).map((source) => ({ ...source.secret })),
  ])
  const inEnvironment = [...containers, ...initContainers].flatMap(({ env, envFrom }) => [
    ...env.map(({ valueFrom }) => ({ ...valueFrom?.secretKeyRef })),
    ...envFrom.map(({ secretRef }) => ({ ...secretRef })),
  ])
  const demands = [...inVolumes, ...inEnvironment].filter(({ name }) => name === secret)
  if (demands.length === 0) return 'none'
  return demands.some(({ optional }) => optional === true) ? 'optional' : 'required'
}

function mountsPart({ volumeMounts }: ReadingContainer, volumes: ReadonlySet<string>): boolean {
  return volumeMounts.some(
    ({ name, subPath, subPathExpr }) => volumes.has(name) && (subPath !== '' || subPathExpr !== ''),
  )
}

function readsEnvironment({ env, envFrom }: ReadingContainer, secret: string): boolean {
  return (
    env.some(({ valueFrom }) => valueFrom?.secretKeyRef?.name === secret) ||
    envFrom.some(({ secretRef }) => secretRef?.name === secret)
  )
}

/** The controller of the pod; for a ReplicaSet the workload that it belongs to, which its name begins with. */
function ownerOf({ ownerReferences, labels }: ReadingPod['metadata']): PodReader['owner'] {
  const owner = ownerReferences.find(({ controller }) => controller)
  if (owner === undefined) return undefined
  const { kind, name } = owner
  // Whoever made the pod chose these words, and they are told on.
  if (!isName(kind) || !isName(name)) return undefined
  if (kind !== 'ReplicaSet') return { kind, name }
  for (const [label, maker] of Object.entries(madeBy)) {
    const end = `-${labels[label]}`
    if (labels[label] !== undefined && name.endsWith(end)) return { kind: maker, name: name.slice(0, -end.length) }
  }
  return { kind, name }
}

function isName(text: string): boolean {
  return /^[\w.:-]{1,253}$/.test(text)
}
