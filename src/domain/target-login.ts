import type { CredentialSpec, ProviderRef, StaticTokenSource, TokenSource } from './credential.ts'
import { targetDigest } from './formats.ts'
import { stableHash } from './stable-fraction.ts'

/**
 * Identifies what is to be in a target: the target's own configuration, and behind a dot the login
 * whose token it holds (grant, provider, place in a store, scopes). One text, so that the status remembers both.
 */
export function publicationDigest(spec: CredentialSpec): string {
  return `${targetDigest(spec.target)}.${loginDigest(spec)}`
}

/** Identifies the login alone, as {@link loginOf} takes it out of a {@link publicationDigest}. */
export function loginDigest(spec: CredentialSpec): string {
  return stableHash(loginParts(spec).join('|'))
}

function loginParts(spec: CredentialSpec): readonly string[] {
  switch (spec.grant) {
    // Without the name of the grant, which statuses of the first version do not know.
    case 'RefreshToken':
      return [...providerParts(spec.provider), ...sourceParts(spec.refreshToken), ...spec.scopes]
    case 'ClientCredentials':
      return [spec.grant, ...providerParts(spec.provider), ...spec.scopes]
    case 'StaticToken':
      return [spec.grant, ...sourceParts(spec.accessToken), ...endPart(spec.accessToken)]
  }
}

/** Absent as it was before there was one, so that nothing is published again for it. */
function endPart({ expiresAt }: StaticTokenSource): readonly string[] {
  return expiresAt === undefined ? [] : [String(expiresAt)]
}

function providerParts({ kind, name }: ProviderRef): readonly string[] {
  return [kind, name]
}

function sourceParts({ store, key, property = '' }: TokenSource): readonly string[] {
  return [store.kind, store.name, key, property]
}

/** The login's part of a {@link publicationDigest}. */
export function loginOf(digest: string): string {
  return digest.slice(digest.indexOf('.') + 1)
}
