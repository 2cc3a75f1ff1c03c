import type { Failure } from './failures.ts'
import type { Observed } from './observed.ts'
import { providerOf } from './credential.ts'
import type { Preflight } from './preflight-finding.ts'
import type { Provider } from './provider.ts'
import type { Result } from './result.ts'
import { tokenOrigin } from './token-origin.ts'
import type { Outcome, SendOutcome, Step } from './step.ts'
import type { TokenExchange } from './token-exchange.ts'

/**
 * What a span says beside its name and its times: names, codes and counts, never a token, nor what a server said.
 * Names are those of OpenTelemetry's semantic conventions where there is one.
 */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>

/** What a whole reconcile is about. */
export function credentialAttributes({ credential }: Observed): SpanAttributes {
  const { key, uid, generation, spec } = credential
  return {
    'k8s.namespace.name': key.namespace,
    'oauthcredential.name': key.name,
    'oauthcredential.uid': uid,
    'oauthcredential.generation': generation,
    'oauthcredential.grant': spec.grant,
    'oauthcredential.provider': providerOf(spec)?.name,
  }
}

/** How a reconcile ended. */
export function settledAttributes({ settlement, progress }: Extract<Step, { kind: 'settled' }>): SpanAttributes {
  return {
    'oauthcredential.outcome': settlement.kind,
    'oauthcredential.refreshes': progress.state.refreshes,
    'oauthcredential.token_generation': progress.record?.generation,
    ...errorOf('failure' in settlement ? settlement.failure : undefined),
  }
}

/** What came of one action. */
export function outcomeAttributes(outcome: Outcome): SpanAttributes {
  switch (outcome.kind) {
    case 'send-refresh-token':
      return { 'oauthcredential.outcome': sentOutcome(outcome.sent), ...errorOf(sentFailure(outcome.sent)) }
    case 'pre-flight':
      return errorOf(preflightFailure(outcome.preflight))
    case 'write-back': {
      const { written, committed } = outcome
      const cause = written.kind === 'failed' ? written.failure : failureIn(committed)
      return { 'oauthcredential.outcome': written.kind, ...errorOf(cause) }
    }
    default:
      return errorOf('result' in outcome && outcome.result !== undefined ? failureIn(outcome.result) : undefined)
  }
}

/** What one request to a token endpoint was, and what came of it. */
export function tokenRequestAttributes(provider: Provider, exchange: TokenExchange): SpanAttributes {
  const request = { 'http.request.method': 'POST', ...serverAttributes(tokenOrigin(provider)) }
  if (exchange.kind !== 'answered') return { ...request, ...errorOf(exchange.failure) }
  const { status } = exchange.answer
  return {
    ...request,
    'http.response.status_code': status,
    ...(status >= 400 && { 'error.type': String(status) }),
  }
}

/** The attributes of what succeeded or failed. */
export function resultAttributes(result: Result<unknown>): SpanAttributes {
  return errorOf(failureIn(result))
}

/** Scheme, host and port of an origin apart; a port that the scheme implies is told as well. */
function serverAttributes(origin: string): SpanAttributes {
  const [, scheme = '', host = '', port] = /^(\w+):\/\/(.*?)(?::(\d+))?$/.exec(origin) ?? []
  return {
    'url.scheme': scheme,
    'server.address': host.replaceAll(/[[\]]/g, ''),
    'server.port': port === undefined ? (scheme === 'https' ? 443 : 80) : Number(port),
  }
}

function sentOutcome(sent: SendOutcome): string {
  return sent.kind === 'answered' ? sent.reading.kind : sent.kind
}

function sentFailure(sent: SendOutcome): Failure | undefined {
  if (sent.kind !== 'answered') return sent.failure
  return sent.reading.kind === 'refused' ? sent.reading.failure : undefined
}

function preflightFailure({ record, writable, target }: Preflight): Failure | undefined {
  return [record, writable, target].map(failureIn).find((cause) => cause !== undefined)
}

function failureIn(result: Result<unknown>): Failure | undefined {
  return result.ok ? undefined : result.failure
}

function errorOf(cause: Pick<Failure, 'code'> | undefined): SpanAttributes {
  return cause === undefined ? {} : { 'error.type': cause.code }
}
