import { onTestFinished } from 'vitest'
import { HttpTokenEndpoint, type HttpTokenEndpointOptions } from '../../../src/adapters/oauth/http-token-endpoint.ts'
import { SystemClock } from '../../../src/adapters/system/system-clock.ts'
import { failure } from '../../../src/domain/failures.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import { failed, ok, type Result } from '../../../src/domain/result.ts'
import { Sensitive } from '../../../src/domain/sensitive.ts'
import type { TokenAnswer, TokenExchange } from '../../../src/domain/token-exchange.ts'
import type { SecretReader } from '../../../src/ports/secret-reader.ts'
import type { TokenRequest } from '../../../src/ports/token-endpoint.ts'
import { aProvider } from '../../support/builders.ts'
import { canary, observeOutput } from '../../support/canary.ts'
import {
  type ScriptedTokenEndpoint,
  type ScriptedTokenEndpointOptions,
  startScriptedTokenEndpoint,
} from '../../support/scripted-token-endpoint.ts'

/** Secrets in memory, by `namespace/name/key`; `/name/key` is the operator's own namespace. */
export class MemorySecrets implements SecretReader {
  readonly forgotten: string[] = []
  readonly #values: ReadonlyMap<string, string>

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = new Map(Object.entries(values))
  }

  async read(namespace: string | undefined, { name, key }: { name: string; key: string }): Promise<Result<Sensitive>> {
    const value = this.#values.get(`${namespace ?? ''}/${name}/${key}`)
    if (value !== undefined) return ok(new Sensitive(value))
    return failed(failure('CLIENT_SECRET_UNAVAILABLE', `Secret ${namespace ?? ''}/${name} has no key ${key}.`))
  }

  forget(namespace: string | undefined, name: string): void {
    this.forgotten.push(`${namespace ?? ''}/${name}`)
  }
}

/** An endpoint adapter that may talk to this machine. */
export function anEndpoint(options: Partial<HttpTokenEndpointOptions> = {}): HttpTokenEndpoint {
  const local = { allowPlainHttp: true, allowPrivateAddresses: true }
  const clock = new SystemClock()
  return new HttpTokenEndpoint({ secrets: new MemorySecrets(), clock, version: '1.2.3', ...local, ...options })
}

/** A refresh request. */
export function aRequest(
  provider: Partial<Provider>,
  { refreshToken = canary('rt'), scopes = [] }: { refreshToken?: string; scopes?: readonly string[] } = {},
): TokenRequest {
  const grant = { type: 'refresh_token', refreshToken: new Sensitive(refreshToken) } as const
  return { provider: aProvider(provider), grant, scopes }
}

/** A scripted server that ends with the test. */
export async function scripted(options: ScriptedTokenEndpointOptions): Promise<ScriptedTokenEndpoint> {
  const server = await startScriptedTokenEndpoint(options)
  onTestFinished(async () => server.close())
  return server
}

export async function go(): Promise<Result<void>> {
  return ok(undefined)
}

/** The answer of an exchange that must have got one. */
export function answerOf(exchange: TokenExchange): TokenAnswer {
  if (exchange.kind === 'answered') return exchange.answer
  throw new Error(`${exchange.kind}: ${exchange.failure.message}`)
}

/** What a person gets to see of an exchange that failed; part of the leak scan. */
export function failureOf(exchange: TokenExchange): { kind: TokenExchange['kind']; code: string; message: string } {
  if (exchange.kind === 'answered') throw new Error(`answered with status ${exchange.answer.status}`)
  const { code, message } = exchange.failure
  observeOutput('failure', JSON.stringify(exchange.failure))
  return { kind: exchange.kind, code, message }
}
