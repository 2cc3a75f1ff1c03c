import type { Credential, CredentialKey } from '../domain/credential.ts'

/**
 * Which credential of this process presents which refresh token. The same token in two documents, or
 * in one document that two stores lead to, is found out before it is spent for the second time.
 */
export class TokenOwners {
  readonly #byFingerprint = new Map<string, Pick<Credential, 'uid' | 'key'>>()
  readonly #byUid = new Map<string, string>()

  /** Who else presents this refresh token. */
  ownerOf(fingerprint: string, uid: string): CredentialKey | undefined {
    const owner = this.#byFingerprint.get(fingerprint)
    return owner === undefined || owner.uid === uid ? undefined : owner.key
  }

  /** True once the credential has presented a token. */
  knows(uid: string): boolean {
    return this.#byUid.has(uid)
  }

  /** The credential presents this token from now on, and no earlier one any more. */
  took(fingerprint: string, { uid, key }: Pick<Credential, 'uid' | 'key'>): void {
    this.forget(uid)
    this.#byFingerprint.set(fingerprint, { uid, key })
    this.#byUid.set(uid, fingerprint)
  }

  forget(uid: string): void {
    const fingerprint = this.#byUid.get(uid)
    if (fingerprint === undefined) return
    this.#byUid.delete(uid)
    this.#byFingerprint.delete(fingerprint)
  }
}
