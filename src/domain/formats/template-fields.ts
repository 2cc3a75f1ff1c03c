import type { AccessToken } from '../tokens.ts'
import { timeText } from '../time-text.ts'
import type { TemplateFields } from '../template/render-template.ts'

/** What a template may say of a token. Times in RFC 3339 and in whole seconds since 1970, both in UTC and rounded down. */
export function templateFields({
  value,
  tokenType,
  idToken,
  scopes,
  expiresAt,
  issuedAt,
}: AccessToken): TemplateFields {
  return {
    accessToken: value.reveal(),
    tokenType,
    scope: scopes.join(' '),
    expiresAt: timeText(expiresAt),
    expiresAtUnix: Math.floor(expiresAt),
    issuedAt: timeText(issuedAt),
    issuedAtUnix: Math.floor(issuedAt),
    ...(idToken && { idToken: idToken.reveal() }),
  }
}
