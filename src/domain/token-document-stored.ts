import type { Sensitive } from './sensitive.ts'
import { findRefreshToken, type FoundRefreshToken } from './token-document.ts'
import { findClaim } from './token-document-claim.ts'
import type { StoredRefreshToken } from './tokens.ts'

/** A refresh token and the claim on it, as stores whose documents have room for claims read them. Never throws. */
export function readStoredToken(
  document: Sensitive,
  version: string,
  property: string | undefined,
): { readonly ok: true; readonly stored: StoredRefreshToken } | Extract<FoundRefreshToken, { ok: false }> {
  const found = findRefreshToken(document, property)
  if (!found.ok) return found
  const claim = findClaim(document, property)
  if (!claim.ok) return { ok: false, problem: 'malformed', detail: claim.detail }
  const stored = { refreshToken: found.refreshToken, version, document }
  return { ok: true, stored: claim.claim === undefined ? stored : { ...stored, claim: claim.claim } }
}
