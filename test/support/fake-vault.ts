import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type JsonNode, parseJsonText } from '../../src/domain/json-text.ts'
import { canary } from './canary.ts'

/** What a script makes of a request instead of the server's own answer. */
export type VaultFault =
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly errors?: readonly string[]
      /** In place of the errors. */
      readonly body?: string
    }
  /** Closes the connection unanswered; `carryOut` says whether the request was carried out before. */
  | { readonly break: true; readonly carryOut: boolean }
  /** Carries the request out and answers as if it had not. */
  | { readonly carryOutAndAnswer: number }
  | 'hang'

export interface SeenVaultRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

interface KvVersion {
  readonly text: string
  readonly createdTime: string
  /** Empty: never. */
  readonly deletionTime: string
  gone?: 'deleted' | 'destroyed'
}

interface FakeToken {
  ttlSeconds: number
  /** Milliseconds on the clock that the fake was given. */
  endsAtMs: number
  /** Renewals do not prolong beyond this. */
  readonly maxEndsAtMs: number
}

interface Answer {
  readonly status: number
  /** Beside strings a raw JSON text. */
  readonly body: string
}

export interface FakeVaultOptions {
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly nowMs?: () => number
}

/**
 * A KV version 2 engine with `cas`, AppRole and Kubernetes logins, and tokens that end: as much of
 * Vault as the adapter uses, on loopback, and the faults that a real one does not produce on demand.
 */
