import type { ManagedFieldsEntry, Secret } from './schema.ts'

/** Anything with an account of who set which field. */
interface Managed {
  readonly metadata: { readonly managedFields: readonly ManagedFieldsEntry[] }
}

/**
 * The data keys whose present content a field manager applied.
 *
 * The API server keeps this account: whoever changes a value takes the field away from all others. So
 * a key that is listed holds what its manager put there, and no digest of a token has to be stored to
 * find that out.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function appliedKeys(secret: Managed, manager: string): ReadonlySet<string> {
  const keys = applies(secret)
    .filter((entry) => entry.manager === manager)
    .flatMap(({ fieldsV1 }) => Object.keys(recordOf(fieldsV1['f:data'])))
  return new Set(keys.filter((key) => key.startsWith('f:')).map((key) => key.slice('f:'.length)))
}

/** The labels or annotations whose present value a field manager applied. */
export function appliedMarks(
  secret: Secret,
  manager: string,
  which: 'labels' | 'annotations',
): ReadonlyMap<string, string> {
  const names = applies(secret)
    .filter((entry) => entry.manager === manager)
    .flatMap(({ fieldsV1 }) => Object.keys(recordOf(recordOf(fieldsV1['f:metadata'])[`f:${which}`])))
  const applied = new Set(names.map((name) => name.slice('f:'.length)))
  return new Map(Object.entries(secret.metadata[which]).filter(([name]) => applied.has(name)))
}

/** Everybody who applied a part of the Secret. */
export function managersOf(secret: Managed): ReadonlySet<string> {
  return new Set(applies(secret).map(({ manager }) => manager))
}

function applies({ metadata }: Managed): readonly ManagedFieldsEntry[] {
  return metadata.managedFields.filter(({ operation, subresource }) => operation === 'Apply' && subresource === '')
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
