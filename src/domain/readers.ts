import type { Workload } from './workload.ts'

/** A running pod that reads a Secret, and how. */
export interface PodReader {
  readonly name: string
  /** What it was made by. */
  readonly owner?: { readonly kind: string; readonly name: string }
  /** It has a volume with the Secret in it, whose files kubelet replaces. */
  readonly mounts: boolean
  /** A container sees a file of it by subPath, and with it the first version for as long as it runs. */
  readonly bySubPath: boolean
  /** A container was started with a value of it in its environment. */
  readonly fromEnvironment: boolean
  /** Value of the annotation that tells of a publication. */
  readonly annotation?: string
}

/** Readers that no new token reaches. */
export interface StaleReaders {
  readonly reason: 'MountedBySubPath' | 'ReadFromEnvironment'
  readonly message: string
}

/** So many are named; the rest is counted. */
const mostNamed = 3

/** What is to be told of readers that get no updates; undefined when all do, or are restarted for each. */
export function staleReaders(
  readers: readonly PodReader[],
  secret: string,
  restart: readonly Workload[],
): StaleReaders | undefined {
  const stale = readers.filter((reader) => isStale(reader) && !isRestarted(reader, restart))
  if (stale.length === 0) return undefined
  const names = [...new Set(stale.map(readerText))].toSorted()
  const some = names.slice(0, mostNamed).join(', ')
  const rest = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ''
  const message =
    `No new token reaches ${some}${rest}, for as long as the pods run: they read the Secret ${secret} through subPath or from ` +
    'the environment. Mount it as a volume without subPath, or name the workload in spec.target.restart.'
  return { reason: stale.some(({ bySubPath }) => bySubPath) ? 'MountedBySubPath' : 'ReadFromEnvironment', message }
}

function isStale({ bySubPath, fromEnvironment }: PodReader): boolean {
  return bySubPath || fromEnvironment
}

function isRestarted({ owner }: PodReader, restart: readonly Workload[]): boolean {
  return restart.some((workload) => owner?.kind === workload.kind && owner.name === workload.name)
}

/** Of a pod that something made, its maker: a Deployment of a hundred pods is one thing to mend. */
function readerText(reader: PodReader): string {
  const { owner, name } = reader
  return `${owner === undefined ? `Pod ${name}` : `${owner.kind} ${owner.name}`} (${wayText(reader)})`
}

function wayText({ bySubPath, fromEnvironment }: PodReader): string {
  if (bySubPath && fromEnvironment) return 'subPath, environment'
  return bySubPath ? 'subPath' : 'environment'
}
