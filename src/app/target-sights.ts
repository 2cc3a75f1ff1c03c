import type { Credential, CredentialKey } from '../domain/credential.ts'
import { targetKeys } from '../domain/previous-token.ts'
import type { TargetHandler, TargetSight } from '../ports/target-watch.ts'
import type { ResourceIndex } from './resource-index.ts'
import { placeText } from './target-places.ts'

/**
 * Says whose target is to be looked at, of what is seen of targets. What is as it was published is nobody's business,
 * so that no write of the operator leads to a look; who has published nothing yet comes to its target anyway.
 */
export class TargetSights implements TargetHandler {
  readonly #resources: Pick<ResourceIndex, 'credentials' | 'publishersInto'>
  readonly #look: (key: CredentialKey) => void

  constructor(resources: Pick<ResourceIndex, 'credentials' | 'publishersInto'>, look: (key: CredentialKey) => void) {
    this.#resources = resources
    this.#look = look
  }

  replaced(namespace: string | undefined, sights: readonly TargetSight[]): void {
    const seen = new Map(sights.map((sight) => [placeText(sight.namespace, sight.name), sight]))
    for (const { type, credential } of this.#resources.credentials()) {
      if (type !== 'credential' || (namespace !== undefined && credential.key.namespace !== namespace)) continue
      const { key, spec, state } = credential
      if (state.targetName !== spec.target.name) continue
      const sight = seen.get(placeText(key.namespace, spec.target.name))
      if (isSeen(credential) && (sight === undefined || isDamaged(sight, credential))) this.#look(key)
    }
  }

  upserted(sight: TargetSight): void {
    const publishers = this.#resources.publishersInto(sight.namespace, sight.name).filter(isSeen)
    const owner = publishers.find(({ uid }) => uid === sight.credentialUid)
    if (owner === undefined) for (const { key } of publishers) this.#look(key)
    else if (isDamaged(sight, owner)) this.#look(owner.key)
  }

  deleted(namespace: string, name: string): void {
    for (const { key } of this.#resources.publishersInto(namespace, name).filter(isSeen)) this.#look(key)
  }
}

/** Merged keys are in Secrets of others, which are not watched. */
function isSeen({ spec, deleting }: Credential): boolean {
  return spec.target.creationPolicy !== 'Merge' && !spec.suspend && !deleting
}

function isDamaged({ credentialUid, keys, hasOwnerReference }: TargetSight, { uid, spec }: Credential): boolean {
  const { creationPolicy, deletionPolicy } = spec.target
  const isOwner = creationPolicy === 'Owner' && deletionPolicy === 'Delete'
  if (credentialUid !== uid || (isOwner && !hasOwnerReference)) return true
  return targetKeys(spec.target).some((key) => !keys.includes(key))
}
