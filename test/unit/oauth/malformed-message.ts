import { canary } from '../../support/canary.ts'

/** One answer that no good server sends, and what must come of it. */
export interface Malformed {
  readonly what: string
  /** Everything that goes over the wire, from the status line on. */
  readonly bytes: Buffer
  /** What the server does with the connection afterwards; default: it closes it. */
  readonly ending?: 'reset' | 'hold' | 'drip'
  /** The refresh token that must be read out of it; absent: none may be. `any`: either is right. */
  readonly refreshToken?: string
  readonly any?: true
}

export const at = canary('at')
export const rt = canary('rt')
export const standard = { access_token: at, token_type: 'Bearer', expires_in: 3600, refresh_token: rt, scope: 'a b' }
export const limit = 256 * 1024

type Framing = 'length' | 'chunked' | 'close'
export const framings: readonly Framing[] = ['length', 'chunked', 'close']

interface Frame {
  readonly status?: number
  readonly headers?: string
  readonly framing?: Framing
}

export function response(
  body: Buffer | string,
  { status = 200, headers = '', framing = 'length' }: Frame = {},
): Buffer {
  const bytes = Buffer.from(body)
  const head = `HTTP/1.1 ${status} Scripted\r\ncontent-type: application/json\r\n${headers}`
  if (framing === 'close') return Buffer.concat([Buffer.from(`${head}\r\n`), bytes])
  if (framing === 'length') return Buffer.concat([Buffer.from(`${head}content-length: ${bytes.length}\r\n\r\n`), bytes])
  const size = `${bytes.length.toString(16)}\r\n`
  return Buffer.concat([
    Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n${size}`),
    bytes,
    Buffer.from('\r\n0\r\n\r\n'),
  ])
}
