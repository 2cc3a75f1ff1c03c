import type { CredentialSpec } from './credential.ts'
import { targetDigest } from './formats.ts'
import { stableHash } from './stable-fraction.ts'

/**
 * Identifies what is to be in a target: the target's own configuration, and behind a dot the login
 * whose token it holds (provider, refresh token, scopes). One text, so that the status remembers both.
 */
export function publicationDigest({ target, provider, refreshToken, scopes }: CredentialSpec): string {
  const { store, key, property = '' } = refreshToken
  const login = [provider.kind, provider.name, store.kind, store.name, key, property, ...scopes].join('|')
  return `${targetDigest(target)}.${stableHash(login)}`
}

/** The login's part of a {@link publicationDigest}. */
export function loginOf(digest: string): string {
  return digest.slice(digest.indexOf('.') + 1)
}
