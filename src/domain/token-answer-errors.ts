import type { FailureCode } from './failures.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './token-answer-json.ts'

/** What an error code of a token endpoint means, as a code of the failure registry. */
export type ErrorMeaning = Extract<
  FailureCode,
  | 'REFRESH_TOKEN_REJECTED'
  | 'REFRESH_TOKEN_REUSED'
  | 'CLIENT_REJECTED'
  | 'SCOPE_REJECTED'
  | 'REQUEST_REJECTED'
  | 'TOKEN_ENDPOINT_THROTTLED'
  | 'TOKEN_ENDPOINT_UNAVAILABLE'
>

/** An error that an answer reports. `code` is absent when it is none that we know; then nobody gets to see it. */
export interface ReportedError {
  readonly code?: string
  readonly meaning?: ErrorMeaning
  /** Seconds to stay away at least, for errors that are known to get worse when asked again. */
  readonly minimumWaitSeconds?: number
}

/** Lower-case error codes by meaning: RFC 6749 §5.2 and what providers say in its place. */
const codesByMeaning: Readonly<Record<ErrorMeaning, readonly string[]>> = {
  REFRESH_TOKEN_REJECTED: [
    'invalid_grant',
    'bad_refresh_token', // GitHub (with status 200), HubSpot
    'invalid_refresh_token', // Slack (with status 200)
    'expired_refresh_token',
    'refresh_token_expired', // OpenAI, as the next two
    'refresh_token_invalidated',
    'token_expired',
    'token_revoked', // Slack
    'expired_token',
    'interaction_required', // Entra, as the next two: a human has to log in
    'consent_required',
    'login_required',
  ],
  REFRESH_TOKEN_REUSED: [
    'refresh_token_reused', // OpenAI
    'refresh_token_already_used', // Supabase
  ],
  CLIENT_REJECTED: [
    'invalid_client',
    'unauthorized_client',
    'incorrect_client_credentials', // GitHub
    'invalid_client_id', // Slack, as the next
    'bad_client_secret',
    'client_mismatch', // Entra, as suberror of invalid_grant
    'access_denied', // Atlassian, for a wrong client secret
  ],
  SCOPE_REJECTED: ['invalid_scope', 'invalid_target'], // invalid_target: RFC 8707 §2
  REQUEST_REJECTED: [
    'invalid_request',
    'unsupported_grant_type',
    'unsupported_response_type',
    'use_dpop_nonce', // RFC 9449 §8
    'invalid_dpop_proof', // RFC 9449 §5
  ],
  TOKEN_ENDPOINT_THROTTLED: [
    'slow_down',
    'temporarily_unavailable',
    'ratelimited', // Slack
    'rate_limited',
    'rate_limit_exceeded',
    'rate_limit_error', // Anthropic
    'too_many_requests',
  ],
  TOKEN_ENDPOINT_UNAVAILABLE: [
    'server_error',
    'internal_error', // Slack, as the next; either can follow a rotation
    'fatal_error',
    'internal_server_error',
    'api_error', // Anthropic, as the next
    'overloaded_error',
    'service_unavailable',
  ],
}

const meanings: ReadonlyMap<string, ErrorMeaning> = new Map(
  (Object.keys(codesByMeaning) as ErrorMeaning[]).flatMap((meaning) =>
    codesByMeaning[meaning].map((code): [string, ErrorMeaning] => [code, meaning]),
  ),
)

/**
 * Lower-case descriptions that stand under `invalid_grant` and say that the refresh token was used
 * before. They are the server's own constant sentences; no other description means anything to us.
 */
const reuseDescriptions: ReadonlySet<string> = new Set([
  'maximum allowed refresh token reuse exceeded', // Keycloak, of the newest one that was used
])

/** Entra's AADSTS numbers that stand under `invalid_grant` and mean a loop detected, or a fault that passes. */
const passingEntraErrors: readonly JsonValue[] = [50_196, 90_033]
const passingEntraWaitSeconds = 600

/**
 * The error that an answer reports; undefined when it reports none. `hasAccessToken`: members that
 * only some providers use for errors mean nothing beside an access token.
 */
export function reportedError(members: JsonObject, hasAccessToken: boolean): ReportedError | undefined {
  const explicit = isPresent(members.get('error')) || members.get('ok') === false || members.get('success') === false
  if (!explicit && hasAccessToken) return undefined
  const code = candidates(members).find((candidate) => meanings.has(candidate))
  if (code === undefined) return explicit ? {} : undefined
  return withSpecialCases(members, code)
}

function withSpecialCases(members: JsonObject, code: string): ReportedError {
  const numbers = members.get('error_codes')
  if (isJsonArray(numbers) && numbers.some((number) => passingEntraErrors.includes(number)))
    return { code, meaning: 'TOKEN_ENDPOINT_THROTTLED', minimumWaitSeconds: passingEntraWaitSeconds }
  if (members.get('suberror') === 'client_mismatch') return { code: 'client_mismatch', meaning: 'CLIENT_REJECTED' }
  if (saysReused(members, code)) return { code, meaning: 'REFRESH_TOKEN_REUSED' }
  const meaning = meanings.get(code)
  return meaning === undefined ? { code } : { code, meaning }
}

function saysReused(members: JsonObject, code: string): boolean {
  const description = members.get('error_description')
  return (
    code === 'invalid_grant' &&
    typeof description === 'string' &&
    reuseDescriptions.has(description.trim().toLowerCase())
  )
}

/** Where providers put their error code: first where the standard has it, then inside an error object, then beside it. */
function candidates(members: JsonObject): readonly string[] {
  const error = members.get('error')
  const inside = isJsonObject(error) ? [error.get('code'), error.get('type')] : [error]
  const beside = [members.get('error_code'), members.get('code'), members.get('status')]
  return [...inside, ...beside].filter((value) => typeof value === 'string').map((value) => value.toLowerCase())
}

/** Answers with `"error": null`, `""`, `false` or `0` report success. */
function isPresent(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== '' && value !== false && value !== 0
}
