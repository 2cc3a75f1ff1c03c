import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { loopback } from './loopback.ts'

export interface HeldEndpointOptions {
  /** Answers a request that was answered before as it was then, as servers with a leeway do. */
  readonly leeway?: boolean
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Stands in front of a token endpoint, and holds a request or its answer back when told to. */
export class HeldEndpoint {
  /** All that came, and those of them that are held or were. */
  requests = 0
  held = 0
  readonly #tokenEndpoint: string
  readonly #answered: Map<string, Answer> | undefined
  readonly #server = createServer((request, response) => void this.#handle(request, response))
  #holding: 'request' | 'answer' | undefined
  #release: () => void = () => undefined

  private constructor(tokenEndpoint: string, { leeway = false }: HeldEndpointOptions) {
    this.#tokenEndpoint = tokenEndpoint
    this.#answered = leeway ? new Map() : undefined
  }

  static async start(tokenEndpoint: string, options: HeldEndpointOptions = {}): Promise<HeldEndpoint> {
    const endpoint = new HeldEndpoint(tokenEndpoint, options)
    await new Promise<void>((resolve) => endpoint.#server.listen(0, loopback, resolve))
    return endpoint
  }

  get url(): string {
    return `http://${loopback}:${(this.#server.address() as AddressInfo).port}/token`
  }

  /** The next request never arrives, or is carried out and its answer waits. */
  holdNext(what: 'request' | 'answer'): void {
    this.#holding = what
  }

  /** Lets the answer that waits go. */
  release(): void {
    this.#release()
  }

  async stop(): Promise<void> {
    this.release()
    await new Promise((resolve) => {
      this.#server.close(resolve)
      this.#server.closeAllConnections()
    })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1
    const holding = this.#holding
    this.#holding = undefined
    const body = await text(request)
    if (holding === 'request') {
      this.held += 1
      return
    }
    const answer = this.#answered?.get(body) ?? (await this.#forward(request, body))
    this.#answered?.set(body, answer)
    if (holding === 'answer') {
      const released = new Promise<void>((resolve) => {
        this.#release = resolve
      })
      this.held += 1
      await released
    }
    response.writeHead(answer.status, { 'content-type': answer.type, 'cache-control': 'no-store' }).end(answer.body)
  }

  async #forward({ headers }: IncomingMessage, body: string): Promise<Answer> {
    const type = headers['content-type'] ?? ''
    const answer = await fetch(this.#tokenEndpoint, { method: 'POST', headers: { 'content-type': type }, body })
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? '',
      body: await answer.text(),
    }
  }
}
