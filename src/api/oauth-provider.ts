import * as z from 'zod'
import { oauthClient } from './oauth-client.ts'
import { clusterRules, namespacedRules } from './provider-rules.ts'
import { presetRef, providerVariables } from './provider-variables.ts'
import { tlsTrust } from './references.ts'
import { atMostOneOf, constrained } from './rule.ts'
import { durationText, httpBaseUrl, httpBaseUrlTemplate, httpUrl, httpUrlTemplate } from './scalars.ts'
import { requestForm } from './token-request-form.ts'
import { responseForm } from './token-response-form.ts'

// Nothing here has a default in the schema: what is absent may come from a preset, and is filled in after it.

function endpoints(issuer: z.ZodString, url: z.ZodString) {
  return {
    issuer: issuer
      .describe(
        'Issuer identifier of the server (RFC 8414, OpenID Connect Discovery), exactly as its metadata have it. They name the endpoints that are ' +
          'not given here; those must be at the origin of the issuer. Default: none, nothing is looked up.',
      )
      .optional(),
    tokenEndpoint: url
      .describe(
        'URL of the token endpoint. Refresh tokens are sent to this address and never on to where it redirects. ' +
          'Plain http works only when the operator was started with --allow-plain-http, private addresses only with --allow-private-addresses. ' +
          'Default: as the metadata of the issuer say.',
      )
      .optional(),
    refreshEndpoint: url
      .describe(
        'URL that refresh tokens are sent to in place of the token endpoint, for servers that keep the two apart. Default: the token endpoint.',
      )
      .optional(),
    revocationEndpoint: url
      .describe(
        'URL of the revocation endpoint (RFC 7009), at the origin of the token endpoint, for credentials whose revocationPolicy wants it. ' +
          'Default: as the metadata of the issuer say.',
      )
      .optional(),
    introspection: introspection(url),
  }
}

function introspection(url: z.ZodString) {
  return z
    .strictObject({
      endpoint: url
        .describe(
          'URL of the introspection endpoint, at the origin of the token endpoint. Default: as the metadata of the issuer say.',
        )
        .optional(),
    })
    .describe(
      'Ask the server about an access token whose answer does not say how long it lives (RFC 7662). {} means at the endpoint that the metadata ' +
        'of the issuer name. Default: it is not asked.',
    )
    .optional()
}

const rotation = z.strictObject({
  mode: z
    .enum(['Detect', 'Always', 'Never'])
    .describe(
      'Whether an answer brings another refresh token and ends the one before. Detect: as the answers so far show; before the first one it ' +
        'counts as Always. Always: it does. Never: the refresh token stays the same, so nothing is written back and no protection is paid for; ' +
        'an answer that brings another one all the same is kept. Default: Detect.',
    )
    .optional(),
  reuseLeeway: durationText('0s', '720h')
    .describe(
      'How long the server still accepts the previous refresh token after it issued a new one, from 0s to 720h. 0s: not at all, or ' +
        'unknown. A request whose answer was lost is repeated in time for it. Default: 0s.',
    )
    .optional(),
  leewayKind: z
    .enum(['SameToken', 'PreviousGeneration'])
    .describe(
      'What the server accepts within reuseLeeway. SameToken: the same refresh token as often as it comes. PreviousGeneration: only the one ' +
        'before the newest, so a request whose answer was lost is repeated once. Default: SameToken.',
    )
    .optional(),
  revokesPreviousAccessToken: z
    .boolean()
    .describe(
      'True when a refresh kills the access token that was issued before; it is then refreshed late. Default: false.',
    )
    .optional(),
})

const limits = z.strictObject({
  requestsPerSecond: z
    .int()
    .min(1, { abort: true })
    .max(1000)
    .describe('How many token requests may be started in a second, from 1 to 1000. Default: 5.')
    .optional(),
  maxConcurrent: z
    .int()
    .min(1, { abort: true })
    .max(1000)
    .describe('How many token requests may be under way at the same time, from 1 to 1000. Default: 2.')
    .optional(),
})

const refreshTokenLifetime = z.strictObject({
  idle: durationText('1m', '87600h')
    .describe('How long the server keeps a refresh token that is not used, from 1m to 87600h. Default: not known.')
    .optional(),
  absolute: durationText('1m', '87600h')
    .describe(
      'How long after the login refreshing ends, however often it is done, from 1m to 87600h. Default: not known.',
    )
    .optional(),
})

const settings = {
  client: oauthClient.optional(),
  request: requestForm.describe('The form of the token request. Default: as RFC 6749 section 6 says.').optional(),
  response: responseForm
    .describe(
      'Where an answer has what, and what its errors mean. Default: as RFC 6749 section 5 says, and known dialects of it.',
    )
    .optional(),
  rotation: rotation
    .describe(
      'How the server treats what it issued before. Default: found out from its answers, and until then on the safe side.',
    )
    .optional(),
  accessTokenLifetime: durationText('1s', '8760h')
    .describe('Lifetime of an access token whose answer has no expires_in, from 1s to 8760h. Default: 45m.')
    .optional(),
  refreshTokenLifetime: refreshTokenLifetime
    .describe(
      'How long refresh tokens live. What an answer says of its refresh token counts instead. Default: not known, no end is assumed.',
    )
    .optional(),
  minimumRefreshInterval: durationText('0s', '24h')
    .describe(
      'Shortest time between the beginnings of two refreshes of one credential, whatever asks for them, from 0s to 24h. Default: 0s.',
    )
    .optional(),
  limits: limits
    .describe('Limits on the requests to this token endpoint. Default: 5 a second, 2 at the same time.')
    .optional(),
  tls: tlsTrust,
}

/** `spec` of an `OAuthProvider`. */
export const oauthProviderSpec = constrained(
  z.strictObject({ presetRef, ...endpoints(httpBaseUrl, httpUrl), ...settings }),
  ...namespacedRules,
).describe('One authorization server and the client that is registered there.')

/** `spec` of a `ClusterOAuthProvider`. */
export const clusterOAuthProviderSpec = constrained(
  z.strictObject({
    presetRef,
    variables: providerVariables,
    ...endpoints(httpBaseUrlTemplate, httpUrlTemplate),
    ...settings,
  }),
  atMostOneOf('presetRef', 'variables'),
  ...clusterRules,
).describe(
  'One authorization server and the client that is registered there, or a preset: what is known of a server, for providers that name it in ' +
    'their presetRef. A preset may leave out whatever those say, such as the client.',
)

export type OAuthProviderSpec = z.output<typeof oauthProviderSpec>
export type ClusterOAuthProviderSpec = z.output<typeof clusterOAuthProviderSpec>
