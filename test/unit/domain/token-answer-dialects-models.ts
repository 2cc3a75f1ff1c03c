import { type Dialect, idToken, kept, oauthError, refused, rotated } from './token-answer-dialect.ts'

/** Whoever serves language models to tools that log in. */
export const models: Readonly<Record<string, Dialect>> = {
  OpenAI: {
    issues: {
      'ten days': rotated({ id_token: idToken, token_type: 'bearer', expires_in: 864_000 }, 864_000),
      'without a lifetime': rotated({ id_token: idToken }, 2700),
    },
    refuses: {
      'a used token': refused(
        401,
        {
          error: {
            message: 'Your refresh token has already been used to generate a new access token.',
            type: 'invalid_request_error',
            param: null,
            code: 'refresh_token_reused',
          },
        },
        'REFRESH_TOKEN_REUSED',
        'refresh_token_reused',
      ),
      'a used token, with status 400': refused(
        400,
        { error: { code: 'refresh_token_reused' } },
        'REFRESH_TOKEN_REUSED',
        'refresh_token_reused',
      ),
      'a used token, said in an outage': refused(
        500,
        { error: { code: 'refresh_token_reused' } },
        'TOKEN_ENDPOINT_UNAVAILABLE',
        'refresh_token_reused',
      ),
      'an expired token': refused(
        401,
        { error: { code: 'refresh_token_expired' } },
        'REFRESH_TOKEN_REJECTED',
        'refresh_token_expired',
      ),
      'an invalidated token': refused(
        401,
        { error: { code: 'refresh_token_invalidated' } },
        'REFRESH_TOKEN_REJECTED',
        'refresh_token_invalidated',
      ),
      'an expired session': refused(
        401,
        { error: { code: 'token_expired' } },
        'REFRESH_TOKEN_REJECTED',
        'token_expired',
      ),
    },
  },
  Anthropic: {
    issues: {
      'eight hours': rotated({ token_type: 'Bearer', expires_in: 28_800, scope: 'user:inference' }, 28_800, {
        scopes: ['user:inference'],
      }),
      'no new refresh token now and then': kept({ token_type: 'Bearer', expires_in: 28_800 }, 28_800),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'Refresh token not found or invalid'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'a wrong address': {
        wire: { status: 404, body: { type: 'error', error: { type: 'not_found_error', message: 'Not found' } } },
        code: 'TOKEN_ENDPOINT_NOT_FOUND',
        says: 'HTTP status 404 and an unknown error code.',
      },
      'a malformed request': refused(
        400,
        { type: 'error', error: { type: 'invalid_request_error', message: 'Invalid request format' } },
        'REQUEST_REJECTED',
        'invalid_request_error',
      ),
      'a rate limit': refused(
        429,
        { type: 'error', error: { type: 'rate_limit_error', message: 'Rate limited.' } },
        'TOKEN_ENDPOINT_THROTTLED',
        'rate_limit_error',
      ),
      'no permission': refused(
        403,
        { type: 'error', error: { type: 'permission_error', message: 'OAuth is not allowed for this organization.' } },
        'TOKEN_ENDPOINT_DENIED',
        'permission_error',
      ),
      overload: refused(529, { error: { type: 'overloaded_error' } }, 'TOKEN_ENDPOINT_UNAVAILABLE', 'overloaded_error'),
    },
  },
  Qwen: {
    issues: {
      'with a resource URL': rotated(
        { token_type: 'Bearer', expires_in: 21_600, resource_url: 'portal.qwen.ai' },
        21_600,
      ),
      'no new refresh token': kept({ token_type: 'Bearer', expires_in: 21_600 }, 21_600),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'refresh token is invalid'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
      'polled too fast': refused(429, oauthError('slow_down'), 'TOKEN_ENDPOINT_THROTTLED', 'slow_down'),
      'a service that has ended': {
        wire: { status: 410, body: '' },
        code: 'TOKEN_ENDPOINT_NOT_FOUND',
        says: 'HTTP status 410 and an empty body.',
      },
    },
  },
  Gemini: {
    issues: {
      'an hour, as Google': kept(
        {
          expires_in: 3599,
          scope: 'https://www.googleapis.com/auth/cloud-platform',
          token_type: 'Bearer',
          id_token: idToken,
        },
        3599,
        { scopes: ['https://www.googleapis.com/auth/cloud-platform'] },
      ),
    },
    refuses: {
      'a dead token': refused(
        400,
        oauthError('invalid_grant', 'Bad Request'),
        'REFRESH_TOKEN_REJECTED',
        'invalid_grant',
      ),
    },
  },
}
