import { asClientFailure } from '../domain/client-credentials.ts'
import { keyText, scopesOf } from '../domain/credential.ts'
import { type Failure, failure } from '../domain/failures.ts'
import type { Observed } from '../domain/observed.ts'
import type { Provider } from '../domain/provider.ts'
import { isFailure, usableClient } from '../domain/referents.ts'
import { failed, ok, type Result } from '../domain/result.ts'
import { tokenOrigin } from '../domain/token-origin.ts'
import { tokenRequestAttributes } from '../domain/span-attributes.ts'
import { type EpochSeconds, seconds } from '../domain/time.ts'
import { readTokenAnswer } from '../domain/token-answer.ts'
import type { TokenExchange } from '../domain/token-exchange.ts'
import type { AccessToken } from '../domain/tokens.ts'
import type { Deps } from './deps.ts'
import type { Shown } from './token-hosts.ts'
import { inSpan, traceIdOf } from './traced.ts'
import { shownBy, turnRequest, waitFailure } from './turns.ts'

interface Asking {
  readonly observed: Observed
  readonly provider: Provider
  readonly tell: (shown: Shown) => void
}

interface Attempt {
  readonly observed: Observed
  readonly provider: Provider
  /** When it was begun; from when its connection stands on, that. */
  startedAt: EpochSeconds
  readonly startedMs: number
}

/**
 * Asks for an access token of the client itself, within the limits of the token host. Nothing is spent by it, so
 * nothing is read or written down before, and a request whose answer is lost is made again. A refresh token in the
 * answer is nobody's and goes no further.
 *
 * @see RFC 6749 §4.4
 */
export async function requestAccessToken(observed: Observed, deps: Deps): Promise<Result<AccessToken>> {
  const provider = usableClient(observed)
  if (isFailure(provider)) return failed(provider)
  const request = turnRequest(observed, provider)
  const result = await deps.tokenHosts.send(request, (tell) => ask({ observed, provider, tell }, deps))
  return 'ok' in result ? result : failed(waitFailure(result, observed, provider))
}

async function ask({ observed, provider, tell }: Asking, deps: Deps): Promise<Result<AccessToken>> {
  const { key, spec } = observed.credential
  // Whoever waited for room may find that this process is ending, or no longer leads.
  const mayBegin = (): Result<void> => (deps.mayBegin() ? ok(undefined) : failed(notLeading(observed)))
  const before = mayBegin()
  if (!before.ok) return before
  const attempt: Attempt = { observed, provider, startedAt: deps.clock.now(), startedMs: deps.clock.monotonicMs() }
  deps.metrics.refreshAttempted(provider.name, key.namespace)
  const asked = { provider, grant: { type: 'client_credentials' }, scopes: scopesOf(spec) } as const
  const exchange = await inSpan(
    { name: 'token-request', kind: 'client' },
    deps,
    (within) =>
      within.tokenEndpoint.request(asked, () => {
        attempt.startedAt = deps.clock.now()
        return Promise.resolve(mayBegin())
      }),
    (came) => tokenRequestAttributes(provider, came),
  )
  const result = readExchange(exchange, attempt, deps)
  tell(shownBy(exchange, result.ok ? undefined : result.failure))
  return result
}

function readExchange(exchange: TokenExchange, attempt: Attempt, deps: Deps): Result<AccessToken> {
  if (exchange.kind !== 'answered') return told(exchange.failure, undefined, attempt, deps)
  const { provider, startedAt, observed } = attempt
  const { status } = exchange.answer
  const scopes = scopesOf(observed.credential.spec)
  const { refreshEndpoint: _notAsked, ...asked } = provider
  const reading = readTokenAnswer(exchange.answer, { provider, startedAt, scopes, origin: tokenOrigin(asked) })
  if (reading.kind === 'refused') return told(reading.failure, status, attempt, deps)
  observe('issued', status, attempt, deps)
  return ok(reading.tokens.accessToken)
}

function told(cause: Failure, status: number | undefined, attempt: Attempt, deps: Deps): Result<never> {
  const failure = asClientFailure(cause)
  observe(failure.code, status, attempt, deps)
  return failed(failure)
}

function observe(
  outcome: 'issued' | Failure['code'],
  status: number | undefined,
  { provider, startedMs }: Attempt,
  deps: Deps,
): void {
  const took = seconds((deps.clock.monotonicMs() - startedMs) / 1000)
  deps.metrics.tokenRequest(provider.name, outcome, { status, took, traceId: traceIdOf(deps) })
}

function notLeading({ credential }: Observed): Failure {
  const what = `This process stopped acting before it asked for an access token of OAuthCredential ${keyText(credential.key)}.`
  return failure('KUBERNETES_UNAVAILABLE', what)
}
