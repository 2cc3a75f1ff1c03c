import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Logger } from '../../ports/logger.ts'
import { healthReport, type HealthCheck } from './health-check.ts'

/** Where to listen. Port 0: the system chooses. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** What `/metrics` answers. */
export interface Scrape<Format extends string = string> {
  /** In which of the formats that there are an Accept header is answered. */
  formatFor(accept: string | undefined): Format
  contentTypeOf(format: Format): string
  /** The body, part by part, each of some kilobytes: the next one is asked for when the one before is on its way. */
  render(format: Format): AsyncIterable<string>
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
  /** Milliseconds in which a reader of metrics may take nothing before its connection ends; absent: 10 s. */
  readonly idleReaderMs?: number
}

/** An answer whose body a person may read. */
interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Answers a GET or a HEAD. */
type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>
type Routes = ReadonlyMap<string, Route>

/** Milliseconds. Scrapes and probes are short; whoever is slower is not one. */
const requestTimeoutMs = 5_000
/** Milliseconds; longer than the usual scrape interval of 30 s, so that a scraper keeps its connection. */
const keepAliveTimeoutMs = 65_000
const mostConnections = 64
/** Two Prometheus servers, and somebody who looks. Each holds some megabytes while it lasts. */
const mostScrapes = 4
/** Milliseconds; as long as a scrape may last where scrapers ask once a minute. Who reads slower gets no end. */
const scrapeTimeoutMs = 60_000
/** Milliseconds, as Prometheus waits for a whole scrape: who takes nothing for so long keeps nobody else from the page. */
const defaultIdleReaderMs = 10_000
const mostHeaderBytes = 8_192
const plainText = 'text/plain; charset=utf-8'
const commonHeaders = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const

/**
 * Serves `/metrics`, `/healthz` and `/readyz` over plain HTTP, to GET and HEAD only.
 *
 * Guarantees: what a client may hold open is bounded, in number and in time; nothing of a request is echoed or logged.
 * A page of metrics is rendered as fast as it is read, and never held as a whole. One that fails half-way ends with its
 * connection, so that no scraper takes it for a whole one.
 */
export class HealthServer {
  readonly #options: HealthServerOptions
  readonly #servers: Server[] = []
  /** The connections of those who read a page; one that asks twice at a time counts once. */
  readonly #readers = new Set<Socket>()
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
    return new Map<string, Route>([['/metrics', (request, response) => this.#scrape(request, response)]])
  }

  #healthRoutes(): Routes {
    const { liveness, readiness } = this.#options
    return new Map<string, Route>([
      ['/healthz', (request, response) => send(request, response, healthAnswer(liveness))],
      ['/readyz', (request, response) => send(request, response, healthAnswer(readiness))],
    ])
  }

  async #scrape(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request
    if (this.#readers.size >= mostScrapes || this.#readers.has(socket)) {
      response.setHeader('Retry-After', '1')
      return send(request, response, plainAnswer(503, 'too many scrapes at once'))
    }
    const { scrape, idleReaderMs = defaultIdleReaderMs } = this.#options
    const format = scrape.formatFor(request.headers.accept)
    const headers = { ...commonHeaders, 'Content-Type': scrape.contentTypeOf(format), Vary: 'Accept' }
    if (request.method === 'HEAD') return void response.writeHead(200, headers).end()
    this.#readers.add(socket)
    const deadline = setTimeout(() => response.destroy(), scrapeTimeoutMs).unref()
    try {
      await sendParts(response, headers, { parts: scrape.render(format), idleReaderMs })
    } finally {
      clearTimeout(deadline)
      this.#readers.delete(socket)
    }
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
      await route(request, response)
    } catch (error) {
      const kind = error instanceof Error ? error.name : typeof error
      this.#options.logger.error({ path, error: kind }, 'a probe or a scrape could not be answered')
      if (response.headersSent) response.destroy()
      else send(request, response, plainAnswer(500, 'internal error'))
    }
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: Answer): void {
  response.writeHead(status, {
    ...commonHeaders,
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** Sends the head with the first part. Stops where nobody reads any more. */
async function sendParts(
  response: ServerResponse,
  headers: OutgoingHttpHeaders,
  { parts, idleReaderMs }: { readonly parts: AsyncIterable<string>; readonly idleReaderMs: number },
): Promise<void> {
  for await (const part of parts) {
    if (!response.headersSent) response.writeHead(200, headers)
    if (!(await written(response, part, idleReaderMs))) return
  }
  response.end()
}

/** Whether the system has taken the part, so that no more than one waits in this process; false when the connection is gone. */
function written(response: ServerResponse, part: string, idleReaderMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const idle = setTimeout(() => response.destroy(), idleReaderMs).unref()
    const gone = (): void => {
      clearTimeout(idle)
      resolve(false)
    }
    response.once('close', gone)
    response.write(part, (error) => {
      clearTimeout(idle)
      response.off('close', gone)
      resolve(error === undefined || error === null)
    })
  })
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
