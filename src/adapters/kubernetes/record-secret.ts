import { type ClearRecord, decodeRecord, encodeRecord } from '../../api/refresh-record.ts'
import { keyText } from '../../domain/credential.ts'
import { apiGroup, fieldManager, targetAnnotations, targetLabels } from '../../domain/names.ts'
import type { RefreshRecord } from '../../domain/refresh-record.ts'
import { sourcesOf } from '../../domain/inherited-record.ts'
import type { Sensitive } from '../../domain/sensitive.ts'
import type { ListedRecord, RecordSubject } from '../../ports/refresh-records.ts'
import { secretText } from './object-paths.ts'
import type { Secret } from './schema.ts'
import { sealedWith } from './sealing.ts'
import { decodeSecretValue } from './secret-text.ts'
import { fields } from './watch-event.ts'

/**
 * A type of its own, which nothing can change once the Secret is there: the operator refuses it as a
 * store of refresh tokens and as a client secret, people list it with a field selector, and tools that
 * copy or garbage-collect Secrets can leave it alone.
 */
const recordType = `${apiGroup}/refresh-record`

/**
 * Not the label of targets, although it holds the same uid: a Secret with that one is a target, and the
 * credential would publish into it.
 */
export const ownerLabel = `${apiGroup}/refresh-record-of`

/** Beside the records, with nothing in it: shows a watch how far it has come. Not of their type. */
export const recordsMarkName = 'oauth-refresh-mark'
/** On that: which process has written it, and its number there; new whenever somebody asks. */
export const markAnnotation = `${apiGroup}/refresh-records-mark`

const annotations = {
  /** Everything but the tokens, as JSON. */
  record: `${apiGroup}/refresh-record`,
  /** Random, new with each write: whose write it was that is there. */
  write: `${apiGroup}/refresh-record-write`,
  /** `OWNER/KEYID` of the key that the tokens are sealed with; absent without tokens. */
  sealedWith: `${apiGroup}/refresh-record-sealed-with`,
} as const

const sealedKey = 'sealed'
/** Those of the places that were left: a line for each, in the order of the record; empty for one without. */
const keptKey = 'sealed-kept'

/** What is in a record's Secret. */
export interface RecordContent {
  readonly clear: ClearRecord
  readonly sealed?: string
  /** Of each of the places that were left. */
  readonly sealedKept: readonly (string | undefined)[]
  readonly version: string
  readonly write: string
}

export type RecordSecret =
  | { readonly kind: 'content'; readonly content: RecordContent }
  /** `problem` is a clause that follows the Secret's name. */
  | { readonly kind: 'unreadable'; readonly problem: string }

export function recordSecretName(uid: string): string {
  return `oauth-refresh-${uid}`
}

/** For messages. */
export function recordText(namespace: string, { uid, credential }: RecordSubject): string {
  return `${secretText(namespace, recordSecretName(uid))}, the refresh record of OAuthCredential ${keyText(credential)},`
}

/** What becomes of the sealed tokens in a write. Undefined: there are none. */
export type SealedPart =
  | { readonly kind: 'new'; readonly text: string }
  /** They stay as they are, sealed with this. Not for a create. */
  | { readonly kind: 'kept'; readonly sealedWith: string }
  | undefined

/** What is sealed in a record: the retained tokens, and those of each place that was left. */
export interface SealedTexts {
  readonly retained: SealedPart
  readonly kept: readonly (string | undefined)[]
}

/** The body of a create for a record that was never written, of a merge patch for any other. */
export function recordBody(record: RefreshRecord, { retained: sealed, kept }: SealedTexts, write: string): object {
  const changed = {
    labels: { [targetLabels.managedBy]: fieldManager, [ownerLabel]: record.uid },
    annotations: {
      [targetAnnotations.credential]: keyText(record.credential),
      [annotations.record]: JSON.stringify(encodeRecord(record), null, 2),
      [annotations.write]: write,
      ...present(annotations.sealedWith, keyOf(sealed), record.version),
    },
  }
  const metadataOfPatch = { ...changed, ...preconditions(record.version) }
  // The precondition holds what is there to be what was last seen, so it need not be sent again.
  const others = present(keptKey, kept.length === 0 ? undefined : encoded(kept.join('\n')), record.version)
  if (sealed?.kind === 'kept') return { metadata: metadataOfPatch, data: others }
  const data = { ...present(sealedKey, sealed && encoded(sealed.text), record.version), ...others }
  if (record.version !== '') return { metadata: metadataOfPatch, data }
  const metadata = { name: recordSecretName(record.uid), ...changed }
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: recordType, data }
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}

function keyOf(sealed: SealedPart): string | undefined {
  return sealed?.kind === 'new' ? sealedWith(sealed.text) : sealed?.sealedWith
}

/** One text, where a template would keep its parts: it is kept for each credential. */
function versionOf(uid: string, resourceVersion: string): string {
  return [uid, resourceVersion].join('/')
}

/** What a change of the Secret is conditional on: it is the same object, and in the same state. */
export function preconditions(version: string): { readonly uid: string; readonly resourceVersion: string } {
  const [uid = '', resourceVersion = ''] = version.split('/')
  return { uid, resourceVersion }
}

