import { createServer, type IncomingMessage, request as forward, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Breaking = 'end' | 'reset' | 'stall'

/** What has been done to one kind of answers. */
export interface CutProgress {
  readonly kind: string
  /** Bytes of the longest answer so far, header included. */
  longest: number
  /** The next cut is behind so many bytes. */
  next: number
  seen: number
}

export interface ByteCutterOptions {
  /** Tells kinds of answers apart; undefined: never cut. */
  readonly kindOf: (request: {
    readonly method: string
    readonly path: string
    readonly target: string
  }) => string | undefined
  /** One of so many answers of a kind is cut. */
  readonly oneOf: number
  /** Bytes between two cuts. */
  readonly stride: number
  readonly breaking: () => Breaking
}

/**
 * Stands before a store over plain HTTP, carries every request out, and cuts answers: of each kind one behind its
 * first byte, one behind its second, and so on to the last.
 */
export class ByteCutter {
  readonly #origin: string
  readonly #options: ByteCutterOptions
  readonly #kinds = new Map<string, CutProgress>()
  readonly #stalled = new Set<Socket>()
  readonly #server = createServer((request, response) => void this.#handle(request, response))
  #mended = false

  constructor(origin: string, options: ByteCutterOptions) {
    this.#origin = origin
    this.#options = options
  }

  async start(): Promise<this> {
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get kinds(): readonly CutProgress[] {
    return [...this.#kinds.values()]
  }

  /** True when each kind that was seen has been cut at each of its bytes. */
  isThrough(): boolean {
    return this.kinds.length > 0 && this.kinds.every(({ next, longest }) => next > longest)
  }

  /** Cuts nothing any more. */
  mend(): void {
    this.#mended = true
    for (const socket of this.#stalled) socket.destroy()
  }

  async stop(): Promise<void> {
    this.mend()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request
    const kind = this.#options.kindOf({ method, path, target: String(headers['x-amz-target'] ?? '') })
    const onward = forward(`${this.#origin}${path}`, { method, headers, agent: false }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => this.#answer(kind && `${kind} ${answer.statusCode}`, rawAnswer(answer, parts), response))
    })
    onward.on('error', () => response.socket?.destroy())
    request.pipe(onward)
  }

  #answer(kind: string | undefined, raw: Buffer, response: ServerResponse): void {
    const { socket } = response
    if (socket === null || socket.destroyed) return
    const cutAt = this.#cutAt(kind, raw.length)
    if (cutAt === undefined) return void socket.write(raw, () => socket.end())
    const breaking = this.#options.breaking()
    socket.write(raw.subarray(0, cutAt), () => {
      if (breaking === 'end') socket.end()
      if (breaking === 'reset') socket.resetAndDestroy()
      if (breaking === 'stall') this.#stalled.add(socket)
    })
  }

  #cutAt(kind: string | undefined, length: number): number | undefined {
    if (this.#mended || kind === undefined) return undefined
    const known = this.#kinds.get(kind) ?? { kind, longest: 0, next: 0, seen: 0 }
    this.#kinds.set(kind, known)
    known.longest = Math.max(known.longest, length)
    known.seen += 1
    if (known.next > known.longest || known.seen % this.#options.oneOf !== 0) return undefined
    const at = known.next
    known.next += this.#options.stride
    return at
  }
}

/** As it came, but of one piece, and the last one of its connection. */
function rawAnswer(answer: IncomingMessage, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const dropped = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length'])
  const headers = Object.entries(answer.headers)
    .filter(([name]) => !dropped.has(name))
    .map(([name, value]) => `${name}: ${String(value)}`)
  const head = [
    `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`,
    ...headers,
    `content-length: ${body.length}`,
    'connection: close',
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}
