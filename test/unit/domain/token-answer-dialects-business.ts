import { accessToken, type Dialect, kept, later, oauthError, refused, rotated } from './token-answer-dialect.ts'

/** Sales, money, files and media. */
export const business: Readonly<Record<string, Dialect>> = {
  Salesforce: {
    issues: {
      'without a lifetime, with an instance URL': kept(
        {
          instance_url: 'https://x.my.salesforce.com',
          issued_at: '1607635748000',
          signature: 's',
          token_type: 'Bearer',
        },
        2700,
      ),
      'with rotation': rotated({ instance_url: 'https://x.my.salesforce.com', token_type: 'Bearer' }, 2700),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'expired access/refresh token'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'too many logins, under invalid_grant': refused(
        400,
        oauthError('invalid_grant', 'login rate exceeded'),
        'TOKEN_ENDPOINT_THROTTLED',
        'invalid_grant',
      ),
      'a wrong client secret, under invalid_grant': refused(
        400,
        oauthError('invalid_grant', 'invalid client credentials'),
        'CLIENT_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        400,
        oauthError('invalid_client_id', 'client identifier invalid'),
        'CLIENT_REJECTED',
        'invalid_client_id',
      ),
      'an address that is not allowed, under invalid_grant': refused(
        400,
        oauthError('invalid_grant', 'ip restricted'),
        'TOKEN_ENDPOINT_DENIED',
        'invalid_grant',
      ),
      'a user who was deactivated': refused(
        400,
        oauthError('inactive_user', 'user is inactive'),
        'TOKEN_ENDPOINT_DENIED',
        'inactive_user',
      ),
      'a fault that passes': refused(
        400,
        oauthError('unknown_error', 'retry your request'),
        'TOKEN_ENDPOINT_UNAVAILABLE',
        'unknown_error',
      ),
    },
  },
  HubSpot: {
    issues: { 'half an hour': rotated({ token_type: 'bearer', expires_in: 1800 }, 1800) },
    refuses: {
      'a dead token, as a status word': refused(
        400,
        { status: 'BAD_REFRESH_TOKEN', message: 'missing or invalid refresh token', correlationId: 'c1' },
        'REFRESH_TOKEN_REJECTED',
        'bad_refresh_token',
      ),
      'a dead token, as the standard has it': refused(
        400,
        oauthError('invalid_grant', undefined, { status: 'BAD_REFRESH_TOKEN' }),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        400,
        { status: 'BAD_CLIENT_ID', message: 'missing or unknown client id' },
        'CLIENT_REJECTED',
        'bad_client_id',
      ),
    },
  },
  Zoho: {
    issues: {
      'an hour, no new refresh token': kept(
        { api_domain: 'https://www.zohoapis.com', token_type: 'Bearer', expires_in: 3600 },
        3600,
      ),
    },
    refuses: {
      'a dead token, with status 200': refused(
        200,
        oauthError('invalid_code'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_code',
      ),
      'a wrong client, with status 200': refused(
        200,
        oauthError('invalid_client'),
        'CLIENT_REJECTED',
        'invalid_client',
      ),
      'too many requests, as denied access': refused(
        400,
        oauthError('Access Denied', 'You have made too many requests continuously. Please try again after some time.', {
          status: 'failure',
        }),
        'TOKEN_ENDPOINT_THROTTLED',
        'access denied',
      ),
    },
  },
  Intuit: {
    issues: {
      'a hundred days for the refresh token': rotated(
        { token_type: 'bearer', expires_in: 3600, x_refresh_token_expires_in: 8_726_400 },
        3600,
        { refreshTokenLifetime: 8_726_400 },
      ),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'Incorrect or invalid refresh token'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(401, oauthError('invalid_client'), 'CLIENT_REJECTED', 'invalid_client'),
    },
  },
  Xero: {
    issues: {
      'half an hour, with an ID token': rotated(
        { id_token: 'i', token_type: 'Bearer', expires_in: 1800, scope: 'accounting.transactions offline_access' },
        1800,
        { scopes: ['accounting.transactions', 'offline_access'] },
      ),
    },
    refuses: {
      'a dead token, or a used one': refused(
        400,
        oauthError('invalid_grant'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a client without the grant': refused(
        400,
        oauthError('unauthorized_client'),
        'CLIENT_REJECTED',
        'unauthorized_client',
      ),
    },
  },
  Box: {
    issues: {
      'with restrictions': rotated({ expires_in: 4169, restricted_to: [], token_type: 'bearer' }, 4169),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'Refresh token has expired'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        400,
        oauthError('invalid_client', 'The client credentials are invalid'),
        'CLIENT_REJECTED',
        'invalid_client',
      ),
    },
  },
  Dropbox: {
    issues: {
      'four hours, no new refresh token': kept({ token_type: 'bearer', expires_in: 14_400 }, 14_400),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'refresh token is invalid or revoked'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        400,
        oauthError('invalid_client: Invalid client_id or client_secret'),
        'CLIENT_REJECTED',
        'invalid_client',
      ),
    },
  },
  Spotify: {
    issues: {
      'no new refresh token': kept({ token_type: 'Bearer', expires_in: 3600, scope: 'user-read-email' }, 3600, {
        scopes: ['user-read-email'],
      }),
      'with PKCE, a new one': rotated({ token_type: 'Bearer', expires_in: 3600, scope: '' }, 3600),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'Refresh token revoked'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'an outage that calls good tokens dead': refused(
        503,
        oauthError('invalid_grant', 'Refresh token revoked'),
        'TOKEN_ENDPOINT_UNAVAILABLE',
        'invalid_grant',
      ),
      'a wrong client': refused(400, oauthError('invalid_client'), 'CLIENT_REJECTED', 'invalid_client'),
    },
  },
  LinkedIn: {
    issues: {
      'a year for the refresh token': rotated(
        { expires_in: 5_184_000, refresh_token_expires_in: 31_536_000, scope: 'r_basicprofile' },
        5_184_000,
        { refreshTokenLifetime: 31_536_000, scopes: ['r_basicprofile'] },
      ),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError(
          'invalid_grant',
          'The provided authorization grant or refresh token is invalid, expired or revoked.',
        ),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        401,
        oauthError('invalid_client', 'Client authentication failed'),
        'CLIENT_REJECTED',
        'invalid_client',
      ),
    },
  },
  Fitbit: {
    issues: {
      'eight hours': rotated({ expires_in: 28_800, scope: 'activity', token_type: 'Bearer', user_id: 'U' }, 28_800, {
        scopes: ['activity'],
      }),
    },
    refuses: {
      'a dead token, in a list of errors': {
        wire: {
          status: 400,
          body: { errors: [{ errorType: 'invalid_grant', message: 'Refresh token invalid' }], success: false },
        },
        code: 'REFRESH_TOKEN_REJECTED',
        says: 'HTTP status 400 and the error code invalid_grant.',
      },
    },
  },
  Snowflake: {
    issues: {
      'ten minutes, no new refresh token': kept(
        { token_type: 'Bearer', expires_in: 600, scope: 'refresh_token', username: 'U' },
        600,
        { scopes: ['refresh_token'] },
      ),
    },
    refuses: {
      'a wrong client': refused(
        401,
        { data: null, message: 'This is an invalid client.', code: null, success: false, error: 'invalid_client' },
        'CLIENT_REJECTED',
        'invalid_client',
      ),
      'a dead token': refused(
        400,
        {
          data: null,
          message: 'This is an invalid refresh token.',
          code: null,
          success: false,
          error: 'invalid_grant',
        },
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
    },
  },
  Withings: {
    issues: {
      'one object down, with a status in the body': {
        wire: {
          body: {
            status: 0,
            body: { userid: '1', access_token: accessToken, expires_in: 10_800, token_type: 'Bearer' },
          },
        },
        lifetime: 10_800,
      },
    },
    refuses: {
      'a rate limit that needs a rule': {
        wire: { status: 200, body: { status: 601, body: {}, error: 'Too Many Requests' } },
        code: 'REQUEST_REJECTED',
        says: 'HTTP status 200 and an unknown error code.',
      },
      'unavailable, with a header': later(
        { wire: { status: 503, body: '' }, code: 'TOKEN_ENDPOINT_UNAVAILABLE', says: 'HTTP status 503' },
        10,
        '10',
      ),
    },
  },
}
