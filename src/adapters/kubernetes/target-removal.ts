import { fieldManager } from '../../domain/names.ts'
import type { TargetIdentity } from '../../ports/access-token-sink.ts'
import { appliedKeys, managersOf } from './managed-fields.ts'
import type { Secret } from './schema.ts'
import { isOwn } from './target-claim.ts'
import { mergeManager } from './target-marks.ts'

/** What is to be removed of a Secret that a credential has published into. */
type SecretRemoval =
  /** None of it is the credential's, or that is to stay. */
  { readonly kind: 'nothing' } | NeededRemoval

export type NeededRemoval =
  /** It would vanish with the credential, and holds nothing of anybody else's. */
  | { readonly kind: 'secret' }
  /** What these field managers put there. */
  | { readonly kind: 'fields'; readonly managers: readonly string[] }

/**
 * The Secret itself says under which policy it was published: what has our owner reference goes with the
 * credential anyway, and what lost it, or never had one, was to stay.
 */
export function removalOf(secret: Secret, identity: TargetIdentity): SecretRemoval {
  if (secret.metadata.deletionTimestamp !== undefined) return { kind: 'nothing' }
  const isWhole = isOwn(secret, identity) && hasOurReference(secret, identity)
  const own = isWhole ? [mergeManager(identity.credentialUid), fieldManager] : [mergeManager(identity.credentialUid)]
  const present = managersOf(secret)
  const managers = own.filter((manager) => present.has(manager))
  if (isWhole && isAllOurs(secret, identity)) return { kind: 'secret' }
  return managers.length === 0 ? { kind: 'nothing' } : { kind: 'fields', managers }
}

export function hasOurReference({ metadata }: Secret, { credentialUid }: TargetIdentity): boolean {
  return metadata.ownerReferences.some(({ kind, uid }) => kind === 'OAuthCredential' && uid === credentialUid)
}

/** True when this credential put every key there, and nobody else claims the Secret. */
export function isAllOurs(secret: Secret, identity: TargetIdentity): boolean {
  const managers = [mergeManager(identity.credentialUid), ...(isOwn(secret, identity) ? [fieldManager] : [])]
  const ours = new Set(managers.flatMap((manager) => [...appliedKeys(secret, manager)]))
  const isOurReference = ({ uid }: { readonly uid: string }): boolean => uid === identity.credentialUid
  return secret.metadata.ownerReferences.every(isOurReference) && [...secret.data.keys()].every((key) => ours.has(key))
}
