import type { ServerResponse } from 'node:http'

/** A request as the scripted API server saw it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
  readonly watch: boolean
}

export function answer(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
}

/** A `metav1.Status`. */
export function status(code: number, reason: string, message = `scripted ${reason}`): unknown {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code }
}
