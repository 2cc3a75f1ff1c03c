import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Malformed } from './malformed-message.ts'

/** Answers each request with the bytes of the case that its path names. */
export async function startMalformedServer(
  cases: readonly Malformed[],
): Promise<{ readonly urlOf: (index: number) => string; close(): Promise<void> }> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.once('data', (request: Buffer) => {
      const [, index = ''] = /^POST \/(\d+) /.exec(request.toString('latin1')) ?? []
      const one = cases[Number(index)]
      if (one === undefined) socket.destroy()
      else answer(socket, one)
    })
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, resolve))
  const { port } = server.address() as AddressInfo
  return {
    urlOf: (index) => `http://127.0.0.1:${port}/${index}`,
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(socket: Socket, { bytes, ending }: Malformed): void {
  switch (ending) {
    case 'reset':
      socket.write(bytes, () => socket.resetAndDestroy())
      return
    case 'hold':
      socket.write(bytes)
      return
    case 'drip': {
      socket.write(bytes)
      const timer = setInterval(() => socket.write(' '), 20)
      socket.on('close', () => clearInterval(timer))
      return
    }
    case undefined:
      socket.end(bytes)
  }
}
