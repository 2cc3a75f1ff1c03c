import type { FailureCode } from './failures.ts'
import type { ErrorClass } from './provider.ts'

/** What an error code of a token endpoint means, as a code of the failure registry. */
export type ErrorMeaning = Extract<
  FailureCode,
  | 'REFRESH_TOKEN_REJECTED'
  | 'REFRESH_TOKEN_REUSED'
  | 'INTERACTION_REQUIRED'
  | 'CLIENT_REJECTED'
  | 'SCOPE_REJECTED'
  | 'REQUEST_REJECTED'
  | 'TOKEN_ENDPOINT_DENIED'
  | 'TOKEN_ENDPOINT_THROTTLED'
  | 'TOKEN_ENDPOINT_UNAVAILABLE'
>

/** The words of a provider's manifest as codes of the failure registry. */
export const meaningOfClass: Readonly<Record<ErrorClass, ErrorMeaning>> = {
  RefreshTokenRejected: 'REFRESH_TOKEN_REJECTED',
  RefreshTokenReused: 'REFRESH_TOKEN_REUSED',
  InteractionRequired: 'INTERACTION_REQUIRED',
  ClientRejected: 'CLIENT_REJECTED',
  ScopeRejected: 'SCOPE_REJECTED',
  RequestRejected: 'REQUEST_REJECTED',
  Throttled: 'TOKEN_ENDPOINT_THROTTLED',
  Unavailable: 'TOKEN_ENDPOINT_UNAVAILABLE',
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
    'token_revoked', // Slack, as the next
    'account_inactive',
    'expired_token',
    'invalid_code', // Zoho (with status 200)
    'refresh_token_not_found', // Supabase, as the next two
    'session_expired',
    'session_not_found',
    'token_inactive', // Ory Hydra: used before, or revoked
  ],
  REFRESH_TOKEN_REUSED: [
    'refresh_token_reused', // OpenAI
    'refresh_token_already_used', // Supabase
  ],
  INTERACTION_REQUIRED: [
    'interaction_required', // Entra, as the next two; also OpenID Connect Core §3.1.2.6
    'consent_required',
    'login_required',
    'mfa_required', // Auth0
    'basic_action', // Entra, as suberror of invalid_grant, with the next two
    'additional_action',
    'user_password_expired',
    'invalid_rapt', // Google, as error_subtype of invalid_grant, with the next
    'rapt_required',
  ],
  CLIENT_REJECTED: [
    'invalid_client',
    'unauthorized_client',
    'incorrect_client_credentials', // GitHub
    'invalid_client_id', // Slack and Salesforce, as the next for Slack
    'bad_client_secret',
    'invalid_client_secret', // Zoho
    'bad_client_id', // HubSpot
    'client_mismatch', // Entra, as suberror of invalid_grant
    'deleted_client', // Google, as the next
    'disabled_client',
    'authentication_error', // Anthropic
  ],
  SCOPE_REJECTED: ['invalid_scope', 'invalid_target', 'invalid_resource'], // RFC 8707 §2; Entra
  REQUEST_REJECTED: [
    'invalid_request',
    'unsupported_grant_type',
    'unsupported_response_type',
    'invalid_grant_type', // Slack
    'use_dpop_nonce', // RFC 9449 §8
    'invalid_dpop_proof', // RFC 9449 §5
    'invalid_request_error', // Anthropic
    'validation_error', // Notion
  ],
  TOKEN_ENDPOINT_DENIED: [
    'access_denied', // Atlassian, for a wrong client secret too
    'access denied', // Zoho
    'admin_policy_enforced', // Google, as the next
    'org_internal',
    'inactive_user', // Salesforce, as the next three
    'inactive_org',
    'invalid_app_access',
    'ip_restricted',
    'permission_error', // Anthropic
  ],
  TOKEN_ENDPOINT_THROTTLED: [
    'slow_down',
    'temporarily_unavailable',
    'ratelimited', // Slack
    'rate_limited', // Notion
    'rate_limit_exceeded', // Google, Salesforce
    'resource_exhausted', // Google
    'rate_limit_error', // Anthropic
    'too_many_requests',
    'over_request_rate_limit', // Supabase
  ],
  TOKEN_ENDPOINT_UNAVAILABLE: [
    'server_error',
    'internal_error', // Slack, as the next two; each can follow a rotation
    'fatal_error',
    'request_timeout',
    'internal_server_error',
    'internal_failure', // Google
    'unknown_error', // Salesforce
    'api_error', // Anthropic, as the next
    'overloaded_error',
    'service_unavailable',
  ],
}

/** What a lower-case error code means, for those that are known. */
export const meanings: ReadonlyMap<string, ErrorMeaning> = new Map(
  (Object.keys(codesByMeaning) as ErrorMeaning[]).flatMap((meaning) =>
    codesByMeaning[meaning].map((code): [string, ErrorMeaning] => [code, meaning]),
  ),
)

/** Members that say more than the error code beside them, when what they say is known. */
export const subcodeMembers = ['suberror', 'error_subtype'] as const

/**
 * Lower-case descriptions, without a full stop, that change what the error code before them means. They
 * are the server's own constant sentences; no other description means anything to us.
 */
export const meaningsOfDescriptions: ReadonlyMap<string, ErrorMeaning> = new Map([
  ['invalid_grant: maximum allowed refresh token reuse exceeded', 'REFRESH_TOKEN_REUSED'], // Keycloak, of the newest one that was used
  ['invalid_grant: invalid refresh token: already used', 'REFRESH_TOKEN_REUSED'], // Supabase before its error codes
  ['invalid_grant: login rate exceeded', 'TOKEN_ENDPOINT_THROTTLED'], // Salesforce, as the next
  ['invalid_grant: invalid client credentials', 'CLIENT_REJECTED'],
  ['invalid_grant: ip restricted', 'TOKEN_ENDPOINT_DENIED'], // Salesforce, as the next
  ['invalid_grant: ip restricted or invalid login hours', 'TOKEN_ENDPOINT_DENIED'],
  ['invalid_grant: reauth related error (invalid_rapt)', 'INTERACTION_REQUIRED'], // Google
  ['unauthorized_client: refresh_token is invalid', 'REFRESH_TOKEN_REJECTED'], // Atlassian
  // Zoho
  [
    'access denied: you have made too many requests continuously. please try again after some time',
    'TOKEN_ENDPOINT_THROTTLED',
  ],
])

/** Entra's AADSTS numbers that stand under `invalid_grant` and mean a loop detected, or a fault that passes. */
export const passingEntraErrors: ReadonlySet<number> = new Set([50_196, 90_033])
export const passingEntraWaitSeconds = 600
