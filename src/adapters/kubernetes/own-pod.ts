import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { classifyKubeError, clusterCodes } from './classify.ts'
import type { KubeClient } from './kube-client.ts'
import { isObjectName } from './object-paths.ts'
import { OwnTokenClaims, Pod } from './schema.ts'

/** One Pod, of all that ever had its name. */
export interface PodIdentity {
  readonly name: string
  readonly uid: string
}

export interface OwnPodOptions {
  readonly client: KubeClient
  /** The operator's own; a Pod elsewhere is not asked for. */
  readonly namespace: string
  /** From the downward API (`metadata.name`), where it is given. */
  readonly podName?: string
  /** From the downward API (`metadata.uid`), where it is given. */
  readonly podUid?: string
  /** Reads the mounted token of the operator's own ServiceAccount; rejects when there is none. */
  readonly readOwnToken: () => Promise<string>
}

/**
 * The Pod that this process runs in; undefined when it does not run in one of that namespace, or nobody
 * tells. What the downward API or the mounted token say is compared with the API server: who takes
 * another's Pod for its own is taken to be gone when that one ends. So a host name alone is not enough.
 *
 * Failures: KUBERNETES_UNAVAILABLE, KUBERNETES_FORBIDDEN. Needs `get` on Pods of that namespace.
 */
export async function ownPod(options: OwnPodOptions): Promise<Result<PodIdentity | undefined>> {
  const { client, namespace, podName, podUid } = options
  const told = podName === undefined ? await podOfToken(options) : { name: podName, uid: podUid }
  if (told === undefined || !isObjectName(told.name)) return ok(undefined)
  const found = await findPod(client, namespace, told.name)
  if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found
  const { uid } = found.value
  return ok(told.uid === undefined || told.uid === uid ? { name: told.name, uid } : undefined)
}

/** A Pod as it is now, by quorum; undefined when the API server says that there is none. */
export async function findPod(
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<Result<{ readonly uid: string; readonly ended: boolean } | undefined>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`
  const outcome = await client.request({ method: 'GET', path })
  const what = `Reading Pod ${namespace}/${name}`
  if (!outcome.ok) {
    const { error } = outcome
    // A 404 without these words may be from something in between, which knows nothing of Pods.
    if (error.status === 404 && error.reason === 'NotFound') return ok(undefined)
    return failed(
      classifyKubeError(error, { what, permission: `get pods in the namespace ${namespace}`, codes: clusterCodes }),
    )
  }
  const pod = Pod.safeParse(outcome.body)
  if (!pod.success) return failed(failure('KUBERNETES_UNAVAILABLE', `${what} brought no Pod.`))
  const { metadata, status } = pod.data
  return ok({ uid: metadata.uid, ended: status.phase === 'Succeeded' || status.phase === 'Failed' })
}

/** A mounted token names the Pod that it was made for. @see KEP-1205, bound service account tokens */
async function podOfToken({ namespace, readOwnToken }: OwnPodOptions): Promise<PodIdentity | undefined> {
  try {
    const payload = (await readOwnToken()).split('.')[1] ?? ''
    const claims = OwnTokenClaims.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
    const bound = claims.data?.['kubernetes.io']
    return bound?.namespace === namespace ? bound.pod : undefined
  } catch {
    return undefined
  }
}