/**
 * The version of a write, when the answer has all that was sent, character for character; undefined when
 * somebody on the way has changed it, or cannot be told not to have. Reading the record again out of each answer
 * would cost as much as everything else about a write.
 */
export function versionAsSent(answer: unknown, sent: object): string | undefined {
  const { metadata, data, type, immutable } = fields(answer)
  const { uid, resourceVersion, deletionTimestamp, annotations: stored } = fields(metadata)
  if (deletionTimestamp !== undefined || type !== recordType || immutable === true) return undefined
  if (typeof uid !== 'string' || typeof resourceVersion !== 'string') return undefined
  const wanted = fields(sent)
  const sentAnnotations = fields(fields(wanted['metadata'])['annotations'])
  const isAsSent = hasAll(stored, sentAnnotations) && hasData(data, wanted['data'], sentAnnotations)
  return isAsSent && uid !== '' && resourceVersion !== '' ? versionOf(uid, resourceVersion) : undefined
}

/** Tokens that were not sent again, because they are there, have to be there. */
function hasData(stored: unknown, sent: unknown, sentAnnotations: Readonly<Record<string, unknown>>): boolean {
  const isSealed = typeof sentAnnotations[annotations.sealedWith] === 'string'
  return hasAll(stored, sent) && (!isSealed || typeof fields(stored)[sealedKey] === 'string')
}

/** Null stands for a member that is not there. */
function hasAll(stored: unknown, sent: unknown): boolean {
  const found = fields(stored)
  return Object.entries(fields(sent)).every(([name, value]) => (found[name] ?? null) === value)
}

/** Strict: nothing of a Secret that somebody changed is believed. */
export function readRecordSecret(secret: Secret, uid: string): RecordSecret {
  const { metadata, data } = secret
  const unfit = unfitness(secret)
  if (unfit !== undefined) return unreadable(unfit)
  const decoded = decodeRecord(parsedJson(metadata.annotations[annotations.record] ?? ''))
  if (decoded.kind === 'unreadable') return decoded
  const { record: clear } = decoded
  if (clear.uid !== uid) return unreadable('holds the record of another credential')
  const sealed = textAt(data.get(sealedKey))
  const sealedKept = keptTexts(textAt(data.get(keptKey)), clear)
  const damage = sealedDamage(sealed, metadata.annotations[annotations.sealedWith], clear)
  if (damage !== undefined) return unreadable(damage)
  if (sealedKept === undefined) return unreadable('has sealed tokens of other places that are damaged')
  const version = versionOf(metadata.uid, metadata.resourceVersion)
  const write = metadata.annotations[annotations.write] ?? ''
  return { kind: 'content', content: { clear, ...(sealed !== undefined && { sealed }), sealedKept, version, write } }
}

/** What the metadata of a record's Secret tells, in a list; undefined for one that is damaged, or none of ours. */
export function listedRecord(item: unknown): ListedRecord | undefined {
  const { name, annotations: stored, uid: secretUid, resourceVersion } = fields(fields(item)['metadata'])
  const text = fields(stored)[annotations.record]
  const decoded = decodeRecord(parsedJson(typeof text === 'string' ? text : ''))
  if (decoded.kind === 'unreadable') return undefined
  const { uid, credential } = decoded.record
  // A copy that somebody made of one.
  if (name !== recordSecretName(uid)) return undefined
  const version = versionOf(String(secretUid), String(resourceVersion))
  return { uid, credential, sources: sourcesOf(decoded.record), version }
}

/** Why what is there could not be replaced, or is none of ours. */
function unfitness({ metadata, type, immutable }: Secret): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return 'is being deleted'
  if (type !== recordType) return `is not of type ${recordType}`
  return immutable ? 'is immutable' : undefined
}

/** Undefined when they are not those of the record. */
function keptTexts(text: string | undefined, { kept = [] }: ClearRecord): readonly (string | undefined)[] | undefined {
  if (text === undefined) return kept.length === 0 ? [] : undefined
  const lines = text.split('\n').map((line) => (line === '' ? undefined : line))
  const isWhole = lines.every((line) => line === undefined || sealedWith(line) !== undefined)
  return isWhole && lines.length === kept.length ? lines : undefined
}

function sealedDamage(
  sealed: string | undefined,
  named: string | undefined,
  { retained }: ClearRecord,
): string | undefined {
  if (sealed === undefined) return named === undefined ? undefined : 'has lost its sealed tokens'
  if (named === undefined || named !== sealedWith(sealed)) return 'has sealed tokens that are damaged'
  return retained === undefined ? 'has sealed tokens that belong to nothing in it' : undefined
}

/** In a merge patch null takes a member away; a create has no members to take away. */
function present(name: string, value: string | undefined, version: string): Readonly<Record<string, string | null>> {
  if (value !== undefined) return { [name]: value }
  return version === '' ? {} : { [name]: null }
}

function textAt(value: Sensitive | undefined): string | undefined {
  return value === undefined ? undefined : (decodeSecretValue(value)?.reveal() ?? '')
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreadable(problem: string): RecordSecret {
  return { kind: 'unreadable', problem }
}
