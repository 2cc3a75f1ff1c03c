/** An object as JSON has it. */
export type Json = Record<string, unknown>

/** The fields of which one manager says that it set them, by one operation. */
export interface ManagerEntry {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly subresource: string
  /** Keys of {@link leavesOf}. */
  readonly fields: ReadonlySet<string>
}

/** Maps of which each member is a field of its own. */
const granular = [['data'], ['status'], ['metadata', 'labels'], ['metadata', 'annotations']]
const notOwned = new Set([
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
])

/** Every field of an object that somebody owns, under a key that is its path as JSON. */
function leavesOf(object: Json): ReadonlyMap<string, unknown> {
  const leaves = new Map<string, unknown>()
  const put = (path: readonly string[], value: unknown): unknown => leaves.set(JSON.stringify(path), value)
  for (const path of granular) {
    for (const [key, value] of Object.entries(jsonAt(object, path))) put([...path, key], value)
  }
  const metadata = jsonAt(object, ['metadata'])
  for (const owner of listAt(metadata, 'ownerReferences')) put(['metadata', 'ownerReferences', uidOf(owner)], owner)
  for (const finalizer of listAt(metadata, 'finalizers')) put(['metadata', 'finalizers', String(finalizer)], finalizer)
  for (const [key, value] of Object.entries(metadata)) if (!notOwned.has(key)) put(['metadata', key], value)
  for (const [key, value] of Object.entries(object)) {
    if (!['apiVersion', 'kind', 'metadata', 'data', 'status'].includes(key)) put([key], value)
  }
  return leaves
}

/** Puts a field of {@link leavesOf} into an object, or takes it out when `value` is undefined. */
function setLeaf(object: Json, leaf: string, value: unknown): void {
  const path = JSON.parse(leaf) as string[]
  const last = path.at(-1) ?? ''
  const parent = path.slice(0, -1)
  const list = parent.at(-1)
  if (parent[0] === 'metadata' && (list === 'ownerReferences' || list === 'finalizers')) {
    const metadata = ensure(object, ['metadata'])
    const others = listAt(metadata, list).filter((item) => (list === 'finalizers' ? item : uidOf(item)) !== last)
    metadata[list] = value === undefined ? others : [...others, value]
    return
  }
  const holder = ensure(object, parent)
  if (value === undefined) delete holder[last]
  else holder[last] = value
}

/**
 * Server-side apply of `wanted` onto `live`, which is changed. Returns who owns what afterwards, or
 * the managers whose fields would have to be taken.
 */
export function applyFields(
  live: Json,
  wanted: Json,
  entries: readonly ManagerEntry[],
  as: { readonly manager: string; readonly subresource: string; readonly force: boolean },
): { readonly entries: readonly ManagerEntry[] } | { readonly conflicts: readonly string[] } {
  const { manager, subresource } = as
  const isOwn = (entry: ManagerEntry): boolean =>
    entry.manager === manager && entry.operation === 'Apply' && entry.subresource === subresource
  const before = leavesOf(live)
  const fields = leavesOf(wanted)
  const changed = [...fields].filter(([leaf, value]) => !sameJson(before.get(leaf), value)).map(([leaf]) => leaf)
  const others = entries.filter((entry) => !isOwn(entry))
  const inTheWay = others.filter((entry) => changed.some((leaf) => entry.fields.has(leaf)))
  if (inTheWay.length > 0 && !as.force) return { conflicts: inTheWay.map((entry) => entry.manager) }
  for (const leaf of changed) setLeaf(live, leaf, fields.get(leaf))
  const kept = others.map((entry) => without(entry, changed))
  for (const leaf of entries.find(isOwn)?.fields ?? []) {
    if (!fields.has(leaf) && !kept.some((entry) => entry.fields.has(leaf))) setLeaf(live, leaf, undefined)
  }
  const own: ManagerEntry = { manager, operation: 'Apply', subresource, fields: new Set(fields.keys()) }
  return { entries: [...kept, own].filter((entry) => entry.fields.size > 0) }
}

/** Who owns what after somebody changed an object in another way than by an apply. */
export function updateFields(
  before: Json,
  after: Json,
  entries: readonly ManagerEntry[],
  as: { readonly manager: string; readonly subresource: string },
): readonly ManagerEntry[] {
  const { manager, subresource } = as
  const [old, now] = [leavesOf(before), leavesOf(after)]
  const changed = [...now].filter(([leaf, value]) => !sameJson(old.get(leaf), value)).map(([leaf]) => leaf)
  const gone = [...old.keys()].filter((leaf) => !now.has(leaf))
  const kept = entries.map((entry) => without(entry, [...changed, ...gone]))
  const isOwn = (entry: ManagerEntry): boolean =>
    entry.manager === manager && entry.operation === 'Update' && entry.subresource === subresource
  const fields = new Set([...(kept.find(isOwn)?.fields ?? []), ...changed])
  const own: ManagerEntry = { manager, operation: 'Update', subresource, fields }
  return [...kept.filter((entry) => !isOwn(entry)), own].filter((entry) => entry.fields.size > 0)
}

/** `metadata.managedFields` as the API server shows it. */
export function managedFieldsOf(entries: readonly ManagerEntry[], apiVersion: unknown): readonly Json[] {
  return entries.map(({ manager, operation, subresource, fields }) => ({
    manager,
    operation,
    apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1: nested([...fields].map((leaf) => JSON.parse(leaf) as string[])),
    ...(subresource === '' ? {} : { subresource }),
  }))
}

export function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

export function jsonAt(object: Json, path: readonly string[]): Json {
  let at: unknown = object
  for (const step of path) at = isJson(at) ? at[step] : undefined
  return isJson(at) ? at : {}
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function ensure(object: Json, path: readonly string[]): Json {
  let at = object
  for (const step of path) {
    const next = at[step]
    const inside = isJson(next) ? next : {}
    at[step] = inside
    at = inside
  }
  return at
}

function listAt(object: Json, name: string): readonly unknown[] {
  const list = object[name]
  return Array.isArray(list) ? (list as unknown[]) : []
}

function uidOf(owner: unknown): string {
  return isJson(owner) ? String(owner['uid']) : ''
}

function without(entry: ManagerEntry, leaves: readonly string[]): ManagerEntry {
  return { ...entry, fields: new Set([...entry.fields].filter((leaf) => !leaves.includes(leaf))) }
}

function nested(paths: readonly string[][]): Json {
  const root: Json = {}
  for (const path of paths) {
    const list = path.at(-2)
    let at = root
    path.forEach((step, index) => {
      const isItem = index === path.length - 1
      at = ensure(at, [isItem ? itemName(list, step) : `f:${step}`])
    })
  }
  return root
}

function itemName(list: string | undefined, step: string): string {
  if (list === 'ownerReferences') return `k:${JSON.stringify({ uid: step })}`
  return list === 'finalizers' ? `v:${JSON.stringify(step)}` : `f:${step}`
}
