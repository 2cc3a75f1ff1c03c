import { buildConnector, Pool } from 'undici'
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import type { Clock } from '../../ports/clock.ts'
import { sameConnection, type ConnectionSettings } from './connection-settings.ts'

/** kube-apiserver closes idle connections after 90 s; closing first avoids writing into a connection that is just going away. */
const idleConnectionMs = 60_000
const connectTimeoutMs = 10_000
/** As in client-go; found out by the kernel, where no request is waiting. */
const tcpKeepAliveMs = 30_000

export interface LaneOptions {
  /** Upper bound of connections; null: as many as there are requests. */
  readonly connections: number | null
  readonly clock: Clock
  readonly onTlsHandshake: (resumed: boolean) => void
}

/**
 * Connections to one API server.
 *
 * Guarantees: all requests of a lane share its connections until the trust anchors or the client
 * certificate change, or the server has fallen silent; then new requests get new connections and
 * the old ones end with the requests that they carry.
 */
export class ConnectionLane {
  readonly #options: LaneOptions
  readonly #draining = new Set<Pool>()
  #settings: ConnectionSettings | undefined
  #pool: Pool | undefined
  #heardAtMs = 0

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** The pool for requests under `settings`. */
  pool(settings: ConnectionSettings): Pool {
    const known = this.#settings
    if (this.#pool !== undefined && known !== undefined && (known === settings || sameConnection(known, settings))) {
      this.#settings = settings
      return this.#pool
    }
    this.#drain()
    this.#settings = settings
    this.#pool = openPool(settings, this.#options)
    return this.#pool
  }

  /** Bytes arrived. */
  heard(): void {
    this.#heardAtMs = this.#options.clock.monotonicMs()
  }

  /**
   * A request that was sent at `sentAtMs` got no answer in time. When nothing at all was heard since,
   * the other connections are presumed dead as well (half open, after a failover), and are left.
   */
  unanswered(sentAtMs: number): void {
    if (this.#heardAtMs < sentAtMs) this.#drain()
  }

  async close(): Promise<void> {
    this.#drain()
    await Promise.all([...this.#draining].map((pool) => pool.destroy()))
  }

  #drain(): void {
    const pool = this.#pool
    this.#pool = undefined
    if (pool === undefined) return
    this.#draining.add(pool)
    const forget = (): void => void this.#draining.delete(pool)
    // Rejects only when the pool was destroyed meanwhile, which is an end as good.
    pool.close().then(forget, forget)
  }
}

function openPool(settings: ConnectionSettings, options: LaneOptions): Pool {
  return new Pool(new URL(settings.server).origin, {
    connections: options.connections,
    connect: connector(settings, options.onTlsHandshake),
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: idleConnectionMs,
    keepAliveMaxTimeout: idleConnectionMs,
    // The transport keeps the deadlines itself, on the injected clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

/** Opens connections that resume the last TLS session: undici's own cache holds sessions weakly, so hardly any lives until the next handshake. */
function connector(settings: ConnectionSettings, onTlsHandshake: (resumed: boolean) => void): buildConnector.connector {
  const options = {
    ...(settings.serverName !== undefined && { servername: settings.serverName }),
    // Said in either case, because Node lets its environment switch the default off.
    rejectUnauthorized: settings.insecure !== true,
    allowH2: false,
    timeout: connectTimeoutMs,
    keepAliveInitialDelay: tcpKeepAliveMs,
  }
  // One for all connections, and made with the first of them: what is wrong with the settings fails connections.
  let secureContext: SecureContext | undefined
  let session: Buffer | undefined
  const opened = (socket: unknown): void => {
    if (!(socket instanceof TLSSocket)) return
    onTlsHandshake(socket.isSessionReused())
    socket.on('session', (latest) => (session = latest))
  }
  return (target, callback) => {
    if (target.protocol === 'https:') secureContext ??= createSecureContext(trustOf(settings))
    const connect = buildConnector({ ...options, ...(secureContext && { secureContext }), ...(session && { session }) })
    connect(target, (...result) => {
      opened(result[1])
      callback(...result)
    })
  }
}

function trustOf({ ca, cert, key }: ConnectionSettings): SecureContextOptions {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key: key.reveal() }),
  }
}
