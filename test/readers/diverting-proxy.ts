import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { loopback } from '../servers/loopback.ts'

/** An HTTP proxy that leads every tunnel to the one server, whatever host was asked for. */
export interface DivertingProxy {
  readonly url: string
  stop(): Promise<void>
}

export async function startDivertingProxy(port: number): Promise<DivertingProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((_, response) => response.writeHead(502).end())
  server.on('connect', (_, client: Socket) => {
    const vendor = connect(port, loopback, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(vendor).pipe(client)
    })
    for (const [one, other] of [
      [client, vendor],
      [vendor, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, loopback, resolve))
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://${loopback}:${(server.address() as AddressInfo).port}`, stop }
}
