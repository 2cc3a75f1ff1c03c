import type { Transform } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'

export interface BodyBytes {
  readonly bytes: Buffer
  /** False when the message ended early or was cut off at the limit. */
  readonly complete: boolean
}

export interface BodyText {
  readonly text: string
  readonly complete: boolean
}

/** Flushed at the end of what there is: a body that was cut off is unpacked as far as it goes. */
const unpackers: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', () => createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })],
  ['x-gzip', () => createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })],
  ['deflate', () => createInflate({ finishFlush: constants.Z_SYNC_FLUSH })],
  ['br', () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH })],
  ['zstd', () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush })],
])

/**
 * The text of a body, at most `limit` bytes of it, although requests ask for no encoding: a proxy that
 * packs answers all the same must not cost a refresh token. Of what cannot be unpacked the text is
 * what came before, and the body itself where nothing did: it may not be packed at all. The text of a body that is not
 * packed is there at once.
 *
 * @see RFC 9110 §8.4.1
 */
export function bodyText(body: BodyBytes, contentEncoding: string, limit: number): BodyText | Promise<BodyText> {
  const packings = codingsOf(contentEncoding).flatMap((coding) => unpackers.get(coding) ?? [])
  return packings.length === 0 ? decoded(body) : unpackedText(body, packings, limit)
}

async function unpackedText(body: BodyBytes, packings: readonly (() => Transform)[], limit: number): Promise<BodyText> {
  let unpacked = body
  // The one that was applied last is named last.
  for (const unpacker of packings.toReversed()) unpacked = await unpack(unpacked, unpacker(), limit)
  const isUnpacked = unpacked.complete || unpacked.bytes.length > 0
  return decoded(isUnpacked ? unpacked : body)
}

function decoded({ bytes, complete }: BodyBytes): BodyText {
  return { text: textOf(bytes), complete }
}

function codingsOf(contentEncoding: string): readonly string[] {
  // More than a few of them are no answer but an attack.
  return contentEncoding
    .toLowerCase()
    .split(',', 3)
    .map((coding) => coding.trim())
}

function unpack({ bytes, complete }: BodyBytes, stream: Transform, limit: number): Promise<BodyBytes> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    let whole = false
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > limit) stream.destroy()
    })
    stream.on('end', () => (whole = complete))
    stream.on('error', () => undefined)
    // Follows every end, good or bad.
    stream.on('close', () => resolve({ bytes: Buffer.concat(chunks).subarray(0, limit), complete: whole }))
    stream.end(bytes)
  })
}

/** UTF-8, or UTF-16 where a byte order mark says so. */
function textOf(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex')
  if (mark === 'fffe') return new TextDecoder('utf-16le').decode(bytes)
  if (mark === 'feff') return new TextDecoder('utf-16be').decode(bytes)
  return bytes.toString('utf8')
}
