import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FleetMember } from './fleet.ts'
import { loginSecret } from './objects.ts'

/** One call to the API server. */
export interface ApiCall {
  readonly request: IncomingMessage
  readonly url: URL
  readonly body: string
  readonly response: ServerResponse
  /** Made by the floor: answered like the controller's, and not carried out. */
  readonly ofFloor: boolean
}

/** The API server that the controller of a benchmark talks to. */
export interface BenchApi {
  handle(call: ApiCall): void
  /** Takes other credentials in the place of all earlier ones. */
  replace(members: readonly FleetMember[]): void
}

/** What a call is for; undefined for watches, which are not made per refresh. */
export function kindOfApiCall({ request, url }: Pick<ApiCall, 'request' | 'url'>): string | undefined {
  const { method = '' } = request
  const path = url.pathname
  if (url.searchParams.get('watch') === 'true') return undefined
  if (path.endsWith(`/secrets/${loginSecret}`)) return `${method} login secret`
  if (path.includes('/secrets/oauth-refresh-')) return `${method} record`
  if (path.endsWith('/status')) return `${method} status`
  const parts = path.split('/')
  const plural = parts[parts.indexOf('namespaces') + 2] ?? 'other'
  return `${method} ${plural}`
}

/** Answers with JSON. */
export function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
