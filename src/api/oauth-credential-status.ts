import * as z from 'zod'
import { formerTargetLimit } from '../domain/former-targets.ts'
import { serverLimit } from '../domain/known-server.ts'
import { consumersStatus } from './consumers-status.ts'
import { objectName } from './scalars.ts'

/** Lengths that the status schema allows; what is longer is cut before it is written. */
export const statusLimits = {
  conditionMessage: 32_768,
  failureMessage: 4096,
  inputs: 64,
  request: 256,
  version: 512,
} as const

/**
 * What the API server says of an object that nobody has looked at yet. Without it a new object would have no status, and
 * kstatus calls what has neither a status nor conditions current: Flux and Helm would not wait for the first token.
 */
const notObserved = -1

/** Whole seconds, RFC 3339, UTC. */
function time(what: string) {
  return z.string().meta({ description: what, format: 'date-time' })
}

function count(what: string) {
  return z.int().min(0).meta({ description: what, format: 'int64' })
}

/** `metav1.Condition`. */
const condition = z.strictObject({
  type: z
    .string()
    .max(316)
    .regex(
      /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/,
    )
    .describe(
      'Ready, Reconciling, Stalled, RefreshTokenPersisted, RefreshTokenExpiring, PreviousTokenKept, ConsumersNotified or ConsumersUpdatable.',
    ),
  status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown.'),
  observedGeneration: count('The generation of the spec that the condition is about.').optional(),
  lastTransitionTime: time('When status last changed.'),
  reason: z
    .string()
    .min(1, { abort: true })
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .describe('Why, as one word for programs.'),
  message: z.string().max(statusLimits.conditionMessage).describe('Why, for people. May be empty.'),
})

const lastFailure = z.strictObject({
  code: z.string().max(64).describe('Code of the failure, such as TOKEN_ENDPOINT_UNREACHABLE.'),
  message: z.string().max(statusLimits.failureMessage).describe('What failed, on which object, and what helps.'),
  time: time('When it failed.'),
  retryAfterSeconds: count('Seconds that the other side asked to wait.').optional(),
  refusals: count(
    'How often in a row the authorization server has refused like this; absent: once, or it is no refusal.',
  ).optional(),
  inputs: z
    .string()
    .max(statusLimits.inputs)
    .describe('Identifies the manifests that the attempt used. Once they differ, it is made again at once.')
    .optional(),
})

const authorizationServer = z.strictObject({
  origin: z
    .string()
    .max(statusLimits.version)
    .describe('Scheme, host and port of it. The refresh token is sent nowhere else, unless somebody allows that.'),
  digest: z
    .string()
    .max(statusLimits.version)
    .describe('Identifies it and the client: what refreshTokenRotates says holds for those of the last one.'),
  fingerprint: z
    .string()
    .max(statusLimits.version)
    .describe('The last eight digits of the fingerprint of the refresh token that it issued last, or let stand.'),
})

/** `status` of an `OAuthCredential`. Nothing in it is secret. */
export const oauthCredentialStatus = z
  .strictObject({
    observedGeneration: z
      .int()
      .min(notObserved)
      .meta({
        description: 'The generation of the spec that was last acted on; -1 before the operator has seen the object.',
        format: 'int64',
      })
      .optional(),
    grant: z
      .enum(['ClientCredentials', 'StaticToken'])
      .describe('The grant that the status is about; absent: RefreshToken.')
      .optional(),
    conditions: z
      .array(condition)
      .max(16)
      .describe(
        'Ready: the target holds an access token that has not expired. Reconciling: work is under way; absent otherwise. Stalled: a human ' +
          'must act; absent otherwise. RefreshTokenPersisted: the store holds the newest refresh token. RefreshTokenExpiring: somebody must log ' +
          'in again before a date; absent otherwise. ConsumersNotified: pods and workloads were told of the published token, as far as the target ' +
          'asks for that. ConsumersUpdatable: False while a reader gets no new token; absent otherwise. ' +
          'PreviousTokenKept: False while the previous access token is asked for and cannot be kept; absent otherwise.',
      )
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .optional(),
    accessTokenExpirationTime: time('Expiry of the access token that is in the target.').optional(),
    previousAccessTokenExpirationTime: time(
      'Until when the target also holds the access token before that one, under the key of spec.target.previous; absent: it holds none.',
    ).optional(),
    refreshTokenExpirationTime: time(
      'Expiry of the refresh token, as the server tells it, or as the provider declares it.',
    ).optional(),
    refreshTokenExpirationFixed: z
      .boolean()
      .describe('True when that time stays where it is however often the refresh token is used; absent otherwise.')
      .optional(),
    loginFirstUsedTime: time('When a refresh token of this login was first used.').optional(),
    loginReplacedTime: time(
      'Since when the target is known to hold a token of an earlier login than the one to use: a refresh is due since then. Absent otherwise.',
    ).optional(),
    lastRefreshTime: time('When the access token that is in the target was requested.').optional(),
    nextRefreshTime: time('When the next refresh is due; absent while a human must act.').optional(),
    refreshes: count('Refreshes that succeeded.').optional(),
    consecutiveFailures: count('Attempts that failed since the last success.').optional(),
    lastFailure: lastFailure.describe('The last failure; absent after a success.').optional(),
    lastHandledRefreshRequest: z
      .string()
      .max(statusLimits.request)
      .describe('The last value of the annotation oauth-operator.dev/refresh-requested-at that was handled.')
      .optional(),
    lastHandledOwnershipRequest: z
      .string()
      .max(statusLimits.request)
      .describe('The last value of the annotation oauth-operator.dev/take-ownership-requested-at that was handled.')
      .optional(),
    refreshTokenRotates: z
      .boolean()
      .describe(
        'Whether a refresh brings another refresh token, as the answers so far show; absent before the first answer.',
      )
      .optional(),
    authorizationServers: z
      .array(authorizationServer)
      .max(serverLimit)
      .describe(
        'The authorization servers that have answered, one for each refresh token that may be alive, the last one last; absent before the first answer.',
      )
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional(),
    refreshTokenGeneration: count(
      'How many refresh tokens came one after the other. An older document that somebody put back is recognized by it.',
    ).optional(),
    refreshTokenInStore: z
      .string()
      .max(statusLimits.version)
      .describe(
        'The last eight digits of the fingerprint of the newest refresh token that the store was seen to hold. The record of a deleted credential goes only when that is the token it has.',
      )
      .optional(),
    storeVersion: z
      .string()
      .max(statusLimits.version)
      .describe('Version of the store document that the last attempt used.')
      .optional(),
    targetDigest: z
      .string()
      .max(statusLimits.version)
      .describe('Identifies name, outputs and policy of the target as last published.')
      .optional(),
    targetName: objectName.describe('Name of the target that was published into last.').optional(),
    formerTargets: z
      .array(objectName)
      .max(formerTargetLimit)
      .describe('Targets of earlier names that are still to be removed.')
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional(),
    consumers: consumersStatus.optional(),
  })
  .describe('What the operator has done and found.')
  .meta({ default: { observedGeneration: notObserved } })

export type OAuthCredentialStatus = z.output<typeof oauthCredentialStatus>
