import { keyText } from '../../domain/credential.ts'
import { fieldManager, groupVersion, targetAnnotations, targetLabels } from '../../domain/names.ts'
import { timeText } from '../../domain/time-text.ts'
import type { SecretType } from '../../domain/secret-type.ts'
import type { Publication, Published, TargetIdentity } from '../../ports/access-token-sink.ts'

/** What says on a target whose it is and what was published. */
export interface TargetMarks {
  /** Field manager of the publication. */
  readonly manager: string
  readonly annotations: {
    readonly credential: string
    readonly issuedAt: string
    readonly expiresAt: string
    readonly outputsDigest: string
    readonly mark: string
    readonly previousExpiresAt: string
  }
}

/**
 * Under `Merge` several credentials may publish into one Secret, so each has its own field manager and
 * annotations there: server-side apply removes what a manager leaves out, and one shared manager would
 * make every publication remove the others' keys.
 */
export function marksOf({ creationPolicy, credentialUid }: TargetIdentity): TargetMarks {
  const { credential, issuedAt, expiresAt, outputsDigest, mark, previousExpiresAt } = targetAnnotations
  if (creationPolicy !== 'Merge') return { manager: fieldManager, annotations: targetAnnotations }
  return {
    manager: mergeManager(credentialUid),
    annotations: {
      credential: `${credential}.${credentialUid}`,
      issuedAt: `${issuedAt}.${credentialUid}`,
      expiresAt: `${expiresAt}.${credentialUid}`,
      outputsDigest: `${outputsDigest}.${credentialUid}`,
      mark: `${mark}.${credentialUid}`,
      previousExpiresAt: `${previousExpiresAt}.${credentialUid}`,
    },
  }
}

export function mergeManager(credentialUid: string): string {
  return `${fieldManager}-${credentialUid}`
}

/** Which state of the target a write is for. The API server refuses it with a 409 in any other. */
export type Precondition =
  | { readonly kind: 'version'; readonly uid: string; readonly resourceVersion: string }
  /** There is no such Secret. */
  | { readonly kind: 'absent' }

/** For a write to what was found. */
export function preconditionOf(
  found: { readonly uid: string; readonly resourceVersion: string } | 'absent',
): Precondition {
  return found === 'absent'
    ? { kind: 'absent' }
    : { kind: 'version', uid: found.uid, resourceVersion: found.resourceVersion }
}

/**
 * No object ever has this resource version: it is the revision of an empty etcd. So an apply that
 * carries it conflicts with whatever exists, and creates what does not. A POST would do too, but would
 * file the fields under the operation `Update`, beside that of the later applies, and a key that is no
 * longer published would stay because its creator still owned it.
 */
const neverUsedVersion = '1'

/** The whole Secret as we want it, for server-side apply. */
export function applyBody(publication: Publication, precondition: Precondition, beside?: Published): object {
  const { identity, files, digest, issuedAt, expiresAt, mark } = publication
  const { annotations } = marksOf(identity)
  const merging = identity.creationPolicy === 'Merge'
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...applyMetadata(identity, precondition),
      annotations: {
        ...publication.annotations,
        [annotations.credential]: keyText(identity.credential),
        [annotations.issuedAt]: timeText(issuedAt),
        [annotations.expiresAt]: timeText(expiresAt),
        [annotations.outputsDigest]: digest,
        ...(mark !== undefined && { [annotations.mark]: mark }),
        ...(beside && { [annotations.previousExpiresAt]: timeText(beside.previousExpiresAt) }),
      },
      ...(merging ? {} : { labels: { ...publication.labels, ...ownLabels(identity) } }),
      ...(isOwner(identity) ? { ownerReferences: [ownerReference(identity)] } : {}),
    },
    ...(merging ? {} : { type: typeOf(identity) }),
    data: Object.fromEntries(
      [...files].map(([key, content]) => [key, Buffer.from(content.reveal(), 'utf8').toString('base64')]),
    ),
  }
}

/** The Secret without anything published in it, and still to vanish with its credential. `type`: of the Secret as it is. */
export function emptyBody(identity: TargetIdentity, precondition: Precondition, type: string): object {
  const labels = ownLabels(identity)
  const metadata = { ...applyMetadata(identity, precondition), labels, ownerReferences: [ownerReference(identity)] }
  return { apiVersion: 'v1', kind: 'Secret', metadata, type, ...blankData(type) }
}

/** What a Secret of the type has at the least: without it the API server takes none. */
function blankData(type: string): object {
  if (type === 'kubernetes.io/dockerconfigjson') return { data: { '.dockerconfigjson': 'e30=' } }
  return type === 'kubernetes.io/basic-auth' ? { data: { password: '' } } : {}
}

/** The type that the Secret of a target is to have. */
export function typeOf({ type = 'Opaque' }: TargetIdentity): SecretType {
  return type
}

/**
 * Applied by a manager, it gives up every field of the Secret that this manager has, as far as the Secret can be
 * without it; nobody else's change.
 */
export function releaseBody(identity: TargetIdentity, precondition: Precondition, type: string): object {
  const body = { apiVersion: 'v1', kind: 'Secret', metadata: applyMetadata(identity, precondition) }
  return type === 'Opaque' ? body : { ...body, type, ...blankData(type) }
}

function ownLabels({ credentialUid }: TargetIdentity): Readonly<Record<string, string>> {
  return { [targetLabels.managedBy]: fieldManager, [targetLabels.credentialUid]: credentialUid }
}

/** True when the Secret is to vanish with the credential. `Retain` wins over `Owner`: the reference would delete it. */
export function isOwner({ creationPolicy, deletionPolicy }: TargetIdentity): boolean {
  return creationPolicy === 'Owner' && deletionPolicy === 'Delete'
}

/**
 * Without `blockOwnerDeletion`: that would need the right to update the credential's finalizers, and
 * would let a foreground deletion of the credential wait for the Secret, which nobody gains from.
 * With `controller`, so that no other controller can claim the Secret as well.
 */
export function ownerReference({ credential, credentialUid }: TargetIdentity): object {
  return {
    apiVersion: groupVersion,
    kind: 'OAuthCredential',
    name: credential.name,
    uid: credentialUid,
    controller: true,
  }
}

export function applyMetadata({ name, credential }: TargetIdentity, precondition: Precondition): object {
  const version =
    precondition.kind === 'absent'
      ? { resourceVersion: neverUsedVersion }
      : { uid: precondition.uid, resourceVersion: precondition.resourceVersion }
  return { name, namespace: credential.namespace, ...version }
}
