import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { TestAuthority } from '../support/test-certificates.ts'
import { type BenchApi, kindOfApiCall, send } from './api-call.ts'
import { lifetimeSeconds } from './fleet.ts'
import { MemoryApi } from './memory-api.ts'
import { floorHeader, noCounts, type Question, type RecordedCall, type UpstreamApi } from './protocol.ts'
import { ProxiedApi } from './proxied-api.ts'

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
const documents = new Map<string, StoredToken>()
const due = new Map<string, number>()
const connections = new WeakSet<Socket>()
const recorded: RecordedCall[] = []
let counts = noCounts()
let first = Promise.withResolvers<number>()

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

/** Counts a call of the controller, and keeps it for the floor. */
function note(kind: string, to: RecordedCall['to'], { request, body, ofFloor }: Call): void {
  if (ofFloor) return
  counts.calls[kind] = (counts.calls[kind] ?? 0) + 1
  const { method = '', url = '', headers } = request
  const kept = ['accept', 'authorization', 'content-type', 'user-agent', 'x-vault-token', 'x-vault-request']
  const sent = kept.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : []))
  recorded.push({ kind, to, method, path: url, headers: Object.fromEntries(sent) as Record<string, string>, body })
  if (recorded.length > 100) recorded.shift()
}

/** A refresh token of the benchmark names its credential, so that lateness can be told. */
function freshToken(name: string): string {
  return `${name}.${randomBytes(24).toString('base64url')}`
}

function answerRefresh(call: Call): void {
  const now = Date.now()
  note('POST token', 'token', call)
  const [name = ''] = (new URLSearchParams(call.body).get('refresh_token') ?? '').split('.')
  if (!call.ofFloor) noteArrival(name, now)
  send(call.response, 200, {
    access_token: randomBytes(96).toString('base64url'),
    token_type: 'Bearer',
    expires_in: lifetimeSeconds,
    refresh_token: freshToken(name),
  })
}

function noteArrival(name: string, now: number): void {
  const dueAt = due.get(name)
  if (dueAt !== undefined) counts.lateness.push(now / 1000 - dueAt)
  due.delete(name)
  first.resolve(now)
}

function answerVault(call: Call): void {
  const { request, response, ofFloor } = call
  const path = request.url ?? ''
  if (!path.includes('/data/')) return send(response, 200, { data: { ttl: 0, renewable: false, policies: ['root'] } })
  note(request.method === 'GET' ? 'GET vault' : 'PUT vault', 'vault', call)
  const name = path.slice(path.lastIndexOf('/') + 1)
  const known = documents.get(name) ?? { version: 1, data: { refresh_token: freshToken(name), owner: 'bench' } }
  if (request.method === 'GET') {
    return send(response, 200, { data: { data: known.data, metadata: { ...metadata, version: known.version } } })
  }
  if (ofFloor) return send(response, 200, { data: { ...metadata, version: known.version } })
  return writeDocument(name, known, call)
}

function writeDocument(name: string, known: StoredToken, { body, response }: Call): void {
  const written = JSON.parse(body) as { readonly data: object; readonly options: { readonly cas: number } }
  if (written.options.cas !== known.version) {
    return send(response, 400, { errors: ['check-and-set parameter did not match the current version'] })
  }
  const next = { version: known.version + 1, data: written.data }
  documents.set(name, next)
  return send(response, 200, { data: { ...metadata, version: next.version } })
}

/** The floor has connections to the API server as well: whose one is shows with its first call. */
function noteConnection({ request, ofFloor }: Call): void {
  if (ofFloor || connections.has(request.socket)) return
  connections.add(request.socket)
  counts.apiHandshakes += 1
}

function answerApi(api: BenchApi, call: Call): void {
  const url = new URL(call.request.url ?? '/', 'https://api')
  const kind = kindOfApiCall({ ...call, url })
  if (kind !== undefined) note(kind, 'api', call)
  noteConnection(call)
  api.handle({ ...call, url })
}

const tokenEndpoint = `${await listen(answerRefresh)}/token`
const vaultAddress = await listen(answerVault)
const endpoints = { tokenEndpoint, vaultAddress, ca: authority.ca }
const api: BenchApi = upstream === undefined ? new MemoryApi(endpoints) : new ProxiedApi(upstream)
const apiServer = await listen((call) => answerApi(api, call))

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'fleet': {
      api.replace(question.members)
      documents.clear()
      due.clear()
      const now = Date.now() / 1000
      for (const { name, dueAt } of question.members) if (dueAt > now) due.set(name, dueAt)
      recorded.length = 0
      counts = noCounts()
      first = Promise.withResolvers()
      return true
    }
    case 'first-token-request':
      return first.promise
    case 'recorded':
      return recorded
    case 'counts': {
      const seen = counts
      counts = noCounts()
      return seen
    }
  }
}

process.on('message', (question: Question) => {
  void answer(question).then((answered) => process.send?.(answered))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ apiServer, ...endpoints })
