import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from '../../ports/logger.ts'
import { healthReport, type HealthCheck } from './health-check.ts'

/** Where to listen. Port 0: the system chooses. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

type Body = string | readonly Buffer[]

/** What `/metrics` answers. */
export interface Scrape<Format extends string = string> {
  /** In which of the formats that there are an Accept header is answered. */
  formatFor(accept: string | undefined): Format
  contentTypeOf(format: Format): string
  /** The body, in UTF-8; in parts where it is large, so that nobody puts megabytes together for a moment. */
  render(format: Format): Promise<Body>
}

export interface HealthServerOptions {
  /** Absent: no metrics are served. */
  readonly metricsAddress?: ListenAddress
  /** The same as `metricsAddress` for one listener; absent: no probes are served. */
  readonly healthAddress?: ListenAddress
  readonly scrape: Scrape
  /** Whether the process should be restarted. */
  readonly liveness: readonly HealthCheck[]
  /** Whether the process has begun to do its work. */
  readonly readiness: readonly HealthCheck[]
  readonly logger: Logger
}

/** An answer whose body a person may read. */
interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: Body
  /** The header that another answer to the same path hangs on. */
  readonly vary?: string
}

type Route = (request: IncomingMessage) => Answer | Promise<Answer>
type Routes = ReadonlyMap<string, Route>

/** Milliseconds. Scrapes and probes are short; whoever is slower is not one. */
const requestTimeoutMs = 5_000
/** Milliseconds; longer than the usual scrape interval of 30 s, so that a scraper keeps its connection. */
const keepAliveTimeoutMs = 65_000
const mostConnections = 64
const mostHeaderBytes = 8_192
const plainText = 'text/plain; charset=utf-8'

/**
 * Serves `/metrics`, `/healthz` and `/readyz` over plain HTTP, to GET and HEAD only.
 *
 * Guarantees: of each format at most one scrape is rendered at a time, others wait for it and get the same; what a
 * client may hold open is bounded; nothing of a request is echoed or logged.
 */
export class HealthServer {
  readonly #options: HealthServerOptions
  readonly #servers: Server[] = []
  readonly #scraping = new Map<string, Promise<Body>>()
  #metricsServer: Server | undefined
  #healthServer: Server | undefined

  constructor(options: HealthServerOptions) {
    this.#options = options
  }

  /** Resolves when every address is bound; rejects with Node's error, as for a port in use, and then holds none. */
  async start(): Promise<void> {
    const { metricsAddress, healthAddress } = this.#options
    try {
      if (metricsAddress !== undefined && sameAddress(metricsAddress, healthAddress)) {
        this.#metricsServer = this.#healthServer = await this.#listen(
          metricsAddress,
          new Map([...this.#metricsRoutes(), ...this.#healthRoutes()]),
        )
        return
      }
      if (metricsAddress !== undefined) this.#metricsServer = await this.#listen(metricsAddress, this.#metricsRoutes())
      if (healthAddress !== undefined) this.#healthServer = await this.#listen(healthAddress, this.#healthRoutes())
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Ends open connections and frees the addresses. Idempotent. */
  async stop(): Promise<void> {
    const servers = this.#servers.splice(0)
    this.#metricsServer = this.#healthServer = undefined
    await Promise.all(servers.map(close))
  }

  /** Port that `/metrics` is served on; undefined while it is not. */
  metricsPort(): number | undefined {
    return portOf(this.#metricsServer)
  }

  /** Port that the probes are served on; undefined while they are not. */
  healthPort(): number | undefined {
    return portOf(this.#healthServer)
  }

  #metricsRoutes(): Routes {
    return new Map<string, Route>([['/metrics', ({ headers }) => this.#scrape(headers.accept)]])
  }

  #healthRoutes(): Routes {
    const { liveness, readiness } = this.#options
    return new Map<string, Route>([
      ['/healthz', () => healthAnswer(liveness)],
      ['/readyz', () => healthAnswer(readiness)],
    ])
  }

  async #scrape(accept: string | undefined): Promise<Answer> {
    const { scrape } = this.#options
    const format = scrape.formatFor(accept)
    const rendering = this.#scraping.get(format) ?? scrape.render(format).finally(() => this.#scraping.delete(format))
    this.#scraping.set(format, rendering)
    return { status: 200, contentType: scrape.contentTypeOf(format), body: await rendering, vary: 'Accept' }
  }

  async #listen({ host, port }: ListenAddress, routes: Routes): Promise<Server> {
    const server = createServer(
      {
        headersTimeout: requestTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: requestTimeoutMs,
        keepAliveTimeout: keepAliveTimeoutMs,
        maxHeaderSize: mostHeaderBytes,
      },
      (request, response) => void this.#serve(routes, request, response),
    )
    server.maxConnections = mostConnections
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      this.#options.logger.warn({ code: error.code }, 'a connection to the health server could not be accepted')
    })
    this.#servers.push(server)
    return server
  }

  async #serve(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?', 1)
    const route = routes.get(path)
    if (route === undefined) return send(request, response, plainAnswer(404, 'not found'))
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return send(request, response, plainAnswer(405, 'method not allowed'))
    }
    try {
      send(request, response, await route(request))
    } catch (error) {
      const kind = error instanceof Error ? error.name : typeof error
      this.#options.logger.error({ path, error: kind }, 'a probe or a scrape could not be answered')
      send(request, response, plainAnswer(500, 'internal error'))
    }
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status, contentType, body, vary } = answer
  const parts = typeof body === 'string' ? [body] : body
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(vary !== undefined && { Vary: vary }),
  })
  if (request.method !== 'HEAD') for (const part of parts) response.write(part)
  response.end()
}

function healthAnswer(checks: readonly HealthCheck[]): Answer {
  const { ok, text } = healthReport(checks)
  return { status: ok ? 200 : 503, contentType: plainText, body: text }
}

function plainAnswer(status: number, text: string): Answer {
  return { status, contentType: plainText, body: `${text}\n` }
}

/** Two listeners that leave the choice of the port to the system are two. */
function sameAddress(a: ListenAddress, b: ListenAddress | undefined): boolean {
  return a.host === b?.host && a.port === b.port && a.port !== 0
}

function portOf(server: Server | undefined): number | undefined {
  return (server?.address() as AddressInfo | null | undefined)?.port
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
