import { hash } from 'node:crypto'
import type { Sensitive } from '../../domain/sensitive.ts'

/** Keeps the digest apart from every other SHA-256 of the same token, such as one in another product's log. */
const prefix = 'oauth-operator.dev/refresh-token/v1\n'

/**
 * Identifies a refresh token without telling it: 32 hexadecimal digits of SHA-256, the same for the same
 * token everywhere and in every version. A refresh token has far too many possible values to be guessed
 * from it (RFC 6749 §10.10).
 */
export function tokenFingerprint(refreshToken: Sensitive): string {
  return hash('sha256', `${prefix}${refreshToken.reveal()}`, 'buffer').toString('hex', 0, 16)
}
