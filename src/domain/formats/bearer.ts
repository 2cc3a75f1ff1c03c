import type { AccessToken } from '../tokens.ts'

/** RFC 6749 appendix A.12: an access token is one or more of %x20-7E. */
const printableAscii = /^[\x20-\x7e]+$/

/** Token types whose token is worthless in an `Authorization: Bearer` header. Others, such as Slack's `bot`, are bearer tokens by another name. */
const boundTypes: readonly string[] = ['dpop', 'mac', 'pop', 'n_a']

/**
 * Why no file can hand over this token; undefined when every format can. Whatever the file, its
 * reader sends the token in an HTTP header, and that carries neither control characters nor
 * non-ASCII, and drops blanks at the ends.
 */
export function unsendable(token: string): string | undefined {
  if (token === '') return 'the access token is empty'
  if (!printableAscii.test(token)) return 'the access token has characters that no HTTP header carries'
  if (token.startsWith(' ') || token.endsWith(' ')) return 'the access token begins or ends with a blank'
  return undefined
}

/** Why the token cannot be sent as a bearer token; undefined when it can. For formats whose reader sends nothing else. */
export function notBearer({ tokenType }: Pick<AccessToken, 'tokenType'>): string | undefined {
  return boundTypes.includes(tokenType.toLowerCase())
    ? 'the access token is of a type that is not sent as a bearer token'
    : undefined
}
