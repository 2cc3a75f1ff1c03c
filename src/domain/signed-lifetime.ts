import type { EpochSeconds } from './time.ts'
import { jwtTime } from './token-document-jwt.ts'

/**
 * Nobody who was told a time by the server needs this, so a day is enough: what a token says of itself binds
 * those who check it, and not the server, which may have forgotten it long before.
 */
const longestSeconds = 86_400

/**
 * How long, in seconds from `startedAt`, an access token lives that is a JWT and has `exp` (RFC 7519 §4.1.4): at
 * most a day, and no longer than from its `iat` on, so that clocks that differ do no harm. Undefined for any
 * other token, and for one that is over by this clock. Nothing is verified: it is only asked when to refresh.
 */
export function signedLifetime(accessToken: string, startedAt: EpochSeconds): number | undefined {
  const exp = jwtTime(accessToken, 'exp')
  if (exp === undefined || !(exp > startedAt)) return undefined
  const iat = jwtTime(accessToken, 'iat') ?? startedAt
  const ofItsOwn = exp > iat ? exp - iat : Infinity
  return Math.min(exp - startedAt, ofItsOwn, longestSeconds)
}
