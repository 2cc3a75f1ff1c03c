import * as z from 'zod'
import type { Grant } from '../domain/grant.ts'
import { atMostOneOf, constrained, type Rule } from './rule.ts'
import { durationText, moment, objectName, relativePath } from './scalars.ts'
import { publishesBareToken, target } from './target.ts'

const providerRef = z
  .strictObject({
    kind: z
      .enum(['OAuthProvider', 'ClusterOAuthProvider'])
      .default('OAuthProvider')
      .describe(
        'OAuthProvider: one in the namespace of the credential. ClusterOAuthProvider: one for the cluster. Default: OAuthProvider.',
      ),
    name: objectName.describe('Name of the provider.'),
  })
  .meta({
    description: 'The authorization server whose token endpoint hands out the access token.',
    'x-kubernetes-map-type': 'atomic',
  })

const storeRef = z
  .strictObject({
    kind: z
      .enum(['TokenStore', 'ClusterTokenStore'])
      .default('TokenStore')
      .describe(
        'TokenStore: one in the namespace of the credential. ClusterTokenStore: one for the cluster. Default: TokenStore.',
      ),
    name: objectName.describe('Name of the store.'),
  })
  .meta({ description: 'The store that holds the refresh token.', 'x-kubernetes-map-type': 'atomic' })

const refreshToken = z
  .strictObject({
    storeRef,
    key: relativePath(512).describe(
      'Where in the store: path below the mount for Vault, name or ARN of the secret for AWS Secrets Manager, name of the Secret for ' +
        'Kubernetes, path below the directory for files. A rotated refresh token is written back to the same place.',
    ),
    property: z
      .string()
      .min(1, { abort: true })
      .max(512)
      .regex(/^(\/([^/~]|~0|~1)*)+$/, 'must be a JSON pointer (RFC 6901), such as /claudeAiOauth/refreshToken')
      .describe(
        'JSON pointer (RFC 6901) to the refresh token inside the document, or to the object around it. Default: found by itself where the ' +
          'document is the bare token, or has one refresh_token, in up to two other objects.',
      )
      .optional(),
  })
  .describe('Where the refresh token is. Required for the grant RefreshToken, and absent otherwise.')

const accessToken = z
  .strictObject({
    storeRef: storeRef.meta({
      description: 'The store that holds the access token.',
      'x-kubernetes-map-type': 'atomic',
    }),
    key: refreshToken.shape.key.describe(
      'Where in the store: path below the mount for Vault, name or ARN of the secret for AWS Secrets Manager, name of the Secret for ' +
        'Kubernetes, path below the directory for files. It is only read, every 15 seconds, or every 5 minutes from AWS Secrets Manager.',
    ),
    property: refreshToken.shape.property.describe(
      'JSON pointer (RFC 6901) to the access token inside the document, or to the object around it. Default: found by itself where the ' +
        'document is the bare token, or has one access_token, in up to two other objects.',
    ),
    expirationTime: moment
      .describe(
        'When the access token ends, in RFC 3339, such as 2027-11-01T00:00:00Z, where neither the document nor the token says. Change it ' +
          'together with the token.',
      )
      .optional(),
  })
  .describe(
    'Where the access token is that is published as it is. It ends when the fields beside it say, such as expires_at, or the claim exp of a ' +
      'JWT, else at expirationTime. Required for the grant StaticToken, and absent otherwise.',
  )

const scopes = constrained(
  z
    .array(
      z
        .string()
        .min(1, { abort: true })
        .max(256)
        .regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'must be one scope: printable ASCII without space, " and \\'),
    )
    .max(64),
  {
    cel: 'self.all(a, self.exists_one(b, b == a))',
    message: 'must not name a scope twice',
    holds: (value) => new Set(value).size === value.length,
  },
)

const refresh = constrained(
  z.strictObject({
    before: durationText('1s', '8760h')
      .describe(
        'Refresh when this much of the life of the access token is left, from 1s to 8760h, but never before a tenth of its life has passed. ' +
          'It comes up to a tenth of the lifetime earlier, by a part that differs between credentials, so that not all come at once. Default: a ' +
          'third of the lifetime, or 10m if that is more, but at most half of the lifetime; a tenth of it for providers that revoke the previous ' +
          'access token.',
      )
      .optional(),
    beforePercent: z
      .int()
      .min(1, { abort: true })
      .max(95)
      .describe(
        'Refresh when this share of the lifetime is left, in percent from 1 to 95. Not together with before. Default: see before.',
      )
      .optional(),
    keepAlive: durationText('1m', '8760h')
      .describe(
        'Refresh at least this often, from 1m to 8760h, so that an idle refresh token does not die. ' +
          'Default: a third of the idle life of the refresh token where that is known, else only as the access token needs it.',
      )
      .optional(),
    storeOutage: z
      .enum(['Wait', 'RecordOnly'])
      .default('Wait')
      .describe(
        'What to do while the store takes no writes and the access token nears its end. Wait: refresh once the store takes writes again, so the ' +
          'access token may expire. RecordOnly: refresh when a fifth of the life of the access token is left, or none. The new refresh token then ' +
          'stays in the record of the operator until the store takes it; the condition RefreshTokenPersisted is False meanwhile. Default: Wait.',
      ),
  }),
  atMostOneOf('before', 'beforePercent'),
)

interface GrantMembers {
  readonly grant?: unknown
  readonly providerRef?: unknown
  readonly refreshToken?: unknown
  readonly accessToken?: unknown
  readonly scopes?: unknown
  readonly refresh?: unknown
  readonly target?: unknown
  readonly revocationPolicy?: unknown
}

