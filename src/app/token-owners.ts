import { type Credential, type CredentialKey, isRefreshTokenAt, type RefreshTokenSource } from '../domain/credential.ts'
import type { RetainedTokens } from '../domain/refresh-record.ts'

type Owner = Pick<Credential, 'uid' | 'key'>

/** What one credential presents, and what it presented before that was replaced by it. */
interface Owned {
  readonly current: string
  /** Where that was read, or belongs. */
  readonly source: RefreshTokenSource
  /** The latest last. */
  readonly spent: readonly string[]
}

/** How many replaced tokens are remembered of each credential: a copy that is older is not recognised. */
const spentLimit = 16

/**
 * Which credential of this process presents which refresh token. The same token in two documents, or
 * in one document that two stores lead to, is found out before it is spent for the second time.
 */
export class TokenOwners {
  readonly #byFingerprint = new Map<string, Owner>()
  readonly #byUid = new Map<string, Owned>()

  /** Who else presents this refresh token, or has used it up. */
  ownerOf(fingerprint: string, uid: string): CredentialKey | undefined {
    const owner = this.#byFingerprint.get(fingerprint)
    return owner === undefined || owner.uid === uid ? undefined : owner.key
  }

  /** True once the credential has presented a token. */
  knows(uid: string): boolean {
    return this.#byUid.has(uid)
  }

  /** True while the credential has a token to present. One that it gave up, or has used up, is none. */
  presents(uid: string): boolean {
    const owned = this.#byUid.get(uid)
    if (owned === undefined || owned.spent.includes(owned.current)) return false
    return this.#byFingerprint.get(owned.current)?.uid === uid
  }

  /** The credential presents this token from now on. One that it gives up without having used it up is anybody's. */
  took(fingerprint: string, source: RefreshTokenSource, owner: Owner): void {
    const { current, spent = [] } = this.#byUid.get(owner.uid) ?? {}
    if (current !== undefined) this.#free([current], owner)
    this.#keep({ current: fingerprint, source, spent }, owner)
  }

  /** The credential does not present the token after all: another one may. */
  gaveUp(fingerprint: string, { uid }: Pick<Owner, 'uid'>): void {
    const owned = this.#byUid.get(uid)
    if (owned?.current !== fingerprint || owned.spent.includes(fingerprint)) return
    this.#free([fingerprint], { uid })
  }

  /** The credential is where its spec says. What it was to present next at another place is of whoever is there now. */
  placed({ uid, spec }: Pick<Credential, 'uid' | 'spec'>): void {
    const owned = this.#byUid.get(uid)
    if (owned !== undefined && !isRefreshTokenAt(spec, owned.source)) this.gaveUp(owned.current, { uid })
  }

  /** The token that the credential presented was replaced by this one. */
  replaced(presented: string, next: Pick<RetainedTokens, 'fingerprint' | 'source'>, owner: Owner): void {
    const { fingerprint, source } = next
    const { spent = [] } = this.#byUid.get(owner.uid) ?? {}
    this.took(fingerprint, source, owner)
    const used = [...spent.filter((one) => one !== presented), presented].filter((one) => one !== fingerprint)
    this.#free(used.slice(0, -spentLimit), owner)
    this.#keep({ current: fingerprint, source, spent: used.slice(-spentLimit) }, owner)
  }

  /** The token that the credential presented was replaced, at a place that it has left: by one that it does not present. */
  usedUp(presented: string, { uid, key }: Owner): void {
    const owned = this.#byUid.get(uid)
    if (owned === undefined) return
    const used = [...owned.spent.filter((one) => one !== presented), presented]
    this.#free(used.slice(0, -spentLimit), { uid })
    this.#byUid.set(uid, { ...owned, spent: used.slice(-spentLimit) })
    // What it was to present next may be another one's by now.
    this.#byFingerprint.set(presented, { uid, key })
  }

  /** Forgets every credential but these: what was deleted while this process did not act has told nobody. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#byUid.keys()) if (!uids.has(uid)) this.forget(uid)
  }

  forget(uid: string): void {
    const owned = this.#byUid.get(uid)
    if (owned === undefined) return
    this.#byUid.delete(uid)
    this.#free([owned.current, ...owned.spent], { uid })
  }

  #keep(owned: Owned, { uid, key }: Owner): void {
    this.#byUid.set(uid, owned)
    const owner = { uid, key }
    for (const fingerprint of owned.spent) this.#byFingerprint.set(fingerprint, owner)
    this.#byFingerprint.set(owned.current, owner)
  }

  #free(fingerprints: readonly string[], { uid }: Pick<Owner, 'uid'>): void {
    for (const fingerprint of fingerprints) {
      if (this.#byFingerprint.get(fingerprint)?.uid === uid) this.#byFingerprint.delete(fingerprint)
    }
  }
}
