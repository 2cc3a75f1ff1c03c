import * as z from 'zod'
import type { CredentialKey } from '../domain/credential.ts'
import {
  intentsOf,
  type KeptTokens,
  type RefreshIntent,
  type RefreshRecord,
  type RetainedTokens,
} from '../domain/refresh-record.ts'
import { present } from '../domain/present.ts'
import { storedLimit } from '../domain/spent-tokens.ts'
import type { EpochSeconds } from '../domain/time.ts'
import { decodeTime } from './status-time.ts'

/** A record without what the place that keeps it adds: its version, and the tokens. */
export type ClearRecord = Omit<RefreshRecord, 'version' | 'retained' | 'kept'> & {
  readonly retained?: Clear<RetainedTokens>
  readonly kept?: readonly Clear<KeptTokens>[]
}

type Clear<Tokens extends RetainedTokens> = Omit<Tokens, 'tokens' | 'sealed' | 'sealedWith'>

export type DecodedRecord =
  | { readonly kind: 'record'; readonly record: ClearRecord }
  /** `problem` is a clause that follows the name of the place. It quotes nothing of the content. */
  | { readonly kind: 'unreadable'; readonly problem: string }

/**
 * The format of what an older version can read, too, and of what it cannot: it must not drop what it does not know.
 */
const format = { first: 1, second: 2, third: 3, fourth: 4 } as const

/** 9999-12-31T23:59:59.999Z: RFC 3339 has four digits for the year. */
const lastMs = 253_402_300_799_999

const time = z.string().transform((text, context): EpochSeconds => {
  const decoded = decodeTime(text)
  if (decoded !== undefined) return decoded
  context.addIssue('not a time')
  return z.NEVER
})

const fingerprint = z.string().regex(/^[0-9a-f]{32}$/)

const source = z.strictObject({
  store: z.strictObject({ kind: z.enum(['TokenStore', 'ClusterTokenStore']), name: z.string().min(1) }),
  key: z.string().min(1),
  property: z.string().exactOptional(),
})

const pod = z.strictObject({ name: z.string().min(1), uid: z.string().min(1) })
const holder = z.strictObject({ journalId: z.string().min(1), pod: pod.exactOptional() })

const intent = z.strictObject({
  holder: holder.exactOptional(),
  fingerprint,
  source,
  startedAt: time,
  sends: z.int().min(1),
  origin: z.string().min(1).exactOptional(),
})

const refused = z.strictObject({
  fingerprint,
  code: z.enum(['REFRESH_TOKEN_REJECTED', 'REFRESH_TOKEN_REUSED', 'REFRESH_ANSWER_LOST']),
})

const retained = z.strictObject({ fingerprint, source, generation: z.int().min(0).exactOptional() })
const kept = retained.extend({
  origin: z.string().min(1).exactOptional(),
  storeWrittenAt: time.exactOptional(),
  stored: z.array(fingerprint).exactOptional(),
  isHome: z.literal(true).exactOptional(),
})

const recordSchema = z.strictObject({
  format: z.enum(format),
  uid: z.string().min(1),
  credential: z.string().transform(credentialKey),
  epoch: z.int().min(0),
  generation: z.int().min(0),
  intent: intent.exactOptional(),
  left: z.array(intent).exactOptional(),
  retained: retained.exactOptional(),
  kept: z.array(kept).exactOptional(),
  refused: refused.exactOptional(),
  spent: z.array(fingerprint),
  stored: z.array(fingerprint).exactOptional(),
  origin: z.string().min(1).exactOptional(),
  storeWrittenAt: time.exactOptional(),
})

const anyFormat = z.object({ format: z.int() })

/**
 * What people may read of a record, as plain JSON: everything but the tokens. Times are RFC 3339 in UTC
 * with milliseconds, a credential is `namespace/name`.
 */
