import { TestAuthority } from '../../support/test-certificates.ts'
import { failure } from '../../../src/domain/failures.ts'
import { failed } from '../../../src/domain/result.ts'
import { canary } from '../../support/canary.ts'
import { aRotation } from '../../support/builders.ts'
import { httpAnswer } from '../../support/scripted-token-endpoint.ts'
import { answered, does, refused, type Row, type Scene } from './outcome-row.ts'

/** Class · policy · may the same refresh token be presented again. */
type Verdict = readonly [code: Row[2], next: Row[3], again: Row[4]]

const unreachable: Verdict = ['TOKEN_ENDPOINT_UNREACHABLE', 'retry', 'yes']
const notAllowed: Verdict = ['ENDPOINT_NOT_ALLOWED', 'stall', 'after a fix']
const unknown: Verdict = ['TOKEN_RESULT_UNKNOWN', 'uncertain', 'once more']
const unavailable: Verdict = ['TOKEN_ENDPOINT_UNAVAILABLE', 'uncertain', 'once more']
const notOAuth: Verdict = ['TOKEN_ANSWER_NOT_OAUTH', 'uncertain', 'once more']
const issued: Verdict = ['issued', '-', 'the successor']
const unrotated: Verdict = ['issued', '-', 'as before']
const cutSuccessor: Verdict = ['TOKEN_RESULT_UNKNOWN', 'uncertain', 'the successor']
const successorAlone: Verdict = ['TOKEN_ANSWER_INCOMPLETE', 'stall', 'the successor']
const dead: Verdict = ['REFRESH_TOKEN_REJECTED', 'stall', 'never']
const reused: Verdict = ['REFRESH_TOKEN_REUSED', 'stall', 'never']
const lost: Verdict = ['REFRESH_ANSWER_LOST', 'stall', 'never']
const interaction: Verdict = ['INTERACTION_REQUIRED', 'stall', 'after a fix']
const wrongClient: Verdict = ['CLIENT_REJECTED', 'stall', 'after a fix']
const wrongScope: Verdict = ['SCOPE_REJECTED', 'stall', 'after a fix']
const wrongRequest: Verdict = ['REQUEST_REJECTED', 'stall', 'after a fix']
const denied: Verdict = ['TOKEN_ENDPOINT_DENIED', 'stall', 'after a fix']
const redirected: Verdict = ['TOKEN_ENDPOINT_REDIRECTED', 'stall', 'after a fix']
const wrongAddress: Verdict = ['TOKEN_ENDPOINT_NOT_FOUND', 'stall', 'after a fix']
const throttled: Verdict = ['TOKEN_ENDPOINT_THROTTLED', 'wait', 'yes']

