import type { CredentialSpec } from '../domain/credential.ts'
import { publicationDigest } from '../domain/target-login.ts'

/** What identifies the publication that each spec wants. It is worked out once, and goes with its spec. */
export class PublicationDigests {
  readonly #known = new WeakMap<CredentialSpec, string>()

  /** The spec's {@link publicationDigest}. */
  of(spec: CredentialSpec): string {
    const known = this.#known.get(spec)
    if (known !== undefined) return known
    const digest = publicationDigest(spec)
    this.#known.set(spec, digest)
    return digest
  }
}
