import { type Credential, providerOf, sourceOf } from '../domain/credential.ts'
import type { InvalidCredential } from '../domain/resources.ts'
import { isNamespaced, referentKey } from './resource-identity.ts'
import { isAsTold } from './told-state.ts'

export type IndexedCredential =
  | { readonly type: 'credential'; readonly credential: Credential }
  | { readonly type: 'invalid-credential'; readonly credential: InvalidCredential }

/** What of a credential makes a reconcile worth while. Its status is our own echo. */
export function significance({ type, credential }: IndexedCredential): string {
  const { uid, generation, deleting, finalized } = credential
  const { refreshRequest, ownershipRequest, allowedOrigin } = type === 'credential' ? credential : {}
  return JSON.stringify([type, uid, generation, deleting, finalized, refreshRequest, ownershipRequest, allowedOrigin])
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
  if (significance(previous) === significance(next)) return previous
  return { type: 'credential', credential: { ...next.credential, key, spec, state } }
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
