import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { readFileSync } from 'node:fs'
import type { Certificate } from '../servers/certificates.ts'
import { loopback } from '../servers/loopback.ts'

/** One request as a vendor got it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

export interface VendorAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A server on the loopback device that stands in for a vendor, and remembers what it was sent. */
export interface Vendor {
  readonly port: number
  readonly seen: readonly SeenRequest[]
  stop(): Promise<void>
}

/** Plain HTTP unless it is given a certificate. */
export async function startVendor(
  answer: (request: SeenRequest) => VendorAnswer,
  certificate?: Certificate,
): Promise<Vendor> {
  const seen: SeenRequest[] = []
  const listener: RequestListener = (request, response) => {
    const { method = '', url: path = '', headers } = request
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const noted = { method, path, authorization: headers.authorization, body: Buffer.concat(chunks).toString('utf8') }
      seen.push(noted)
      const { status, headers: answered = {}, body = '' } = answer(noted)
      response.writeHead(status, { 'content-type': 'application/json', ...answered }).end(body)
    })
  }
  const server =
    certificate === undefined
      ? createHttp(listener)
      : createHttps({ cert: certificate.certPem, key: readFileSync(certificate.keyFile) }, listener)
  const port = await listening(server)
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port, seen, stop }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, loopback, () => resolve((server.address() as AddressInfo).port))
  })
}
