import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as z from 'zod'
import { type ClearRecord, decodeRecord, encodeRecord } from '../../api/refresh-record.ts'
import { decodeTokens, encodeTokens } from '../../api/retained-tokens.ts'
import type { RefreshRecord } from '../../domain/refresh-record.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import type { RotatedTokens } from '../../domain/tokens.ts'
import { type FileDocument, versionOf } from './store-document.ts'

const contentSchema = z.strictObject({
  /** Makes each version differ from every earlier one. */
  write: z.string(),
  record: z.unknown(),
  tokens: z.unknown().optional(),
  /** Of the places that were left, in the order of the record. */
  keptTokens: z.array(z.unknown()).exactOptional(),
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
    ...(tokens && { tokens: plain(tokens) }),
    ...(record.kept && { keptTokens: record.kept.map((one) => one.tokens && plain(one.tokens)) }),
  }
  const text = `${JSON.stringify(content, null, 2)}\n`
  return { text: new Sensitive(text), version: versionOf(text) }
}

function plain(tokens: RotatedTokens): unknown {
  return encodeTokens(tokens, (value) => value.reveal()).reveal()
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
  const { record } = decoded
  if (uid !== undefined && record.uid !== uid) return { problem: 'holds the record of another credential' }
  const opened = withTokens(record, content.data)
  return opened === undefined ? { problem: 'is damaged at tokens' } : { ...opened, version }
}

type Written = Pick<z.infer<typeof contentSchema>, 'tokens' | 'keptTokens'>

/** Undefined when tokens are damaged, or belong to nothing. */
function withTokens(
  record: ClearRecord,
  { tokens, keptTokens = [] }: Written,
): Omit<RefreshRecord, 'version'> | undefined {
  const { retained, kept = [], ...rest } = record
  const isOwned = (retained !== undefined || tokens === undefined) && keptTokens.length <= kept.length
  if (!isOwned || ![tokens, ...keptTokens].every(isReadable)) return undefined
  const others = kept.map((one, index) => openedWith(one, keptTokens[index]))
  return {
    ...rest,
    ...(retained && { retained: openedWith(retained, tokens) }),
    ...(others.length > 0 && { kept: others }),
  }
}

function isReadable(written: unknown): boolean {
  return (written ?? undefined) === undefined || decodeTokens(written) !== undefined
}

function openedWith<Clear extends object>(clear: Clear, written: unknown): Clear & { readonly tokens?: RotatedTokens } {
  const tokens = decodeTokens(written)
  return tokens === undefined ? clear : { ...clear, tokens }
}

function parsedJson(text: Sensitive): unknown {
  try {
    return JSON.parse(text.reveal())
  } catch {
    return undefined
  }
}
