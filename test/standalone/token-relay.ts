import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands between standalone mode and the token endpoint, and lets a test act while a request is on its way. */
export class TokenRelay {
  readonly #target: string
  readonly #server: Server
  /** Awaited before a request is handed on. */
  beforeRequest: () => Promise<void> = async () => undefined
  /** Awaited when the server has answered, before the answer is handed on. */
  beforeAnswer: () => Promise<void> = async () => undefined

  constructor(tokenEndpoint: string) {
    this.#target = tokenEndpoint
    this.#server = createServer((request, response) => void this.#relay(request, response))
  }

  /** Resolves with the endpoint in front of the other. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeAllConnections()
    })
  }

  async #relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    await this.beforeRequest()
    if (request.socket.destroyed) return
    const { authorization = '', 'content-type': contentType = '' } = request.headers
    const headers = { authorization, 'content-type': contentType }
    const answer = await fetch(this.#target, { method: 'POST', headers, body: Buffer.concat(parts) })
    const body = await answer.text()
    await this.beforeAnswer()
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(body)
  }
}
