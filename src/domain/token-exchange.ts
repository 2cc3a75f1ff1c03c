import type { Failure } from './failures.ts'
import { tokenRefusal, type TokenRefusal } from './refusals.ts'
import type { Sensitive } from './sensitive.ts'
import type { IssuedTokens } from './tokens.ts'

/** An HTTP answer of a token endpoint, before anything in it was understood. */
export interface TokenAnswer {
  readonly status: number
  /** `Content-Type`, lower case, without parameters; empty when absent. */
  readonly contentType: string
  /** `Retry-After` as on the wire. */
  readonly retryAfter?: string
  /** `Date` as on the wire. */
  readonly date?: string
  /** At most 256 KiB, decoded as UTF-8. */
  readonly body: Sensitive
  /** False when the connection ended, or the limit was reached, before the body did. */
  readonly complete: boolean
}

/** What became of one token request. */
export type TokenExchange =
  /** Proven: no byte of the request left this process. The refresh token is unused. */
  | { readonly kind: 'not-sent'; readonly failure: Failure }
  /** The whole answer, or the part of it that arrived. */
  | { readonly kind: 'answered'; readonly answer: TokenAnswer }
  /** The request left, and not even a status line came back. The refresh token may be used. */
  | { readonly kind: 'lost'; readonly failure: Failure }

/** What an answer means. A refusal may still carry a rotated refresh token, which must be kept. */
export type TokenAnswerReading =
  | { readonly kind: 'issued'; readonly tokens: IssuedTokens }
  | { readonly kind: 'refused'; readonly failure: Failure; readonly refreshToken?: Sensitive }

/** True for answers that leave open whether the refresh token was used. */
export function settlesNothing(reading: TokenAnswerReading): boolean {
  return reading.kind === 'refused' && reading.failure.next === 'uncertain' && reading.refreshToken === undefined
}

/** What an answer says of the refresh token itself, which was presented so often; undefined when it does not refuse it. */
export function refusalIn(reading: TokenAnswerReading, sends: number): TokenRefusal | undefined {
  return reading.kind === 'refused' ? tokenRefusal(reading.failure.code, sends) : undefined
}
