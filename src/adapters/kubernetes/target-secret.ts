import { failure } from '../../domain/failures.ts'
import { fieldManager } from '../../domain/names.ts'
import type { TokenKeys } from '../../domain/previous-key.ts'
import type { FoundTokens } from '../../domain/previous-token.ts'
import { present } from '../../domain/present.ts'
import { isIssuedLater } from '../../domain/publication-order.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { targetConflict } from '../../domain/target-conflict.ts'
import type { EpochSeconds } from '../../domain/time.ts'
import type {
  AccessTokenSink,
  Publication,
  Published,
  Publishing,
  TargetIdentity,
  TargetRemoval,
  TargetState,
} from '../../ports/access-token-sink.ts'
import type { Clock } from '../../ports/clock.ts'
import { problemOf } from './classify.ts'
import { KnownTargets } from './known-targets.ts'
import type { KubeClient, KubeOutcome } from './kube-client.ts'
import { isObjectName, secretPath, secretText } from './object-paths.ts'
import { Secret } from './schema.ts'
import { contended, deletionFailure, readFailure, writeFailure } from './target-failures.ts'
import { isReplaced, type KnownTarget, lookAtTarget, type TargetLook } from './target-look.ts'
import { applyBody, emptyBody, marksOf, preconditionOf, typeOf } from './target-marks.ts'
import { keysOf, publishedBeside, tokensIn, withoutPreviousBody, withPrevious } from './target-previous.ts'
import { type NeededRemoval, removalOf } from './target-removal.ts'
import { changeOf, TargetWrites, versionIn } from './target-writes.ts'

/** A write that finds another state than it was made for is made anew so many times. */
const triesPerWrite = 4

const none: readonly string[] = []

/** The state for which a write is made. */
interface Writable {
  readonly known: KnownTarget | 'absent'
  /** What is ours there, where that was just read. */
  readonly secret?: Secret
}

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
 * target whose credential has another one by now, or wants another type, which no Secret can get.
 */
export class TargetSecrets implements AccessTokenSink {
  readonly #client: KubeClient
  readonly #writes: TargetWrites
  readonly #clock: Pick<Clock, 'now'>
  readonly #known = new KnownTargets()

  constructor(client: KubeClient, clock: Pick<Clock, 'now'>) {
    this.#client = client
    this.#writes = new TargetWrites(client)
    this.#clock = clock
  }

  async observe(identity: TargetIdentity, keys: readonly string[]): Promise<Result<TargetState>> {
    const look = await this.#look(identity, keys)
    if (!look.ok) return look
    const { value } = look
    if (value.kind === 'adoptable') return ok({ kind: 'adoptable' })
    if (value.kind !== 'ours') return ok(value)
    const { kind, digest, expiresAt, previousExpiresAt, intact, known } = value
    const { issuedAt } = known
    const marked = value.marked ? undefined : (false as const)
    return ok(present({ kind, intact, marked, digest, issuedAt, expiresAt, previousExpiresAt }))
  }

  async publish(wanted: Publication): Promise<Result<Publishing>> {
    const { identity, issuedAt } = wanted
    for (let tries = 0; tries < triesPerWrite; tries += 1) {
      this.#forgetLater(wanted)
      const target = await this.#writable(identity, keysOf(wanted))
      if (!target.ok) return target
      const { known, secret } = target.value
      if (this.#holdsLater(known, issuedAt))
        return ok(present({ change: 'overtaken' as const, beside: publishedBeside(secret, identity) }))
      const { publication, beside } = withPrevious(wanted, secret, this.#clock.now())
      const room = await this.#makeRoom(publication, known)
      if (!room.ok) return room
      const outcome = await this.#write(publication, room.value, beside)
      if (outcome.ok) return ok(present({ change: changeOf(room.value, outcome), beside }))
      if (problemOf(outcome.error) !== 'conflict') {
        return failed(writeFailure(outcome.error, identity, publication.files.values()))
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
      const target = await this.#writable(identity, keysOf(publication))
      if (!target.ok) return target
      const { known } = target.value
      if (isReplaced(known)) return this.#rehearseReplacement(publication, known)
      const outcome = await this.#tryOut(publication, known)
      if (outcome.ok || outcome.error.status === 400) return ok(undefined)
      if (problemOf(outcome.error) !== 'conflict') {
        return failed(writeFailure(outcome.error, identity, files.values()))
      }
      this.#known.forget(identity)
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
  async remove(identity: TargetIdentity): Promise<Result<TargetRemoval>> {
    if (identity.deletionPolicy !== 'Delete' || identity.creationPolicy === 'Orphan') return ok('kept')
    for (let tries = 0; tries < triesPerWrite; tries += 1) {
      const found = await this.#read(identity)
      if (!found.ok) return found
      if (found.value === undefined) return ok('absent')
      const removal = removalOf(found.value, identity)
      if (removal.kind === 'nothing') return ok('kept')
      const outcome = await this.#removeFrom(found.value, identity, removal)
      if (outcome.ok) return ok('removed')
      if (problemOf(outcome.error) === 'missing') return ok('absent')
      if (problemOf(outcome.error) !== 'conflict') return failed(writeFailure(outcome.error, identity))
    }
    return failed(contended(identity))
  }

  async #removeFrom(secret: Secret, identity: TargetIdentity, removal: NeededRemoval): Promise<KubeOutcome> {
    const { uid, resourceVersion } = secret.metadata
    if (removal.kind === 'fields') {
      return this.#writes.release(identity, removal.managers, { uid, resourceVersion, type: secret.type })
    }
    const deleted = await this.#writes.delete(identity, { uid, resourceVersion })
    if (deleted.ok || problemOf(deleted.error) !== 'forbidden') return deleted
    return this.#writes.apply(
      identity,
      fieldManager,
      emptyBody(identity, preconditionOf({ uid, resourceVersion }), secret.type),
    )
  }

  /** Deletes what has the wrong type, once it is known that its successor would be taken. Returns the state to write for. */
  async #makeRoom(publication: Publication, target: KnownTarget | 'absent'): Promise<Result<KnownTarget | 'absent'>> {
    if (!isReplaced(target)) return ok(target)
    const rehearsed = await this.#rehearseReplacement(publication, target)
    if (!rehearsed.ok) return rehearsed
    const deleted = await this.#writes.delete(publication.identity, target)
    // A conflict is met again by the write, which then looks.
    if (deleted.ok || ['missing', 'conflict'].includes(problemOf(deleted.error))) return ok('absent')
    return failed(deletionFailure(deleted.error, publication.identity))
  }

  /** The deletion, and the creation under a name that nothing has: under its own the old type would be in the way. */
  async #rehearseReplacement(publication: Publication, target: KnownTarget): Promise<Result<void>> {
    const { identity } = publication
    const deleted = await this.#writes.delete(identity, target, { dryRun: ['All'] })
    if (!deleted.ok && problemOf(deleted.error) !== 'conflict') return failed(deletionFailure(deleted.error, identity))
    const elsewhere = { ...identity, name: `other-type.${target.uid}` }
    const outcome = await this.#tryOut({ ...publication, identity: elsewhere }, 'absent')
    if (outcome.ok || outcome.error.status === 400) return ok(undefined)
    return failed(writeFailure(outcome.error, identity, publication.files.values()))
  }

  #tryOut(publication: Publication, target: KnownTarget | 'absent'): Promise<KubeOutcome> {
    const { identity } = publication
    const body = applyBody(publication, preconditionOf(target))
    return this.#writes.apply(identity, marksOf(identity).manager, body, { dryRun: 'All' })
  }

