import { failure } from '../../domain/failures.ts'
import { fieldManager } from '../../domain/names.ts'
import { isIssuedLater } from '../../domain/publication-order.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import type { AccessTokenSink, Publication, TargetIdentity, TargetState } from '../../ports/access-token-sink.ts'
import type { Clock } from '../../ports/clock.ts'
import { classifyKubeError, problemOf, targetCodes } from './classify.ts'
import type { KubeClient, KubeError, KubeOutcome } from './kube-client.ts'
import { metadataOnly } from './metadata-only.ts'
import { isObjectName, secretPath, secretText } from './object-paths.ts'
import { ObjectVersion, Secret } from './schema.ts'
import { type KnownTarget, lookAtTarget, type TargetLook } from './target-look.ts'
import { applyBody, emptyBody, marksOf, type Precondition, releaseBody } from './target-marks.ts'
import { removalOf } from './target-removal.ts'

/** A write that finds another state than it was made for is made anew so many times. */
const triesPerWrite = 4

const none: readonly string[] = []

/** Targets that are remembered; each forgotten one costs a read. */
const rememberedTargets = 100_000

type Version = Pick<KnownTarget, 'uid' | 'resourceVersion'>

/**
 * Target Secrets, written with server-side apply.
 *
 * Every write carries the uid and resource version in which the Secret was seen to be ours to write,
 * or demands that there be none; in any other state the API server refuses it and the Secret is looked
 * at again. So nobody's Secret is overwritten, however the writes race, although our own fields are
 * applied with force. The version is remembered from the last write: a refresh costs one write and no
 * read. For the same reason a later publication is never missed: a write for a state without it is
 * refused, and the next look shows when its token was issued.
 *
 * `Merge` puts keys into a Secret that others own, and creates it when it is missing. `Retain` under
 * `Owner` leaves the owner reference out.
 *
 * Needs `get` and `patch` on Secrets, `create` (an apply that creates is authorized as both), and `delete` for a
 * target whose credential has another one by now.
 */
export class TargetSecrets implements AccessTokenSink {
  readonly #client: KubeClient
  readonly #clock: Pick<Clock, 'now'>
  /** By {@link memoryKey}; `absent` as seen, until the first write. */
  readonly #known = new Map<string, KnownTarget | 'absent'>()

  constructor(client: KubeClient, clock: Pick<Clock, 'now'>) {
    this.#client = client
    this.#clock = clock
  }

