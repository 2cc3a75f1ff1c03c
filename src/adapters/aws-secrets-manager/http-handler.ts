import { Agent } from 'undici'
import type { Clock } from '../../ports/clock.ts'
import { guardedLookup, isForbiddenLiteral, PrivateAddressError } from './guarded-lookup.ts'

/** A signed request of the SDK, as far as it is looked at. */
export interface SdkRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** What the SDK reads of an answer. */
export interface SdkResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface HandlerOptions {
  readonly clock: Clock
  /** Milliseconds for one request. */
  readonly timeoutMs: number
  /** False: only public addresses. Those of the platform are for nobody. */
  readonly allowPrivateAddresses: boolean
}

const connectTimeoutMs = 5_000
const idleConnectionMs = 20_000
const connections = 16
/** Secrets Manager holds at most 64 KiB in a version. */
const longestAnswer = 512 * 1024

/**
 * Carries the requests of an AWS client.
 *
 * In place of the SDK's own, because that one reads answers of any length, tells no one whether a
 * failed request was sent, and looks up names again after they were vetted.
 */
export function httpHandler({ clock, timeoutMs, allowPrivateAddresses }: HandlerOptions) {
  const agent = new Agent({
    connections,
    // The verification is asked for, because Node lets its environment switch the default off.
    connect: { timeout: connectTimeoutMs, rejectUnauthorized: true, lookup: guardedLookup(allowPrivateAddresses) },
    allowH2: false,
    keepAliveTimeout: idleConnectionMs,
    // The deadline is kept on the injected clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: SdkRequest): Promise<{ response: SdkResponse }> {
      const url = urlOf(request)
      if (isForbiddenLiteral(url, allowPrivateAddresses)) throw new PrivateAddressError()
      const deadline = new AbortController()
      const cancel = clock.wakeAfter(timeoutMs, () => deadline.abort(new DeadlineError()))
      try {
        return { response: await exchange(agent, url, request, deadline.signal) }
      } finally {
        cancel()
      }
    },
    // Requests in flight end in their own time.
    destroy: () => void agent.close(),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  }
}

async function exchange(agent: Agent, url: URL, request: SdkRequest, signal: AbortSignal): Promise<SdkResponse> {
  const answer = await agent.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: request.method,
    headers: { ...request.headers },
    signal,
    ...(request.body === undefined ? {} : { body: request.body }),
  })
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value ?? '')])
  return {
    statusCode: answer.statusCode,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: await readAll(answer.body),
  }
}

function urlOf({ protocol, hostname, port, path, query }: SdkRequest): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of [value ?? ''].flat()) url.searchParams.append(name, one)
  }
  return url
}

async function readAll(body: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > longestAnswer) throw new AnswerTooLongError()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

class DeadlineError extends Error {
  readonly code = 'DEADLINE'
}

class AnswerTooLongError extends Error {
  readonly code = 'ANSWER_TOO_LONG'
}
