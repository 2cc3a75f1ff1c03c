import * as z from 'zod'
import { parseGoDuration } from '../domain/duration.ts'
import { oauthClient } from './oauth-client.ts'
import { tlsTrust } from './references.ts'
import { constrained } from './rule.ts'
import { durationText, httpBaseUrl, httpUrl } from './scalars.ts'
import { requestForm } from './token-request-form.ts'
import { responseForm } from './token-response-form.ts'

const introspection = z
  .strictObject({
    endpoint: httpUrl
      .describe(
        'URL of the introspection endpoint, at the origin of the token endpoint. Default: as the metadata of the issuer say.',
      )
      .optional(),
  })
  .describe(
    'Ask the server about an access token whose answer does not say how long it lives (RFC 7662). {} means at the endpoint that the metadata ' +
      'of the issuer name. Default: it is not asked.',
  )

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

const refreshTokenLifetime = z
  .strictObject({
    idle: durationText('1m', '87600h')
      .describe('How long the server keeps a refresh token that is not used, from 1m to 87600h. Default: not known.')
      .optional(),
    absolute: durationText('1m', '87600h')
      .describe(
        'How long after the login refreshing ends, however often it is done, from 1m to 87600h. Default: not known.',
      )
      .optional(),
  })
  .describe(
    'How long refresh tokens live. An answer that says more is believed. Default: for ever, as far as is known.',
  )

/** `spec` of an `OAuthProvider` and of a `ClusterOAuthProvider`. */
export const oauthProviderSpec = constrained(
  z.strictObject({
    issuer: httpBaseUrl
      .describe(
        'Issuer identifier of the server (RFC 8414, OpenID Connect Discovery), exactly as its metadata have it. They name the endpoints that are ' +
          'not given here; those must be at the origin of the issuer. Default: none, nothing is looked up.',
      )
      .optional(),
    tokenEndpoint: httpUrl
      .describe(
        'URL of the token endpoint. Refresh tokens are sent to this address and never on to where it redirects. ' +
          'Plain http works only when the operator was started with --allow-plain-http, private addresses only with --allow-private-addresses. ' +
          'Default: as the metadata of the issuer say.',
      )
      .optional(),
    refreshEndpoint: httpUrl
      .describe(
        'URL that refresh tokens are sent to in place of the token endpoint, for servers that keep the two apart. Default: the token endpoint.',
      )
      .optional(),
    introspection: introspection.optional(),
    client: oauthClient,
    request: requestForm.prefault({}).describe('The form of the token request. Default: as RFC 6749 section 6 says.'),
    response: responseForm
      .prefault({})
      .describe(
        'Where an answer has what, and what its errors mean. Default: as RFC 6749 section 5 says, and known dialects of it.',
      ),
    rotation: rotation.prefault({}).describe('How the server treats what it issued before. Default: cautious.'),
    accessTokenLifetime: durationText('1s', '8760h')
      .default('45m')
      .describe('Lifetime of an access token whose answer has no expires_in, from 1s to 8760h. Default: 45m.'),
    refreshTokenLifetime: refreshTokenLifetime.prefault({}),
    minimumRefreshInterval: durationText('0s', '24h')
      .default('0s')
      .describe(
        'Shortest time between the beginnings of two refreshes of one credential, whatever asks for them, from 0s to 24h. Default: 0s.',
      ),
    limits: limits
      .prefault({})
      .describe('Limits on the requests to this token endpoint. Default: 5 a second, 2 at the same time.'),
    tls: tlsTrust,
  }),
  {
    cel: 'has(self.tokenEndpoint) || has(self.issuer)',
    message: 'is required unless issuer is given',
    field: 'tokenEndpoint',
    holds: ({ tokenEndpoint, issuer }) => tokenEndpoint !== undefined || issuer !== undefined,
  },
  {
    cel: '!has(self.introspection) || has(self.introspection.endpoint) || has(self.issuer)',
    message: 'must have an endpoint unless issuer is given',
    field: 'introspection',
    holds: ({ introspection: wanted, issuer }) =>
      wanted === undefined || wanted.endpoint !== undefined || issuer !== undefined,
  },
).describe('One authorization server and the client that is registered there.')

export type OAuthProviderSpec = z.output<typeof oauthProviderSpec>
