import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { TestAuthority } from '../support/test-certificates.ts'
import { type BenchApi, purposeOf, send } from './api-call.ts'
import { MemoryApi } from './memory-api.ts'
import { rotatingPath } from './objects.ts'
import { floorHeader, type Question, type RecordedCall, type UpstreamApi } from './protocol.ts'
import { ProxiedApi } from './proxied-api.ts'
import { RefreshWatch } from './refresh-watch.ts'

// The other side of the benchmark, in a process of its own, so that its work is not counted: an API
// server, a token endpoint and a KV version 2 engine, all over TLS on loopback, answering from memory.
// With an argument the calls to the API server are passed on to a real one.

interface Call {
  readonly request: IncomingMessage
  readonly body: string
  readonly response: ServerResponse
  readonly ofFloor: boolean
}

interface StoredToken {
  readonly version: number
  readonly data: object
}

const [upstream] = process.argv.slice(2).map((text) => JSON.parse(text) as UpstreamApi)
/** kube-apiserver's. */
const idleConnectionMs = 90_000
const metadata = { created_time: '2026-01-01T00:00:00.000000000Z', deletion_time: '', destroyed: false }

const authority = new TestAuthority('bench')
const certificate = authority.issue()
/** Beyond the numbers at which the operator looks twice, as documents are that have been in use. */
const firstVersion = 10

const documents = new Map<string, StoredToken>()
const connections = new WeakSet<Socket>()
const watch = new RefreshWatch()

async function listen(handle: (call: Call) => void): Promise<string> {
  const server = createServer(certificate, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const ofFloor = request.headers[floorHeader] !== undefined
      handle({ request, body: Buffer.concat(chunks).toString(), response, ofFloor })
    })
  })
  server.keepAliveTimeout = idleConnectionMs
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Tells the watch of a call of the controller. */
function note(kind: string, to: RecordedCall['to'], call: Call, credential?: string): void {
  const { request, response, body, ofFloor } = call
  if (ofFloor) return
  const { method = '', url = '', headers } = request
  const kept = ['accept', 'authorization', 'content-type', 'user-agent', 'x-vault-token', 'x-vault-request']
  const sent = kept.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : []))
  const text = Object.fromEntries(sent) as Record<string, string>
  const recorded: RecordedCall = { kind, to, method, path: url, headers: text, body, status: 0 }
  watch.began(recorded, credential)
  response.on('finish', () => {
    recorded.status = response.statusCode
    watch.ended(recorded, credential)
  })
}

/** A refresh token of the benchmark names its credential, so that lateness can be told. */
function freshToken(name: string): string {
  return `${name}.${randomBytes(24).toString('base64url')}`
}

function answerRefresh(call: Call): void {
  const [name = ''] = (new URLSearchParams(call.body).get('refresh_token') ?? '').split('.')
  note('POST token', 'token', call, name)
  send(call.response, 200, {
    access_token: randomBytes(96).toString('base64url'),
    token_type: 'Bearer',
    expires_in: watch.lifetimeOf(name),
    ...(call.request.url === rotatingPath && { refresh_token: freshToken(name) }),
  })
}

function answerVault(call: Call): void {
  const { request, response } = call
  const path = request.url ?? ''
  if (!path.includes('/data/')) return send(response, 200, { data: { ttl: 0, renewable: false, policies: ['root'] } })
  const name = path.slice(path.lastIndexOf('/') + 1)
  const known = documents.get(name) ?? { version: firstVersion, data: { refresh_token: freshToken(name) } }
  if (request.method !== 'GET') return writeDocument(name, known, call)
  note('GET document', 'vault', call, name)
  documents.set(name, known)
  return send(response, 200, { data: { data: known.data, metadata: { ...metadata, version: known.version } } })
}

function writeDocument(name: string, known: StoredToken, call: Call): void {
  const { body, response, ofFloor } = call
  const written = JSON.parse(body) as { readonly data: object; readonly options: { readonly cas: number } }
  const isProof = written.options.cas < 0
  note(isProof ? 'PUT document (proof)' : 'PUT document', 'vault', call, name)
  if (isProof || (!ofFloor && written.options.cas !== known.version)) {
    return send(response, 400, { errors: ['check-and-set parameter did not match the current version'] })
  }
  const next = { version: known.version + 1, data: written.data }
  if (!ofFloor) documents.set(name, next)
  return send(response, 200, { data: { ...metadata, version: next.version } })
}

/** The floor has connections to the API server as well: whose one is shows with its first call. */
function noteConnection({ request, ofFloor }: Call): void {
  if (ofFloor || connections.has(request.socket)) return
  connections.add(request.socket)
  watch.connected()
}

function answerApi(api: BenchApi, call: Call): void {
  const url = new URL(call.request.url ?? '/', 'https://api')
  const purpose = purposeOf({ ...call, url })
  if (purpose !== undefined) note(purpose.kind, 'api', call, purpose.credential)
  noteConnection(call)
  api.handle({ ...call, url })
}

const tokenServer = await listen(answerRefresh)
const vaultAddress = await listen(answerVault)
const endpoints = { tokenServer, vaultAddress, ca: authority.ca }
const api: BenchApi = upstream === undefined ? new MemoryApi(endpoints) : new ProxiedApi(upstream)
const apiServer = await listen((call) => answerApi(api, call))

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'fleet':
      api.replace(question.members)
      documents.clear()
      watch.restart(question.members)
      return true
    case 'first-token-request':
      return watch.firstRequest()
    case 'later-refresh':
      return watch.laterRefresh()
    case 'counts':
      return watch.takeCounts()
  }
}

process.on('message', (question: Question) => {
  void answer(question).then((answered) => process.send?.(answered))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ apiServer, ...endpoints })
