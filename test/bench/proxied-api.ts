import type { IncomingHttpHeaders } from 'node:http'
import { Agent } from 'undici'
import type { ApiCall, BenchApi } from './api-call.ts'
import type { UpstreamApi } from './protocol.ts'

/** Passes every call on to a real API server, so that calls are counted, and repeated for the floor, in one place. */
export class ProxiedApi implements BenchApi {
  readonly #origin: string
  readonly #agent: Agent

  constructor({ url, ca }: UpstreamApi) {
    this.#origin = url
    this.#agent = new Agent({ connect: { ca }, allowH2: false, headersTimeout: 0, bodyTimeout: 0 })
  }

  /** The objects are made by whoever has made the API server. */
  replace(): void {}

  handle(call: ApiCall): void {
    void this.#pass(call).catch((error: unknown) => {
      process.stderr.write(`passing a call on failed: ${String(error)}\n`)
      call.response.destroy()
    })
  }

  async #pass({ request, url, body, response, ofFloor }: ApiCall): Promise<void> {
    if (ofFloor) url.searchParams.set('dryRun', 'All')
    const answered = await this.#agent.request({
      origin: this.#origin,
      path: `${url.pathname}${url.search}`,
      method: request.method ?? 'GET',
      headers: passedOn(request.headers),
      body: body === '' ? null : ofFloor ? withoutPrecondition(body) : body,
    })
    response.writeHead(answered.statusCode, passedBack(answered.headers))
    // An open watch sends nothing for a while: its head must not wait for that.
    response.flushHeaders()
    response.on('close', () => answered.body.destroy())
    answered.body.on('error', () => response.destroy())
    answered.body.pipe(response)
  }
}

function passedOn({ accept, authorization, 'content-type': contentType }: IncomingHttpHeaders): Record<string, string> {
  return {
    ...(accept !== undefined && { accept }),
    ...(authorization !== undefined && { authorization }),
    ...(contentType !== undefined && { 'content-type': contentType }),
  }
}

function passedBack(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const names = ['content-type', 'content-length', 'retry-after']
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )
}

/** The Secret has been written since the call was recorded; a dry run is to pass all the same. */
function withoutPrecondition(body: string): string {
  const object = JSON.parse(body) as { readonly metadata?: Readonly<Record<string, unknown>> }
  if (object.metadata === undefined) return body
  const { uid: _uid, resourceVersion: _version, ...metadata } = object.metadata
  return JSON.stringify({ ...object, metadata })
}
