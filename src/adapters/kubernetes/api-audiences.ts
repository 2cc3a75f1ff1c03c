import type { Sensitive } from '../../domain/sensitive.ts'

/**
 * True when a token with this audience is, or may be, a login at the API server.
 *
 * The operator's own mounted token was made for the API server, so its `aud` names the API server's
 * audiences. Without such a token the usual name of the API server is all that is known.
 */
export function isApiAudience(audience: string, ownToken: Sensitive | undefined): boolean {
  if (/^https:\/\/kubernetes\.default\.svc(\.|:|\/|$)/.test(audience)) return true
  return ownToken !== undefined && audiencesOf(ownToken).includes(audience)
}

/** `aud` of a JSON Web Token, unverified; empty when the text is none. @see RFC 7519 §4.1.3 */
function audiencesOf(token: Sensitive): readonly unknown[] {
  const payload = token.reveal().split('.')[1] ?? ''
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    const aud = typeof claims === 'object' && claims !== null && 'aud' in claims ? claims.aud : undefined
    return Array.isArray(aud) ? (aud as unknown[]) : [aud]
  } catch {
    return []
  }
}
