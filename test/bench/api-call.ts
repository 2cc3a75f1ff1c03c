import type { IncomingMessage, ServerResponse } from 'node:http'
import { recordsMarkName } from '../../src/adapters/kubernetes/record-secret.ts'
import type { FleetMember } from './fleet.ts'
import { loginSecret, targetSuffix } from './objects.ts'

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

/** What a call is for, and for which credential. */
export interface ApiPurpose {
  readonly kind: string
  /** Name or uid of the credential; absent for calls that are for none in particular. */
  readonly credential?: string
}

interface Concerned {
  readonly what: string
  readonly credential?: string
}

type Asked = Pick<ApiCall, 'url' | 'body'> & { readonly request: Pick<IncomingMessage, 'method'> }

const recordPrefix = 'oauth-refresh-'

/** What a call is for; undefined for watches, which are not made per refresh. */
export function purposeOf({ request, url, body }: Asked): ApiPurpose | undefined {
  if (url.searchParams.get('watch') === 'true') return undefined
  const { what, ...rest } = concernedBy(url, body)
  const dryRun = url.searchParams.get('dryRun') === 'All' ? ' (dry run)' : ''
  return { kind: `${request.method ?? ''} ${what}${dryRun}`, ...rest }
}

function concernedBy({ pathname }: URL, body: string): Concerned {
  const parts = pathname.split('/')
  const [plural = 'other', name, subresource] = parts.slice(parts.lastIndexOf('namespaces') + 2)
  if (plural === 'secrets' && (name !== undefined || body !== '')) return secretConcern(name ?? nameIn(body))
  if (subresource === 'status' && name !== undefined) return { what: 'status', credential: name }
  return { what: plural }
}

function secretConcern(name: string): Concerned {
  if (name === loginSecret) return { what: 'login secret' }
  if (name === recordsMarkName) return { what: 'mark of records' }
  if (name.startsWith(recordPrefix)) return { what: 'record', credential: name.slice(recordPrefix.length) }
  if (name.endsWith(targetSuffix)) return { what: 'target', credential: name.slice(0, -targetSuffix.length) }
  return { what: `secret ${name}` }
}

function nameIn(body: string): string {
  return (JSON.parse(body) as { readonly metadata: { readonly name: string } }).metadata.name
}

/** Answers with JSON. */
export function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

/** Answers with the object, or that there is none. */
export function answer(response: ServerResponse, object: object | undefined): void {
  if (object !== undefined) return send(response, 200, object)
  return send(response, 404, { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 })
}

export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
