import { request as httpsRequest } from 'node:https'
import { createSecureContext } from 'node:tls'
import { Pool } from 'undici'
import { floorHeader, type RecordedCall, type ServersPlace } from './protocol.ts'

// The floor: the HTTP calls of a refresh as the controller made them, byte for byte, and nothing around
// them. A process of its own, at the same rate and at the same time as the controller, so that the two
// are measured the same way. Bare undici on kept connections; the token request gets a fresh connection
// with TLS resumption, by node:https, because that is cheaper than undici there.

interface FloorOrder {
  readonly place: ServersPlace
  readonly calls: readonly RecordedCall[]
  readonly perSecond: number
}

const { place, calls, perSecond } = JSON.parse(process.argv[2] ?? '') as FloorOrder
const options = { connections: 16, pipelining: 1, allowH2: false, keepAliveTimeout: 60_000, connect: { ca: place.ca } }
const pools = { api: new Pool(place.apiServer, options), vault: new Pool(place.vaultAddress, options) }
const secureContext = createSecureContext({ ca: place.ca })
let session: Buffer | undefined
let refreshes = 0

async function keptConnection(
  to: 'api' | 'vault',
  { method, path, headers, body, status }: RecordedCall,
): Promise<void> {
  const answer = await pools[to].request({
    method,
    path,
    headers: { ...headers, [floorHeader]: '1' },
    body: body === '' ? null : body,
  })
  const text = await answer.body.text()
  if (answer.statusCode !== status) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`)
}

function freshConnection({ path, headers, body }: RecordedCall): Promise<void> {
  return new Promise((resolve, reject) => {
    const own = { 'content-length': Buffer.byteLength(body), [floorHeader]: '1' }
    const tls = { agent: false, secureContext, session } as const
    const options = { method: 'POST', headers: { ...headers, ...own }, ...tls }
    const sent = httpsRequest(new URL(path, place.tokenServer), options, (answer) => {
      answer.setEncoding('utf8')
      let text = ''
      answer.on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => resolve())
    })
    sent.on('socket', (socket) => socket.on('session', (fresh: Buffer) => (session = fresh)))
    sent.on('error', reject)
    sent.end(body)
  })
}

async function refresh(): Promise<void> {
  for (const call of calls) {
    await (call.to === 'token' ? freshConnection(call) : keptConnection(call.to, call))
  }
  refreshes += 1
}

process.on('message', () => process.send?.(refreshes))
process.on('disconnect', () => process.exit(0))
process.send?.('ready')

const startedAt = performance.now()
for (let index = 0; ; index += 1) {
  const waitMs = startedAt + (index * 1000) / perSecond - performance.now()
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
  void refresh()
}
