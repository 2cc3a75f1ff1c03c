import { failure } from '../../domain/failures.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { classifyKubeError, clusterCodes } from './classify.ts'
import type { KubeClient } from './kube-client.ts'
import { ObjectVersion } from './schema.ts'

/**
 * The uid of a namespace.
 *
 * Failures: KUBERNETES_UNAVAILABLE, KUBERNETES_FORBIDDEN. Needs `get` on this namespace.
 */
export async function namespaceUid(client: KubeClient, name: string): Promise<Result<string>> {
  const outcome = await client.request({ method: 'GET', path: `/api/v1/namespaces/${encodeURIComponent(name)}` })
  const what = `Reading the namespace ${name}`
  if (!outcome.ok) {
    return failed(
      classifyKubeError(outcome.error, { what, permission: `get the namespace ${name}`, codes: clusterCodes }),
    )
  }
  const found = ObjectVersion.safeParse(outcome.body)
  if (!found.success) return failed(failure('KUBERNETES_UNAVAILABLE', `${what} brought no namespace.`))
  return ok(found.data.metadata.uid)
}