export function encodeRecord(record: RefreshRecord): object {
  const { credential, intent: armed, left, retained: newest, kept: others, stored, storeWrittenAt, ...rest } = record
  const { version: _version, ...plain } = rest
  return {
    format: formatOf(record),
    ...plain,
    credential: `${credential.namespace}/${credential.name}`,
    ...(armed && { intent: encodeIntent(armed, record) }),
    ...(left && { left: left.map((one) => encodeIntent(one, record)) }),
    ...(newest && { retained: encodeRetained(newest) }),
    ...(others && { kept: others.map(encodeKept) }),
    ...(isFarBehind(record) && { stored }),
    ...(storeWrittenAt !== undefined && { storeWrittenAt: encodeMoment(storeWrittenAt) }),
  }
}

function formatOf(record: RefreshRecord): number {
  if (tellsOfOtherPlaces(record)) return format.fourth
  if (isFarBehind(record)) return format.third
  return record.left === undefined && record.refused === undefined ? format.first : format.second
}

function tellsOfOtherPlaces(record: RefreshRecord): boolean {
  const { kept, retained } = record
  const isSentElsewhere = intentsOf(record).some((one) => originIn(one, record) !== undefined)
  return kept !== undefined || retained?.generation !== undefined || isSentElsewhere
}

/** True when the store may hold a token that was replaced so long ago that nobody could guess it. */
function isFarBehind({ stored = [], spent }: RefreshRecord): boolean {
  const latest = spent.slice(-storedLimit)
  return stored.some((one) => spent.includes(one) && !latest.includes(one))
}

/** Strict: a record that somebody changed or a newer version wrote is told, and never understood in part. */
export function decodeRecord(value: unknown): DecodedRecord {
  const parsed = recordSchema.safeParse(value)
  if (parsed.success) {
    const { format: _format, ...record } = parsed.data
    return { kind: 'record', record: withOrigins(record) }
  }
  const written = anyFormat.safeParse(value)
  if (!written.success) return { kind: 'unreadable', problem: 'holds no refresh record' }
  if (!Object.values<number>(format).includes(written.data.format)) {
    return { kind: 'unreadable', problem: 'was written by another version of the operator' }
  }
  return { kind: 'unreadable', problem: `is damaged at ${placesOf(parsed.error)}` }
}

function encodeIntent(intent: RefreshIntent, record: Sent): object {
  const { origin: _told, ...rest } = intent
  return { ...rest, startedAt: encodeMoment(intent.startedAt), ...present({ origin: originIn(intent, record) }) }
}

type Sent = Pick<RefreshRecord, 'origin'>

/** What an intent has to say of its origin, so that the first format is enough nearly always: that of the record goes without saying. */
function originIn({ origin }: RefreshIntent, record: Sent): string | undefined {
  return origin === record.origin ? undefined : origin
}

function withOrigins(record: ClearRecord): ClearRecord {
  const { origin, intent: armed, left } = record
  if (origin === undefined) return record
  return {
    ...record,
    ...(armed && { intent: { origin, ...armed } }),
    ...(left && { left: left.map((one) => ({ origin, ...one })) }),
  }
}

/** Without the tokens. */
function encodeRetained<Tokens extends RetainedTokens>(one: Tokens): Clear<Tokens> {
  const { tokens: _tokens, sealed: _sealed, sealedWith: _key, ...rest } = one
  return rest
}

function encodeKept(one: KeptTokens): object {
  const { storeWrittenAt, ...rest } = encodeRetained(one)
  return { ...rest, ...(storeWrittenAt !== undefined && { storeWrittenAt: encodeMoment(storeWrittenAt) }) }
}

function encodeMoment(moment: EpochSeconds): string {
  const ms = Math.round(moment * 1000)
  return new Date(Math.min(Math.max(ms, 0), lastMs)).toISOString()
}

function credentialKey(text: string, context: z.RefinementCtx): CredentialKey {
  const [namespace, name, ...more] = text.split('/')
  if (namespace && name && more.length === 0) return { namespace, name }
  context.addIssue('not namespace/name')
  return z.NEVER
}

/** Where in the record, by the names of our own members: everything else may be anybody's text. */
function placesOf(error: z.ZodError): string {
  const places = error.issues.map(({ path }) => path.map(String).join('.'))
  return [...new Set(places.map((place) => (place === '' ? 'its outermost members' : place)))].slice(0, 3).join(', ')
}
