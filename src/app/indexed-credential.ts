import { type Credential, isRefreshTokenAt, providerOf, sourceOf } from '../domain/credential.ts'
import type { InvalidCredential } from '../domain/resources.ts'
import type { RecordEntry } from '../ports/refresh-records.ts'
import { isNamespaced, referentKey } from './resource-identity.ts'
import { isAsTold } from './told-state.ts'

export type IndexedCredential =
  | { readonly type: 'credential'; readonly credential: Credential }
  | { readonly type: 'invalid-credential'; readonly credential: InvalidCredential }

/** What of a credential makes a reconcile worth while. Its status is our own echo. */
const significantOfAll = ['uid', 'generation', 'deleting', 'finalized'] as const
const significantOfUsable = ['refreshRequest', 'ownershipRequest', 'allowedOrigin'] as const

/** True when nothing is different that makes a reconcile worth while. */
export function isSignificantlySame(one: IndexedCredential, other: IndexedCredential): boolean {
  if (one.type !== other.type) return false
  if (significantOfAll.some((name) => one.credential[name] !== other.credential[name])) return false
  if (one.type !== 'credential' || other.type !== 'credential') return true
  return significantOfUsable.every((name) => one.credential[name] === other.credential[name])
}

/** True when both are one object with the same copy of its spec. */
export function isOfSpec({ type, credential }: IndexedCredential, other: IndexedCredential): boolean {
  if (type !== 'credential' || other.type !== 'credential') return false
  return credential.uid === other.credential.uid && credential.spec === other.credential.spec
}

/** Keeps one copy of what has not changed, also for those who hold on to the manifest as it was before. */
export function sharing(previous: IndexedCredential | undefined, next: IndexedCredential): IndexedCredential {
  if (previous?.type !== 'credential' || next.type !== 'credential') return next
  const { key, spec, state } = previous.credential
  const isSame = spec === next.credential.spec || JSON.stringify(spec) === JSON.stringify(next.credential.spec)
  if (!isSame) return next
  if (!isAsTold(state, next.credential.state)) {
    return { type: 'credential', credential: { ...next.credential, key, spec } }
  }
  if (isSignificantlySame(previous, next)) return previous
  return { type: 'credential', credential: { ...next.credential, key, spec, state } }
}

/** Whose refresh token is not used any more where it was: of a credential that was there and is gone, or is another one now. */
export function placeLeft(
  previous: IndexedCredential | undefined,
  next: IndexedCredential | undefined,
): RecordEntry | undefined {
  if (previous?.type !== 'credential' || previous.credential.spec.grant !== 'RefreshToken') return undefined
  const { uid, key, spec } = previous.credential
  const isSame = next?.type === 'credential' && next.credential.uid === uid && !next.credential.deleting
  if (isSame && isRefreshTokenAt(next.credential.spec, spec.refreshToken)) return undefined
  return { uid, credential: key, sources: [spec.refreshToken] }
}

/** What it refers to, by {@link referentKey}. */
export function dependencies(indexed: IndexedCredential): readonly string[] {
  if (indexed.type !== 'credential') return []
  const { key, spec } = indexed.credential
  const referents = [providerOf(spec), sourceOf(spec)?.store].filter((ref) => ref !== undefined)
  return [
    ...referents.map(({ kind, name }) => referentKey(kind, isNamespaced(kind) ? key.namespace : undefined, name)),
    referentKey('Namespace', undefined, key.namespace),
  ]
}
