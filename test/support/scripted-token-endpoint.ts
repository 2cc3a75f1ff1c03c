import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** One request as it came over the wire. */
export interface WireRequest {
  /** Request line and header, as sent. */
  readonly head: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the server does once a whole request is there. */
export type Script = (socket: Socket, request: WireRequest) => void

export interface ScriptedTokenEndpointOptions {
  readonly script: Script
  /** Called when a connection is accepted, before any byte of a request. */
  readonly connected?: (socket: Socket) => void
  /** PEM; makes it an https server. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Default 127.0.0.1. */
  readonly host?: string
}

/** A token endpoint that misbehaves on request: it speaks raw bytes, so it can do what no real server does. */
export interface ScriptedTokenEndpoint {
  readonly url: string
  readonly port: number
  /** Connections accepted so far. */
  readonly connections: readonly Socket[]
  /** Whole requests received so far. */
  readonly requests: readonly WireRequest[]
  /** Bytes received so far, in whole requests or not. */
  readonly bytesReceived: number
  close(): Promise<void>
}

export async function startScriptedTokenEndpoint(
  options: ScriptedTokenEndpointOptions,
): Promise<ScriptedTokenEndpoint> {
  const { tls, host = '127.0.0.1' } = options
  const seen = { connections: [] as Socket[], requests: [] as WireRequest[], bytesReceived: 0 }
  const accept = (socket: Socket): void => {
    seen.connections.push(socket)
    socket.on('error', () => undefined)
    options.connected?.(socket)
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      seen.bytesReceived += chunk.length
      received += chunk.toString('latin1')
      const request = wholeRequest(received)
      if (request === undefined) return
      received = ''
      seen.requests.push(request)
      options.script(socket, request)
    })
  }
  const server = tls === undefined ? createTcpServer(accept) : createTlsServer(tls, accept)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  const authority = host.includes(':') ? `[${host}]` : host
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${authority}:${port}/token`,
    port,
    connections: seen.connections,
    requests: seen.requests,
    get bytesReceived() {
      return seen.bytesReceived
    },
    close: async () => close(server, seen.connections),
  }
}

/** An HTTP/1.1 answer with its length. */
export function httpAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(body)}`, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} Scripted\r\n${lines.join('')}\r\n${body}`
}

/** Sends one answer and closes the connection. */
export function answers(status: number, body: string, headers?: Readonly<Record<string, string>>): Script {
  return (socket) => socket.end(httpAnswer(status, body, headers))
}

function wholeRequest(received: string): WireRequest | undefined {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = received.slice(0, headEnd)
  const headers = Object.fromEntries(head.split('\r\n').slice(1).map(headerPair))
  const body = received.slice(headEnd + 4)
  return body.length < Number(headers['content-length'] ?? 0) ? undefined : { head, headers, body }
}

function headerPair(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

async function close(server: Server, connections: readonly Socket[]): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve)
    for (const socket of connections) socket.destroy()
  })
}
