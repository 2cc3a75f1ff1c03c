import type * as z from 'zod'
import { encodeStatus } from '../../api/status-codec.ts'
import { type CredentialKey, keyText } from '../../domain/credential.ts'
import { type Failure, failure } from '../../domain/failures.ts'
import { fieldManager, finalizerName } from '../../domain/names.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { StatusReport, StatusWriter } from '../../ports/status-writer.ts'
import { classifyKubeError, clusterCodes, problemOf } from './classify.ts'
import type { KubeClient, KubeError, KubeOutcome } from './kube-client.ts'
import { metadataOnly } from './metadata-only.ts'
import { credentialPath } from './object-paths.ts'
import { ObjectLife } from './schema.ts'

/** A finalizer list that others keep changing is followed so many times. */
const triesPerFinalizer = 5

/**
 * Status and finalizer of `OAuthCredential` objects.
 *
 * The status is written by a JSON patch that first tests the uid: one request, no read, and a recreated
 * object of the same name never gets its predecessor's status. Server-side apply cannot say that: on the
 * status of a custom resource the API server takes `metadata.uid` from the existing object and ignores
 * the one that was sent.
 *
 * Needs `patch` on `oauthcredentials/status`, and `get` and `patch` on `oauthcredentials`.
 */
export class KubernetesStatusWriter implements StatusWriter {
  readonly #client: KubeClient

  constructor(client: KubeClient) {
    this.#client = client
  }

  async write(report: StatusReport): Promise<Result<void>> {
    const { key, uid } = report
    const outcome = await this.#client.request({
      method: 'PATCH',
      path: `${credentialPath(key)}/status`,
      query: { fieldManager },
      contentType: 'application/json-patch+json',
      accept: metadataOnly,
      body: [
        { op: 'test', path: '/metadata/uid', value: uid },
        { op: 'add', path: '/status', value: encodeStatus(report) },
      ],
    })
    if (outcome.ok || (await this.#isGone(outcome.error, key, uid))) return ok(undefined)
    return failed(
      classifyKubeError(outcome.error, {
        what: `Writing the status of OAuthCredential ${keyText(key)}`,
        permission: `patch oauthcredentials/status in the namespace ${key.namespace}`,
        codes: clusterCodes,
      }),
    )
  }

  async exists({ key, uid }: { key: CredentialKey; uid: string }): Promise<Result<boolean>> {
    const found = await this.#life(key)
    return found.ok ? ok(found.value?.uid === uid && found.value.deletionTimestamp === undefined) : found
  }

  async setFinalizer(credential: { key: CredentialKey; uid: string }, present: boolean): Promise<Result<void>> {
    const { key, uid } = credential
    for (let tries = 0; tries < triesPerFinalizer; tries += 1) {
      const found = await this.#life(key)
      if (!found.ok) return found
      const metadata = found.value
      if (metadata?.uid !== uid || metadata.finalizers.includes(finalizerName) === present) return ok(undefined)
      const outcome = await this.#replaceFinalizers(key, metadata, present)
      if (outcome.ok) return ok(undefined)
      const problem = problemOf(outcome.error)
      if (problem === 'missing') return ok(undefined)
      if (problem !== 'conflict') return failed(finalizerFailure(outcome.error, key, 'patch'))
    }
    const what = `The finalizers of OAuthCredential ${keyText(key)} are changed by somebody else each time that ours is about to be.`
    return failed(failure('KUBERNETES_UNAVAILABLE', what))
  }

  /** A failed test is a 422, as is a value that the schema refuses: only a look tells them apart. */
  async #isGone(error: KubeError, key: CredentialKey, uid: string): Promise<boolean> {
    if (problemOf(error) === 'missing') return true
    if (error.status !== 422) return false
    const found = await this.#life(key)
    return found.ok && found.value?.uid !== uid
  }

  /** What stands in the metadata; undefined when there is no such object. */
  async #life(key: CredentialKey): Promise<Result<z.infer<typeof ObjectLife>['metadata'] | undefined>> {
    const outcome = await this.#client.request({ method: 'GET', path: credentialPath(key), accept: metadataOnly })
    if (!outcome.ok && problemOf(outcome.error) === 'missing') return ok(undefined)
    if (!outcome.ok) return failed(finalizerFailure(outcome.error, key, 'get'))
    const parsed = ObjectLife.safeParse(outcome.body)
    if (parsed.success) return ok(parsed.data.metadata)
    const what = `Reading OAuthCredential ${keyText(key)} brought no such object.`
    return failed(failure('KUBERNETES_UNAVAILABLE', what))
  }

  /** The whole list, in the version in which it was read: nobody else's finalizer gets lost. */
  #replaceFinalizers(
    key: CredentialKey,
    metadata: { uid: string; resourceVersion: string; finalizers: readonly string[] },
    present: boolean,
  ): Promise<KubeOutcome> {
    const { resourceVersion, finalizers } = metadata
    const others = finalizers.filter((name) => name !== finalizerName)
    return this.#client.request({
      method: 'PATCH',
      path: credentialPath(key),
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      accept: metadataOnly,
      body: { metadata: { resourceVersion, finalizers: present ? [...others, finalizerName] : others } },
    })
  }
}

function finalizerFailure(error: KubeError, key: CredentialKey, verb: 'get' | 'patch'): Failure {
  return classifyKubeError(error, {
    what: `${verb === 'get' ? 'Reading the metadata' : 'Changing the finalizers'} of OAuthCredential ${keyText(key)}`,
    permission: `${verb} oauthcredentials in the namespace ${key.namespace}`,
    codes: clusterCodes,
  })
}
