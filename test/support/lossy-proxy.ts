import { createServer, type IncomingMessage, request as forward, type ServerResponse } from 'node:http'
import { request as forwardSecurely } from 'node:https'
import type { AddressInfo } from 'node:net'

/** Which requests a {@link LossyProxy} loses the answer of. */
export type LossyMatch = (request: {
  readonly method: string
  readonly path: string
  readonly target: string
}) => boolean

/** A proxy in front of a real server on loopback that carries requests out and loses answers when told to. */
export class LossyProxy {
  readonly #origin: string
  readonly #ca: string | undefined
  #losing: LossyMatch = () => false
  #left = 0
  #downAfter = false
  #down = false
  readonly #server = createServer((request, response) => this.#handle(request, response))

  /** `ca`: the authority of an origin with TLS. The proxy itself has none. */
  constructor(origin: string, ca?: string) {
    this.#origin = origin
    this.#ca = ca
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The next request that matches is carried out, and its answer lost; with `downAfter` nothing gets through from then on. */
  loseNextAnswer(matches: LossyMatch, downAfter = false): void {
    this.#losing = matches
    this.#left = 1
    this.#downAfter = downAfter
  }

  /** Breaks every request until {@link LossyProxy.bringUp}. */
  takeDown(): void {
    this.#down = true
  }

  bringUp(): void {
    this.#down = false
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.#down) return void request.socket.destroy()
    const { method = '', url: path = '', headers } = request
    const target = String(headers['x-amz-target'] ?? '')
    const loses = this.#left > 0 && this.#losing({ method, path, target })
    if (loses) this.#left -= 1
    const options = { method, headers, agent: false, ...(this.#ca !== undefined && { ca: this.#ca }) } as const
    const send = this.#ca === undefined ? forward : forwardSecurely
    const onward = send(`${this.#origin}${path}`, options, (answer) => {
      if (loses) {
        this.#down = this.#downAfter
        answer.resume().on('end', () => response.socket?.destroy())
        return
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.socket?.destroy())
    request.pipe(onward)
  }
}
