import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { closedEarly, timedOut } from './classify.ts'
import type { Endpoint } from './endpoint.ts'
import type { HostAddress } from './host-addresses.ts'
import type { TlsSessions } from './tls-sessions.ts'
import type { Trust } from './trust.ts'

/** What a connection is made with, beside the endpoint. */
export interface ConnectOptions {
  /** The vetted addresses: the name is not resolved again, so it cannot mean another host now. */
  readonly addresses: readonly HostAddress[]
  /** Absent for plain http. */
  readonly trust?: Trust
  readonly sessions: TlsSessions
  readonly timeoutMs: number
}

// One address that swallows packets must leave time for the others.
const attemptTimeoutMs = 1000

/**
 * Opens a connection for one request; rejects with the platform's error.
 *
 * Connections are never kept for a second request. A kept one can die under the write, and then
 * nobody knows whether the server has seen the refresh token; on a fresh one, all that fails before
 * the write is proven not sent. The price is a handshake for each refresh, most of which TLS
 * resumption takes away.
 */
export async function connect(endpoint: Endpoint, options: ConnectOptions): Promise<Socket> {
  const socket = endpoint.tls && options.trust ? openTls(endpoint, options, options.trust) : openTcp(endpoint, options)
  // Errors after the connection stands are seen by whoever uses it; without a listener they would end the process.
  socket.on('error', () => undefined)
  try {
    await established(socket, endpoint.tls ? 'secureConnect' : 'connect', options.timeoutMs)
    if (options.trust?.showsCertificate === true) await verdictOf(socket)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function openTcp({ host, port }: Endpoint, { addresses }: ConnectOptions): Socket {
  return connectTcp({ host, port, ...toAddresses(addresses), noDelay: true })
}

function openTls(endpoint: Endpoint, options: ConnectOptions, trust: Trust): TLSSocket {
  const { host, port, serverName = '' } = endpoint
  const peer = `${trust.id} ${host} ${port}`
  // A resumed session does not show the certificate again, and servers differ in what they remember of it.
  const session = trust.showsCertificate ? undefined : options.sessions.take(peer)
  const socket = connectTls({
    host,
    port,
    ...toAddresses(options.addresses),
    servername: serverName,
    secureContext: trust.context,
    ...(session && { session: session.ticket }),
    ALPNProtocols: ['http/1.1'],
    // Said aloud, because the environment variable NODE_TLS_REJECT_UNAUTHORIZED changes the default.
    rejectUnauthorized: true,
  })
  socket.setNoDelay(true)
  socket.on('session', (ticket: Buffer) => {
    if (!trust.showsCertificate) options.sessions.keep(peer, ticket, socket.isSessionReused() ? session : undefined)
  })
  return socket
}

/**
 * In TLS 1.3 the handshake is over for the client before the server has looked at its certificate: a refusal
 * comes after it, and would meet a request on its way. The tickets that a server sends tell that it went on.
 */
async function verdictOf(socket: Socket): Promise<void> {
  if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3') return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, longestVerdictMs)
  // Not at once: what is written while OpenSSL is still reading stays where it is.
  socket.once('session', () => setImmediate(resolve))
  socket.once('error', reject)
  socket.once('close', () => reject(closedEarly()))
  try {
    await promise
  } finally {
    clearTimeout(timer)
  }
}

/** Not every server sends tickets. */
const longestVerdictMs = 300

function toAddresses(addresses: readonly HostAddress[]): {
  readonly lookup: LookupFunction
  readonly autoSelectFamily: true
  readonly autoSelectFamilyAttemptTimeout: number
} {
  const lookup: LookupFunction = (_host, { all }, found) => {
    const [first] = addresses
    if (all === true) found(null, [...addresses])
    else found(null, first?.address ?? '', first?.family)
  }
  return { lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: attemptTimeoutMs }
}

async function established(socket: Socket, event: 'connect' | 'secureConnect', timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(timedOut()), timeoutMs)
    socket.once(event, () => {
      clearTimeout(timer)
      resolve()
    })
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}
