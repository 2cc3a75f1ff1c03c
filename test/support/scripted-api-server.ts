import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { answer, status, type SeenRequest } from './scripted-answer.ts'
import { ScriptedCollections } from './scripted-collections.ts'

/** What a script makes of a request instead of the API's own answer. */
export type ScriptedAnswer =
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: unknown
      readonly delayMs?: number
    }
  /** Never answers, the connection stays open. */
  | 'hang'
  /** Closes the connection. */
  | 'reset'

type Script = (request: SeenRequest) => ScriptedAnswer | undefined

/**
 * A small API server on loopback: lists in pages, watches with resource versions, bookmarks and
 * initial events, compare-and-swap; and the faults that a real one does not produce on demand.
 */
export class ScriptedApiServer {
  readonly objects = new ScriptedCollections()
  readonly requests: SeenRequest[] = []
  /** Set: other bearer tokens are answered with 401. */
  acceptedToken: string | undefined
  #connections = 0
  readonly #scripts: Script[] = []
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #tls: { cert: string; key: string } | undefined
  #port = 0

  async start(tls?: { cert: string; key: string }): Promise<void> {
    this.#tls = tls ?? this.#tls
    const listener = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response)
    const server = this.#tls === undefined ? createHttpServer(listener) : createHttpsServer(this.#tls, listener)
    server.on(this.#tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => this.#track(socket))
    server.keepAliveTimeout = 90_000
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Like kill -9: every connection breaks. The next {@link ScriptedApiServer.start} listens at the same port. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.objects.forgetWatches()
    const closed = new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
    this.breakConnections()
    await closed
  }

  breakConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`
  }

  /** Connections that were ever accepted. */
  get connections(): number {
    return this.#connections
  }

  /** Answers the next `times` requests that `matches` with `answer`. */
  script(matches: (request: SeenRequest) => boolean, answer: ScriptedAnswer, times = 1): void {
    let left = times
    this.#scripts.push((request) => {
      if (left === 0 || !matches(request)) return undefined
      left -= 1
      return answer
    })
  }

  /** Answers what `matches` as `decide` says at that time; undefined leaves it to the API. */
  scriptWhile(matches: (request: SeenRequest) => boolean, decide: () => ScriptedAnswer | undefined): void {
    this.#scripts.push((request) => (matches(request) ? decide() : undefined))
  }

  #track(socket: Socket): void {
    this.#connections += 1
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = await read(request)
    this.requests.push(seen)
    const scripted = this.#scripts.map((script) => script(seen)).find((answer) => answer !== undefined)
    if (scripted === 'hang') return
    if (scripted === 'reset') request.socket.destroy()
    else if (scripted !== undefined) {
      await delay(scripted.delayMs ?? 0)
      answer(response, scripted.status, scripted.body, scripted.headers)
    } else if (!this.#authorized(seen)) answer(response, 401, status(401, 'Unauthorized'))
    else this.objects.handle(seen, response)
  }

  #authorized({ headers }: SeenRequest): boolean {
    return this.acceptedToken === undefined || headers['authorization'] === `Bearer ${this.acceptedToken}`
  }
}

async function read(request: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const url = new URL(request.url ?? '/', 'http://scripted')
  const query = Object.fromEntries(url.searchParams)
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query,
    headers: request.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
    watch: query['watch'] === 'true',
  }
}
