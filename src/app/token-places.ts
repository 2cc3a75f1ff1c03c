import { type Credential, type CredentialKey, keyText, type TokenSource } from '../domain/credential.ts'
import type { Referent } from '../domain/observed.ts'
import type { StoreBackend, TokenStore } from '../domain/token-store.ts'

/**
 * Which credentials name the same refresh token. Of those at one place the oldest is first; being
 * deleted, it is first no longer. Credentials of one age are ordered by namespace and name.
 */
export class TokenPlaces {
  readonly #members = new Map<string, Credential[]>()
  readonly #places = new Map<string, TokenPlace>()
  /** How many places are in each document that somebody names. */
  readonly #documents = new Map<string, number>()

  /** How many refresh tokens are named in a document. */
  tokensIn(document: string): number {
    return this.#documents.get(document) ?? 0
  }

  /** Where a credential was put, unless it has another spec since. */
  placeOf({ key, spec }: Credential): TokenPlace | undefined {
    const place = this.#places.get(keyText(key))
    const members = place && this.#members.get(place.token)
    return members?.find((member) => isSameKey(member.key, key))?.spec === spec ? place : undefined
  }

  /** Who is first at a place, if anybody is there. */
  first(place: string): Credential | undefined {
    let first: Credential | undefined
    for (const member of this.#members.get(place) ?? []) {
      if (!member.deleting && (first === undefined || isBefore(member, first))) first = member
    }
    return first
  }

  /** Everybody at a place who is not on the way out. */
  all(place: string): readonly Credential[] {
    return (this.#members.get(place) ?? []).filter(({ deleting }) => !deleting)
  }

  /** Puts a credential at a place, wherever it was. Returns the others for whom somebody else is first now. */
  put(credential: Credential, place: TokenPlace): readonly Credential[] {
    const text = keyText(credential.key)
    const members = this.#members.get(place.token)
    // Who is alone where it is has nobody behind it.
    if (members?.length === 1 && this.#places.get(text)?.token === place.token) {
      members[0] = credential
      return []
    }
    return this.#change([this.#places.get(text)?.token, place.token], credential.key, () => {
      this.#leave(text, credential.key)
      this.#enter(text, credential, place)
    })
  }

  /** Takes a credential away. Returns the others for whom somebody else is first now. */
  remove(key: CredentialKey): readonly Credential[] {
    const text = keyText(key)
    return this.#change([this.#places.get(text)?.token], key, () => {
      this.#leave(text, key)
      this.#places.delete(text)
    })
  }

  #change(places: readonly (string | undefined)[], key: CredentialKey, change: () => void): readonly Credential[] {
    const touched = [...new Set(places)].filter((place) => place !== undefined)
    const before = touched.map((place) => this.first(place))
    change()
    return touched
      .filter((place, index) => !isSame(before[index], this.first(place)))
      .flatMap((place) => this.#members.get(place) ?? [])
      .filter((member) => !isSameKey(member.key, key))
  }

  #enter(text: string, credential: Credential, place: TokenPlace): void {
    const { token, document } = place
    const members = this.#members.get(token)
    this.#places.set(text, place)
    if (members !== undefined) {
      members.push(credential)
      return
    }
    this.#members.set(token, [credential])
    this.#documents.set(document, this.tokensIn(document) + 1)
  }

  #leave(text: string, key: CredentialKey): void {
    const place = this.#places.get(text)
    const members = this.#members.get(place?.token ?? '') ?? []
    const index = members.findIndex((member) => isSameKey(member.key, key))
    if (place === undefined || index < 0) return
    if (members.length > 1) members.splice(index, 1)
    else this.#vacate(place)
  }

  #vacate({ token, document }: TokenPlace): void {
    this.#members.delete(token)
    const left = this.tokensIn(document) - 1
    if (left > 0) this.#documents.set(document, left)
    else this.#documents.delete(document)
  }
}

/** True when both are the same object, and not namesakes of which one came after the other. */
export function isSame(one: Credential | undefined, other: Credential | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.uid === other.uid && isSameKey(one.key, other.key)
}

function isSameKey(one: CredentialKey, other: CredentialKey): boolean {
  return one.name === other.name && one.namespace === other.namespace
}

function isBefore(one: Credential, other: Credential): boolean {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt
  if (one.key.namespace !== other.key.namespace) return one.key.namespace < other.key.namespace
  return one.key.name < other.key.name
}

/** Where a refresh token is: equal texts for the same token, or the same document, as far as the manifests tell. */
export interface TokenPlace {
  readonly token: string
  readonly document: string
}

export function tokenPlace(own: CredentialKey, source: TokenSource, store: Referent<TokenStore>): TokenPlace {
  const { store: ref, key, property } = source
  const where =
    store.kind === 'found'
      ? backendPlace(store.value.backend, own.namespace)
      : ['reference', ref.kind, ref.kind === 'TokenStore' ? own.namespace : '', ref.name]
  const document = JSON.stringify([...where, key])
  return { document, token: `${document}${property === undefined ? 'null' : JSON.stringify(property)}` }
}

function backendPlace(backend: StoreBackend, namespace: string): readonly string[] {
  switch (backend.type) {
    case 'vault':
      return [backend.type, withoutSlash(backend.address), backend.namespace ?? '', backend.mount]
    case 'awsSecretsManager':
      return [backend.type, backend.region ?? '', withoutSlash(backend.endpoint ?? '')]
    case 'kubernetes':
      return [backend.type, namespace]
    case 'file':
      return [backend.type, withoutSlash(backend.directory)]
  }
}

function withoutSlash(text: string): string {
  return text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text
}
