import {
  type Credential,
  type CredentialKey,
  keyText,
  providerOf,
  refreshTokenSpec,
  type StoreRef,
} from '../domain/credential.ts'
import type { Referent } from '../domain/observed.ts'
import type { Provider } from '../domain/provider.ts'
import type { Resource, ResourceKind } from '../domain/resources.ts'
import type { TokenStore } from '../domain/token-store.ts'
import type { CredentialState } from '../domain/credential-state.ts'
import type { RecordEntry } from '../ports/refresh-records.ts'
import type { ResourceHandler } from '../ports/resource-source.ts'
import {
  dependencies,
  type IndexedCredential,
  isOfSpec,
  isSignificantlySame,
  placeLeft,
  sharing,
} from './indexed-credential.ts'
import { heirsOf, InheritedProviders } from './inherited-providers.ts'
import { PublicationDigests } from './publication-digests.ts'
import { isNamespaced, keysOf, type Referred, referentKey, resourceKey } from './resource-identity.ts'
import { SetsByKey } from './sets-by-key.ts'
import { comesFirst, isAhead, TargetPlaces } from './target-places.ts'
import { isSame, type TokenPlace, tokenPlace, TokenPlaces } from './token-places.ts'

/**
 * The manifests as last seen, and who depends on whom. A change of a provider, a store or a
 * namespace's labels names every credential that uses it; an echo of our own status write names none.
 * Of credentials with the same refresh token, a change of who is first names those that are behind.
 */
export class ResourceIndex implements ResourceHandler {
  readonly publicationDigests = new PublicationDigests()
  readonly #credentials = new Map<string, IndexedCredential>()
  readonly #referred = new Map<string, Referred>()
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>()
  readonly #dependents = new SetsByKey()
  readonly #uids = new Map<string, IndexedCredential>()
  readonly #places = new TokenPlaces()
  readonly #targets = new TargetPlaces()
  readonly #providers = new InheritedProviders()
  readonly #changed: (key: CredentialKey) => void
  readonly #left: (entry: RecordEntry | undefined) => void

  /** `left`: told of a credential that may not use the refresh token any more that its spec has named. */
  constructor(changed: (key: CredentialKey) => void, left: (entry: RecordEntry | undefined) => void = () => {}) {
    this.#changed = changed
    this.#left = left
  }

  credential(key: CredentialKey): IndexedCredential | undefined {
    return this.#credentials.get(keyText(key))
  }

  /** Manifest files may say one uid twice; then it is the one that was seen last. */
  credentialByUid(uid: string): IndexedCredential | undefined {
    return this.#uids.get(uid)
  }

  /**
   * The other credential that has the same refresh token and came first: the older one, and of one age
   * the one whose namespace and name sort first. Undefined for the first one itself, and when no other
   * has this token. An unusable spec, one that is being deleted and one of another grant do not count.
   *
   * The same token is the same key and property at the same place of a backend, through whatever
   * stores; without a usable store it is those of the same reference.
   */
  firstAt(credential: Credential): Credential | undefined {
    if (credential.spec.grant !== 'RefreshToken') return undefined
    const first = this.#places.first(this.#placeOf(credential).token)
    return isSame(first, credential) ? undefined : first
  }

  /** All other credentials that have the same refresh token, whichever came first. */
  othersAt(credential: Credential): readonly Credential[] {
    if (credential.spec.grant !== 'RefreshToken') return []
    return this.#places.all(this.#placeOf(credential).token).filter((other) => !isSame(other, credential))
  }

  /** Where its refresh token is, as far as the manifests tell: the same text for the same place. */
  placeOf(credential: Credential): string | undefined {
    return credential.spec.grant === 'RefreshToken' ? this.#placeOf(credential).token : undefined
  }

  /** True when a credential that is not on the way out names the refresh token at this place. */
  isNamed(place: string): boolean {
    return this.#places.first(place) !== undefined
  }

