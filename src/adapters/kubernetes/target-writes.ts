import type { TargetIdentity } from '../../ports/access-token-sink.ts'
import type { KubeClient, KubeOutcome } from './kube-client.ts'
import { metadataOnly } from './metadata-only.ts'
import { secretPath } from './object-paths.ts'
import { ObjectVersion } from './schema.ts'
import { preconditionOf, releaseBody } from './target-marks.ts'

/** One state of one object. */
export interface Version {
  readonly uid: string
  readonly resourceVersion: string
}

/** The requests that change a target Secret. */
export class TargetWrites {
  readonly #client: KubeClient

  constructor(client: KubeClient) {
    this.#client = client
  }

  apply(
    identity: TargetIdentity,
    manager: string,
    body: object,
    query: Readonly<Record<string, string>> = {},
  ): Promise<KubeOutcome> {
    return this.#client.request({
      method: 'PATCH',
      path: secretPath(identity.credential.namespace, identity.name),
      query: { fieldManager: manager, force: 'true', ...query },
      contentType: 'application/apply-patch+yaml',
      accept: metadataOnly,
      body,
    })
  }

  /** Only in the version given. */
  delete({ credential, name }: TargetIdentity, version: Version, options: object = {}): Promise<KubeOutcome> {
    const { uid, resourceVersion } = version
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion }, ...options }
    return this.#client.request({ method: 'DELETE', path: secretPath(credential.namespace, name), body })
  }

  /** Lets field managers go, one after the other. */
  async release(
    identity: TargetIdentity,
    managers: readonly string[],
    { type, ...version }: Version & { readonly type: string },
  ): Promise<KubeOutcome> {
    let outcome: KubeOutcome = { ok: true, status: 200, body: undefined }
    let at: Version | undefined = version
    for (const manager of managers) {
      outcome = await this.apply(identity, manager, releaseBody(identity, preconditionOf(at), type))
      at = versionIn(outcome)
      if (at === undefined) return outcome
    }
    return outcome
  }
}

/** What a write of a target in this state has done: an apply that changes nothing leaves the version as it is. */
export function changeOf(before: Version | 'absent', outcome: KubeOutcome): 'changed' | 'unchanged' {
  const written = versionIn(outcome)
  return before !== 'absent' && written?.resourceVersion === before.resourceVersion ? 'unchanged' : 'changed'
}

/** What was written; undefined when nothing was, or the answer does not say. */
export function versionIn(outcome: KubeOutcome): Version | undefined {
  const parsed = outcome.ok ? ObjectVersion.safeParse(outcome.body) : undefined
  return parsed?.data?.metadata
}