  async observe(identity: TargetIdentity, keys: readonly string[]): Promise<Result<TargetState>> {
    const look = await this.#look(identity, keys)
    if (!look.ok) return look
    const { value } = look
    if (value.kind === 'adoptable') return ok({ kind: 'adoptable' })
    if (value.kind !== 'ours') return ok(value)
    const { digest, expiresAt, intact, known } = value
    const { issuedAt } = known
    return ok({
      kind: 'ours',
      intact,
      ...(digest === undefined ? {} : { digest }),
      ...(issuedAt === undefined ? {} : { issuedAt }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    })
  }

  async publish(publication: Publication): Promise<Result<void>> {
    const { identity, files, issuedAt } = publication
    for (let tries = 0; tries < triesPerWrite; tries += 1) {
      this.#forgetLater(identity, issuedAt)
      const target = await this.#writable(identity, [...files.keys()])
      if (!target.ok) return target
      if (this.#holdsLater(target.value, issuedAt)) return ok(undefined)
      const outcome = await this.#write(publication, target.value)
      if (outcome.ok) return ok(undefined)
      if (problemOf(outcome.error) !== 'conflict') {
        return failed(writeFailure(outcome.error, identity, publication))
      }
    }
    return failed(contended(identity))
  }

  /**
   * The same request with `dryRun`: admission, quota and rights are asked, and nothing is stored. Where a webhook
   * refuses dry runs as such, nothing can be told, and nothing stands against it.
   */
  async rehearse(publication: Publication): Promise<Result<void>> {
    const { identity, files } = publication
    for (let tries = 0; tries < triesPerWrite; tries += 1) {
      const target = await this.#writable(identity, [...files.keys()])
      if (!target.ok) return target
      const precondition = target.value === 'absent' ? ({ kind: 'absent' } as const) : versionOf(target.value)
      const body = applyBody(publication, precondition)
      const outcome = await this.#apply(identity, marksOf(identity).manager, body, { dryRun: 'All' })
      if (outcome.ok || outcome.error.status === 400) return ok(undefined)
      if (problemOf(outcome.error) !== 'conflict') return failed(writeFailure(outcome.error, identity, publication))
      this.#known.delete(memoryKey(identity))
    }
    return failed(contended(identity))
  }

  /** Only under `Merge` with `Delete`: the garbage collector sees to what is owned, and the rest is to stay. */
  needsCleanup({ creationPolicy, deletionPolicy }: TargetIdentity): boolean {
    return creationPolicy === 'Merge' && deletionPolicy === 'Delete'
  }

  /**
   * A Secret that is all ours, and would vanish with the credential, is deleted, or emptied where the operator may
   * not delete it; of every other one our keys, labels and annotations go, and the Secret stays, even when nothing
   * else is in it.
   */
  async remove(identity: TargetIdentity): Promise<Result<void>> {
    if (identity.deletionPolicy !== 'Delete' || identity.creationPolicy === 'Orphan') return ok(undefined)
    for (let tries = 0; tries < triesPerWrite; tries += 1) {
      const found = await this.#read(identity)
      if (!found.ok) return found
      if (found.value === undefined) return ok(undefined)
      const outcome = await this.#removeFrom(found.value, identity)
      if (outcome.ok || problemOf(outcome.error) === 'missing') return ok(undefined)
      if (problemOf(outcome.error) !== 'conflict') return failed(writeFailure(outcome.error, identity))
    }
    return failed(contended(identity))
  }

  async #removeFrom(secret: Secret, identity: TargetIdentity): Promise<KubeOutcome> {
    const { uid, resourceVersion } = secret.metadata
    const removal = removalOf(secret, identity)
    if (removal.kind === 'nothing') return { ok: true, status: 200, body: undefined }
    if (removal.kind === 'fields') return this.#release(identity, removal.managers, { uid, resourceVersion })
    const path = secretPath(identity.credential.namespace, identity.name)
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } }
    const deleted = await this.#client.request({ method: 'DELETE', path, body })
    if (deleted.ok || problemOf(deleted.error) !== 'forbidden') return deleted
    return this.#apply(identity, fieldManager, emptyBody(identity, versionOf({ uid, resourceVersion })))
  }

  /** Only a look lets a publication be left out: what is remembered may be gone. */
  #forgetLater(identity: TargetIdentity, issuedAt: EpochSeconds): void {
    const known = this.#known.get(memoryKey(identity))
    if (this.#holdsLater(known, issuedAt)) this.#known.delete(memoryKey(identity))
  }

  #holdsLater(target: KnownTarget | 'absent' | undefined, issuedAt: EpochSeconds): boolean {
    if (target === undefined || target === 'absent') return false
    return isIssuedLater(target.issuedAt, issuedAt, this.#clock.now())
  }

  /** The state for which the next write is to be made. */
  async #writable(identity: TargetIdentity, keys: readonly string[]): Promise<Result<KnownTarget | 'absent'>> {
    const known = this.#known.get(memoryKey(identity))
    if (known === 'absent' || (known !== undefined && keys.every((key) => known.keys.includes(key)))) return ok(known)
    const look = await this.#look(identity, keys)
    if (!look.ok) return look
    switch (look.value.kind) {
      case 'absent':
        return ok('absent')
      case 'foreign': {
        const name = secretText(identity.credential.namespace, identity.name)
        return failed(failure('TARGET_NOT_OWNED', `${name} exists and belongs to ${look.value.owner}.`))
      }
      case 'adoptable':
      case 'ours':
        return ok(look.value.known)
    }
  }

  async #look(identity: TargetIdentity, keys: readonly string[]): Promise<Result<TargetLook>> {
    const found = await this.#read(identity)
    if (!found.ok) return found
    if (found.value === undefined) {
      this.#remember(identity, 'absent')
      return ok({ kind: 'absent' })
    }
    const look = lookAtTarget(found.value, identity, keys)
    if (look.ok && 'known' in look.value) this.#remember(identity, look.value.known)
    return look
  }

  /** What is there, undefined when nothing is; nothing of it is remembered. */
  async #read(identity: TargetIdentity): Promise<Result<Secret | undefined>> {
    const { namespace } = identity.credential
    const name = secretText(namespace, identity.name)
    this.#known.delete(memoryKey(identity))
    if (!isObjectName(identity.name)) return failed(failure('TARGET_REJECTED', `${name} has no valid name.`))
    const outcome = await this.#client.request({ method: 'GET', path: secretPath(namespace, identity.name) })
    if (!outcome.ok) {
      return problemOf(outcome.error) === 'missing' ? ok(undefined) : failed(readFailure(outcome.error, identity))
    }
    const secret = Secret.safeParse(outcome.body)
    return secret.success
      ? ok(secret.data)
      : failed(failure('TARGET_UNAVAILABLE', `Reading ${name} brought no Secret.`))
  }

  /** Applies, and removes what an earlier policy of this credential left there. */
  async #write(publication: Publication, target: KnownTarget | 'absent'): Promise<KubeOutcome> {
    const { identity, files, issuedAt } = publication
    this.#known.delete(memoryKey(identity))
    const precondition = target === 'absent' ? ({ kind: 'absent' } as const) : versionOf(target)
    let outcome = await this.#apply(identity, marksOf(identity).manager, applyBody(publication, precondition))
    const former = target === 'absent' ? [] : target.formerManagers
    const written = versionIn(outcome)
    if (written !== undefined && former.length > 0) outcome = await this.#release(identity, former, written)
    const last = versionIn(outcome)
    if (last !== undefined)
      this.#remember(identity, { ...last, keys: [...files.keys()], issuedAt, formerManagers: none })
    return outcome
  }

  /** Lets field managers go, one after the other. */
  async #release(identity: TargetIdentity, managers: readonly string[], version: Version): Promise<KubeOutcome> {
    let outcome: KubeOutcome = { ok: true, status: 200, body: undefined }
    let at: Version | undefined = version
    for (const manager of managers) {
      outcome = await this.#apply(identity, manager, releaseBody(identity, versionOf(at)))
      at = versionIn(outcome)
      if (at === undefined) return outcome
    }
    return outcome
  }

  #apply(
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

  #remember(identity: TargetIdentity, known: KnownTarget | 'absent'): void {
    this.#known.set(memoryKey(identity), known)
    if (this.#known.size <= rememberedTargets) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}

function memoryKey({ credential, name, credentialUid, creationPolicy }: TargetIdentity): string {
  return `${credential.namespace}/${name}/${credentialUid}/${creationPolicy}`
}

/** What was written; undefined when nothing was, or the answer does not say. */
function versionIn(outcome: KubeOutcome): Version | undefined {
  const parsed = outcome.ok ? ObjectVersion.safeParse(outcome.body) : undefined
  return parsed?.data?.metadata
}

function versionOf({ uid, resourceVersion }: Version): Precondition {
  return { kind: 'version', uid, resourceVersion }
}

function readFailure(error: KubeError, { credential, name }: TargetIdentity): ReturnType<typeof failure> {
  return classifyKubeError(error, {
    what: `Reading ${secretText(credential.namespace, name)}`,
    permission: `get secrets in the namespace ${credential.namespace}`,
    codes: targetCodes,
  })
}

function writeFailure(
  error: KubeError,
  identity: TargetIdentity,
  publication?: Publication,
): ReturnType<typeof failure> {
  const { namespace } = identity.credential
  return classifyKubeError(error, {
    what: `Writing ${secretText(namespace, identity.name)}`,
    permission: `create and patch secrets in the namespace ${namespace}`,
    codes: targetCodes,
    confidential: [...(publication?.files.values() ?? [])],
  })
}

function contended({ credential, name }: TargetIdentity): ReturnType<typeof failure> {
  const what = `${secretText(credential.namespace, name)} is changed by somebody else each time that it is about to be written.`
  return failure('TARGET_UNAVAILABLE', what)
}
