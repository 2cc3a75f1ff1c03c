import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { TestAuthority } from '../support/test-certificates.ts'
import { accessTokenMark, type Family, type FamilyToken, type Leeway, RefreshFamilies } from './refresh-families.ts'

/** The connection ends, is reset, or says nothing more behind so many bytes of an answer, header included. */
export interface Cut {
  readonly bytes: number
  readonly by: 'end' | 'reset' | 'stall'
}

export interface StrictServerOptions {
  /** Seconds that access tokens live. */
  readonly lifetime: () => number
  readonly leeway?: Leeway
  /** Milliseconds before the token is used, and between its use and the answer. */
  readonly delays?: () => { readonly beforeMs: number; readonly afterMs: number }
  /** With so many bytes of an answer, its refresh token has arrived; default: with all of them. */
  readonly completeAtByte?: number
  readonly cut?: (family: Family, token: FamilyToken) => Cut | undefined
}

/** What watches requests. The server waits for each. */
export interface RequestWatch {
  /** Before the token is used. */
  readonly arrived?: (family: Family, token: FamilyToken) => Promise<void>
  /** When the token was used, before its answer is written. */
  readonly used?: (family: Family, token: FamilyToken) => Promise<void>
  /** Before the family dies because a token is used again that must not be. */
  readonly reused?: (family: Family, token: FamilyToken) => Promise<void>
}

/**
 * An authorization server over TLS that rotates at every use, kills the family at a second use, and
 * remembers every presentation. It finishes what it has begun when the client is gone, as servers do.
 */
export class StrictServer {
  readonly families: RefreshFamilies
  readonly ca: string
  readonly #options: StrictServerOptions
  readonly #server: Server
  readonly #watches: RequestWatch[] = []
  #underWay = 0

  private constructor(options: StrictServerOptions) {
    this.#options = options
    this.families = new RefreshFamilies(options.leeway)
    const authority = new TestAuthority('faults-ca')
    this.ca = authority.ca
    this.#server = createServer(authority.issue(), (request, response) => {
      this.#underWay += 1
      void this.#handle(request, response).finally(() => (this.#underWay -= 1))
    })
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy())
  }

  static async start(options: StrictServerOptions): Promise<StrictServer> {
    const server = new StrictServer(options)
    await once(server.#server.listen(0, '127.0.0.1'), 'listening')
    return server
  }

  get tokenEndpoint(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`
  }

  watch(watch: RequestWatch): void {
    this.#watches.push(watch)
  }

  /** Resolves when no request is being answered. */
  async idle(): Promise<void> {
    // Twice, because a request may be on its way between the socket and the handler.
    for (let quiet = 0; quiet < 2;) {
      quiet = this.#underWay === 0 ? quiet + 1 : 0
      await sleep(5)
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const port = request.socket.remotePort ?? 0
    const value = await presentedIn(request)
    if (value === undefined) return // the client died before its request was here
    const { beforeMs, afterMs } = this.#options.delays?.() ?? noDelays
    await sleep(beforeMs)
    const successor = await this.#present(value, port)
    if (successor === undefined) return refuse(response)
    await sleep(afterMs)
    await this.#answer(response, successor)
  }

  async #present(value: string, port: number): Promise<FamilyToken | undefined> {
    const found = this.families.find(value)
    if (found === undefined) return this.families.present(value, port).successor
    const { family, token } = found
    await this.#tell('arrived', family, token)
    if (this.families.judge(value) === 'reuse') await this.#tell('reused', family, token)
    const { successor } = this.families.present(value, port)
    if (successor !== undefined) await this.#tell('used', family, token)
    return successor
  }

  async #tell(what: keyof RequestWatch, family: Family, token: FamilyToken): Promise<void> {
    for (const watch of this.#watches) await watch[what]?.(family, token)
  }

  async #answer({ socket }: ServerResponse, successor: FamilyToken): Promise<void> {
    if (socket === null || socket.destroyed) return
    const message = answerMessage(successor.value, this.#options.lifetime())
    const { completeAtByte = message.length } = this.#options
    const { bytes, by } = this.#cutOf(successor) ?? { bytes: message.length, by: 'end' }
    await write(socket, message.subarray(0, bytes))
    if (bytes >= completeAtByte && !socket.destroyed) successor.deliveredAtMs = performance.now()
    if (by === 'end') socket.end()
    if (by === 'reset') socket.destroy()
  }

  #cutOf(successor: FamilyToken): Cut | undefined {
    const found = this.families.find(successor.value)
    return found && this.#options.cut?.(found.family, successor)
  }
}

const noDelays = { beforeMs: 0, afterMs: 0 }

/** The refresh token in a request; undefined when it did not arrive whole. */
async function presentedIn(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  try {
    for await (const part of request) parts.push(part as Buffer)
  } catch {
    return undefined
  }
  return new URLSearchParams(Buffer.concat(parts).toString()).get('refresh_token') ?? ''
}

/** The answer as bytes, so that it can be cut at each of them. */
export function answerMessage(refreshToken: string, lifetime: number): Buffer {
  const body = JSON.stringify({
    access_token: `${accessTokenMark}-${randomBytes(15).toString('base64url')}`,
    token_type: 'Bearer',
    expires_in: lifetime,
    refresh_token: refreshToken,
    scope: 'api:read',
  })
  const header = [
    'HTTP/1.1 200 OK',
    'content-type: application/json',
    'cache-control: no-store',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  return Buffer.from(`${header.join('\r\n')}\r\n\r\n${body}`)
}

function refuse(response: ServerResponse): void {
  const body = JSON.stringify({ error: 'invalid_grant' })
  response.writeHead(400, { 'content-type': 'application/json', connection: 'close' }).end(body)
}

/** Resolves when the bytes are with the operating system, or cannot get there any more. */
function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => resolve())
    socket.write(bytes, () => resolve())
  })
}
