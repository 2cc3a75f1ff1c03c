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
  const wire = { method: request.method, path: pathPrefix(settings) + request.path + query, headers }
  if (request.body === undefined) return wire
  headers['content-type'] = request.contentType ?? 'application/json'
  return { ...wire, body: JSON.stringify(request.body) }
}

/** The same settings stay in force for thousands of calls. */
const pathPrefixes = new WeakMap<ConnectionSettings, string>()

/** Gateways serve the API below a path. */
function pathPrefix(settings: ConnectionSettings): string {
  const known = pathPrefixes.get(settings)
  if (known !== undefined) return known
  const prefix = new URL(settings.server).pathname.replace(/\/+$/, '')
  pathPrefixes.set(settings, prefix)
  return prefix
}
