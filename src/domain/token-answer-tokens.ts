import type { Provider } from './provider.ts'
import { Sensitive } from './sensitive.ts'
import { later, seconds, type DurationSeconds, type EpochSeconds } from './time.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './token-answer-json.ts'
import type { AccessToken, IssuedTokens } from './tokens.ts'

/** What an answer is read against. */
export interface TokenAnswerContext {
  readonly provider: Pick<Provider, 'kind' | 'name' | 'namespace' | 'accessTokenLifetimeSeconds'>
  /** When the request was started: lifetimes count from here, so that a slow answer never makes a token live longer. */
  readonly startedAt: EpochSeconds
  /** The scopes that were asked for: what an answer without `scope` grants (RFC 6749 §5.1). */
  readonly scopes: readonly string[]
}

const shortestLifetimeSeconds = 1
/** Ten years. Anything longer is a mistake in the unit, or a way to say "never". */
const longestLifetimeSeconds = 3650 * 86_400

const refreshTokenLifetimeMembers = [
  'refresh_token_expires_in', // GitHub, LinkedIn, draft-ietf-oauth-refresh-token-expiration
  'refresh_expires_in', // Keycloak
  'refreshTokenExpiresIn',
  'x_refresh_token_expires_in', // QuickBooks
]

/**
 * The refresh token in an answer: the top-level one, else the only one a level below. Undefined when
 * there is none, when it is empty, or when it was damaged on the way.
 */
export function findRefreshToken(members: JsonObject): Sensitive | undefined {
  const own = tokenText(members.get('refresh_token'))
  const found = own ?? onlyOne(children(members).map((child) => tokenText(child.get('refresh_token'))))
  return found === undefined ? undefined : new Sensitive(found)
}

/** True when a usable access token is there, at the top or in the only child that has one. */
export function hasAccessToken(members: JsonObject): boolean {
  return hasOwnAccessToken(tokenMembers(members))
}

/** The tokens of an answer, read leniently; undefined when it has no usable access token. */
export function issuedTokens(members: JsonObject, context: TokenAnswerContext): IssuedTokens | undefined {
  const issued = tokenMembers(members)
  const accessToken = accessTokenOf(issued, context)
  if (accessToken === undefined) return undefined
  const refreshToken = findRefreshToken(members)
  const refreshTokenExpiresAt = refreshTokenExpiry(issued, context.startedAt)
  return {
    accessToken,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(refreshTokenExpiresAt !== undefined && { refreshTokenExpiresAt }),
  }
}

/** The object that carries the access token. Some providers wrap it in one more (Slack's `authed_user`). */
function tokenMembers(members: JsonObject): JsonObject {
  if (hasOwnAccessToken(members)) return members
  return onlyOne(children(members).map((child) => (hasOwnAccessToken(child) ? child : undefined))) ?? members
}

function hasOwnAccessToken(members: JsonObject): boolean {
  return tokenText(members.get('access_token')) !== undefined
}

function accessTokenOf(members: JsonObject, context: TokenAnswerContext): AccessToken | undefined {
  const value = tokenText(members.get('access_token'))
  if (value === undefined) return undefined
  const { provider, startedAt, scopes } = context
  const lifetime = numberOf(members.get('expires_in')) ?? provider.accessTokenLifetimeSeconds
  const idToken = tokenText(members.get('id_token'))
  return {
    value: new Sensitive(copyOf(value)),
    tokenType: tokenTypeOf(members.get('token_type')),
    issuedAt: startedAt,
    expiresAt: later(startedAt, clampedLifetime(lifetime)),
    scopes: scopesOf(members.get('scope')) ?? scopes,
    ...(idToken !== undefined && { idToken: new Sensitive(copyOf(idToken)) }),
  }
}

/** A part of a text keeps the whole text in memory, and this one has the refresh token in it: an access token is kept for its life. */
function copyOf(text: string): string {
  return String(JSON.parse(JSON.stringify(text)))
}

/** Zero and less mean that the refresh token does not expire by time (Keycloak's offline tokens). */
function refreshTokenExpiry(members: JsonObject, startedAt: EpochSeconds): EpochSeconds | undefined {
  const lifetime = refreshTokenLifetimeMembers.map((name) => numberOf(members.get(name))).find((n) => n !== undefined)
  return lifetime === undefined || lifetime <= 0 ? undefined : later(startedAt, clampedLifetime(lifetime))
}

function clampedLifetime(lifetime: number): DurationSeconds {
  return seconds(Math.min(longestLifetimeSeconds, Math.max(shortestLifetimeSeconds, lifetime)))
}

/** A number, or the text of one. */
function numberOf(value: JsonValue | undefined): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && !Number.isNaN(number) ? number : undefined
}

/** Becomes part of an Authorization header, so only an HTTP token counts (RFC 9110 §5.6.2). */
function tokenTypeOf(value: JsonValue | undefined): string {
  return typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]{1,64}$/.test(value) ? value : 'Bearer'
}

function scopesOf(value: JsonValue | undefined): readonly string[] | undefined {
  const words = typeof value === 'string' ? value.split(/[\s,]/) : isJsonArray(value) ? value : []
  const scopes = words.filter((word) => typeof word === 'string').filter((word) => word !== '')
  return scopes.length === 0 ? undefined : scopes
}

/**
 * A non-empty text that can be a token. Control characters, or the marks of failed decoding, say
 * that it is not what the server issued: keeping it would replace a good token by a damaged one.
 */
function tokenText(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'string' || value.trim() === '' || !value.isWellFormed()) return undefined
  return /[\p{Cc}\ufffd]/u.test(value) ? undefined : value
}

function children(members: JsonObject): readonly JsonObject[] {
  return [...members.values()].filter(isJsonObject)
}

function onlyOne<T>(values: readonly (T | undefined)[]): T | undefined {
  const found = new Set(values.filter((value) => value !== undefined))
  return found.size === 1 ? [...found][0] : undefined
}
