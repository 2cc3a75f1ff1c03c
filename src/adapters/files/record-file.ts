import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as z from 'zod'
import { decodeRecord, encodeRecord } from '../../api/refresh-record.ts'
import { decodeTokens, encodeTokens } from '../../api/retained-tokens.ts'
import type { RefreshRecord } from '../../domain/refresh-record.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import { type FileDocument, versionOf } from './store-document.ts'

const contentSchema = z.strictObject({
  /** Makes each version differ from every earlier one. */
  write: z.string(),
  record: z.unknown(),
  tokens: z.unknown().optional(),
})

/** Leaves room in a file name of 255 bytes for the names of drafts and claims, which have this one in them. */
const plainName = /^[a-zA-Z0-9][-._a-zA-Z0-9]{0,159}$/

/** Uids that are no names for a file are told apart by their digest. */
export function recordPath(directory: string, uid: string): string {
  const name = plainName.test(uid) ? uid : `sha256-${createHash('sha256').update(uid).digest('hex')}`
  return join(directory, `${name}.json`)
}

/** True for what may be the file of a record, and not a draft of one. */
export function isRecordName(name: string): boolean {
  return name.endsWith('.json')
}

/** The content of a record's file, for people to read, and the version that the record has with it. */
export function encodeRecordFile(record: RefreshRecord, write: string): { text: Sensitive; version: string } {
  const tokens = record.retained?.tokens
  const content = {
    write,
    record: encodeRecord(record),
    ...(tokens && { tokens: encodeTokens(tokens, (value) => value.reveal()).reveal() }),
  }
  const text = `${JSON.stringify(content, null, 2)}\n`
  return { text: new Sensitive(text), version: versionOf(text) }
}

/** Strict. `uid`: whose it has to be. `problem` is a clause that follows the file's name, and quotes nothing of it. */
export function decodeRecordFile(
  { text, version }: FileDocument,
  uid?: string,
): RefreshRecord | { readonly problem: string } {
  const content = contentSchema.safeParse(parsedJson(text))
  if (!content.success) return { problem: 'holds no refresh record' }
  const decoded = decodeRecord(content.data.record)
  if (decoded.kind === 'unreadable') return { problem: decoded.problem }
  const { retained, ...rest } = decoded.record
  if (uid !== undefined && rest.uid !== uid) return { problem: 'holds the record of another credential' }
  const { tokens: written } = content.data
  if (written === undefined) return { ...rest, version, ...(retained && { retained }) }
  const tokens = decodeTokens(written)
  if (tokens === undefined || retained === undefined) return { problem: 'is damaged at tokens' }
  return { ...rest, version, retained: { ...retained, tokens } }
}

function parsedJson(text: Sensitive): unknown {
  try {
    return JSON.parse(text.reveal())
  } catch {
    return undefined
  }
}
