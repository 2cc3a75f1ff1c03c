import { type Failure, failure } from '../../domain/failures.ts'
import type { Provider } from '../../domain/provider.ts'
import { failed, ok, type Result } from '../../domain/result.ts'
import { epochSeconds } from '../../domain/time.ts'
import type { TokenAnswer } from '../../domain/token-exchange.ts'
import type { TokenStanding } from '../../ports/token-endpoint.ts'
import { IntrospectionResponse, parseJson } from './schema.ts'
import { unreachable } from './server-connections.ts'
import { introspectionEndpointText } from './server-endpoints.ts'

/** Statuses after which it is worth asking again. */
const transient: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * Reads an introspection response. @see RFC 7662 §2.2 and §2.3
 *
 * Failures: TOKEN_ENDPOINT_UNREACHABLE, CLIENT_REJECTED, PROVIDER_INVALID.
 */
export function readIntrospection(provider: Provider, { status, complete, body }: TokenAnswer): Result<TokenStanding> {
  const what = introspectionEndpointText(provider)
  if (status !== 200) return failed(refusal(what, status))
  if (!complete) return failed(unreachable(what, 'its answer was cut off'))
  const parsed = IntrospectionResponse.safeParse(parseJson(body.reveal()))
  if (!parsed.success) {
    return failed(failure('PROVIDER_INVALID', `What answers at the ${what} does not do so as RFC 7662 says.`))
  }
  const { active, exp } = parsed.data
  return ok({ active, ...(exp !== undefined && { expiresAt: epochSeconds(exp) }) })
}

function refusal(what: string, status: number): Failure {
  if (status >= 500 || transient.has(status)) return unreachable(what, `it answered with status ${status}`)
  if (status === 400 || status === 401 || status === 403)
    return failure('CLIENT_REJECTED', `The ${what} refused to tell this client anything: status ${status}.`)
  return failure('PROVIDER_INVALID', `The ${what} is none: it answered with status ${status}.`)
}
