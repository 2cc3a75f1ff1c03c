import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { Sensitive } from '../../domain/sensitive.ts'
import type { TokenAnswer } from '../../domain/token-exchange.ts'
import { type BodyBytes, type BodyText, bodyText } from './body-text.ts'
import { closedEarly, otherProtocol, timedOut, tooMuch } from './classify.ts'
import type { WireRequest } from './token-request.ts'

const maxBodyBytes = 256 * 1024
const maxHeaderBytes = 64 * 1024
/**
 * What the message may have on the wire, with all that frames it: a body of one byte in each chunk has room. Without
 * an end, interim responses and chunk extensions keep everybody waiting until the time is up.
 */
const maxWireBytes = 2 * 1024 * 1024
/** A timer that is this late tells that the process was stopped, or the machine. */
const lateMs = 1000
/** What has arrived while it was is read within. */
const graceMs = 5000

export interface ExchangeOptions {
  readonly timeoutMs: number
  /** Called with the answer in the turn in which its last byte is read; that of a packed one once it is unpacked. */
  readonly answered?: ((answer: TokenAnswer) => void) | undefined
}

/**
 * Writes the request once and waits for the answer; after `timeoutMs` it settles with what has
 * arrived. Nothing else ends the wait but its sending without end: no redirect, status or signal, because the server may have
 * used the refresh token. Rejects, with the platform's error, when no whole header came back.
 */
export async function exchange(
  socket: Socket,
  wire: Sensitive<WireRequest>,
  { timeoutMs, answered }: ExchangeOptions,
): Promise<TokenAnswer> {
  const { body, ...head } = wire.reveal()
  return new Promise((resolve, reject) => {
    const request = openRequest(socket, head)
    let received: BodySoFar | undefined
    const giveUp = (error: Error): void => {
      lose(error)
      received?.settle()
      request.destroy(error)
    }
    const deadlineMs = performance.now() + timeoutMs
    let timer = setTimeout(() => {
      // Timers run before what has arrived meanwhile is read: a process that stood still is given the time to read it.
      const wasStopped = performance.now() - deadlineMs > lateMs
      timer = setTimeout(() => giveUp(timedOut()), wasStopped ? graceMs : 0)
    }, timeoutMs)
    // Once there is an answer, its own end settles the exchange with the bytes that came.
    const lose = (error: Error): void => {
      if (received !== undefined) return
      clearTimeout(timer)
      reject(error)
    }
    onOverflow(request, () => giveUp(tooMuch()))
    request.on('error', lose)
    request.on('upgrade', () => lose(otherProtocol()))
    // Whatever else may end the request without an error: nobody is left waiting.
    request.on('close', () => lose(closedEarly()))
    request.on('response', (response) => {
      if (response.statusCode === 101) return lose(otherProtocol())
      received = collect(response, (read) => {
        clearTimeout(timer)
        const text = bodyText(read, response.headers['content-encoding'] ?? '', maxBodyBytes)
        if (text instanceof Promise)
          return resolve(text.then((unpacked) => told(answerOf(response, unpacked), answered)))
        resolve(told(answerOf(response, text), answered))
      })
    })
    // Header and body leave in one write, because the body is here before the header has gone.
    request.end(body)
  })
}

function openRequest(socket: Socket, { method, target, headers }: Omit<WireRequest, 'body'>): ClientRequest {
  return httpRequest({
    createConnection: () => socket,
    method,
    path: target,
    headers,
    setHost: false,
    maxHeaderSize: maxHeaderBytes,
    // A server with a sloppy header has used the refresh token all the same. No second message follows
    // on this connection, so there is none that a lenient reader could be tricked into.
    insecureHTTPParser: true,
  })
}

/** The reader of the message, which is there first, emits nothing for much of what a server can write. */
function onOverflow(request: ClientRequest, overflow: () => void): void {
  let size = 0
  request.once('socket', (socket) => {
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxWireBytes) overflow()
    })
  })
}

interface BodySoFar {
  /** Waits for no more of it. */
  settle(): void
}

/** Calls `done` once, with all of the body or with what came of it. */
function collect(response: IncomingMessage, done: (read: BodyBytes) => void): BodySoFar {
  const chunks: Buffer[] = []
  let size = 0
  let isDone = false
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBodyBytes) response.destroy()
  })
  const settle = (): void => {
    if (isDone) return
    isDone = true
    const bytes = Buffer.concat(chunks).subarray(0, maxBodyBytes)
    done({ bytes, complete: response.complete && size <= maxBodyBytes })
  }
  response.on('end', settle)
  // Follows a bad end, too.
  response.on('close', settle)
  response.on('error', () => undefined)
  return { settle }
}

function told(answer: TokenAnswer, answered: ExchangeOptions['answered']): TokenAnswer {
  answered?.(answer)
  return answer
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, { text, complete }: BodyText): TokenAnswer {
  const retryAfter = headers['retry-after']
  return {
    status: statusCode,
    contentType: (headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase(),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(headers.date !== undefined && { date: headers.date }),
    body: new Sensitive(text),
    complete,
  }
}
