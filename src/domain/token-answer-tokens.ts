import type { Provider, ResponseForm } from './provider.ts'
import { Sensitive } from './sensitive.ts'
import { signedLifetime } from './signed-lifetime.ts'
import { later, seconds, type DurationSeconds, type EpochSeconds } from './time.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './token-answer-json.ts'
import { holderAt, valueAt } from './token-answer-pointer.ts'
import type { AccessToken, IssuedTokens } from './tokens.ts'

/** What an answer is read against. */
export interface TokenAnswerContext {
  readonly provider: Pick<Provider, 'kind' | 'name' | 'namespace' | 'accessTokenLifetimeSeconds' | 'response'>
  /** When the request was started: lifetimes count from here, so that a slow answer never makes a token live longer. */
  readonly startedAt: EpochSeconds
  /** The scopes that were asked for: what an answer without `scope` grants (RFC 6749 §5.1). */
  readonly scopes: readonly string[]
  /** Scheme, host and port that the answer came from just now. Absent for an answer that was kept: its provider may be another one since. */
  readonly origin?: string
}

const shortestLifetimeSeconds = 1
/** Ten years. Anything longer is a mistake in the unit, or a way to say "never". */
export const longestLifetimeSeconds = 3650 * 86_400

const refreshTokenLifetimeMembers = [
  'refresh_token_expires_in', // GitHub, LinkedIn, draft-ietf-oauth-refresh-token-expiration
  'refresh_expires_in', // Keycloak
  'refreshTokenExpiresIn',
  'x_refresh_token_expires_in', // QuickBooks
]

const accessTokenMembers = ['access_token', 'accessToken']
export const refreshTokenMembers: readonly string[] = ['refresh_token', 'refreshToken']
const lifetimeMembers = ['expires_in', 'expiresIn']

/**
 * The refresh token in an answer: where the manifest says, else at the top, else the only one a level below.
 * Undefined when there is none, when it is empty, or when it was damaged on the way. A pointer that leads to
 * nothing hides no refresh token that is elsewhere: the old one is spent, and this one is all there is.
 */
export function findRefreshToken(members: JsonObject, response: ResponseForm): Sensitive | undefined {
  const beside = response.accessToken === undefined ? undefined : issueIn(members, response)?.beside
  const found =
    pointedText(members, response.refreshToken) ??
    (beside && namedText(beside, refreshTokenMembers)) ??
    namedText(members, refreshTokenMembers) ??
    onlyOne(children(members).map((child) => namedText(child, refreshTokenMembers)))
  return found === undefined ? undefined : new Sensitive(found)
}

/** True when a usable access token is there: where the manifest says, at the top, or in the only child that has one. */
export function hasAccessToken(members: JsonObject, response: ResponseForm): boolean {
  return issueIn(members, response) !== undefined
}

/** The tokens of an answer, read leniently; undefined when it has no usable access token. */
export function issuedTokens(members: JsonObject, context: TokenAnswerContext): IssuedTokens | undefined {
  const { response } = context.provider
  const issue = issueIn(members, response)
  if (issue === undefined) return undefined
  const refreshToken = findRefreshToken(members, response)
  const pointed = pointedNumber(members, response.refreshTokenExpiresIn)
  return {
    accessToken: accessTokenOf(issue, pointedNumber(members, response.expiresIn), context),
    ...(refreshToken !== undefined && { refreshToken }),
    ...refreshTokenExpiry(pointed, issue.beside, context.startedAt),
  }
}

/** An access token, and the object that has what belongs to it. */
interface Issue {
  readonly accessToken: string
  readonly beside: JsonObject
}

/** Some providers wrap their tokens in one more object (Slack's `authed_user`); what is deeper needs a pointer. */
function issueIn(members: JsonObject, { accessToken: pointer }: ResponseForm): Issue | undefined {
  const pointed = pointedText(members, pointer)
  if (pointer !== undefined && pointed !== undefined)
    return { accessToken: pointed, beside: holderAt(members, pointer) ?? members }
  return ownIssue(members) ?? onlyIssue(children(members))
}

function ownIssue(members: JsonObject): Issue | undefined {
  const accessToken = namedText(members, accessTokenMembers)
  return accessToken === undefined ? undefined : { accessToken, beside: members }
}

function onlyIssue(candidates: readonly JsonObject[]): Issue | undefined {
  return onlyOne(candidates.map(ownIssue))
}

function accessTokenOf(
  { accessToken, beside }: Issue,
  pointedLifetime: number | undefined,
  { provider, startedAt, scopes, origin }: TokenAnswerContext,
): AccessToken {
  const told = pointedLifetime ?? namedNumber(beside, lifetimeMembers)
  const lifetime = told ?? signedLifetime(accessToken, startedAt) ?? provider.accessTokenLifetimeSeconds
  const idToken = tokenText(beside.get('id_token'))
  return {
    value: new Sensitive(copyOf(accessToken)),
    tokenType: tokenTypeOf(beside.get('token_type')),
    issuedAt: startedAt,
    expiresAt: later(startedAt, clampedLifetime(lifetime)),
    ...(told === undefined && { lifetimeAssumed: true, ...(origin !== undefined && { issuedBy: origin }) }),
    scopes: scopesOf(beside.get('scope')) ?? scopes,
    ...(idToken !== undefined && { idToken: new Sensitive(copyOf(idToken)) }),
  }
}

/** A part of a text keeps the whole text in memory, and this one has the refresh token in it: an access token is kept for its life. */
function copyOf(text: string): string {
  return String(JSON.parse(JSON.stringify(text)))
}

/** Zero and less mean that the refresh token does not expire by time (Keycloak's offline tokens). */
function refreshTokenExpiry(
  pointed: number | undefined,
  beside: JsonObject,
  startedAt: EpochSeconds,
): Pick<IssuedTokens, 'refreshTokenExpiresAt' | 'refreshTokenNeverExpires'> {
  const lifetime = pointed ?? namedNumber(beside, refreshTokenLifetimeMembers)
  if (lifetime === undefined) return {}
  return lifetime <= 0
    ? { refreshTokenNeverExpires: true }
    : { refreshTokenExpiresAt: later(startedAt, clampedLifetime(lifetime)) }
}

function clampedLifetime(lifetime: number): DurationSeconds {
  return seconds(Math.min(longestLifetimeSeconds, Math.max(shortestLifetimeSeconds, lifetime)))
}

/** A number, or the text of one. */
function numberOf(value: JsonValue | undefined): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && !Number.isNaN(number) ? number : undefined
}

function pointedText(members: JsonObject, pointer: string | undefined): string | undefined {
  return pointer === undefined ? undefined : tokenText(valueAt(members, pointer))
}

function pointedNumber(members: JsonObject, pointer: string | undefined): number | undefined {
  return pointer === undefined ? undefined : numberOf(valueAt(members, pointer))
}

function namedText(members: JsonObject, names: readonly string[]): string | undefined {
  return names.map((name) => tokenText(members.get(name))).find((text) => text !== undefined)
}

function namedNumber(members: JsonObject, names: readonly string[]): number | undefined {
  return names.map((name) => numberOf(members.get(name))).find((number) => number !== undefined)
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
export function tokenText(value: JsonValue | undefined): string | undefined {
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
