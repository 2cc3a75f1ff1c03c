import type { ConnectionSettings } from './connection-settings.ts'
import type { WireRequest } from './exchange.ts'
import type { KubeRequest } from './kube-client.ts'

/** The request as HTTP. No `accept-encoding`: inside a cluster compressing costs more than it saves. */
export function wireRequest(request: KubeRequest, settings: ConnectionSettings, userAgent: string): WireRequest {
  const query = request.query === undefined ? '' : `?${new URLSearchParams(request.query).toString()}`
  const headers: Record<string, string> = {
    accept: request.accept ?? 'application/json',
    'user-agent': userAgent,
    ...settings.headers.reveal(),
  }
  const wire = { method: request.method, path: pathPrefix(settings.server) + request.path + query, headers }
  if (request.body === undefined) return wire
  headers['content-type'] = request.contentType ?? 'application/json'
  return { ...wire, body: JSON.stringify(request.body) }
}

/** Gateways serve the API below a path. */
function pathPrefix(server: string): string {
  return new URL(server).pathname.replace(/\/+$/, '')
}
