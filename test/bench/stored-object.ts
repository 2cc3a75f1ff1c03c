import { fieldManager } from '../../src/domain/names.ts'

// Objects as an API server keeps them, and what it says of them on the wire.

export type Json = Readonly<Record<string, unknown>>
export type StoredObject = Json & { readonly metadata: Json }

/** Resource versions, one row for all kinds. */
export interface Versions {
  /** The newest. */
  now(): string
  next(): string
}

export function metadataOf({ metadata }: StoredObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
}

export function eventLine(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`
}

function objectAt(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}

/** Null takes a member away. */
export function merged(known: unknown, patch: unknown): object {
  const members = Object.entries({ ...objectAt(known), ...objectAt(patch) })
  return Object.fromEntries(members.filter(([, value]) => value !== null))
}

/** An entry of `metadata.managedFields`. */
export function accountOf(
  operation: 'Apply' | 'Update',
  apiVersion: string,
  fields: Json,
  subresource?: string,
): object {
  const fieldsV1 = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`f:${name}`, value]))
  const what = { apiVersion, fieldsType: 'FieldsV1', fieldsV1, manager: fieldManager, operation }
  return { ...what, ...(subresource !== undefined && { subresource }), time: '2026-01-01T00:00:00Z' }
}

/** The account of whoever has set all of `value`. */
export function fieldsOf(value: unknown): Json {
  if (Array.isArray(value)) return Object.fromEntries(value.flatMap(keyedItem))
  if (typeof value !== 'object' || value === null) return {}
  const members = Object.entries(value).map(([name, member]) => [`f:${name}`, fieldsOf(member)])
  return Object.fromEntries([['.', {}], ...members]) as Json
}

/** Conditions are a map by their type; other lists are atomic. */
function keyedItem(item: unknown): readonly (readonly [string, Json])[] {
  if (typeof item !== 'object' || item === null || !('type' in item)) return []
  return [[`k:${JSON.stringify({ type: item.type })}`, fieldsOf(item)]]
}

export function uidOf({ metadata }: StoredObject): string {
  const { uid } = metadata
  return typeof uid === 'string' ? uid : ''
}

export function hasLabel({ metadata }: StoredObject, label: string): boolean {
  return label in objectAt(metadata['labels'])
}
