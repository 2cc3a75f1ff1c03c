import { failure } from '../../domain/failures.ts'
import { fieldManager, targetAnnotations } from '../../domain/names.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { type EpochSeconds, epochSeconds, latest } from '../../domain/time.ts'
import type { TargetIdentity } from '../../ports/access-token-sink.ts'
import { appliedKeys, managersOf } from './managed-fields.ts'
import { secretText } from './object-paths.ts'
import type { Secret } from './schema.ts'
import { claimTarget, isMarked, isOwn, type TargetClaim } from './target-claim.ts'
import { marksOf, mergeManager, typeOf } from './target-marks.ts'
import { isAllOurs } from './target-removal.ts'

/** A target that may be written, in the state in which that was found. */
export interface KnownTarget {
  readonly uid: string
  readonly resourceVersion: string
  /** The keys that may be written, as asked about. */
  readonly keys: readonly string[]
  /** When the token in it was issued; absent when that is not known, or it is not this credential's. */
  readonly issuedAt?: EpochSeconds
  /** Field managers under which this credential published here by another policy, and whose fields are to go. */
  readonly formerManagers: readonly string[]
  /** Of another type, and all that is in it is this credential's: it has to go before one of the right type can be made. */
  readonly isReplaced?: true
}

export function isReplaced(target: KnownTarget | 'absent'): target is KnownTarget {
  return target !== 'absent' && target.isReplaced === true
}

/** What a credential sees where its target should be. */
export type TargetLook =
  | { readonly kind: 'absent' }
  | Extract<TargetClaim, { kind: 'foreign' }>
  | { readonly kind: 'adoptable'; readonly known: KnownTarget }
  | {
      readonly kind: 'ours'
      readonly known: KnownTarget
      readonly digest?: string
      readonly expiresAt?: EpochSeconds
      readonly previousExpiresAt?: EpochSeconds
      readonly intact: boolean
      readonly marked: boolean
      readonly secret: Secret
    }

/** Judges an existing Secret as target of a credential that publishes `keys`. Failures: TARGET_REJECTED, TARGET_UNAVAILABLE. */
export function lookAtTarget(secret: Secret, identity: TargetIdentity, keys: readonly string[]): Result<TargetLook> {
  const name = secretText(identity.credential.namespace, identity.name)
  if (secret.metadata.deletionTimestamp !== undefined) {
    return failed(failure('TARGET_UNAVAILABLE', `${name} is being deleted and still there.`))
  }
  const claim = claimTarget(secret, identity, keys)
  if (claim.kind === 'foreign') return ok(claim)
  if (claim.kind === 'leftover') {
    const what = `${name} is left from an earlier OAuthCredential of the same name and not yet garbage-collected.`
    return failed(failure('TARGET_UNAVAILABLE', what))
  }
  const isReplaced = claim.kind === 'ours' && isReplaceable(secret, identity)
  const obstacle = isReplaced ? undefined : obstacleTo(secret, identity)
  if (obstacle !== undefined) return failed(failure('TARGET_REJECTED', `${name} ${obstacle}.`))
  const known = { ...knownTarget(secret, identity, keys), ...(isReplaced ? { isReplaced } : {}) }
  return ok(claim.kind === 'adoptable' ? { kind: 'adoptable', known } : oursLook(secret, identity, known))
}

/** True for what may be deleted to make the same target with another type, which no Secret can get. */
function isReplaceable(secret: Secret, identity: TargetIdentity): boolean {
  return secret.type !== typeOf(identity) && isOwn(secret, identity) && isAllOurs(secret, identity)
}

/** A type says what reads the Secret; a login for a node or an account must not come out of a spec. */
function obstacleTo(secret: Secret, identity: TargetIdentity): string | undefined {
  const wanted = typeOf(identity)
  if (secret.type !== wanted) {
    return `is of the type ${secret.type}, which cannot be changed, and only a target of the type ${wanted} is written: choose another spec.target.name, or delete it`
  }
  return secret.immutable ? 'is immutable, so no fresh token can ever be put into it: delete it' : undefined
}

function oursLook(secret: Secret, identity: TargetIdentity, known: KnownTarget): TargetLook {
  const { manager, annotations } = marksOf(identity)
  const found = secret.metadata.annotations
  const digest = found[annotations.outputsDigest]
  const expiresAt = timeOf(found[annotations.expiresAt])
  const previousExpiresAt = timeOf(found[annotations.previousExpiresAt])
  const issuedAt = issueTime(secret, identity)
  const published = appliedKeys(secret, manager)
  return {
    kind: 'ours',
    known: { ...known, ...(issuedAt === undefined ? {} : { issuedAt }) },
    secret,
    intact: known.isReplaced !== true && known.keys.every((key) => secret.data.has(key) && published.has(key)),
    marked: isMarked(secret, identity),
    ...(digest === undefined ? {} : { digest }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(previousExpiresAt === undefined ? {} : { previousExpiresAt }),
  }
}

/** Under whichever policy this credential published: a replica that was stopped may know an earlier one. */
function issueTime(secret: Secret, identity: TargetIdentity): EpochSeconds | undefined {
  const merged = marksOf({ ...identity, creationPolicy: 'Merge' }).annotations.issuedAt
  const names = isOwn(secret, identity) ? [merged, targetAnnotations.issuedAt] : [merged]
  const times = names.map((name) => timeOf(secret.metadata.annotations[name])).filter((time) => time !== undefined)
  const [first, ...others] = times
  return first === undefined ? undefined : latest(first, ...others)
}

/** Undefined for what is not there, and for what is no time. */
export function timeOf(annotation: string | undefined): EpochSeconds | undefined {
  const time = Date.parse(annotation ?? '')
  return Number.isNaN(time) ? undefined : epochSeconds(time / 1000)
}

function knownTarget(secret: Secret, identity: TargetIdentity, keys: readonly string[]): KnownTarget {
  const { uid, resourceVersion } = secret.metadata
  return { uid, resourceVersion, keys, formerManagers: formerManagers(secret, identity) }
}

function formerManagers(secret: Secret, identity: TargetIdentity): readonly string[] {
  const merge = mergeManager(identity.credentialUid)
  const mine = isOwn(secret, identity) ? [merge, fieldManager] : [merge]
  const present = managersOf(secret)
  return mine.filter((manager) => manager !== marksOf(identity).manager && present.has(manager))
}
