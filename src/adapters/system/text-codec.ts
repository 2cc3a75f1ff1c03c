import { createHash } from 'node:crypto'
import type { TextCodec } from '../../domain/text-codec.ts'

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The platform's own. */
export const systemTextCodec: TextCodec = {
  toBase64: (text) => Buffer.from(text, 'utf8').toString('base64'),
  fromBase64: (encoded) => {
    const line = encoded.replace(/[\r\n]/g, '')
    // Buffer takes anything for base64, so that half a token would pass for a whole one.
    return base64.test(line) ? utf8(Buffer.from(line, 'base64')) : undefined
  },
  sha256: (text) => createHash('sha256').update(text, 'utf8').digest('hex'),
}

function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined
}
