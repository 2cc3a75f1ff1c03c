import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { Sensitive } from '../../domain/sensitive.ts'
import type { TokenAnswer } from '../../domain/token-exchange.ts'
import { timedOut } from './classify.ts'
import type { WireRequest } from './token-request.ts'

const maxBodyBytes = 256 * 1024
const maxHeaderBytes = 64 * 1024

/**
 * Writes the request once and waits for the answer; after `timeoutMs` it settles with what has
 * arrived. Nothing else ends the wait: no redirect, status or signal, because the server may have
 * used the refresh token. Rejects, with the platform's error, when no whole header came back.
 */
export async function exchange(socket: Socket, wire: Sensitive<WireRequest>, timeoutMs: number): Promise<TokenAnswer> {
  const { target, headers, body } = wire.reveal()
  return new Promise((resolve, reject) => {
    const request = openRequest(socket, target, headers)
    let answer: IncomingMessage | undefined
    const timer = setTimeout(() => request.destroy(timedOut()), timeoutMs)
    request.on('error', (error) => {
      clearTimeout(timer)
      // Once there is an answer, its own end settles the exchange with the bytes that came.
      if (answer === undefined) reject(error)
    })
    request.on('response', (response) => {
      answer = response
      collect(response, (read) => {
        clearTimeout(timer)
        resolve(answerOf(response, read))
      })
    })
    // Header and body leave in one write, because the body is here before the header has gone.
    request.end(body)
  })
}

function openRequest(socket: Socket, path: string, headers: Readonly<Record<string, string>>): ClientRequest {
  return httpRequest({
    createConnection: () => socket,
    method: 'POST',
    path,
    headers,
    setHost: false,
    maxHeaderSize: maxHeaderBytes,
    // A server with a sloppy header has used the refresh token all the same. No second message follows
    // on this connection, so there is none that a lenient reader could be tricked into.
    insecureHTTPParser: true,
  })
}

interface ReadBody {
  readonly bytes: Buffer
  readonly complete: boolean
}

/** Calls `done` once, with all of the body or with what came of it. */
function collect(response: IncomingMessage, done: (read: ReadBody) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBodyBytes) response.destroy()
  })
  // Follows every end, good or bad.
  response.on('close', () => {
    const bytes = Buffer.concat(chunks).subarray(0, maxBodyBytes)
    done({ bytes, complete: response.complete && size <= maxBodyBytes })
  })
  response.on('error', () => undefined)
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, { bytes, complete }: ReadBody): TokenAnswer {
  const retryAfter = headers['retry-after']
  return {
    status: statusCode,
    contentType: (headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase(),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(headers.date !== undefined && { date: headers.date }),
    body: new Sensitive(bytes.toString('utf8')),
    complete,
  }
}
