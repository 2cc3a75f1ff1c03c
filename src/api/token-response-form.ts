import * as z from 'zod'
import { errorClasses } from '../domain/provider.ts'
import { constrained, exactlyOneOf } from './rule.ts'
import { jsonPointer, printable } from './scalars.ts'

const success = constrained(
  z.strictObject({
    pointer: jsonPointer.describe('JSON pointer (RFC 6901) to the value that tells success from error.'),
    text: z.string().max(256).describe('The text that stands there in every answer that brings tokens.').optional(),
    integer: z
      .int()
      .min(-2_147_483_648)
      .max(2_147_483_647)
      .describe('The whole number that stands there in every answer that brings tokens.')
      .optional(),
    boolean: z
      .boolean()
      .describe('Which of true and false stands there in every answer that brings tokens.')
      .optional(),
  }),
  exactlyOneOf('text', 'integer', 'boolean'),
).describe(
  'How answers that bring tokens are told from errors, for servers that report errors with status 200: exactly one of text, integer, boolean. ' +
    'Default: by the status and by what is in the answer.',
)

const errorRule = constrained(
  z.strictObject({
    code: printable(128).describe('The error code, without regard to case. Default: any.').optional(),
    status: z
      .int()
      .min(200, { abort: true })
      .max(599)
      .describe('The HTTP status, from 200 to 599. Default: any.')
      .optional(),
    meaning: z
      .enum(errorClasses)
      .describe(
        'RefreshTokenRejected: somebody has to log in again. RefreshTokenReused: the same, because the refresh token was used twice. ' +
          'InteractionRequired: somebody has to do something at the server. ClientRejected: the client id or its proof is wrong. ScopeRejected: a ' +
          'scope was not granted. RequestRejected: the request is wrong in form. Throttled: try again later. Unavailable: the server is at fault.',
      ),
  }),
  {
    cel: 'has(self.code) || has(self.status)',
    message: 'must have code or status',
    holds: ({ code, status }) => code !== undefined || status !== undefined,
  },
).describe('One kind of error; code and status must both fit where both are given.')

/** `spec.response` of a provider. */
export const responseForm = z.strictObject({
  accessToken: jsonPointer
    .describe('JSON pointer (RFC 6901) to the access token. Default: /access_token, and where known dialects have it.')
    .optional(),
  refreshToken: jsonPointer
    .describe('JSON pointer to the refresh token. Default: /refresh_token, and where known dialects have it.')
    .optional(),
  expiresIn: jsonPointer
    .describe('JSON pointer to the lifetime of the access token in seconds. Default: /expires_in, and known dialects.')
    .optional(),
  refreshTokenExpiresIn: jsonPointer
    .describe(
      'JSON pointer to the lifetime of the refresh token in seconds. Default: /refresh_token_expires_in, and known dialects.',
    )
    .optional(),
  error: jsonPointer.describe('JSON pointer to the error code. Default: /error, and known dialects.').optional(),
  success: success.optional(),
  errors: z
    .array(errorRule)
    .max(32)
    .describe(
      'What errors of this server mean. The first that fits decides, before anything that is known of other servers. Default: none.',
    )
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional(),
})
