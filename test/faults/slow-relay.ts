import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands before a server on loopback and makes it as far away as servers are. */
export class SlowRelay {
  readonly #target: URL
  readonly #delayMs: () => number
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#relay(client))

  private constructor(target: string, delayMs: () => number) {
    this.#target = new URL(target)
    this.#delayMs = delayMs
  }

  /** @param delayMs asked for each piece that the server sends. */
  static async start(target: string, delayMs: () => number): Promise<SlowRelay> {
    const relay = new SlowRelay(target, delayMs)
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve))
    return relay
  }

  get address(): string {
    return `${this.#target.protocol}//127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #relay(client: Socket): void {
    const server = connect({ host: this.#target.hostname, port: Number(this.#target.port) })
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    }
    client.pipe(server)
    // In order: no piece overtakes one before it.
    let freeAtMs = 0
    server.on('data', (piece: Buffer) => {
      freeAtMs = Math.max(freeAtMs, performance.now() + this.#delayMs())
      setTimeout(() => client.write(piece), Math.max(0, freeAtMs - performance.now()))
    })
    server.on('end', () => setTimeout(() => client.end(), Math.max(0, freeAtMs - performance.now()) + 1))
    client.on('close', () => server.destroy())
  }
}
