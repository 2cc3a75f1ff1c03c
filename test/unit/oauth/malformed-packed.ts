import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { chance } from './malformed-chance.ts'
import { at, framings, type Malformed, response, rt, standard } from './malformed-message.ts'

/** Nobody asked for these encodings, and they are unpacked all the same, as far as they go. */
export function packedAnswers(): readonly Malformed[] {
  const body = `{"refresh_token":"${rt}","access_token":"${at}","expires_in":3600,"junk":"${randomText(4000)}"}`
  const packers = {
    gzip: gzipSync,
    'X-GZIP': gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
  }
  const whole = Object.entries(packers).map(([coding, pack]) => packed(coding, pack(body), { refreshToken: rt }))
  const cut = Object.entries(packers).map(([coding, pack]) => packed(coding, pack(body).subarray(0, -5), { any: true }))
  return [
    ...whole.flat(),
    ...cut.flat(),
    ...packed('gzip', gzipSync(body).subarray(0, 1500), { refreshToken: rt }),
    ...packed('gzip, br', brotliCompressSync(gzipSync(body)), { refreshToken: rt }),
    ...packed('gzip', Buffer.from(body), { refreshToken: rt }),
    ...['constructor', '__proto__'].flatMap((coding) => packed(coding, Buffer.from(body), { refreshToken: rt })),
    ...packed('gzip', gzipSync(Buffer.alloc(50e6)), {}),
    ...packed('gzip', gzipSync(`{"refresh_token":"${rt}","junk":"${'x'.repeat(20e6)}"}`), { refreshToken: rt }),
    ...packed('identity', Buffer.from(`\ufeff${JSON.stringify(standard)}`, 'utf16le'), { refreshToken: rt }),
    ...packed('identity', Buffer.from(`\ufeff${JSON.stringify(standard)}`, 'utf16le').swap16(), { refreshToken: rt }),
  ]
}

function packed(coding: string, bytes: Buffer, outcome: Pick<Malformed, 'any' | 'refreshToken'>): readonly Malformed[] {
  return framings.map((framing) => ({
    what: `${coding}, ${bytes.length} bytes, ${framing}`,
    bytes: response(bytes, { headers: `content-encoding: ${coding}\r\n`, framing }),
    ...outcome,
  }))
}

/** Does not get smaller when it is packed. */
function randomText(length: number): string {
  const below = chance(1)
  return Array.from({ length }, () => below(36).toString(36)).join('')
}
