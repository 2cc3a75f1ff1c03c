import {
  accessToken,
  type Dialect,
  kept,
  later,
  oauthError,
  refreshToken,
  refused,
  rotated,
} from './token-answer-dialect.ts'

/** Code, work and chat. */
export const platforms: Readonly<Record<string, Dialect>> = {
  GitHub: {
    issues: {
      'a user access token of a GitHub App': rotated(
        { expires_in: 28_800, refresh_token_expires_in: 15_811_200, scope: '', token_type: 'bearer' },
        28_800,
        { refreshTokenLifetime: 15_811_200 },
      ),
      'form-encoded, to clients that accept no JSON': {
        wire: {
          contentType: 'application/x-www-form-urlencoded',
          body: `access_token=${accessToken}&expires_in=28800&refresh_token=${refreshToken}&refresh_token_expires_in=15811200&scope=&token_type=bearer`,
        },
        refreshToken,
        lifetime: 28_800,
        refreshTokenLifetime: 15_811_200,
      },
    },
    refuses: {
      'a dead token, with status 200': refused(
        200,
        oauthError('bad_refresh_token', 'The refresh token passed is incorrect or expired.', {
          error_uri: 'https://docs',
        }),
        'REFRESH_TOKEN_REJECTED',
        'bad_refresh_token',
      ),
      'a dead token, with status 400': refused(
        400,
        oauthError('bad_refresh_token'),
        'REFRESH_TOKEN_REJECTED',
        'bad_refresh_token',
      ),
      'a dead token, form-encoded': refused(
        200,
        'error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect+or+expired.',
        'REFRESH_TOKEN_REJECTED',
        'bad_refresh_token',
      ),
      'a wrong client secret': refused(
        200,
        oauthError('incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.'),
        'CLIENT_REJECTED',
        'incorrect_client_credentials',
      ),
      'a page that it shows when in trouble': {
        wire: { status: 502, contentType: 'text/html', body: '<!DOCTYPE html><title>Unicorn!</title>' },
        code: 'TOKEN_ENDPOINT_UNAVAILABLE',
        says: 'HTTP status 502 and a web page.',
      },
    },
  },
  GitLab: {
    issues: {
      'two hours, with the time of creation': rotated(
        { token_type: 'Bearer', expires_in: 7200, scope: 'api read_user', created_at: 1_607_635_748 },
        7200,
        { scopes: ['api', 'read_user'] },
      ),
      'without expires_in': rotated({ token_type: 'Bearer', created_at: 1_607_635_748 }, 2700),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError(
          'invalid_grant',
          'The provided authorization grant is invalid, expired, revoked, or was issued to another client.',
        ),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        401,
        oauthError('invalid_client', 'Client authentication failed due to unknown client.'),
        'CLIENT_REJECTED',
        'invalid_client',
      ),
      'a rate limit in plain words': {
        wire: { status: 429, contentType: 'text/plain', retryAfter: '60', body: 'Retry later\n' },
        code: 'TOKEN_ENDPOINT_THROTTLED',
        says: 'HTTP status 429',
        retryAfterSeconds: 60,
      },
    },
  },
  Bitbucket: {
    issues: {
      'with the plural of scope': rotated(
        { scopes: 'repository', expires_in: 7200, token_type: 'bearer', state: 'refresh_token' },
        7200,
      ),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'The specified refresh token is not valid.'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        400,
        oauthError('unauthorized_client', 'Invalid OAuth client credentials'),
        'CLIENT_REJECTED',
        'unauthorized_client',
      ),
    },
  },
  Atlassian: {
    issues: {
      'three-legged': rotated(
        { expires_in: 3600, scope: 'read:jira-work offline_access', token_type: 'Bearer' },
        3600,
        {
          scopes: ['read:jira-work', 'offline_access'],
        },
      ),
    },
    refuses: {
      'a dead token': refused(
        403,
        oauthError('invalid_grant', 'Unknown or invalid refresh token.'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a dead token, in the words of a wrong client': refused(
        403,
        oauthError('unauthorized_client', 'refresh_token is invalid'),
        'REFRESH_TOKEN_REJECTED',
        'unauthorized_client',
      ),
      'a wrong client': refused(
        401,
        oauthError('unauthorized_client', 'Unauthorized'),
        'CLIENT_REJECTED',
        'unauthorized_client',
      ),
      'a wrong client secret': refused(
        401,
        oauthError('access_denied', 'Unauthorized'),
        'TOKEN_ENDPOINT_DENIED',
        'access_denied',
      ),
    },
  },
  Slack: {
    issues: {
      'for a bot': rotated(
        { ok: true, token_type: 'bot', scope: 'chat:write,users:read', expires_in: 43_200, team: { id: 'T1' } },
        43_200,
        { scopes: ['chat:write', 'users:read'] },
      ),
      'for a user, one object down': {
        wire: {
          body: {
            ok: true,
            authed_user: {
              id: 'U1',
              scope: 'search:read',
              access_token: accessToken,
              refresh_token: refreshToken,
              expires_in: 43_200,
              token_type: 'user',
            },
          },
        },
        refreshToken,
        lifetime: 43_200,
        scopes: ['search:read'],
      },
    },
    refuses: {
      'a dead token': refused(
        200,
        { ok: false, error: 'invalid_refresh_token' },
        'REFRESH_TOKEN_REJECTED',
        'invalid_refresh_token',
      ),
      'a revoked token': refused(200, { ok: false, error: 'token_revoked' }, 'REFRESH_TOKEN_REJECTED', 'token_revoked'),
      'a wrong client secret': refused(
        200,
        { ok: false, error: 'bad_client_secret' },
        'CLIENT_REJECTED',
        'bad_client_secret',
      ),
      'a wrong client': refused(200, { ok: false, error: 'invalid_client_id' }, 'CLIENT_REJECTED', 'invalid_client_id'),
      'a rate limit with status 200': later(
        refused(200, { ok: false, error: 'ratelimited' }, 'TOKEN_ENDPOINT_THROTTLED', 'ratelimited'),
        30,
        '30',
      ),
      'a fault that may have rotated': refused(
        200,
        { ok: false, error: 'internal_error' },
        'TOKEN_ENDPOINT_UNAVAILABLE',
        'internal_error',
      ),
      'another fault that may have rotated': refused(
        200,
        { ok: false, error: 'fatal_error' },
        'TOKEN_ENDPOINT_UNAVAILABLE',
        'fatal_error',
      ),
      'no code at all': refused(200, { ok: false }, 'REQUEST_REJECTED', undefined),
    },
  },
  Discord: {
    issues: {
      'a week': rotated({ token_type: 'Bearer', expires_in: 604_800, scope: 'identify' }, 604_800, {
        scopes: ['identify'],
      }),
    },
    refuses: {
      'a dead token': refused(400, oauthError('invalid_grant'), 'REFRESH_TOKEN_REJECTED', 'invalid_grant'),
      'a wrong client': refused(401, oauthError('invalid_client'), 'CLIENT_REJECTED', 'invalid_client'),
      'a rate limit that the body alone tells': {
        wire: { status: 429, body: { message: 'You are being rate limited.', retry_after: 64.57, global: false } },
        code: 'TOKEN_ENDPOINT_THROTTLED',
        says: 'HTTP status 429',
        retryAfterSeconds: 65,
      },
    },
  },
  Notion: {
    issues: {
      'without a lifetime': rotated(
        { token_type: 'bearer', bot_id: 'b1', workspace_id: 'w1', owner: { type: 'user' } },
        2700,
      ),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', undefined, { object: 'error', status: 400 }),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(401, oauthError('invalid_client'), 'CLIENT_REJECTED', 'invalid_client'),
      'a malformed request': refused(
        400,
        { object: 'error', status: 400, code: 'validation_error', message: 'body failed validation' },
        'REQUEST_REJECTED',
        'validation_error',
      ),
      'a rate limit': later(
        refused(
          429,
          { object: 'error', status: 429, code: 'rate_limited' },
          'TOKEN_ENDPOINT_THROTTLED',
          'rate_limited',
        ),
        2,
        '2',
      ),
    },
  },
  Linear: {
    issues: {
      'a day, scopes with commas': rotated({ token_type: 'Bearer', expires_in: 86_399, scope: 'read,write' }, 86_399, {
        scopes: ['read', 'write'],
      }),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'The refresh token is invalid or has been revoked'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(401, oauthError('invalid_client'), 'CLIENT_REJECTED', 'invalid_client'),
    },
  },
  Zoom: {
    issues: {
      'an hour': rotated(
        { token_type: 'bearer', expires_in: 3599, scope: 'user:read meeting:read', api_url: 'https://api.zoom.us' },
        3599,
        { scopes: ['user:read', 'meeting:read'] },
      ),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', undefined, { reason: 'Invalid Token!' }),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong client': refused(
        401,
        oauthError('invalid_client', undefined, { reason: 'Invalid client_id or client_secret' }),
        'CLIENT_REJECTED',
        'invalid_client',
      ),
    },
  },
  Figma: {
    issues: { 'ninety days, no new refresh token': kept({ token_type: 'bearer', expires_in: 7_776_000 }, 7_776_000) },
    refuses: {
      'words and no code': {
        wire: { status: 400, body: { status: 400, error: true, message: 'Invalid refresh token' } },
        code: 'REQUEST_REJECTED',
        says: 'HTTP status 400 and an unknown error code.',
      },
    },
  },
}
