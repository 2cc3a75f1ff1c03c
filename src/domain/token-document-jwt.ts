import { parseJsonText } from './json-text.ts'
import type { Sensitive } from './sensitive.ts'
import { type EpochSeconds, epochSeconds } from './time.ts'

/** Header, payload and signature. What is longer than any token is not looked at. */
const compactForm = /^[\w-]{1,16384}\.([\w-]{1,65536})\.[\w-]{0,16384}$/

/**
 * When a JWT says that it ends: the claim `exp`. Nothing is verified, so this is good for a warning and for no
 * decision about trust. Undefined for every other token.
 *
 * @see RFC 7519 §4.1.4
 */
export function jwtExpiry(token: Sensitive): EpochSeconds | undefined {
  const seconds = jwtTime(token.reveal(), 'exp') ?? Number.NaN
  return seconds > 0 && seconds < Number.MAX_SAFE_INTEGER ? epochSeconds(seconds) : undefined
}

/** A time in a JWT, as it says it; undefined for every other token. */
export function jwtTime(token: string, claim: 'exp' | 'iat'): number | undefined {
  const [, payload] = compactForm.exec(token) ?? []
  const claims = payload === undefined ? undefined : parseJsonText(decoded(payload))
  if (claims?.kind !== 'object') return undefined
  const value = claims.members.find(({ name }) => name === claim)?.value
  return value?.kind === 'number' ? Number(value.text) : undefined
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Base64url (RFC 4648 §5) as one character for each byte: names and numbers of claims are ASCII. */
function decoded(text: string): string {
  let bits = 0
  let held = 0
  let bytes = ''
  for (const character of text) {
    held = ((held << 6) | alphabet.indexOf(character)) & 0xfff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes += String.fromCharCode((held >> bits) & 0xff)
  }
  return bytes
}