/** A member that some grants need, and that is a mistake under all others. */
function belongsTo(
  field: 'providerRef' | 'refreshToken' | 'accessToken',
  grants: readonly [Grant, ...Grant[]],
): Rule<GrantMembers> {
  const names = `the grant${grants.length > 1 ? 's' : ''} ${grants.join(' and ')}`
  const needs: ReadonlySet<unknown> = new Set(grants)
  return {
    cel: `(self.grant in [${grants.map((grant) => `'${grant}'`).join(', ')}]) == has(self.${field})`,
    message: `is required for ${names}, and must be absent otherwise`,
    field,
    holds: (spec) => needs.has(spec.grant) === (spec[field] !== undefined),
  }
}

/** What belongs to some grants alone. */
const grantRules: readonly Rule<GrantMembers>[] = [
  belongsTo('providerRef', ['RefreshToken', 'ClientCredentials']),
  belongsTo('refreshToken', ['RefreshToken']),
  belongsTo('accessToken', ['StaticToken']),
  {
    cel: "self.grant != 'StaticToken' || !has(self.scopes) || self.scopes.size() == 0",
    message: 'must be absent for the grant StaticToken',
    field: 'scopes',
    holds: ({ grant, scopes: asked }) => grant !== 'StaticToken' || !Array.isArray(asked) || asked.length === 0,
  },
  {
    cel: "self.grant == 'RefreshToken' || !has(self.refresh) || self.refresh.storeOutage == 'Wait'",
    message: 'must not have a storeOutage unless the grant is RefreshToken',
    field: 'refresh',
    holds: ({ grant, refresh: policy }) => grant === 'RefreshToken' || isWithout(policy, 'storeOutage', 'Wait'),
  },
  {
    cel: "!has(self.revocationPolicy) || self.revocationPolicy == 'Never' || self.grant != 'StaticToken'",
    message: 'must be Never for the grant StaticToken: nobody has issued that token to the operator',
    field: 'revocationPolicy',
    holds: ({ grant, revocationPolicy }) => grant !== 'StaticToken' || isNever(revocationPolicy),
  },
  {
    cel: "!has(self.revocationPolicy) || self.revocationPolicy == 'Never' || self.target.outputs.exists(output, has(output.format) && output.format == 'raw')",
    message: 'must be Never unless spec.target.outputs has one of the format raw, from which the token is taken',
    field: 'revocationPolicy',
    holds: ({ revocationPolicy, target: place }) => isNever(revocationPolicy) || publishesBareToken(place),
  },
  {
    cel: "self.grant != 'StaticToken' || !has(self.target.previous)",
    message:
      'must have no previous for the grant StaticToken: a token that somebody replaced by hand may be one that leaked',
    field: 'target',
    holds: ({ grant, target: place }) => grant !== 'StaticToken' || isWithout(place, 'previous'),
  },
  {
    cel: "self.grant != 'StaticToken' || !has(self.refresh) || !(has(self.refresh.before) || has(self.refresh.beforePercent) || has(self.refresh.keepAlive))",
    message: 'must not say when to refresh for the grant StaticToken',
    field: 'refresh',
    holds: ({ grant, refresh: policy }) =>
      grant !== 'StaticToken' || ['before', 'beforePercent', 'keepAlive'].every((member) => isWithout(policy, member)),
  },
]

function isNever(policy: unknown): boolean {
  return policy === undefined || policy === 'Never'
}

/** True when an object has no such member, or what it has by default. */
function isWithout(value: unknown, member: string, byDefault?: string): boolean {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, member)) return true
  const found = (value as Readonly<Record<string, unknown>>)[member]
  return found === undefined || found === byDefault
}

const spec = z.strictObject({
  providerRef: providerRef.optional(),
  grant: z
    .enum(['RefreshToken', 'ClientCredentials', 'StaticToken'])
    .default('RefreshToken')
    .describe(
      'How access tokens are obtained. RefreshToken: with the refresh token of a login (RFC 6749 section 6). ClientCredentials: the client of ' +
        'the provider asks for itself, without a login (section 4.4). StaticToken: none is obtained, one is published as it is in a store. ' +
        'Default: RefreshToken.',
    ),
  refreshToken: refreshToken.optional(),
  accessToken: accessToken.optional(),
  scopes: scopes
    .default([])
    .describe(
      'Scopes to ask for. Default: none are asked for; the server then gives those of the login, or those that the client has by itself.',
    )
    .meta({ 'x-kubernetes-list-type': 'atomic' }),
  refresh: refresh
    .prefault({})
    .describe('When to refresh. Default: early enough that an outage of some minutes does no harm.'),
  target,
  revocationPolicy: z
    .enum(['Never', 'WithTarget', 'Always'])
    .default('Never')
    .describe(
      'Whether the published access token is revoked at its server (RFC 7009) when the credential is deleted, in at most 30s; the deletion ' +
        'goes on whatever comes of it. Never: it stays good until it expires. WithTarget: it is revoked where the target is removed, so not ' +
        'with the creation policy Orphan or the deletion policy Retain. Always: also where the target stays. The refresh token is never sent ' +
        'there, but a server may end it together with the access token (RFC 7009 section 2.1): somebody has to log in again then. Needs an output of the format raw, and a revocation endpoint of the provider. Not for the grant StaticToken. Default: Never.',
    ),
  suspend: z
    .boolean()
    .default(false)
    .describe(
      'While true, nothing is refreshed and the target stays as it is. A rotated refresh token that is not in its store yet is still written ' +
        'there. Default: false.',
    ),
})

/** `spec` of an `OAuthCredential`. */
export const oauthCredentialSpec = constrained(spec, ...grantRules).describe('What the operator is to keep fresh.')

export type OAuthCredentialSpec = z.output<typeof oauthCredentialSpec>