  /** How many refresh tokens of this installation are in the store document of this one: they share what the store bears. */
  tokensBeside(credential: Credential): number {
    if (credential.spec.grant !== 'RefreshToken') return 1
    return Math.max(1, this.#places.tokensIn(this.#placeOf(credential).document))
  }

  /** The credential that came first of those that want the target of this one whole; undefined for the first one itself. */
  firstInto(credential: Credential): Credential | undefined {
    const { key, spec } = credential
    // As nearly everywhere.
    if (this.#targets.isAlone(credential)) return undefined
    const before = this.publishersInto(key.namespace, spec.target.name).filter((one) => comesFirst(one, credential))
    return before.find((one) => before.every((other) => one === other || comesFirst(one, other)))
  }

  /** All credentials that have the target of this name. */
  publishersInto(namespace: string, target: string): readonly Credential[] {
    const found = this.#targets.names(namespace, target).map((name) => this.credential({ namespace, name }))
    return found.flatMap((indexed) => (indexed?.type === 'credential' ? [indexed.credential] : []))
  }

  credentials(): Iterable<IndexedCredential> {
    return this.#credentials.values()
  }

  provider({ spec, key }: Credential): Referent<Provider> {
    const ref = providerOf(spec)
    if (ref === undefined) return { kind: 'none' }
    const { kind, name } = ref
    const found = this.#referred.get(referentKey(kind, isNamespaced(kind) ? key.namespace : undefined, name))
    return this.#providers.usable(found, this.#referred)
  }

  /** All providers that can be used. */
  *providers(): Iterable<Provider> {
    for (const manifest of this.#referred.values()) {
      const found = this.#providers.usable(manifest, this.#referred)
      if (found.kind === 'found') yield found.value
    }
  }

  /** `namespace` is that of the object that refers to it. */
  storeOf({ kind, name }: StoreRef, namespace: string): Referent<TokenStore> {
    const found = this.#referred.get(referentKey(kind, kind === 'TokenStore' ? namespace : undefined, name))
    if (found?.type === 'store') return { kind: 'found', value: found.store }
    return found?.type === 'invalid-store' ? { kind: 'invalid', referent: found.referent } : { kind: 'missing' }
  }

  namespaceLabels(namespace: string): Readonly<Record<string, string>> | undefined {
    return this.#namespaces.get(namespace)
  }

  /**
   * The status of this credential says `state` by now. Returns the manifest as it is kept with it, for whoever
   * remembers both: of ten thousand credentials a second copy is megabytes. Undefined when it has changed.
   */
  reported(credential: Credential, state: CredentialState): Credential | undefined {
    const text = keyText(credential.key)
    const previous = this.#credentials.get(text)
    const next = { type: 'credential', credential: { ...credential, state } } as const
    if (previous?.type !== 'credential' || previous.credential.spec !== credential.spec) return undefined
    if (!isSignificantlySame(previous, next)) return undefined
    this.#keep(text, next)
    return next.credential
  }

  replaced(kind: ResourceKind, resources: readonly Resource[]): void {
    const present = new Set(resources.map(resourceKey))
    const [credentials, namespaces] = [this.#credentials.values(), this.#namespaces.keys()]
    for (const known of keysOf(kind, { credentials, namespaces, referred: this.#referred })) {
      if (!present.has(known.text)) this.deleted(kind, known.namespace, known.name)
    }
    for (const resource of resources) this.upserted(kind, resource)
  }

  upserted(_kind: ResourceKind, resource: Resource): void {
    switch (resource.type) {
      case 'credential':
      case 'invalid-credential':
        return this.#upsertCredential(resource)
      case 'namespace':
        return this.#upsertNamespace(resource.name, resource.labels)
      default: {
        const key = resourceKey(resource)
        this.#referred.set(key, resource)
        this.#referredChanged(key)
      }
    }
  }

  deleted(kind: ResourceKind, namespace: string | undefined, name: string): void {
    if (kind === 'OAuthCredential') return this.#deleteCredential({ namespace: namespace ?? '', name })
    if (kind === 'Namespace') return void this.#namespaces.delete(name)
    const key = referentKey(kind, namespace, name)
    if (this.#referred.delete(key)) this.#referredChanged(key)
  }

  #upsertCredential(next: IndexedCredential): void {
    const { key } = next.credential
    const text = keyText(key)
    const previous = this.#credentials.get(text)
    const kept = sharing(previous, next)
    this.#left(placeLeft(previous, next))
    const behind = this.#keep(text, kept)
    if (previous === undefined || !isSignificantlySame(previous, next)) this.#changed(key)
    this.#tell([...behind, ...this.#rivals(previous, kept)])
  }

  #keep(text: string, next: IndexedCredential): readonly Credential[] {
    const previous = this.#credentials.get(text)
    this.#credentials.set(text, next)
    // A new status, which is the usual change, refers to nothing.
    if (previous !== undefined && isOfSpec(previous, next)) this.#uids.set(next.credential.uid, next)
    else {
      this.#unlink(text, previous)
      this.#link(text, next)
    }
    return this.#place(next, (credential) => this.#placeOf(credential))
  }

  #deleteCredential(key: CredentialKey): void {
    const text = keyText(key)
    const previous = this.#credentials.get(text)
    if (previous === undefined) return
    this.#left(placeLeft(previous, undefined))
    this.#unlink(text, previous)
    this.#credentials.delete(text)
    const behind = this.#places.remove(key)
    this.#changed(key)
    this.#tell([...behind, ...this.#rivals(previous, undefined)])
  }

  /** The others before whom a credential came at their target, or comes now, and not both. */
  #rivals(previous: IndexedCredential | undefined, next: IndexedCredential | undefined): readonly Credential[] {
    const [before, now] = [previous, next].map((one) => (one?.type === 'credential' ? one.credential : undefined))
    // As after nearly every change, which is one of the status.
    if (before?.spec === now?.spec && before?.deleting === now?.deleting && before?.createdAt === now?.createdAt) {
      return []
    }
    return [before, now].flatMap((one) => {
      if (one === undefined) return []
      const others = this.publishersInto(one.key.namespace, one.spec.target.name)
      return others.filter((other) => other.key.name !== one.key.name && isAhead(before, other) !== isAhead(now, other))
    })
  }

  #place(indexed: IndexedCredential, placeOf: (credential: Credential) => TokenPlace): readonly Credential[] {
    if (indexed.type !== 'credential' || indexed.credential.spec.grant !== 'RefreshToken') {
      return this.#places.remove(indexed.credential.key)
    }
    return this.#places.put(indexed.credential, placeOf(indexed.credential))
  }

  /** Who was put at its place is there still: a store that changes moves its users at once. */
  #placeOf(credential: Credential): TokenPlace {
    return this.#places.placeOf(credential) ?? this.#workedOutPlace(credential)
  }

