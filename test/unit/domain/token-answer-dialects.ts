import type { Refusal } from './token-answer-fixtures.ts'

const described = (error: string): unknown => ({ error, error_description: 'unprintable words about the grant' })

/** How providers refuse in ways of their own. */
export const dialects: Readonly<Record<string, Refusal>> = {
  'GitHub: 200 with an error': {
    wire: { body: described('bad_refresh_token') },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'HTTP status 200 and the error code bad_refresh_token',
  },
  'GitHub: 200 with an error, form-encoded': {
    wire: {
      contentType: 'application/x-www-form-urlencoded',
      body: 'error=bad_refresh_token&error_description=The+refresh+token',
    },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code bad_refresh_token',
  },
  'GitHub: wrong client secret': {
    wire: { body: described('incorrect_client_credentials') },
    code: 'CLIENT_REJECTED',
    says: 'the error code incorrect_client_credentials',
  },
  'OpenAI: used before': {
    wire: {
      status: 401,
      body: {
        error: { message: 'unprintable', type: 'invalid_request_error', param: null, code: 'refresh_token_reused' },
      },
    },
    code: 'REFRESH_TOKEN_REUSED',
    says: 'HTTP status 401 and the error code refresh_token_reused',
  },
  'OpenAI: used before, status 400': {
    wire: { status: 400, body: { error: { code: 'refresh_token_reused' } } },
    code: 'REFRESH_TOKEN_REUSED',
    says: 'HTTP status 400 and the error code refresh_token_reused',
  },
  'OpenAI: used before, said in an outage': {
    wire: { status: 500, body: { error: { code: 'refresh_token_reused' } } },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 500 and the error code refresh_token_reused',
  },
  'Supabase: used before': {
    wire: { status: 400, body: { code: 400, error_code: 'refresh_token_already_used', msg: 'unprintable' } },
    code: 'REFRESH_TOKEN_REUSED',
    says: 'the error code refresh_token_already_used',
  },
  'Keycloak: used before': {
    wire: {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'Maximum allowed refresh token reuse exceeded' },
    },
    code: 'REFRESH_TOKEN_REUSED',
    says: 'HTTP status 400 and the error code invalid_grant.',
  },
  'Keycloak: from before a reuse, or before a logout by an administrator': {
    wire: { status: 400, body: { error: 'invalid_grant', error_description: 'Stale token' } },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'HTTP status 400 and the error code invalid_grant.',
  },
  'Keycloak: a session that ended': {
    wire: { status: 400, body: { error: 'invalid_grant', error_description: 'Session not active' } },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code invalid_grant.',
  },
  'Auth0: a refresh token that it does not know': {
    wire: { status: 403, body: { error: 'invalid_grant', error_description: 'Unknown or invalid refresh token.' } },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code invalid_grant.',
  },
  'words about reuse under another error code': {
    wire: {
      status: 400,
      body: { error: 'invalid_request', error_description: 'Maximum allowed refresh token reuse exceeded' },
    },
    code: 'REQUEST_REJECTED',
    says: 'the error code invalid_request.',
  },
  'a longer description that holds words about reuse': {
    wire: {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'No: maximum allowed refresh token reuse exceeded' },
    },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code invalid_grant.',
  },
  'a description that is no text': {
    wire: {
      status: 400,
      body: { error: 'invalid_grant', error_description: { text: 'Maximum allowed refresh token reuse exceeded' } },
    },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code invalid_grant.',
  },
  'OpenAI: expired': {
    wire: { status: 401, body: { error: { code: 'refresh_token_expired' } } },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code refresh_token_expired',
  },
  'OpenAI: invalidated': {
    wire: { status: 401, body: { error: { code: 'refresh_token_invalidated' } } },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code refresh_token_invalidated',
  },
  'Slack: ok false': {
    wire: { body: { ok: false, error: 'invalid_refresh_token' } },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code invalid_refresh_token',
  },
  'Slack: revoked': {
    wire: { body: { ok: false, error: 'token_revoked' } },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code token_revoked',
  },
  'Slack: wrong client secret': {
    wire: { body: { ok: false, error: 'bad_client_secret' } },
    code: 'CLIENT_REJECTED',
    says: 'the error code bad_client_secret',
  },
  'Slack: throttled with 200': {
    wire: { retryAfter: '30', body: { ok: false, error: 'ratelimited' } },
    code: 'TOKEN_ENDPOINT_THROTTLED',
    says: 'the error code ratelimited',
    retryAfterSeconds: 30,
  },
  'Slack: half succeeded': {
    wire: { body: { ok: false, error: 'internal_error' } },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'the error code internal_error',
  },
  'Slack: ok false and no code': {
    wire: { body: { ok: false } },
    code: 'REQUEST_REJECTED',
    says: 'an unknown error code',
  },
  'HubSpot: status word': {
    wire: { status: 400, body: { status: 'BAD_REFRESH_TOKEN', message: 'unprintable', correlationId: 'x' } },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code bad_refresh_token',
  },
  'Atlassian: wrong client secret': {
    wire: { status: 403, body: described('access_denied') },
    code: 'TOKEN_ENDPOINT_DENIED',
    says: 'the error code access_denied',
  },
  'Anthropic: unknown resource': {
    wire: { status: 404, body: { type: 'error', error: { type: 'not_found_error', message: 'unprintable' } } },
    code: 'TOKEN_ENDPOINT_NOT_FOUND',
    says: 'HTTP status 404 and an unknown error code',
  },
  'Anthropic: rate limit': {
    wire: { status: 429, body: { type: 'error', error: { type: 'rate_limit_error' } } },
    code: 'TOKEN_ENDPOINT_THROTTLED',
    says: 'the error code rate_limit_error',
  },
  'Anthropic: overloaded': {
    wire: { status: 529, body: { error: { type: 'overloaded_error' } } },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'the error code overloaded_error',
  },
  'Entra: loop detected under invalid_grant': {
    wire: { status: 400, body: { error: 'invalid_grant', error_codes: [50196] } },
    code: 'TOKEN_ENDPOINT_THROTTLED',
    says: 'the error code invalid_grant',
    retryAfterSeconds: 600,
  },
  'Entra: another client under invalid_grant': {
    wire: { status: 400, body: { error: 'invalid_grant', suberror: 'client_mismatch', error_codes: [70000] } },
    code: 'CLIENT_REJECTED',
    says: 'the error code client_mismatch',
  },
  'Entra: a human is needed': {
    wire: { status: 400, body: { error: 'interaction_required', error_codes: [50076] } },
    code: 'INTERACTION_REQUIRED',
    says: 'the error code interaction_required',
  },
  'Spring: an error that is a status phrase': {
    wire: { status: 404, body: { error: 'Not Found', status: 404, path: '/oauth' } },
    code: 'TOKEN_ENDPOINT_NOT_FOUND',
    says: 'an unknown error code',
  },
}
