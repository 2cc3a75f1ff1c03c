import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { RequestOptions } from 'node:https'

/** The address that every test server binds; nothing outside the machine can reach it. */
export const loopback = '127.0.0.1'

/** @returns a TCP port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, loopback, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

export interface LoopbackRequest {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown
  readonly ca?: string
  readonly timeoutMs?: number
}

export interface LoopbackResponse {
  readonly status: number
  readonly text: string
  /** The parsed body; an empty object when it is not a JSON object. */
  readonly json: Readonly<Record<string, unknown>>
}

/**
 * Sends one request over a fresh connection and reads the whole answer.
 * @throws when no answer comes; an error status is an answer.
 */
export function send(request: LoopbackRequest): Promise<LoopbackResponse> {
  const { body } = request
  const payload = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
  const options: RequestOptions = {
    method: request.method ?? 'GET',
    headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...request.headers },
    agent: false,
    signal: AbortSignal.timeout(request.timeoutMs ?? 15_000),
    ...(request.ca === undefined ? {} : { ca: request.ca }),
  }
  return new Promise((resolve, reject) => {
    const open = request.url.startsWith('https:') ? requestHttps : requestHttp
    const outgoing = open(request.url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, text, json: parseObject(text) })
      })
    })
    outgoing.once('error', reject)
    outgoing.end(payload)
  })
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
