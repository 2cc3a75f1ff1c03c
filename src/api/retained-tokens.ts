import * as z from 'zod'
import { Sensitive } from '../domain/sensitive.ts'
import { epochSeconds } from '../domain/time.ts'
import type { AccessToken, RotatedTokens } from '../domain/tokens.ts'

const time = z.number().nonnegative().transform(epochSeconds)
const secret = z
  .string()
  .min(1)
  .transform((value) => new Sensitive(value))

const tokensSchema = z.strictObject({
  refreshToken: secret.exactOptional(),
  refreshTokenExpiresAt: time.exactOptional(),
  refreshTokenNeverExpires: z.literal(true).exactOptional(),
  accessToken: z
    .strictObject({
      value: secret,
      tokenType: z.string(),
      issuedAt: time,
      expiresAt: time,
      scopes: z.array(z.string()),
      idToken: secret.exactOptional(),
    })
    .exactOptional(),
})

/**
 * Tokens as plain JSON, to be sealed, or kept where nobody else may read. Times are in seconds since
 * 1970. `reveal` is the right to see them, which this layer has not by itself.
 */
export function encodeTokens(tokens: RotatedTokens, reveal: (value: Sensitive) => string): Sensitive<object> {
  const { refreshToken, accessToken, ...rest } = tokens
  return new Sensitive({
    ...rest,
    ...(refreshToken && { refreshToken: reveal(refreshToken) }),
    ...(accessToken && { accessToken: encodeAccessToken(accessToken, reveal) }),
  })
}

/**
 * Whether its lifetime was assumed, and whom to ask, is a matter of its first publication, and of no use to who finds it later.
 * Who issued it is known for certain to the process alone that asked for it.
 */
function encodeAccessToken(
  { lifetimeAssumed: _past, issuedBy: _asked, mark: _known, ...accessToken }: AccessToken,
  reveal: (value: Sensitive) => string,
): object {
  const { value, idToken } = accessToken
  return { ...accessToken, value: reveal(value), ...(idToken && { idToken: reveal(idToken) }) }
}

/** Undefined for everything that {@link encodeTokens} does not make. */
export function decodeTokens(value: unknown): RotatedTokens | undefined {
  const parsed = tokensSchema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}
