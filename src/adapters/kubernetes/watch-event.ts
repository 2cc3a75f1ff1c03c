/** One line of a watch, as far as a list-watch looks into it. */
export type WatchEvent =
  | { readonly kind: 'upserted'; readonly object: object; readonly identity: ObjectIdentity }
  | { readonly kind: 'deleted'; readonly identity: ObjectIdentity }
  | { readonly kind: 'bookmark'; readonly version: string; readonly initialEventsEnd: boolean }
  | {
      readonly kind: 'error'
      readonly code: number | undefined
      readonly reason: string
      readonly retryAfterSeconds: number | undefined
    }
  /** Nothing that the API documents. */
  | { readonly kind: 'unknown' }

export interface ObjectIdentity {
  readonly namespace: string | undefined
  readonly name: string
  readonly version: string
}

/** On the bookmark that ends the initial state of a WatchList. */
const initialEventsEndAnnotation = 'k8s.io/initial-events-end'

/** @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export function readWatchEvent(raw: unknown): WatchEvent {
  const { type, object } = fields(raw)
  if (!isObject(object)) return { kind: 'unknown' }
  if (type === 'ERROR') return readError(object)
  if (type === 'BOOKMARK') return readBookmark(object)
  const identity = identityOf(object)
  if (identity === undefined) return { kind: 'unknown' }
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'upserted', object, identity }
  return type === 'DELETED' ? { kind: 'deleted', identity } : { kind: 'unknown' }
}

/** Undefined when `object` has no `metadata.name`. */
function identityOf(object: unknown): ObjectIdentity | undefined {
  const { name, namespace, resourceVersion } = fields(fields(object)['metadata'])
  if (typeof name !== 'string') return undefined
  return { name, namespace: textOf(namespace), version: textOf(resourceVersion) ?? '' }
}

export function fields(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? (value as Readonly<Record<string, unknown>>) : {}
}

function readBookmark(object: object): WatchEvent {
  const { resourceVersion, annotations } = fields(fields(object)['metadata'])
  const initialEventsEnd = fields(annotations)[initialEventsEndAnnotation] === 'true'
  return { kind: 'bookmark', version: textOf(resourceVersion) ?? '', initialEventsEnd }
}

function readError(object: object): WatchEvent {
  const { code, reason, details } = fields(object)
  const retryAfter = fields(details)['retryAfterSeconds']
  return {
    kind: 'error',
    code: typeof code === 'number' ? code : undefined,
    reason: textOf(reason) ?? 'Unknown',
    retryAfterSeconds: typeof retryAfter === 'number' ? retryAfter : undefined,
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
