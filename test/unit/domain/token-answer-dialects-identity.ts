import {
  accessToken,
  type Dialect,
  idToken,
  kept,
  later,
  oauthError,
  refreshToken,
  refused,
  rotated,
} from './token-answer-dialect.ts'

/** An Entra refusal, with the members that go with it. */
function entra(error: string, number: number, more: object = {}): object {
  const described = `AADSTS${number}: words for a human. Trace ID: 1 Correlation ID: 2 Timestamp: 2026-11-21 10:00:00Z`
  return oauthError(error, described, {
    error_codes: [number],
    timestamp: '2026-11-21 10:00:00Z',
    trace_id: '1',
    ...more,
  })
}

/** Authorization servers, of the cloud and of one's own. */
export const identity: Readonly<Record<string, Dialect>> = {
  Google: {
    issues: {
      'no new refresh token': kept(
        {
          expires_in: 3599,
          scope: 'openid https://www.googleapis.com/auth/drive',
          token_type: 'Bearer',
          id_token: idToken,
        },
        3599,
        { scopes: ['openid', 'https://www.googleapis.com/auth/drive'] },
      ),
      'one week for the refresh token of an app in testing': kept(
        { expires_in: 3599, refresh_token_expires_in: 604_799, token_type: 'Bearer' },
        3599,
        { refreshTokenLifetime: 604_799 },
      ),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'Token has been expired or revoked.'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'session control of Workspace': refused(
        400,
        oauthError('invalid_grant', 'reauth related error (invalid_rapt)', { error_subtype: 'invalid_rapt' }),
        'INTERACTION_REQUIRED',
        'invalid_rapt',
      ),
      'session control, in words alone': refused(
        400,
        oauthError('invalid_grant', 'reauth related error (invalid_rapt)'),
        'INTERACTION_REQUIRED',
        'invalid_grant',
      ),
      'a deleted client': refused(
        401,
        oauthError('deleted_client', 'The OAuth client was deleted.'),
        'CLIENT_REJECTED',
        'deleted_client',
      ),
      'a wrong client': refused(401, oauthError('invalid_client', 'Unauthorized'), 'CLIENT_REJECTED', 'invalid_client'),
      'a policy of the administrator': refused(
        400,
        oauthError('admin_policy_enforced'),
        'TOKEN_ENDPOINT_DENIED',
        'admin_policy_enforced',
      ),
      'a rate limit with status 403': refused(
        403,
        oauthError('rate_limit_exceeded', 'Too many requests.'),
        'TOKEN_ENDPOINT_THROTTLED',
        'rate_limit_exceeded',
      ),
      'a rate limit as other Google APIs have it': refused(
        429,
        { error: { code: 429, message: 'Resource has been exhausted', status: 'RESOURCE_EXHAUSTED' } },
        'TOKEN_ENDPOINT_THROTTLED',
        'resource_exhausted',
      ),
      'a fault': refused(500, oauthError('internal_failure'), 'TOKEN_ENDPOINT_UNAVAILABLE', 'internal_failure'),
    },
  },
  Entra: {
    issues: {
      'with an extended lifetime': rotated(
        {
          token_type: 'Bearer',
          scope: 'User.Read offline_access',
          expires_in: 4823,
          ext_expires_in: 4823,
          id_token: idToken,
        },
        4823,
        { scopes: ['User.Read', 'offline_access'] },
      ),
      'version 1, numbers as text': rotated(
        { token_type: 'Bearer', expires_in: '3599', expires_on: '1607639348', resource: 'https://graph.windows.net' },
        3599,
      ),
    },
    refuses: {
      'too long unused': refused(400, entra('invalid_grant', 700_082), 'REFRESH_TOKEN_REJECTED', 'invalid_grant'),
      'the end of a single-page app': refused(
        400,
        entra('invalid_grant', 700_084),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a revoked token': refused(
        400,
        entra('invalid_grant', 50_173, { suberror: 'bad_token' }),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a second factor': refused(
        400,
        entra('interaction_required', 50_076),
        'INTERACTION_REQUIRED',
        'interaction_required',
      ),
      'a second factor, under invalid_grant': refused(
        400,
        entra('invalid_grant', 50_076, { suberror: 'basic_action' }),
        'INTERACTION_REQUIRED',
        'basic_action',
      ),
      'a consent, under invalid_grant': refused(
        400,
        entra('invalid_grant', 65_001, { suberror: 'consent_required' }),
        'INTERACTION_REQUIRED',
        'consent_required',
      ),
      'an expired password': refused(
        400,
        entra('invalid_grant', 50_055, { suberror: 'user_password_expired' }),
        'INTERACTION_REQUIRED',
        'user_password_expired',
      ),
      'another client, under invalid_grant': refused(
        400,
        entra('invalid_grant', 70_000, { suberror: 'client_mismatch' }),
        'CLIENT_REJECTED',
        'client_mismatch',
      ),
      'a wrong secret': refused(401, entra('invalid_client', 7_000_215), 'CLIENT_REJECTED', 'invalid_client'),
      'an expired secret': refused(401, entra('invalid_client', 7_000_222), 'CLIENT_REJECTED', 'invalid_client'),
      'no such app': refused(400, entra('unauthorized_client', 700_016), 'CLIENT_REJECTED', 'unauthorized_client'),
      'no such resource': refused(400, entra('invalid_resource', 500_011), 'SCOPE_REJECTED', 'invalid_resource'),
      'a loop, under invalid_grant': later(
        refused(400, entra('invalid_grant', 50_196), 'TOKEN_ENDPOINT_THROTTLED', 'invalid_grant'),
        600,
      ),
      'a loop that the description alone tells': later(
        refused(400, oauthError('invalid_grant', 'AADSTS50196: loop'), 'TOKEN_ENDPOINT_THROTTLED', 'invalid_grant'),
        600,
      ),
      'a fault that passes, under invalid_grant': later(
        refused(400, entra('invalid_grant', 90_033), 'TOKEN_ENDPOINT_THROTTLED', 'invalid_grant'),
        600,
      ),
      'temporarily unavailable': refused(
        503,
        entra('temporarily_unavailable', 90_033, { error_codes: [], error_description: 'words' }),
        'TOKEN_ENDPOINT_THROTTLED',
        'temporarily_unavailable',
      ),
    },
  },
  Okta: {
    issues: {
      'an hour': rotated(
        { token_type: 'Bearer', expires_in: 3600, scope: 'offline_access openid', id_token: idToken },
        3600,
        {
          scopes: ['offline_access', 'openid'],
        },
      ),
    },
    refuses: {
      'a dead token; a reused one reads the same': refused(
        400,
        oauthError('invalid_grant', 'The refresh token is invalid or expired.'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        401,
        oauthError('invalid_client', 'The client secret supplied for a confidential client is invalid.'),
        'CLIENT_REJECTED',
        'invalid_client',
      ),
      'a rate limit in a dialect of its own': {
        wire: {
          status: 429,
          retryAfter: 'Fri, 15 Jan 2027 08:02:00 GMT',
          date: 'Fri, 15 Jan 2027 08:01:30 GMT',
          body: { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit due to too many requests.' },
        },
        code: 'TOKEN_ENDPOINT_THROTTLED',
        says: 'HTTP status 429',
        retryAfterSeconds: 30,
      },
    },
  },
  Auth0: {
    issues: {
      'a day': rotated(
        { token_type: 'Bearer', expires_in: 86_400, scope: 'openid offline_access', id_token: idToken },
        86_400,
        {
          scopes: ['openid', 'offline_access'],
        },
      ),
    },
    refuses: {
      'a dead token; a reused one reads the same': refused(
        403,
        oauthError('invalid_grant', 'Unknown or invalid refresh token.'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a second factor': refused(
        403,
        oauthError('mfa_required', 'Multifactor authentication required', { mfa_token: 'm' }),
        'INTERACTION_REQUIRED',
        'mfa_required',
      ),
      'a wrong client': refused(
        401,
        oauthError('access_denied', 'Unauthorized'),
        'TOKEN_ENDPOINT_DENIED',
        'access_denied',
      ),
      'a rate limit': refused(
        429,
        oauthError('too_many_requests', 'Global limit has been reached'),
        'TOKEN_ENDPOINT_THROTTLED',
        'too_many_requests',
      ),
    },
  },
  Keycloak: {
    issues: {
      'five minutes, the session for half an hour': rotated(
        {
          expires_in: 300,
          refresh_expires_in: 1800,
          token_type: 'Bearer',
          'not-before-policy': 0,
          session_state: 's',
          scope: 'email profile',
        },
        300,
        { refreshTokenLifetime: 1800, scopes: ['email', 'profile'] },
      ),
      'an offline token that does not expire': rotated({ expires_in: 300, refresh_expires_in: 0 }, 300),
    },
    refuses: {
      'a used token': refused(
        400,
        oauthError('invalid_grant', 'Maximum allowed refresh token reuse exceeded'),
        'REFRESH_TOKEN_REUSED',
        'invalid_grant',
      ),
      'a token from before a reuse, or before a logout by an administrator': refused(
        400,
        oauthError('invalid_grant', 'Stale token'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a session that ended': refused(
        400,
        oauthError('invalid_grant', 'Session not active'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'an expired token': refused(
        400,
        oauthError('invalid_grant', 'Token is not active'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        401,
        oauthError('unauthorized_client', 'Invalid client or Invalid client credentials'),
        'CLIENT_REJECTED',
        'unauthorized_client',
      ),
      'no such realm': {
        wire: { status: 404, body: { error: 'Realm does not exist' } },
        code: 'TOKEN_ENDPOINT_NOT_FOUND',
        says: 'HTTP status 404 and an unknown error code.',
      },
    },
  },
  Cognito: {
    issues: {
      'no new refresh token': kept({ id_token: idToken, token_type: 'Bearer', expires_in: 3600 }, 3600),
      'with rotation': rotated({ id_token: idToken, token_type: 'Bearer', expires_in: 3600 }, 3600),
    },
    refuses: {
      'a dead token': refused(400, oauthError('invalid_grant'), 'REFRESH_TOKEN_REJECTED', 'invalid_grant'),
      'a wrong client': refused(400, oauthError('invalid_client'), 'CLIENT_REJECTED', 'invalid_client'),
    },
  },
  PingFederate: {
    issues: { 'two hours': rotated({ token_type: 'Bearer', expires_in: 7199 }, 7199) },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'unknown, invalid, or expired refresh token'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        401,
        oauthError('invalid_client', 'Invalid client or client credentials.'),
        'CLIENT_REJECTED',
        'invalid_client',
      ),
    },
  },
  'Ory Hydra': {
    issues: {
      'an hour': rotated({ expires_in: 3599, scope: 'offline', token_type: 'bearer' }, 3599, { scopes: ['offline'] }),
    },
    refuses: {
      'a used or revoked token': refused(
        401,
        oauthError('token_inactive', 'Token is inactive because it is malformed, expired or otherwise invalid.'),
        'REFRESH_TOKEN_REJECTED',
        'token_inactive',
      ),
      'a token that it does not know': refused(
        400,
        oauthError('invalid_grant', 'The provided authorization grant is invalid.', { status_code: 400 }),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
    },
  },
  Supabase: {
    issues: {
      'with a time of expiry': rotated(
        { token_type: 'bearer', expires_in: 3600, expires_at: 1_607_639_348, user: { id: 'u' } },
        3600,
      ),
    },
    refuses: {
      'a used token': refused(
        400,
        { code: 400, error_code: 'refresh_token_already_used', msg: 'Invalid Refresh Token: Already Used' },
        'REFRESH_TOKEN_REUSED',
        'refresh_token_already_used',
      ),
      'a used token, before it had error codes': refused(
        400,
        oauthError('invalid_grant', 'Invalid Refresh Token: Already Used'),
        'REFRESH_TOKEN_REUSED',
        'invalid_grant',
      ),
      'a dead token': refused(
        400,
        { code: 400, error_code: 'refresh_token_not_found', msg: 'Invalid Refresh Token: Refresh Token Not Found' },
        'REFRESH_TOKEN_REJECTED',
        'refresh_token_not_found',
      ),
      'a rate limit': refused(
        429,
        { code: 429, error_code: 'over_request_rate_limit', msg: 'Request rate limit reached' },
        'TOKEN_ENDPOINT_THROTTLED',
        'over_request_rate_limit',
      ),
    },
  },
  'Spring Authorization Server': {
    issues: { 'five minutes': rotated({ token_type: 'Bearer', expires_in: 299 }, 299) },
    refuses: {
      'a dead token': refused(400, oauthError('invalid_grant'), 'REFRESH_TOKEN_REJECTED', 'invalid_grant'),
      'a status phrase in the place of a code': {
        wire: { status: 404, body: { timestamp: 't', status: 404, error: 'Not Found', path: '/oauth' } },
        code: 'TOKEN_ENDPOINT_NOT_FOUND',
        says: 'HTTP status 404 and an unknown error code.',
      },
    },
  },
  'camel case': {
    issues: {
      'every name in another notation': {
        wire: { body: { accessToken, refreshToken, expiresIn: 900, refreshTokenExpiresIn: 1800 } },
        refreshToken,
        lifetime: 900,
        refreshTokenLifetime: 1800,
      },
    },
    refuses: {
      'an error object': refused(
        401,
        { error: { code: 'TOKEN_EXPIRED', message: 'over' } },
        'REFRESH_TOKEN_REJECTED',
        'token_expired',
      ),
    },
  },
}
