import type { JsonNode } from './json-text.ts'
import { jwtExpiry } from './token-document-jwt.ts'
import { Sensitive, sameSecret } from './sensitive.ts'
import { durationOf, momentOf } from './time-form.ts'
import { earliest, endOfTime, type EpochSeconds, later, seconds } from './time.ts'
import { findRefreshToken } from './token-document.ts'
import {
  accessTokenNames,
  locateToken,
  type ObjectPlace,
  plainName,
  refreshTokenNames,
  type TokenPlace,
} from './token-document-location.ts'
import type { AccessToken } from './tokens.ts'

/** An access token in a document, or why there is none that may be published. */
export type FoundAccessToken =
  | { readonly ok: true; readonly accessToken: Omit<AccessToken, 'issuedAt'> }
  | {
      readonly ok: false
      readonly problem: 'missing' | 'malformed'
      /** The end of a sentence that begins with the document's name; no full stop, never a token. */
      readonly detail: string
    }

/**
 * Finds an access token, and what the document says of it.
 *
 * `property` is a JSON pointer as for {@link findRefreshToken}. Without it the document is the bare token, or has it
 * as `access_token` (`accessToken`, ...), `access` beside `refresh`, or `token`, in up to two other objects.
 *
 * It ends when the fields beside it say (`expires_at`, `expiresAt`, `expires`, `expiry`, `expiry_date`; else
 * `expires_in` from `created_at`, `issued_at` or `obtained_at`), or the claim `exp` of a JWT, whichever is first; without
 * either its expiry is {@link endOfTime}. A refresh token is never taken for one, wherever the property points.
 */
export function findAccessToken(document: Sensitive, property?: string): FoundAccessToken {
  const place = locateToken(document.reveal(), property, accessTokenNames)
  if ('problem' in place) return { ok: false, ...place }
  const value = new Sensitive(place.layer.text.trim())
  if (isRefreshToken(document, place, value)) {
    return { ok: false, problem: 'malformed', detail: 'has a refresh token there, which is never published' }
  }
  if (!/^[\x21-\x7e]+$/.test(value.reveal())) {
    return { ok: false, problem: 'malformed', detail: 'has a text there that is no single token' }
  }
  const about = fieldsOf(place.set)
  const expiresAt = earliest(
    endOfTime,
    ...[declaredExpiry(about), jwtExpiry(value)].filter((time) => time !== undefined),
  )
  return { ok: true, accessToken: { value, tokenType: tokenTypeOf(about), expiresAt, scopes: scopesOf(place.set) } }
}

/** True for what is called a refresh token, and for what the document has as one elsewhere. */
function isRefreshToken(document: Sensitive, { pointer, set }: TokenPlace, value: Sensitive): boolean {
  if (pointer === '') return false
  const name = pointer.slice(pointer.lastIndexOf('/') + 1)
  if (set !== undefined && refreshTokenNames.isName(name, set.node)) return true
  const found = findRefreshToken(document)
  return found.ok && sameSecret(found.refreshToken, value)
}

type Fields = ReadonlyMap<string, string>

/** The texts and numbers beside a token, by their plain names. */
function fieldsOf(set: ObjectPlace | undefined): Fields {
  const entries = set?.node.members.map(({ name, value }) => [plainName(name), textOf(value)] as const) ?? []
  return new Map(entries.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const])))
}

function textOf(node: JsonNode): string | undefined {
  if (node.kind === 'string') return node.value.trim()
  return node.kind === 'number' ? node.text : undefined
}

function declaredExpiry(fields: Fields): EpochSeconds | undefined {
  const moment = momentIn(fields, ['expiresat', 'expires', 'expiry', 'expirydate'])
  const begin = momentIn(fields, ['createdat', 'issuedat', 'obtainedat'])
  const length = durationOf(fields.get('expiresin') ?? '')
  return moment ?? (begin === undefined || length === undefined ? undefined : later(begin, seconds(length)))
}

function momentIn(fields: Fields, names: readonly string[]): EpochSeconds | undefined {
  return names.map((name) => momentOf(fields.get(name) ?? '')).find((moment) => moment !== undefined)
}

function tokenTypeOf(fields: Fields): string {
  const written = fields.get('tokentype') ?? ''
  return /^[A-Za-z][\w-]{0,63}$/.test(written) ? written : 'Bearer'
}

function scopesOf(set: ObjectPlace | undefined): readonly string[] {
  const found = set?.node.members.find(({ name }) => /^scopes?$/i.test(name))?.value
  const texts = found?.kind === 'array' ? found.items.map(textOf) : [found && textOf(found)]
  return texts.flatMap((text) => text?.split(/[\s,]+/) ?? []).filter((scope) => scope !== '')
}
