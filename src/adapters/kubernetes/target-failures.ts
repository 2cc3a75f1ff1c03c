import { failure } from '../../domain/failures.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { TargetIdentity } from '../../ports/access-token-sink.ts'
import { classifyKubeError, targetCodes } from './classify.ts'
import type { KubeError } from './kube-client.ts'
import { secretText } from './object-paths.ts'

type TargetFailure = ReturnType<typeof failure>

export function readFailure(error: KubeError, { credential, name }: TargetIdentity): TargetFailure {
  return classifyKubeError(error, {
    what: `Reading ${secretText(credential.namespace, name)}`,
    permission: `get secrets in the namespace ${credential.namespace}`,
    codes: targetCodes,
  })
}

/** `contents`: what the request carried, of which nothing is told on. */
export function writeFailure(
  error: KubeError,
  identity: TargetIdentity,
  contents: Iterable<Sensitive> = [],
): TargetFailure {
  const { namespace } = identity.credential
  return classifyKubeError(error, {
    what: `Writing ${secretText(namespace, identity.name)}`,
    permission: `create and patch secrets in the namespace ${namespace}`,
    codes: targetCodes,
    confidential: [...contents],
  })
}

/** Of a Secret that has to go before one of another type can be made. */
export function deletionFailure(error: KubeError, { credential, name }: TargetIdentity): TargetFailure {
  return classifyKubeError(error, {
    what: `Deleting ${secretText(credential.namespace, name)}, whose type has to be another one,`,
    permission: `delete secrets in the namespace ${credential.namespace}`,
    codes: targetCodes,
  })
}

export function contended({ credential, name }: TargetIdentity): TargetFailure {
  const what = `${secretText(credential.namespace, name)} is changed by somebody else each time that it is about to be written.`
  return failure('TARGET_UNAVAILABLE', what)
}
