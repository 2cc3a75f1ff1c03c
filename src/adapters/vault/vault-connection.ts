import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { type Dispatcher, Pool } from 'undici'
import { Sensitive } from '../../domain/sensitive.ts'
import type { Clock } from '../../ports/clock.ts'
import { guardedLookup, isForbiddenLiteral, PrivateAddressError } from './guarded-lookup.ts'

/** A call of Vault's HTTP API. */
export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Below `/v1/`; segments are already encoded. */
  readonly path: string
  /** A JSON text. */
  readonly body?: Sensitive
}

export interface VaultAnswer {
  readonly status: number
  /** `Retry-After` as on the wire. */
  readonly retryAfter?: string
  /** `X-Vault-Index`: the state of the storage that the answer is from. */
  readonly index?: string
  readonly body: Sensitive
}

/** What became of one request. */
export type VaultExchange =
  | { readonly kind: 'answered'; readonly answer: VaultAnswer }
  /** `code` is an error code of Node or undici. `sent` is false when the request provably never left. */
  | { readonly kind: 'broken'; readonly code: string; readonly sent: boolean }

export interface VaultAddress {
  readonly url: URL
  /** Extra trust anchors, PEM. */
  readonly ca?: string
  /** False: only public addresses. Those of the platform are for nobody. */
  readonly allowPrivateAddresses: boolean
}

export interface ConnectionOptions {
  readonly clock: Clock
  /** Milliseconds for a whole request. */
  readonly timeoutMs: number
}

const connectTimeoutMs = 5_000
const idleConnectionMs = 30_000
/** More than a document of 1 MiB, which is the most that Vault stores by default. */
const longestAnswer = 2 * 1024 * 1024
const connections = 8

/** Connections to one Vault. Redirects are not followed: a Vault token is never sent to another address. */
export class VaultConnection {
  readonly #address: VaultAddress
  readonly #options: ConnectionOptions
  readonly #pool: Pool

  constructor(address: VaultAddress, options: ConnectionOptions) {
    this.#address = address
    this.#options = options
    this.#pool = new Pool(address.url.origin, {
      connections,
      connect: {
        timeout: connectTimeoutMs,
        // Said, because Node lets its environment switch the default off.
        rejectUnauthorized: true,
        ...(address.ca === undefined ? {} : { secureContext: trusting(address.ca) }),
        lookup: guardedLookup(address.allowPrivateAddresses),
      },
      allowH2: false,
      keepAliveTimeout: idleConnectionMs,
      // The deadline is kept on the injected clock.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /** Never throws. */
  async exchange(request: VaultRequest, headers: Readonly<Record<string, string>>): Promise<VaultExchange> {
    const { url, allowPrivateAddresses } = this.#address
    if (isForbiddenLiteral(url, allowPrivateAddresses)) return broken(new PrivateAddressError())
    const deadline = new AbortController()
    const cancel = this.#options.clock.wakeAfter(this.#options.timeoutMs, () => deadline.abort(new DeadlineError()))
    try {
      const response = await this.#pool.request({
        method: request.method,
        path: `${url.pathname.replace(/\/$/, '')}/v1/${request.path}`,
        headers: { ...headers, ...(request.body === undefined ? {} : { 'content-type': 'application/json' }) },
        signal: deadline.signal,
        ...(request.body === undefined ? {} : { body: request.body.reveal() }),
      })
      return { kind: 'answered', answer: await readAnswer(response) }
    } catch (error) {
      return broken(error)
    } finally {
      cancel()
    }
  }

  /** Lets requests in flight end. */
  async close(): Promise<void> {
    await this.#pool.close()
  }
}

/** Made once: with all of the system's anchors it takes milliseconds and a megabyte, which each connection would spend anew. */
function trusting(ca: string): SecureContext {
  return createSecureContext({ ca: [...getCACertificates('default'), ca] })
}

class DeadlineError extends Error {
  readonly code = 'DEADLINE'
}

class AnswerTooLongError extends Error {
  readonly code = 'ANSWER_TOO_LONG'
}

async function readAnswer({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<VaultAnswer> {
  const bytes = await collected(body)
  const retryAfter = headers['retry-after']
  const index = headers['x-vault-index']
  return {
    status: statusCode,
    body: new Sensitive(bytes.toString('utf8')),
    ...(typeof retryAfter === 'string' ? { retryAfter } : {}),
    ...(typeof index === 'string' ? { index } : {}),
  }
}

/** By events: an iterator costs more than everything else about reading an answer. */
function collected(body: Dispatcher.ResponseData['body']): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    body.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > longestAnswer) body.destroy(new AnswerTooLongError())
      else chunks.push(chunk)
    })
    body.on('error', reject)
    body.on('end', () => resolve(Buffer.concat(chunks)))
  })
}

const neverSent = new Set([
  'PRIVATE_ADDRESS',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Codes of certificates that were not accepted: the request waits for that. */
const certificateRefused = /^(?:CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

function broken(error: unknown): VaultExchange {
  const code = errorCode(error)
  return { kind: 'broken', code, sent: !neverSent.has(code) && !certificateRefused.test(code) }
}

/** Only the code: messages of errors quote what was sent. */
function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : 'UNKNOWN'
}
