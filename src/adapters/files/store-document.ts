import { createHash } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Sensitive } from '../../domain/sensitive.ts'

/** A document as read from its file. */
export interface FileDocument {
  readonly text: Sensitive
  readonly version: string
  readonly stats: BigIntStats
}

/** Far above every token document; keeps a wrong key from filling the memory. */
const largestDocument = 1 << 20

/**
 * Reads a file that is known to be no link. Says why when it holds no document: a clause that follows
 * the document's name. Throws what the file system throws.
 */
export async function readDocument(path: string): Promise<FileDocument | { readonly problem: string }> {
  // O_NONBLOCK, because opening a named pipe waits for a writer otherwise.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = await file.stat({ bigint: true })
    if (!stats.isFile()) return { problem: 'is not a regular file' }
    if (stats.size > largestDocument) return { problem: `is larger than ${largestDocument} bytes` }
    const content = await file.readFile()
    const text = decodeText(content)
    if (text === undefined) return { problem: 'is not UTF-8 text' }
    return { text: new Sensitive(text), version: versionOf(text), stats }
  } finally {
    await file.close()
  }
}

/** Identifies a content. A refresh token has far too many possible values to be guessed from it. */
export function versionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** Bytes that are not text would come back changed when the document is written. */
function decodeText(content: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    return undefined
  }
}
