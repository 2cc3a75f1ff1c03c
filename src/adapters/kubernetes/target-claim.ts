import { keyText } from '../../domain/credential.ts'
import { fieldManager, requestAnnotations, targetAnnotations, targetLabels } from '../../domain/names.ts'
import type { TargetIdentity } from '../../ports/access-token-sink.ts'
import type { Secret } from './schema.ts'
import { mergeManager } from './target-marks.ts'
import { appliedKeys, managersOf } from './managed-fields.ts'

/** Whether a credential may write an existing Secret. */
export type TargetClaim =
  | { readonly kind: 'ours' }
  | { readonly kind: 'adoptable' }
  | { readonly kind: 'foreign'; readonly owner: string }
  /** Of an earlier credential of the same name, and about to be deleted by the garbage collector. */
  | { readonly kind: 'leftover' }

/**
 * Whose Secret this is. Nothing is taken from another credential, not even with the adopt annotation:
 * two would take it from each other for ever.
 */
export function claimTarget(secret: Secret, identity: TargetIdentity, keys: readonly string[]): TargetClaim {
  const { labels } = secret.metadata
  const isTarget = labels[targetLabels.credentialUid] !== undefined
  if (isManaged(secret) && !isTarget) return foreign('the operator itself')
  return identity.creationPolicy === 'Merge' ? claimKeys(secret, identity, keys) : claimWhole(secret, identity)
}

/** True when our label says that the operator writes this Secret. */
function isManaged({ metadata }: Secret): boolean {
  return metadata.labels[targetLabels.managedBy] === fieldManager
}

/** True when this Secret is, or under another policy was, this credential's own. */
export function isOwn(secret: Secret, { credentialUid }: TargetIdentity): boolean {
  return isManaged(secret) && secret.metadata.labels[targetLabels.credentialUid] === credentialUid
}

function claimWhole(secret: Secret, identity: TargetIdentity): TargetClaim {
  if (isOwn(secret, identity)) return { kind: 'ours' }
  if (!isManaged(secret)) return mayAdopt(secret) ? { kind: 'adoptable' } : foreign(apparentOwner(secret))
  const { annotations, labels, ownerReferences } = secret.metadata
  const credential = annotations[targetAnnotations.credential] ?? ''
  if (credential !== keyText(identity.credential)) return foreign(credentialText(credential))
  if (mayAdopt(secret)) return { kind: 'adoptable' }
  const uid = labels[targetLabels.credentialUid]
  const collected = ownerReferences.some((owner) => owner.kind === 'OAuthCredential' && owner.uid === uid)
  return collected ? { kind: 'leftover' } : foreign(`an earlier ${credentialText(credential)}, which had another uid`)
}

function claimKeys(secret: Secret, identity: TargetIdentity, keys: readonly string[]): TargetClaim {
  const own = ownManagers(secret, identity)
  const mine = new Set(own.flatMap((manager) => [...appliedKeys(secret, manager)]))
  const taken = keys.filter((key) => secret.data.has(key) && !mine.has(key))
  const ofSibling = taken.find((key) => isSiblings(secret, key, own))
  if (ofSibling !== undefined) return foreign(`another OAuthCredential, which publishes the key ${ofSibling}`)
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
