import * as z from 'zod'
import { parseGoDuration } from '../domain/duration.ts'
import { secretKeyRef, tlsTrust } from './references.ts'
import { constrained } from './rule.ts'
import { durationText, httpUrl, mapOf, printable } from './scalars.ts'

const client = constrained(
  z.strictObject({
    id: printable(512).describe('The client_id that the authorization server gave out.'),
    authentication: z
      .enum(['none', 'client_secret_basic', 'client_secret_post'])
      .default('client_secret_basic')
      .describe(
        'How the client proves itself. none: a public client. client_secret_basic: HTTP Basic (RFC 6749 section 2.3.1). ' +
          'client_secret_post: client_secret in the request body. Default: client_secret_basic (RFC 7591 section 2).',
      ),
    secretRef: secretKeyRef(
      'Secret key that holds the client secret. Required unless authentication is none.',
    ).optional(),
  }),
  {
    cel: "self.authentication == 'none' || has(self.secretRef)",
    message: 'is required unless authentication is none',
    field: 'secretRef',
    holds: ({ authentication, secretRef }) => authentication === 'none' || secretRef !== undefined,
  },
  {
    cel: "self.authentication != 'none' || !has(self.secretRef)",
    message: 'must be absent when authentication is none',
    field: 'secretRef',
    holds: ({ authentication, secretRef }) => authentication !== 'none' || secretRef === undefined,
  },
).describe('The client that refresh tokens were issued to.')

const reservedParameters = [
  'grant_type',
  'refresh_token',
  'client_id',
  'client_secret',
  'scope',
  'client_assertion',
  'client_assertion_type',
] as const

const parameters = constrained(
  mapOf(z.string().max(1024), 32),
  {
    cel: "self.all(name, name.matches('^[a-zA-Z0-9_.:-]{1,128}$'))",
    message: 'must have names of 1 to 128 letters, digits and any of _ . : -',
    holds: (value) => Object.keys(value).every((name) => /^[a-zA-Z0-9_.:-]{1,128}$/.test(name)),
  },
  {
    cel: `self.all(name, !(name in ${celList(reservedParameters)}))`,
    message: `must not set what the operator sets itself: ${reservedParameters.join(', ')}`,
    holds: (value) => reservedParameters.every((name) => value[name] === undefined),
  },
)

const reservedHeaders = [
  'accept-encoding',
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const

const headerValue = z
  .string()
  .max(1024)
  .regex(/^([\x21-\x7E]([\x20-\x7E]*[\x21-\x7E])?)?$/, 'must be printable ASCII without space at its ends')

const headers = constrained(
  mapOf(headerValue, 32),
  {
    cel: "self.all(name, name.matches('^[a-zA-Z0-9_-]{1,128}$'))",
    message: 'must have names of 1 to 128 letters, digits, _ and -',
    holds: (value) => Object.keys(value).every((name) => /^[a-zA-Z0-9_-]{1,128}$/.test(name)),
  },
  {
    cel: `self.all(name, !(name.lowerAscii() in ${celList(reservedHeaders)}))`,
    message: `must not set what the operator sets itself: ${reservedHeaders.join(', ')}`,
    holds: (value) => {
      const names = new Set(Object.keys(value).map((name) => name.toLowerCase()))
      return reservedHeaders.every((name) => !names.has(name))
    },
  },
)

function celList(names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(', ')}]`
}

const request = z.strictObject({
  bodyFormat: z
    .enum(['form', 'json'])
    .default('form')
    .describe(
      'form: application/x-www-form-urlencoded, as RFC 6749 says. json: a JSON object, for servers that want one. Default: form.',
    ),
  parameters: parameters
    .default({})
    .describe(
      'More parameters for the request body, such as audience. Not secret: anybody who may read this object sees them. Default: none.',
    ),
  headers: headers
    .default({})
    .describe('More request headers. Not secret: anybody who may read this object sees them. Default: none.'),
})

const rotation = constrained(
  z.strictObject({
    mode: z
      .enum(['Detect', 'Always', 'Never'])
      .default('Detect')
      .describe(
        'Whether an answer brings another refresh token and ends the one before. Detect: as the answers so far show; before the first one it ' +
          'counts as Always. Always: it does. Never: the refresh token stays the same, so nothing is written back and no protection is paid for; ' +
          'an answer that brings another one all the same is kept. Default: Detect.',
      ),
    reuseLeeway: durationText('0s', '720h')
      .default('0s')
      .describe(
        'How long the server still accepts the previous refresh token after it issued a new one, from 0s to 720h. 0s: not at all, or ' +
          'unknown. A request whose answer was lost is repeated in time for it. Default: 0s.',
      ),
    leewayKind: z
      .enum(['SameToken', 'PreviousGeneration'])
      .default('SameToken')
      .describe(
        'What the server accepts within reuseLeeway. SameToken: the same refresh token as often as it comes. PreviousGeneration: only the one ' +
          'before the newest, so a request whose answer was lost is repeated once. Default: SameToken.',
      ),
    revokesPreviousAccessToken: z
      .boolean()
      .default(false)
      .describe(
        'True when a refresh kills the access token that was issued before; it is then refreshed late. Default: false.',
      ),
  }),
  {
    // The API server tries the rule on the default of the whole object, before its members have theirs.
    cel: "!has(self.leewayKind) || self.leewayKind == 'SameToken' || (has(self.reuseLeeway) && duration(self.reuseLeeway) > duration('0s'))",
    message: 'is only for a reuseLeeway above 0s',
    field: 'leewayKind',
    holds: ({ leewayKind, reuseLeeway }: { leewayKind?: unknown; reuseLeeway?: unknown }) =>
      leewayKind !== 'PreviousGeneration' || typeof reuseLeeway !== 'string' || parseGoDuration(reuseLeeway) !== 0,
  },
)

const limits = z.strictObject({
  requestsPerSecond: z
    .int()
    .min(1, { abort: true })
    .max(1000)
    .default(5)
    .describe('Most token requests that are started in a second, from 1 to 1000. Default: 5.'),
  maxConcurrent: z
    .int()
    .min(1, { abort: true })
    .max(1000)
    .default(2)
    .describe('Most token requests at the same time, from 1 to 1000. Default: 2.'),
})

/** `spec` of an `OAuthProvider` and of a `ClusterOAuthProvider`. */
export const oauthProviderSpec = z
  .strictObject({
    tokenEndpoint: httpUrl.describe(
      'URL of the token endpoint. Refresh tokens are sent to this address and never on to where it redirects. ' +
        'Plain http works only when the operator was started with --allow-plain-http, private addresses only with --allow-private-addresses.',
    ),
    client,
    request: request.prefault({}).describe('The form of the token request. Default: as RFC 6749 section 6 says.'),
    rotation: rotation.prefault({}).describe('How the server treats what it issued before. Default: cautious.'),
    accessTokenLifetime: durationText('1s', '8760h')
      .default('45m')
      .describe('Lifetime of an access token whose answer has no expires_in, from 1s to 8760h. Default: 45m.'),
    limits: limits
      .prefault({})
      .describe('Limits on the requests to this token endpoint. Default: 5 a second, 2 at the same time.'),
    tls: tlsTrust,
  })
  .describe('One authorization server and the client that is registered there.')

export type OAuthProviderSpec = z.output<typeof oauthProviderSpec>
