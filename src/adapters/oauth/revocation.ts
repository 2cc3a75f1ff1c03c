import { type Failure, failure } from '../../domain/failures.ts'
import { parseHttpDate } from '../../domain/http-date.ts'
import type { Provider } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { type EpochSeconds, secondsBetween } from '../../domain/time.ts'
import type { TokenAnswer } from '../../domain/token-exchange.ts'
import { parseJson, RevocationError } from './schema.ts'
import { unreachable } from './server-connections.ts'
import { revocationEndpointText } from './server-endpoints.ts'

/** Statuses after which it is worth asking again. */
const transient: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * Reads a revocation response. A token that the server does not know is one that is over, and answered like any other.
 *
 * Failures: TOKEN_ENDPOINT_UNREACHABLE, with the time that the server asks for, CLIENT_REJECTED, PROVIDER_INVALID.
 *
 * @see RFC 7009 §2.2
 */
export function readRevocation(provider: Provider, answer: TokenAnswer, now: EpochSeconds): Result<void> {
  const { status } = answer
  const what = revocationEndpointText(provider)
  if (status >= 200 && status < 300) return ok(undefined)
  if (status < 500 && !transient.has(status)) return failed(refusal(what, answer))
  const cause = unreachable(what, `it answered with status ${status}`)
  const retryAfterSeconds = askedWait(answer, now)
  return failed(retryAfterSeconds === undefined ? cause : { ...cause, retryAfterSeconds })
}

function refusal(what: string, { status, body }: TokenAnswer): Failure {
  const error = RevocationError.safeParse(parseJson(body.reveal())).data?.error
  if (error === 'unsupported_token_type') {
    return failure('PROVIDER_INVALID', `The ${what} revokes no access tokens: unsupported_token_type.`)
  }
  if (status === 400 || status === 401 || status === 403) {
    return failure('CLIENT_REJECTED', `The ${what} refused to revoke a token for this client: status ${status}.`)
  }
  return failure('PROVIDER_INVALID', `The ${what} is none: it answered with status ${status}.`)
}

/** `Retry-After` in seconds; a date counts from the server's own clock where it tells it. @see RFC 9110 §10.2.3 */
function askedWait({ retryAfter, date }: TokenAnswer, now: EpochSeconds): number | undefined {
  const text = retryAfter?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text)
  const until = parseHttpDate(text)
  if (until === undefined) return undefined
  return Math.max(0, secondsBetween((date === undefined ? undefined : parseHttpDate(date)) ?? now, until))
}
