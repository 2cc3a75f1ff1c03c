import { keyText } from '../../domain/credential.ts'
import { fieldManager, requestAnnotations, targetAnnotations, targetLabels } from '../../domain/names.ts'
import type { TargetIdentity } from '../../ports/access-token-sink.ts'
import type { Secret } from './schema.ts'
import { isOwner, mergeManager } from './target-marks.ts'
import { appliedKeys, managersOf } from './managed-fields.ts'

/** Whether a credential may write an existing Secret. */
export type TargetClaim =
  | { readonly kind: 'ours' }
  | { readonly kind: 'adoptable' }
  /** `byCredential`: another credential has it, and no annotation hands it over. */
  | { readonly kind: 'foreign'; readonly owner: string; readonly byCredential?: true }
  /** Of an earlier credential of the same name, and about to be deleted by the garbage collector. */
  | { readonly kind: 'leftover' }

/** What says whose a Secret is. */
type Marked = { readonly metadata: Pick<Secret['metadata'], 'labels' | 'annotations' | 'ownerReferences'> }

/**
 * Whose Secret this is. Nothing is taken from another credential, not even with the adopt annotation:
 * two would take it from each other for ever.
 */
export function claimTarget(secret: Secret, identity: TargetIdentity, keys: readonly string[]): TargetClaim {
  if (isManaged(secret) && ownerUid(secret) === undefined) return foreign('the operator itself')
  return identity.creationPolicy === 'Merge' ? claimKeys(secret, identity, keys) : claimWhole(secret, identity)
}

/** True when our label says that the operator writes this Secret. */
function isManaged({ metadata }: Marked): boolean {
  return metadata.labels[targetLabels.managedBy] === fieldManager
}

/**
 * The uid of the credential whose target this Secret is; undefined when it is none.
 *
 * The owner reference of a publication tells it as well as our label does, so that what somebody takes away of
 * these is put back. Whoever is named as the manager in our place has it for good.
 */
export function ownerUid({ metadata }: Marked): string | undefined {
  const { labels, annotations, ownerReferences } = metadata
  if ((labels[targetLabels.managedBy] ?? fieldManager) !== fieldManager) return undefined
  const isPublished = annotations[targetAnnotations.credential] !== undefined
  const controller = ownerReferences.find((owner) => owner.controller && owner.kind === 'OAuthCredential')
  return (isPublished ? controller?.uid : undefined) ?? labels[targetLabels.credentialUid]
}

/** False when something is gone of what says that this Secret is the credential's own. */
export function isMarked({ metadata }: Marked, identity: TargetIdentity): boolean {
  if (identity.creationPolicy === 'Merge') return true
  const { labels, ownerReferences } = metadata
  const isLabelled =
    labels[targetLabels.managedBy] === fieldManager && labels[targetLabels.credentialUid] === identity.credentialUid
  return isLabelled && (!isOwner(identity) || ownerReferences.some(({ uid }) => uid === identity.credentialUid))
}

/** True when this Secret is, or under another policy was, this credential's own. */
export function isOwn(secret: Marked, { credentialUid }: Pick<TargetIdentity, 'credentialUid'>): boolean {
  return ownerUid(secret) === credentialUid
}

function claimWhole(secret: Secret, identity: TargetIdentity): TargetClaim {
  const uid = ownerUid(secret)
  if (uid === identity.credentialUid) return { kind: 'ours' }
  if (uid === undefined) return mayAdopt(secret) ? { kind: 'adoptable' } : foreign(apparentOwner(secret))
  const { annotations, ownerReferences } = secret.metadata
  const credential = annotations[targetAnnotations.credential] ?? ''
  if (credential !== keyText(identity.credential)) return ofCredential(credentialText(credential))
  if (mayAdopt(secret)) return { kind: 'adoptable' }
  const collected = ownerReferences.some((owner) => owner.kind === 'OAuthCredential' && owner.uid === uid)
  return collected ? { kind: 'leftover' } : foreign(`an earlier ${credentialText(credential)}, which had another uid`)
}

function claimKeys(secret: Secret, identity: TargetIdentity, keys: readonly string[]): TargetClaim {
  const own = ownManagers(secret, identity)
  const mine = new Set(own.flatMap((manager) => [...appliedKeys(secret, manager)]))
  const taken = keys.filter((key) => secret.data.has(key) && !mine.has(key))
  const ofSibling = taken.find((key) => isSiblings(secret, key, own))
  if (ofSibling !== undefined) return ofCredential(`another OAuthCredential, which publishes the key ${ofSibling}`)
  const [first] = taken
  if (first !== undefined && !mayAdopt(secret))
    return foreign(`${apparentOwner(secret)}, who put the key ${first} there`)
  return managersOf(secret).has(mergeManager(identity.credentialUid)) || isOwn(secret, identity)
    ? { kind: 'ours' }
    : { kind: 'adoptable' }
}

/** The field managers of this credential: under `Merge`, and under the other policies that it may have had. */
function ownManagers(secret: Secret, identity: TargetIdentity): readonly string[] {
  const merge = mergeManager(identity.credentialUid)
  return isOwn(secret, identity) ? [merge, fieldManager] : [merge]
}

function isSiblings(secret: Secret, key: string, own: readonly string[]): boolean {
  return [...managersOf(secret)].some(
    (manager) => manager.startsWith(fieldManager) && !own.includes(manager) && appliedKeys(secret, manager).has(key),
  )
}

function mayAdopt({ metadata }: Secret): boolean {
  return metadata.annotations[requestAnnotations.adopt] === 'true'
}

/** From what others wrote on the Secret, so only what has the form of a name is told on. */
function apparentOwner({ metadata }: Secret): string {
  const controller = metadata.ownerReferences.find((owner) => owner.controller) ?? metadata.ownerReferences[0]
  if (controller !== undefined && isName(controller.kind) && isName(controller.name)) {
    return `${controller.kind} ${controller.name}`
  }
  const manager = metadata.labels[targetLabels.managedBy]
  return manager !== undefined && isName(manager) ? manager : 'somebody else'
}

function credentialText(credential: string): string {
  return isName(credential) ? `OAuthCredential ${credential}` : 'another OAuthCredential'
}

function isName(text: string): boolean {
  return /^[\w.:/-]{1,253}$/.test(text)
}

function foreign(owner: string): TargetClaim {
  return { kind: 'foreign', owner }
}

function ofCredential(owner: string): TargetClaim {
  return { kind: 'foreign', owner, byCredential: true }
}
