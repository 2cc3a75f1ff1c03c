/** What became of the fields of a document that had to stay as they were. */
export interface FieldComparison {
  /** How many are as they were. */
  readonly kept: number
  /** JSON pointers of those that changed, vanished or appeared. */
  readonly changed: readonly string[]
}

/** Compares all fields of two JSON texts but those at the pointers `except`. A text that is no JSON has no fields. */
export function compareFields(before: string, after: string, except: readonly string[]): FieldComparison {
  const old = fieldsOf(before)
  const now = fieldsOf(after)
  const pointers = new Set([...old.keys(), ...now.keys()].filter((pointer) => !except.includes(pointer)))
  const changed = [...pointers].filter((pointer) => old.get(pointer) !== now.get(pointer))
  return { kept: pointers.size - changed.length, changed }
}

/** The value at a JSON pointer, when it is a text. */
export function textAt(document: string, pointer: string): string | undefined {
  const field = fieldsOf(document).get(pointer)
  const value: unknown = field === undefined ? undefined : JSON.parse(field)
  return typeof value === 'string' ? value : undefined
}

/** Pointer to JSON text of everything that is not an object with members. */
function fieldsOf(document: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  collect(parse(document), '', fields)
  return fields
}

function collect(value: unknown, pointer: string, into: Map<string, string>): void {
  if (value === undefined) return
  const members = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
  if (members.length === 0) into.set(pointer, JSON.stringify(value))
  for (const [name, member] of members) {
    collect(member, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, into)
  }
}

function parse(document: string): unknown {
  try {
    return JSON.parse(document)
  } catch {
    return undefined
  }
}
