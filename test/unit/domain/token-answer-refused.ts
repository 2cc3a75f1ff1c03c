import type { Refusal } from './token-answer-fixtures.ts'

const page = '<!DOCTYPE html><html><body>Sign in to the network</body></html>'

const described = (error: string): unknown => ({ error, error_description: 'unprintable words about the grant' })

/** Status × error × shape: every row of answers without a token that we know how to tell apart. */
export const refusals: Readonly<Record<string, Refusal>> = {
  // RFC 6749 §5.2.
  'a dead refresh token': {
    wire: { status: 400, body: described('invalid_grant') },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'HTTP status 400 and the error code invalid_grant',
  },
  'a dead refresh token, Auth0': {
    wire: { status: 403, body: described('invalid_grant') },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'HTTP status 403 and the error code invalid_grant',
  },
  'a used refresh token, form-encoded, in other case': {
    wire: {
      status: 400,
      contentType: 'application/x-www-form-urlencoded',
      body: 'error=invalid_grant&error_description=maximum+allowed+Refresh+Token+reuse+exceeded',
    },
    code: 'REFRESH_TOKEN_REUSED',
    says: 'the error code invalid_grant.',
  },
  'a wrong client': {
    wire: { status: 401, body: described('invalid_client') },
    code: 'CLIENT_REJECTED',
    says: 'HTTP status 401 and the error code invalid_client',
  },
  'a wrong client with status 400': {
    wire: { status: 400, body: described('invalid_client') },
    code: 'CLIENT_REJECTED',
    says: 'the error code invalid_client',
  },
  'a client without this grant': {
    wire: { status: 400, body: described('unauthorized_client') },
    code: 'CLIENT_REJECTED',
    says: 'the error code unauthorized_client',
  },
  'a wrong scope': {
    wire: { status: 400, body: described('invalid_scope') },
    code: 'SCOPE_REJECTED',
    says: 'the error code invalid_scope',
  },
  'a wrong resource (RFC 8707)': {
    wire: { status: 400, body: described('invalid_target') },
    code: 'SCOPE_REJECTED',
    says: 'the error code invalid_target',
  },
  'a malformed request': {
    wire: { status: 400, body: described('invalid_request') },
    code: 'REQUEST_REJECTED',
    says: 'the error code invalid_request',
  },
  'an unsupported grant': {
    wire: { status: 400, body: described('unsupported_grant_type') },
    code: 'REQUEST_REJECTED',
    says: 'the error code unsupported_grant_type',
  },
  'a demand for DPoP (RFC 9449)': {
    wire: { status: 400, body: described('use_dpop_nonce') },
    code: 'REQUEST_REJECTED',
    says: 'the error code use_dpop_nonce',
  },
  'an error code in upper case': {
    wire: { status: 400, body: described('INVALID_GRANT') },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code invalid_grant',
  },

  // Statuses that speak for themselves.
  'a redirect': { wire: { status: 307, body: '' }, code: 'TOKEN_ENDPOINT_REDIRECTED', says: 'HTTP status 307' },
  'a redirect to a login page': {
    wire: { status: 302, contentType: 'text/html', body: page },
    code: 'TOKEN_ENDPOINT_REDIRECTED',
    says: 'HTTP status 302 and a web page',
  },
  'a redirect that claims an OAuth error': {
    wire: { status: 302, body: described('invalid_grant') },
    code: 'TOKEN_ENDPOINT_REDIRECTED',
    says: 'HTTP status 302',
  },
  'no such page': {
    wire: { status: 404, contentType: 'text/html', body: page },
    code: 'TOKEN_ENDPOINT_NOT_FOUND',
    says: 'HTTP status 404 and a web page',
  },
  'no such method': {
    wire: { status: 405, body: '' },
    code: 'TOKEN_ENDPOINT_NOT_FOUND',
    says: 'HTTP status 405 and an empty body',
  },
  'no such body format': { wire: { status: 415, body: '' }, code: 'TOKEN_ENDPOINT_NOT_FOUND', says: 'HTTP status 415' },
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
  'a dead token under 404': {
    wire: { status: 404, body: described('invalid_grant') },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'HTTP status 404 and the error code invalid_grant',
  },
  'too many requests': {
    wire: { status: 429, retryAfter: '17', body: '' },
    code: 'TOKEN_ENDPOINT_THROTTLED',
    says: 'HTTP status 429',
    retryAfterSeconds: 17,
  },
  'too many requests with an OAuth error': {
    wire: { status: 429, body: described('invalid_grant') },
    code: 'TOKEN_ENDPOINT_THROTTLED',
    says: 'HTTP status 429',
  },
  'slow down': {
    wire: { status: 400, body: described('slow_down') },
    code: 'TOKEN_ENDPOINT_THROTTLED',
    says: 'the error code slow_down',
  },
  'temporarily unavailable': {
    wire: { status: 503, retryAfter: '2.2', body: described('temporarily_unavailable') },
    code: 'TOKEN_ENDPOINT_THROTTLED',
    says: 'the error code temporarily_unavailable',
    retryAfterSeconds: 3,
  },
  'an internal error': {
    wire: { status: 500, body: '' },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 500 and an empty body',
  },
  'a gateway timeout page': {
    wire: { status: 504, contentType: 'text/html', body: page },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 504 and a web page',
  },
  maintenance: {
    wire: { status: 503, retryAfter: '120', body: '' },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 503',
    retryAfterSeconds: 120,
  },
  'an outage that calls the grant invalid': {
    wire: { status: 500, body: described('invalid_grant') },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 500 and the error code invalid_grant',
  },
  'an outage that calls the client invalid': {
    wire: { status: 502, body: described('invalid_client') },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 502',
  },
  'a request timeout': { wire: { status: 408, body: '' }, code: 'TOKEN_ENDPOINT_UNAVAILABLE', says: 'HTTP status 408' },
  'a concurrent refresh': {
    wire: { status: 409, body: '' },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 409',
  },
  'a misdirected request': {
    wire: { status: 421, body: '' },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 421',
  },
  'a refused replay': { wire: { status: 425, body: '' }, code: 'TOKEN_ENDPOINT_UNAVAILABLE', says: 'HTTP status 425' },
  'unauthorized without a word': {
    wire: { status: 401, body: '' },
    code: 'CLIENT_REJECTED',
    says: 'HTTP status 401 and an empty body',
  },
  'forbidden by a firewall': {
    wire: { status: 403, contentType: 'text/html', body: page },
    code: 'TOKEN_ENDPOINT_DENIED',
    says: 'HTTP status 403 and a web page',
  },
  'payment required': {
    wire: { status: 402, body: { detail: 'unprintable' } },
    code: 'TOKEN_ENDPOINT_DENIED',
    says: 'HTTP status 402 and neither tokens nor an OAuth error code',
  },
  'a vendor error that nobody knows': {
    wire: { status: 400, body: described('E-4711 unprintable') },
    code: 'REQUEST_REJECTED',
    says: 'HTTP status 400 and an unknown error code',
  },
  'an error code with a line break': {
    wire: { status: 400, body: described('invalid_grant\nunprintable') },
    code: 'REQUEST_REJECTED',
    says: 'an unknown error code',
  },
  'an error that is a boolean': {
    wire: { status: 400, body: { error: true } },
    code: 'REQUEST_REJECTED',
    says: 'an unknown error code',
  },

  // 200, and yet no token answer.
  'a captive portal': {
    wire: { contentType: 'text/html', body: page },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'HTTP status 200 and a web page',
  },
  'an empty answer': { wire: { body: '' }, code: 'TOKEN_ANSWER_NOT_OAUTH', says: 'HTTP status 200 and an empty body' },
  'nothing but space': { wire: { body: ' \r\n\t' }, code: 'TOKEN_ANSWER_NOT_OAUTH', says: 'an empty body' },
  'no content': {
    wire: { status: 204, contentType: '', body: '' },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'HTTP status 204',
  },
  'an empty object': {
    wire: { body: {} },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'neither tokens nor an OAuth error code',
  },
  'a JSON string': {
    wire: { body: '"ok"' },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'neither tokens nor an OAuth error code',
  },
  'plain words': {
    wire: { contentType: 'text/plain', body: 'service is up' },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'neither tokens nor an OAuth error code',
  },
  'an access token that is a number': {
    wire: { body: { access_token: 17, token_type: 'Bearer' } },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'neither tokens nor an OAuth error code',
  },
  'an empty access token': {
    wire: { body: { access_token: '', token_type: 'Bearer' } },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'neither tokens nor an OAuth error code',
  },
  'an access token under __proto__': {
    wire: { body: '{"__proto__":{"access_token":""}}' },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'neither tokens nor an OAuth error code',
  },
  'nesting without end': {
    wire: { body: '{"a":'.repeat(20_000) },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'neither tokens nor an OAuth error code',
  },
  'an array without end': {
    wire: { body: '{"a":' + '['.repeat(100_000) },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'neither tokens nor an OAuth error code',
  },
  'a switching of protocols': {
    wire: { status: 101, body: '' },
    code: 'TOKEN_ANSWER_NOT_OAUTH',
    says: 'HTTP status 101',
  },

  // The connection ended early.
  'a cut answer without a byte': {
    wire: { complete: false, body: '' },
    code: 'TOKEN_RESULT_UNKNOWN',
    says: 'HTTP status 200 and an empty body, and the answer ended early',
  },
  'a cut refusal without a byte': {
    wire: { status: 400, complete: false, body: '' },
    code: 'TOKEN_RESULT_UNKNOWN',
    says: 'the answer ended early',
  },
  'a cut refusal whose code arrived': {
    wire: { status: 400, complete: false, body: '{"error":"invalid_grant","error_desc' },
    code: 'REFRESH_TOKEN_REJECTED',
    says: 'the error code invalid_grant, and the answer ended early',
  },
  'a cut gateway page': {
    wire: { status: 502, contentType: 'text/html', complete: false, body: '<html>' },
    code: 'TOKEN_ENDPOINT_UNAVAILABLE',
    says: 'HTTP status 502 and a web page, and the answer ended early',
  },
  'a cut page of a wrong address': {
    wire: { status: 404, contentType: 'text/html', complete: false, body: '<html>' },
    code: 'TOKEN_ENDPOINT_NOT_FOUND',
    says: 'HTTP status 404',
  },
  'an object that stops although the connection ended well': {
    wire: { body: '{"access_token":"half' },
    code: 'TOKEN_RESULT_UNKNOWN',
    says: 'the answer ended early',
  },
}