export class FakeVault {
  readonly requests: SeenVaultRequest[] = []
  readonly tokens = new Map<string, FakeToken>()
  readonly roleId = 'role'
  secretId = canary('secret')
  acceptedJwt = canary('secret')
  loginTtlSeconds = 3600
  loginMaxTtlSeconds = 86_400
  loginRenewable = true
  forbidden = false
  sealed = false
  down = false
  kvVersion = '2'
  /** `delete_version_after` of the mount, for versions that are written from now on. */
  deleteVersionAfterSeconds: number | undefined
  /** As an engine that has never heard of check-and-set. */
  ignoresCas = false
  readonly #documents = new Map<string, KvVersion[]>()
  readonly #faults: {
    readonly matches: (request: SeenVaultRequest) => boolean
    readonly fault: VaultFault
    left: number
  }[] = []
  readonly #sockets = new Set<Socket>()
  readonly #nowMs: () => number
  readonly #server
  readonly #scheme: string
  #writes = 0
  #interlude: { readonly method: string; readonly run: () => void } | undefined

  constructor({ tls, nowMs = () => performance.now() }: FakeVaultOptions = {}) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response)
    this.#server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener)
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#scheme = tls === undefined ? 'http' : 'https'
    this.#nowMs = nowMs
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get address(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Meets the next `times` requests that match with a fault. */
  fault(method: string, pathPart: string, fault: VaultFault, times = 1): void {
    const matches = (request: SeenVaultRequest): boolean => request.method === method && request.path.includes(pathPart)
    this.#faults.push({ matches, fault, left: times })
  }

  /** Runs when the next request of this method has arrived, before it is carried out. */
  beforeNext(method: string, run: () => void): void {
    this.#interlude = { method, run }
  }

  issue(ttlSeconds = this.loginTtlSeconds, maxTtlSeconds = this.loginMaxTtlSeconds): string {
    const token = canary('secret')
    const now = this.#nowMs()
    this.tokens.set(token, { ttlSeconds, endsAtMs: now + ttlSeconds * 1000, maxEndsAtMs: now + maxTtlSeconds * 1000 })
    return token
  }

  /** Writes a version as somebody else does; `text` is a JSON object. */
  put(path: string, text: string): void {
    const versions = this.#documents.get(path) ?? []
    this.#writes += 1
    const fraction = String(this.#writes).padStart(9, '0')
    const end = new Date(Date.UTC(2026, 10, 20, 12) + (this.deleteVersionAfterSeconds ?? 0) * 1000).toISOString()
    const deletionTime = this.deleteVersionAfterSeconds === undefined ? '' : end.replace('000Z', `${fraction}Z`)
    versions.push({ text, createdTime: `2026-11-20T12:00:00.${fraction}Z`, deletionTime })
    this.#documents.set(path, versions)
  }

  get(path: string): string {
    return this.#documents.get(path)?.at(-1)?.text ?? ''
  }

  versions(path: string): number {
    return this.#documents.get(path)?.length ?? 0
  }

  markGone(path: string, gone: 'deleted' | 'destroyed'): void {
    const latest = this.#documents.get(path)?.at(-1)
    if (latest !== undefined) latest.gone = gone
  }

  deleteMetadata(path: string): void {
    this.#documents.delete(path)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    const seen = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
    this.requests.push(seen)
    this.#runInterlude(method)
    const fault = this.#faults.find((entry) => entry.left > 0 && entry.matches(seen))
    if (fault !== undefined) fault.left -= 1
    if (this.down) return void request.socket.destroy()
    this.#meet(seen, fault?.fault, response)
  }

  #runInterlude(method: string): void {
    const interlude = this.#interlude
    if (interlude?.method !== method) return
    this.#interlude = undefined
    interlude.run()
  }

  #meet(seen: SeenVaultRequest, fault: VaultFault | undefined, response: ServerResponse): void {
    if (fault === 'hang') return
    if (fault === undefined) return send(response, this.#answer(seen))
    if ('status' in fault) {
      const body = fault.body ?? JSON.stringify({ errors: fault.errors ?? [] })
      return send(response, { status: fault.status, body }, fault.headers)
    }
    if ('carryOutAndAnswer' in fault) {
      this.#answer(seen)
      return send(response, refusal(fault.carryOutAndAnswer))
    }
    if (fault.carryOut) this.#answer(seen)
    response.socket?.destroy()
  }

  #answer(request: SeenVaultRequest): Answer {
    if (this.sealed) return refusal(503, 'Vault is sealed')
    const path = request.path.replace('/v1/', '')
    if (path === 'auth/approle/login') return this.#logIn(request, 'secret_id', this.secretId)
    if (path === 'auth/kubernetes/login') return this.#logIn(request, 'jwt', this.acceptedJwt)
    const name = request.headers['x-vault-token']
    const token = typeof name === 'string' ? this.tokens.get(name) : undefined
    if (token === undefined || this.#nowMs() >= token.endsAtMs) {
      return refusal(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n')
    }
    if (path === 'auth/token/lookup-self') return this.#lookUp(token)
    if (path === 'auth/token/renew-self') return this.#renew(token, String(name))
    return this.#answerKv(request, path)
  }

  #answerKv({ method, body }: SeenVaultRequest, path: string): Answer {
    if (path.startsWith('sys/internal/ui/mounts/')) return this.#mount()
    if (this.forbidden) return refusal(403, '1 error occurred:\n\t* permission denied\n\n')
    const key = /^secret\/data\/(.+)$/.exec(path)?.[1]
    if (key === undefined) return refusal(404, `no handler for route "${path}". route entry not found.`)
    return method === 'GET' ? this.#read(decodeURIComponent(key)) : this.#write(decodeURIComponent(key), body)
  }

  #logIn({ body }: SeenVaultRequest, field: string, accepted: string): Answer {
    const given = JSON.parse(body) as Record<string, string>
    if (given[field] !== accepted) return refusal(400, 'invalid role or secret ID')
    const token = this.issue()
    const auth = { client_token: token, lease_duration: this.loginTtlSeconds, renewable: this.loginRenewable }
    return { status: 200, body: JSON.stringify({ auth }) }
  }

  #lookUp(token: FakeToken): Answer {
    const ttl = Math.ceil((token.endsAtMs - this.#nowMs()) / 1000)
    return { status: 200, body: JSON.stringify({ data: { ttl, renewable: this.loginRenewable } }) }
  }

  #renew(token: FakeToken, name: string): Answer {
    token.endsAtMs = Math.min(this.#nowMs() + token.ttlSeconds * 1000, token.maxEndsAtMs)
    const left = Math.floor((token.endsAtMs - this.#nowMs()) / 1000)
    const auth = { client_token: name, lease_duration: left, renewable: this.loginRenewable }
    return { status: 200, body: JSON.stringify({ auth }) }
  }

  #mount(): Answer {
    return { status: 200, body: JSON.stringify({ data: { type: 'kv', options: { version: this.kvVersion } } }) }
  }

  #read(key: string): Answer {
    if (this.kvVersion !== '2') return refusal(404)
    const versions = this.#documents.get(key) ?? []
    const latest = versions.at(-1)
    if (latest === undefined) return refusal(404)
    const deletionTime = latest.gone === 'deleted' ? '2026-11-20T13:00:00Z' : latest.deletionTime
    const metadata = JSON.stringify({
      created_time: latest.createdTime,
      deletion_time: deletionTime,
      destroyed: latest.gone === 'destroyed',
      version: versions.length,
    })
    const data = latest.gone === undefined ? latest.text : 'null'
    return { status: latest.gone === undefined ? 200 : 404, body: `{"data":{"data":${data},"metadata":${metadata}}}` }
  }

  #write(key: string, body: string): Answer {
    const root = parseJsonText(body)
    const cas = member(member(root, 'options'), 'cas')
    const data = member(root, 'data')
    if (data === undefined) return refusal(400, 'no data provided')
    const problem = this.ignoresCas ? undefined : casProblem(cas, this.versions(key))
    if (problem !== undefined) return refusal(400, problem)
    this.put(key, body.slice(data.start, data.end))
    const { createdTime, deletionTime } = this.#documents.get(key)?.at(-1) ?? {}
    const written = { created_time: createdTime, deletion_time: deletionTime, destroyed: false }
    return { status: 200, body: JSON.stringify({ data: { version: this.versions(key), ...written } }) }
  }
}

function casProblem(cas: JsonNode | undefined, current: number): string | undefined {
  const number = cas?.kind === 'number' ? Number(cas.text) : Number.NaN
  if (cas?.kind === 'number' && !Number.isInteger(number)) return 'error parsing check-and-set parameter'
  return number === current ? undefined : 'check-and-set parameter did not match the current version'
}

function member(node: JsonNode | undefined, name: string): JsonNode | undefined {
  return node?.kind === 'object' ? node.members.find((candidate) => candidate.name === name)?.value : undefined
}

function refusal(status: number, ...errors: readonly string[]): Answer {
  return { status, body: JSON.stringify({ errors }) }
}

function send(
  response: ServerResponse,
  { status, body }: Answer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
}