  #workedOutPlace(credential: Credential): TokenPlace {
    const { refreshToken } = refreshTokenSpec(credential)
    return tokenPlace(credential.key, refreshToken, this.storeOf(refreshToken.store, credential.key.namespace))
  }

  #upsertNamespace(name: string, labels: Readonly<Record<string, string>>): void {
    const previous = this.#namespaces.get(name)
    this.#namespaces.set(name, labels)
    if (previous !== undefined && JSON.stringify(previous) === JSON.stringify(labels)) return
    this.#tellDependents(referentKey('Namespace', undefined, name))
  }

  #link(text: string, indexed: IndexedCredential): void {
    this.#uids.set(indexed.credential.uid, indexed)
    if (indexed.type === 'credential') this.#targets.add(indexed.credential)
    for (const key of dependencies(indexed)) this.#dependents.add(key, text)
  }

  #unlink(text: string, indexed: IndexedCredential | undefined): void {
    if (indexed === undefined) return
    if (this.#uids.get(indexed.credential.uid) === indexed) this.#uids.delete(indexed.credential.uid)
    if (indexed.type === 'credential') this.#targets.remove(indexed.credential)
    for (const key of dependencies(indexed)) this.#dependents.remove(key, text)
  }

  /** A store that is another one now has moved the refresh tokens of its users; a preset has changed all that name it. */
  #referredChanged(key: string): void {
    const behind = this.#dependentsOf(key).flatMap((user) =>
      this.#place(user, (credential) => this.#workedOutPlace(credential)),
    )
    for (const changed of [key, ...heirsOf(key, this.#referred)]) this.#tellDependents(changed)
    this.#tell(behind)
  }

  #tellDependents(key: string): void {
    this.#tell(this.#dependentsOf(key).map(({ credential }) => credential))
  }

  #dependentsOf(key: string): readonly IndexedCredential[] {
    return [...this.#dependents.of(key)].flatMap((text) => this.#credentials.get(text) ?? [])
  }

  #tell(credentials: readonly Pick<Credential, 'key'>[]): void {
    for (const { key } of credentials) this.#changed(key)
  }
}
