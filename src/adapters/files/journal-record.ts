import { crc32 } from 'node:zlib'
import * as z from 'zod'
import type { JournalEntry } from '../../domain/journal-entry.ts'
import { errorClasses } from '../../domain/provider.ts'
import { Sensitive } from '../../domain/sensitive.ts'
import { epochSeconds } from '../../domain/time.ts'

/** One line of the journal: an entry that replaces the credential's earlier one, or its end. */
export type JournalRecord = JournalEntry | SettledRecord

export interface SettledRecord {
  readonly phase: 'settled'
  readonly uid: string
}

/** A record with the bytes that it takes in the file. */
export interface StoredRecord {
  readonly record: JournalRecord
  readonly bytes: number
}

export type JournalContent =
  | {
      readonly kind: 'readable'
      readonly records: readonly StoredRecord[]
      /** Where the next record goes: what lies behind is the torn end of a record that was never acknowledged. */
      readonly end: number
    }
  /** `problem` ends a sentence that begins with the journal's name. */
  | { readonly kind: 'unreadable'; readonly problem: string }

const source = z.object({
  store: z.object({ kind: z.enum(['TokenStore', 'ClusterTokenStore']), name: z.string() }),
  key: z.string(),
  property: z.string().exactOptional(),
})

const base = {
  uid: z.string().min(1),
  credential: z.object({ namespace: z.string(), name: z.string() }),
  startedAt: z.number(),
  storeVersion: z.string(),
  sends: z.int().min(1),
  refreshToken: z.string(),
  sealingKey: z.string().exactOptional(),
  source,
  server: z.object({ origin: z.string(), digest: z.string() }).exactOptional(),
}

const answer = z.object({
  status: z.int(),
  contentType: z.string(),
  retryAfter: z.string().exactOptional(),
  date: z.string().exactOptional(),
  body: z.string(),
  complete: z.boolean(),
})

/** How a provider answers, as {@link ResponseForm} has it. */
const response = z.object({
  accessToken: z.string().exactOptional(),
  refreshToken: z.string().exactOptional(),
  expiresIn: z.string().exactOptional(),
  refreshTokenExpiresIn: z.string().exactOptional(),
  error: z.string().exactOptional(),
  success: z.object({ pointer: z.string(), value: z.union([z.string(), z.number(), z.boolean()]) }).exactOptional(),
  errors: z.array(
    z.object({ code: z.string().exactOptional(), status: z.int().exactOptional(), meaning: z.enum(errorClasses) }),
  ),
})

const asked = {
  response: response.exactOptional(),
  provider: z.string().exactOptional(),
  announced: z.boolean().exactOptional(),
}

const recordSchema = z.discriminatedUnion('phase', [
  z.object({ phase: z.literal('armed'), ...base }),
  z.object({ phase: z.literal('sent'), ...base }),
  z.object({ phase: z.literal('answered'), ...base, answer, ...asked }),
  z.object({ phase: z.literal('settled'), uid: z.string().min(1) }),
])

/** Names the format: another one gets another magic, so that neither side reads the other's records as torn. */
const magic = 'J2 '
const newline = 0x0a
/** `J2 `, the length and the CRC-32 of the JSON text as eight hexadecimal digits each, and a space behind either. */
const headerBytes = magic.length + 9 + 9
const headerPattern = /^J2 ([0-9a-f]{8}) ([0-9a-f]{8}) $/

/** A record as one line: `J2 LENGTH CHECKSUM JSON`, so that a torn one is told from a whole one. */
export function encodeRecord(record: JournalRecord): Buffer {
  const json = Buffer.from(JSON.stringify(record.phase === 'settled' ? record : revealed(record)))
  const header = `${magic}${hex(json.length)} ${hex(crc32(json))} `
  return Buffer.concat([Buffer.from(header), json, Buffer.from([newline])])
}

/**
 * Reads all records. An unreadable end is what a process or a machine leaves that dies while it
 * writes, and is left out; anything unreadable before a readable record is damage, which nobody
 * but a human should decide to drop: the answer in it may hold the only copy of a refresh token.
 */
export function decodeRecords(content: Buffer): JournalContent {
  const records: StoredRecord[] = []
  let end = 0
  while (end < content.length) {
    const frame = frameAt(content, end)
    if (frame === undefined) break
    const record = parseRecord(frame.json)
    if (record === undefined) {
      return { kind: 'unreadable', problem: `has a record at byte ${end} that this version does not understand` }
    }
    records.push({ record, bytes: frame.bytes })
    end += frame.bytes
  }
  if (!looksTorn(content.subarray(end))) return { kind: 'unreadable', problem: `is not a journal from byte ${end} on` }
  if (hasFrameAfter(content, end)) return { kind: 'unreadable', problem: `is damaged at byte ${end}` }
  return { kind: 'readable', records, end }
}

function revealed(entry: JournalEntry): object {
  const { sealingKey, ...rest } = entry
  const key = sealingKey && { sealingKey: sealingKey.reveal() }
  const plain = { ...rest, ...key, refreshToken: entry.refreshToken.reveal() }
  if (entry.phase !== 'answered') return plain
  return { ...plain, answer: { ...entry.answer, body: entry.answer.body.reveal() } }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}

function frameAt(content: Buffer, start: number): { json: Buffer; bytes: number } | undefined {
  const header = headerPattern.exec(content.toString('latin1', start, start + headerBytes))
  if (header === null) return undefined
  const [, length = '', checksum = ''] = header
  const from = start + headerBytes
  const to = from + Number.parseInt(length, 16)
  const json = content.subarray(from, to)
  if (content[to] !== newline || crc32(json) !== Number.parseInt(checksum, 16)) return undefined
  return { json, bytes: to + 1 - start }
}

function parseRecord(json: Buffer): JournalRecord | undefined {
  const parsed = recordSchema.safeParse(parseJson(json))
  if (!parsed.success) return undefined
  const { data } = parsed
  if (data.phase === 'settled') return data
  const { sealingKey, ...rest } = data
  const request = {
    ...(sealingKey !== undefined && { sealingKey: new Sensitive(sealingKey) }),
    startedAt: epochSeconds(data.startedAt),
    refreshToken: new Sensitive(data.refreshToken),
  }
  if (rest.phase !== 'answered') return { ...rest, ...request }
  return { ...rest, ...request, answer: { ...rest.answer, body: new Sensitive(rest.answer.body) } }
}

function parseJson(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'))
  } catch {
    return undefined
  }
}

/** A torn end begins like a record, or with the zeros of a block that never reached the disk. Anything else is not ours to cut off. */
function looksTorn(tail: Buffer): boolean {
  if (tail[0] === 0) return true
  const beginning = tail.toString('latin1', 0, magic.length)
  return magic.startsWith(beginning)
}

/** JSON text has no newline in it, so whatever follows one and checks out is a record. */
function hasFrameAfter(content: Buffer, start: number): boolean {
  for (let at = content.indexOf(newline, start); at !== -1; at = content.indexOf(newline, at + 1)) {
    if (frameAt(content, at + 1) !== undefined) return true
  }
  return false
}