  async endPrevious(identity: TargetIdentity, key: string): Promise<Result<void>> {
    for (let tries = 0; tries < triesPerWrite; tries += 1) {
      const found = await this.#read(identity)
      if (!found.ok) return found
      const body = found.value && withoutPreviousBody(found.value, identity, key)
      if (body === undefined) return ok(undefined)
      const outcome = await this.#writes.apply(identity, marksOf(identity).manager, body)
      if (outcome.ok) return ok(undefined)
      if (problemOf(outcome.error) !== 'conflict') {
        return failed(writeFailure(outcome.error, identity, found.value?.data.values()))
      }
    }
    return failed(contended(identity))
  }

  async held(identity: TargetIdentity, keys: TokenKeys): Promise<Result<FoundTokens>> {
    const found = await this.#read(identity)
    return found.ok ? ok(found.value === undefined ? {} : tokensIn(found.value, identity, keys)) : found
  }

  /**
   * Only a look lets a publication be left out: what is remembered may be gone. And only a look shows the token that
   * becomes the previous one: none is remembered.
   */
  #forgetLater({ identity, issuedAt, previous }: Publication): void {
    const known = this.#known.get(identity)
    if (previous !== undefined || this.#holdsLater(known, issuedAt)) this.#known.forget(identity)
  }

  #holdsLater(target: KnownTarget | 'absent' | undefined, issuedAt: EpochSeconds): boolean {
    if (target === undefined || target === 'absent') return false
    return isIssuedLater(target.issuedAt, issuedAt, this.#clock.now())
  }

  /** The state for which the next write is to be made. */
  async #writable(identity: TargetIdentity, keys: readonly string[]): Promise<Result<Writable>> {
    const known = this.#known.get(identity)
    if (known === 'absent' || (known !== undefined && keys.every((key) => known.keys.includes(key)))) {
      return ok({ known })
    }
    const look = await this.#look(identity, keys)
    if (!look.ok) return look
    switch (look.value.kind) {
      case 'absent':
        return ok({ known: 'absent' })
      case 'foreign': {
        const name = secretText(identity.credential.namespace, identity.name)
        return failed(targetConflict(`${name} exists and belongs to ${look.value.owner}.`, look.value))
      }
      case 'adoptable':
        return ok({ known: look.value.known })
      case 'ours':
        return ok({ known: look.value.known, secret: look.value.secret })
    }
  }

  async #look(identity: TargetIdentity, keys: readonly string[]): Promise<Result<TargetLook>> {
    const found = await this.#read(identity)
    if (!found.ok) return found
    if (found.value === undefined) {
      this.#known.remember(identity, 'absent')
      return ok({ kind: 'absent' })
    }
    const look = lookAtTarget(found.value, identity, keys)
    if (look.ok && 'known' in look.value) this.#known.remember(identity, look.value.known)
    return look
  }

  /** What is there, undefined when nothing is; nothing of it is remembered. */
  async #read(identity: TargetIdentity): Promise<Result<Secret | undefined>> {
    const { namespace } = identity.credential
    const name = secretText(namespace, identity.name)
    this.#known.forget(identity)
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
  async #write(
    publication: Publication,
    target: KnownTarget | 'absent',
    beside: Published | undefined,
  ): Promise<KubeOutcome> {
    const { identity, files, issuedAt } = publication
    this.#known.forget(identity)
    const body = applyBody(publication, preconditionOf(target), beside)
    let outcome = await this.#writes.apply(identity, marksOf(identity).manager, body)
    const former = target === 'absent' ? [] : target.formerManagers
    const written = versionIn(outcome)
    if (written !== undefined && former.length > 0) {
      outcome = await this.#writes.release(identity, former, { ...written, type: typeOf(identity) })
    }
    const last = versionIn(outcome)
    if (last !== undefined)
      this.#known.remember(identity, { ...last, keys: [...files.keys()], issuedAt, formerManagers: none })
    return outcome
  }
}
