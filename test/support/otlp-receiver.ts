import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { observeOutput } from './canary.ts'

interface OtlpAttribute {
  readonly key: string
  readonly value: Readonly<Record<string, string | number | boolean>>
}

interface OtlpSpanJson {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly OtlpAttribute[]
  readonly status: { readonly code?: number }
}

interface OtlpJson {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpanJson[] }[]
  }[]
}

export interface ReceivedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly isClient: boolean
  readonly isError: boolean
  /** Nanoseconds since 1970. */
  readonly began: bigint
  readonly ended: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly resource: Readonly<Record<string, unknown>>
}

/** A collector that takes traces by OTLP over HTTP in JSON, and keeps what it was sent. Everything is searched for secrets. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  /** Of the last request. */
  headers: IncomingMessage['headers'] = {}
  requests = 0
  /** `silent`: takes requests and never answers. A number: the status of every answer. */
  manner: 'silent' | number = 200
  readonly #server: Server = createServer((request, response) => {
    this.requests += 1
    this.headers = request.headers
    if (this.manner === 'silent') return
    void text(request).then((body) => {
      observeOutput('traces', body)
      if (this.manner === 200 && request.url === '/v1/traces') this.#keep(JSON.parse(body) as OtlpJson)
      response.writeHead(Number(this.manner), { 'content-type': 'application/json' }).end('{}')
    })
  })

  /** Resolves with its endpoint. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** The whole spans of the traces whose root has this name, each as lines: a name, below it what is part of it, in order. */
  trees(name: string): readonly string[] {
    const roots = this.spans.filter((span) => span.parentId === undefined && span.name === name)
    return roots.map((root) => this.#lines(root, '').join('\n'))
  }

  #lines(span: ReceivedSpan, indent: string): readonly string[] {
    const parts = this.spans.filter(({ parentId }) => parentId === span.spanId)
    const ordered = parts.toSorted((one, other) => Number(one.began - other.began))
    return [`${indent}${span.name}`, ...ordered.flatMap((part) => this.#lines(part, `${indent}  `))]
  }

  #keep({ resourceSpans }: OtlpJson): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) this.spans.push(received(span, resource.attributes))
    }
  }
}

function received(span: OtlpSpanJson, resource: readonly OtlpAttribute[]): ReceivedSpan {
  const { name, traceId, spanId, parentSpanId = '', kind, status } = span
  return {
    name,
    traceId,
    spanId,
    parentId: parentSpanId === '' ? undefined : parentSpanId,
    isClient: kind === 3,
    isError: status.code === 2,
    began: BigInt(span.startTimeUnixNano),
    ended: BigInt(span.endTimeUnixNano),
    attributes: membersOf(span.attributes),
    resource: membersOf(resource),
  }
}

function membersOf(attributes: readonly OtlpAttribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