const rt = canary('rt')
const tokens = { access_token: canary('at'), token_type: 'Bearer', expires_in: 3600, refresh_token: rt }
const { refresh_token: _rotated, ...accessTokenAlone } = tokens
const page = '<!DOCTYPE html><html><body>Sign in</body></html>'
const html = { 'content-type': 'text/html' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const authority = new TestAuthority('an authority')
const never: Scene = { server: { script: () => undefined } }
const https = (url: string): string => url.replace('http:', 'https:')

function lookupFails(code: string): Scene {
  const lookup = async (): Promise<never> => Promise.reject(Object.assign(new Error(code), { code }))
  return { ...never, endpoint: { lookup }, address: () => 'https://login.example.com/token' }
}

/** What stands under `invalid_grant`, or another code, in the words of the server. */
function inWords(status: number, error: string, description: string): Scene {
  return refused(status, error, { error_description: description })
}

/** An Entra error with its number. */
function aadsts(status: number, error: string, number: number): Scene {
  return refused(status, error, { error_codes: [number] })
}

/** An error object with a code in it. */
function coded(status: number, code: string): Scene {
  return answered(status, { error: { code } })
}

function notOk(error: string, headers?: Readonly<Record<string, string>>): Scene {
  return answered(200, { ok: false, error }, headers)
}

function afterALostAnswer(scene: Scene): Scene {
  return { ...scene, earlierSends: 1 }
}

/** Whose certificate is shown, and what is trusted. */
function tls(tls: { cert: string; key: string }, caBundle?: string): Scene {
  return {
    server: { script: () => undefined, tls },
    provider: { tls: { ...(caBundle !== undefined && { caBundle }) } },
  }
}

function refusesToBegin(code: 'JOURNAL_UNAVAILABLE' | 'REFRESH_RECORD_CONFLICT' | 'REFRESH_RECORD_UNAVAILABLE'): Scene {
  return { ...never, beforeSend: async () => failed(failure(code, 'Something is not as it should be.')) }
}

/** A body of which no more than `length` bytes come. */
function cut(body: unknown, length: number, status = 200): Scene {
  const text = JSON.stringify(body)
  return does((socket) => socket.end(httpAnswer(status, text.slice(0, length), { 'content-length': `${text.length}` })))
}

const slow = { responseTimeoutMs: 200 }
const hasty = { connectTimeoutMs: 200 }

/** Before the first byte of the request has left: the refresh token is unused, whatever it was. */
const beforeTheWrite: readonly Row[] = [
  ['the name does not exist', lookupFails('ENOTFOUND'), ...unreachable],
  ['the name cannot be resolved now', lookupFails('EAI_AGAIN'), ...unreachable],
  [
    'the resolver is silent',
    { ...never, endpoint: { ...hasty, lookup: async () => new Promise(() => undefined) } },
    ...unreachable,
  ],
  ['nobody listens', { ...never, address: () => 'http://127.0.0.1:9/token' }, ...unreachable],
  [
    'TLS with a server that speaks none',
    {
      server: { script: () => undefined, connected: (socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n') },
      address: https,
    },
    ...unreachable,
  ],
  ['the TLS handshake never ends', { ...never, endpoint: hasty, address: https }, ...unreachable],
  ['the certificate is of an unknown authority', tls(authority.issue()), ...unreachable],
  ['the certificate has expired', tls(authority.issue('localhost', [-9, -1]), authority.ca), ...unreachable],
  [
    'the server closes the connection before the write',
    { server: { script: () => undefined, connected: (socket) => socket.resetAndDestroy() }, beforeSend: afterAWhile },
    ...unreachable,
  ],
  ['the address is not public', { ...never, endpoint: { allowPrivateAddresses: false } }, ...notAllowed],
  ['the URL is not https', { ...never, endpoint: { allowPlainHttp: false } }, ...notAllowed],
  [
    'the client secret is missing',
    {
      ...never,
      provider: {
        client: { id: 'ci', authentication: 'client_secret_basic', secretRef: { name: 'client', key: 'secret' } },
      },
    },
    'CLIENT_SECRET_UNAVAILABLE',
    'stall',
    'after a fix',
  ],
  [
    'a header cannot be written',
    { ...never, provider: { request: { bodyFormat: 'form', parameters: {}, headers: { 'x y': 'z' } } } },
    'PROVIDER_INVALID',
    'stall',
    'after a fix',
  ],
  ['the journal cannot be written', refusesToBegin('JOURNAL_UNAVAILABLE'), 'JOURNAL_UNAVAILABLE', 'retry', 'yes'],
  [
    'the record cannot be written',
    refusesToBegin('REFRESH_RECORD_UNAVAILABLE'),
    'REFRESH_RECORD_UNAVAILABLE',
    'retry',
    'yes',
  ],
  ['another replica was first', refusesToBegin('REFRESH_RECORD_CONFLICT'), 'REFRESH_RECORD_CONFLICT', 'retry', 'yes'],
]

/** After the write, and no answer: nobody knows. */
const withoutAnAnswer: readonly Row[] = [
  ['the connection is closed', does((socket) => socket.end()), ...unknown],
  ['the connection is reset', does((socket) => socket.resetAndDestroy()), ...unknown],
  ['silence until the deadline', { ...never, endpoint: slow }, ...unknown],
  ['half a status line', does((socket) => socket.end('HTTP/1.1 20')), ...unknown],
  ['a header without end', does((socket) => socket.end('HTTP/1.1 200 OK\r\nx: y\r\n')), ...unknown],
  ['a header that is too large', does((socket) => socket.end(httpAnswer(200, '', { x: 'y'.repeat(1e5) }))), ...unknown],
  [
    'another protocol',
    does((socket) => socket.end('HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n')),
    ...unknown,
  ],
  ['noise', does((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n')), ...unknown],
  [
    'a server with a leeway says nothing',
    { ...does((socket) => socket.end()), provider: { rotation: aRotation({ reuseLeewaySeconds: 1800 }) } },
    'TOKEN_RESULT_UNKNOWN',
    'uncertain',
    'within the leeway',
  ],
  [
    'the second answer is lost, too',
    afterALostAnswer(does((socket) => socket.end())),
    'TOKEN_RESULT_UNKNOWN',
    'uncertain',
    'near the end',
  ],
]

/** An answer of which the end did not come. */
const cutAnswers: readonly Row[] = [
  ['not a byte of the body', cut(tokens, 0), ...unknown],
  ['half of the refresh token', cut({ refresh_token: rt }, 30), ...unknown],
  ['the whole refresh token', cut({ refresh_token: rt, access_token: 'a' }, 30 + rt.length), ...cutSuccessor],
  [
    'a whole object, and the connection broke behind it',
    does((socket) => socket.end(httpAnswer(200, JSON.stringify(tokens), { 'content-length': '9999' }))),
    ...issued,
  ],
  ['a refusal without its code', cut({ error: 'invalid_grant' }, 12, 400), ...unknown],
  ['a refusal with its code', cut({ error: 'invalid_grant', error_description: 'x' }, 30, 400), ...dead],
  ['more than is read', answered(200, { refresh_token: rt, junk: 'x'.repeat(300_000) }), ...cutSuccessor],
  [
    'a body that never ends',
    { ...does((socket) => socket.write(httpAnswer(200, '{"acc', { 'content-length': '99' }))), endpoint: slow },
    ...unknown,
  ],
]

const success: readonly Row[] = [
  ['both tokens', answered(200, tokens), ...issued],
  ['no refresh token', answered(200, accessTokenAlone), ...unrotated],
  ['an empty refresh token', answered(200, { ...accessTokenAlone, refresh_token: '' }), ...unrotated],
  ['no token_type', answered(200, { ...tokens, token_type: undefined }), ...issued],
  ['expires_in as text', answered(200, { ...tokens, expires_in: '3600' }), ...issued],
  ['expires_in that is none', answered(200, { ...tokens, expires_in: 'soon' }), ...issued],
  ['tokens one object down', answered(200, { ok: true, authed_user: tokens }), ...issued],
  ['form-encoded', answered(200, `access_token=a&refresh_token=${rt}`, form), ...issued],
  ['a wrong content type', answered(200, tokens, html), ...issued],
  ['a refresh token and no access token', answered(200, { refresh_token: rt }), ...successorAlone],
  ['an access token of a wrong type', answered(200, { access_token: 7, refresh_token: rt }), ...successorAlone],
  ['tokens and an error', answered(200, { ...tokens, error: 'invalid_scope' }), ...successorAlone],
  ['tokens under a wrong status', answered(400, tokens), ...successorAlone],
]

/** A status that promises tokens, and there are none. */
const emptySuccess: readonly Row[] = [
  ['200 and a page', answered(200, page, html), ...notOAuth],
  ['200 and nothing', answered(200, ''), ...notOAuth],
  ['200 and an empty object', answered(200, {}), ...notOAuth],
  ['204', answered(204, ''), ...notOAuth],
  ['200, dead token (GitHub)', refused(200, 'bad_refresh_token'), ...dead],
  ['200, dead token, form-encoded (GitHub)', answered(200, 'error=bad_refresh_token', form), ...dead],
  ['200, wrong secret (GitHub)', refused(200, 'incorrect_client_credentials'), ...wrongClient],
  ['200, dead token (Slack)', notOk('invalid_refresh_token'), ...dead],
  ['200, revoked (Slack)', notOk('token_revoked'), ...dead],
  ['200, wrong secret (Slack)', notOk('bad_client_secret'), ...wrongClient],
  ['200, wrong client (Slack)', notOk('invalid_client_id'), ...wrongClient],
  ['200, throttled (Slack)', notOk('ratelimited', { 'retry-after': '30' }), ...throttled],
  ['200, half succeeded (Slack)', notOk('internal_error'), ...unavailable],
  ['200, fatal (Slack)', notOk('fatal_error'), ...unavailable],
  ['200, dead token (Zoho)', refused(200, 'invalid_code'), ...dead],
]

/** RFC 6749 §5.2 and what belongs to it. */
const oauthErrors: readonly Row[] = [
  ['400 invalid_request', refused(400, 'invalid_request'), ...wrongRequest],
  ['400 unsupported_grant_type', refused(400, 'unsupported_grant_type'), ...wrongRequest],
  ['400 invalid_scope', refused(400, 'invalid_scope'), ...wrongScope],
  ['400 invalid_target (RFC 8707)', refused(400, 'invalid_target'), ...wrongScope],
  ['400 use_dpop_nonce (RFC 9449)', refused(400, 'use_dpop_nonce'), ...wrongRequest],
  ['400 invalid_client', refused(400, 'invalid_client'), ...wrongClient],
  ['401 invalid_client', refused(401, 'invalid_client'), ...wrongClient],
  ['400 unauthorized_client', refused(400, 'unauthorized_client'), ...wrongClient],
  ['400 invalid_grant', refused(400, 'invalid_grant'), ...dead],
  ['400 invalid_grant after a lost answer', afterALostAnswer(refused(400, 'invalid_grant')), ...lost],
  ['400 invalid_client after a lost answer', afterALostAnswer(refused(400, 'invalid_client')), ...wrongClient],
  ['400 and a code that nobody knows', refused(400, 'E-4711'), ...wrongRequest],
  ['400 and nothing', answered(400, ''), ...wrongRequest],
]

/** The token was used before. */
const reuse: readonly Row[] = [
  ['refresh_token_reused (OpenAI)', coded(401, 'refresh_token_reused'), ...reused],
  ['refresh_token_reused after a lost answer', afterALostAnswer(coded(401, 'refresh_token_reused')), ...lost],
  ['in words (Keycloak)', inWords(400, 'invalid_grant', 'Maximum allowed refresh token reuse exceeded'), ...reused],
  ['stale, or logged out (Keycloak)', inWords(400, 'invalid_grant', 'Stale token'), ...dead],
  ['as a code (Supabase)', answered(400, { code: 400, error_code: 'refresh_token_already_used' }), ...reused],
  ['used or revoked (Ory Hydra)', refused(401, 'token_inactive'), ...dead],
  // These three do not tell the one from the other; their own logs do.
  ['reused, or dead (Okta)', inWords(400, 'invalid_grant', 'The refresh token is invalid or expired.'), ...dead],
  ['reused, or dead (Auth0)', inWords(403, 'invalid_grant', 'Unknown or invalid refresh token.'), ...dead],
  ['reused, or dead (Xero)', refused(400, 'invalid_grant'), ...dead],
]

const providers: readonly Row[] = [
  ['expired (OpenAI)', coded(401, 'refresh_token_expired'), ...dead],
  ['invalidated (OpenAI)', coded(401, 'refresh_token_invalidated'), ...dead],
  ['the session expired (OpenAI)', coded(401, 'token_expired'), ...dead],
  ['dead (Anthropic)', refused(400, 'invalid_grant'), ...dead],
  ['not found (Anthropic)', answered(404, { type: 'error', error: { type: 'not_found_error' } }), ...wrongAddress],
  ['expired or revoked (Google)', inWords(400, 'invalid_grant', 'Token has been expired or revoked.'), ...dead],
  ['session control (Google)', refused(400, 'invalid_grant', { error_subtype: 'invalid_rapt' }), ...interaction],
  ['throttled (Google)', refused(403, 'rate_limit_exceeded'), ...throttled],
  ['interaction_required (Entra)', aadsts(400, 'interaction_required', 50076), ...interaction],
  ['basic_action (Entra)', refused(400, 'invalid_grant', { suberror: 'basic_action' }), ...interaction],
  ['consent_required (Entra)', refused(400, 'invalid_grant', { suberror: 'consent_required' }), ...interaction],
  ['bad_token (Entra)', refused(400, 'invalid_grant', { suberror: 'bad_token', error_codes: [50173] }), ...dead],
  ['unused for too long, AADSTS700082 (Entra)', aadsts(400, 'invalid_grant', 700082), ...dead],
  ['client_mismatch (Entra)', refused(400, 'invalid_grant', { suberror: 'client_mismatch' }), ...wrongClient],
  ['wrong secret, AADSTS7000215 (Entra)', aadsts(401, 'invalid_client', 7000215), ...wrongClient],
  ['expired secret, AADSTS7000222 (Entra)', aadsts(401, 'invalid_client', 7000222), ...wrongClient],
  ['no such app, AADSTS700016 (Entra)', aadsts(400, 'unauthorized_client', 700016), ...wrongClient],
  ['a loop, AADSTS50196 (Entra)', aadsts(400, 'invalid_grant', 50196), ...throttled],
  ['a fault that passes, AADSTS90033 (Entra)', aadsts(400, 'invalid_grant', 90033), ...throttled],
  ['temporarily_unavailable (Entra)', refused(503, 'temporarily_unavailable'), ...throttled],
  ['dead (Atlassian)', refused(403, 'invalid_grant'), ...dead],
  [
    'dead, in the words of a wrong client (Atlassian)',
    inWords(403, 'unauthorized_client', 'refresh_token is invalid'),
    ...dead,
  ],
  ['wrong secret (Atlassian)', refused(403, 'access_denied'), ...denied],
  ['throttled under invalid_grant (Salesforce)', inWords(400, 'invalid_grant', 'login rate exceeded'), ...throttled],
  [
    'wrong secret under invalid_grant (Salesforce)',
    inWords(400, 'invalid_grant', 'invalid client credentials'),
    ...wrongClient,
  ],
  ['no session (Keycloak)', inWords(400, 'invalid_grant', 'Session not active'), ...dead],
  ['expired (Keycloak)', inWords(400, 'invalid_grant', 'Token is not active'), ...dead],
  ['a status word (HubSpot)', answered(400, { status: 'BAD_REFRESH_TOKEN' }), ...dead],
  [
    'throttled as denied access (Zoho)',
    inWords(400, 'Access Denied', 'You have made too many requests continuously. Please try again after some time.'),
    ...throttled,
  ],
]

/** Statuses without an OAuth body. */
const statuses: readonly Row[] = [
  ['302', answered(302, '', { location: '/login' }), ...redirected],
  ['307', answered(307, '', { location: 'https://login.example.net/token' }), ...redirected],
  ['308 with an OAuth error', refused(308, 'invalid_grant'), ...redirected],
  ['401', answered(401, ''), ...wrongClient],
  ['401 by a proxy', answered(401, page, { ...html, 'www-authenticate': 'Basic' }), ...wrongClient],
  ['402', answered(402, ''), ...denied],
  ['403 by a firewall', answered(403, page, html), ...denied],
  ['403 access_denied', refused(403, 'access_denied'), ...denied],
  ['404', answered(404, page, html), ...wrongAddress],
  ['405', answered(405, ''), ...wrongAddress],
  ['407', answered(407, ''), ...denied],
  ['408', answered(408, ''), ...unavailable],
  ['409', answered(409, ''), ...unavailable],
  ['410', answered(410, ''), ...wrongAddress],
  ['415', answered(415, ''), ...wrongAddress],
  ['421', answered(421, ''), ...unavailable],
  ['423', answered(423, ''), ...unavailable],
  ['425', answered(425, ''), ...unavailable],
  ['429', answered(429, ''), ...throttled],
  ['429, to come back in 90 s', answered(429, '', { 'retry-after': '90' }), ...throttled],
  ['429, to come back at a time', answered(429, '', { 'retry-after': 'Fri, 15 Jan 2027 08:02:00 GMT' }), ...throttled],
  ['429 invalid_grant', refused(429, 'invalid_grant'), ...throttled],
  ['500', answered(500, ''), ...unavailable],
  ['500 invalid_grant', refused(500, 'invalid_grant'), ...unavailable],
  ['502', answered(502, page, html), ...unavailable],
  ['503', answered(503, ''), ...unavailable],
  ['503, to come back in 120 s', answered(503, '', { 'retry-after': '120' }), ...unavailable],
  ['504', answered(504, page, html), ...unavailable],
  ['520 of a content delivery network', answered(520, page, html), ...unavailable],
  ['529', answered(529, ''), ...unavailable],
]

/** Everything that a token request can come to. */
export const outcomeTable: Readonly<Record<string, readonly Row[]>> = {
  'before the write': beforeTheWrite,
  'after the write, without an answer': withoutAnAnswer,
  'an answer that stops': cutAnswers,
  'an answer with tokens': success,
  'a status of success without tokens': emptySuccess,
  'OAuth errors': oauthErrors,
  'a refresh token that was used before': reuse,
  'what providers say in its place': providers,
  'statuses of gateways and of servers in trouble': statuses,
}

async function afterAWhile() {
  await new Promise((resolve) => setTimeout(resolve, 30))
  return { ok: true, value: undefined } as const
}
