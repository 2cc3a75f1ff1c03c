import { isJson, type Json, sameJson } from './fake-managed-fields.ts'

/** RFC 7386. */
export function applyMergePatch(object: Json, patch: Json): Json {
  const result = structuredClone(object)
  for (const [key, value] of Object.entries(patch)) {
    const before = result[key]
    if (value === null) delete result[key]
    else if (isJson(value)) result[key] = applyMergePatch(isJson(before) ? before : {}, value)
    else result[key] = structuredClone(value)
  }
  return result
}

/** The operations `test`, `add`, `replace` and `remove` of RFC 6902 on members of objects; undefined when one fails. */
export function applyJsonPatch(object: Json, operations: unknown): Json | undefined {
  const result = structuredClone(object)
  for (const operation of Array.isArray(operations) ? (operations as Json[]) : []) {
    if (!applyOperation(result, operation)) return undefined
  }
  return result
}

function applyOperation(object: Json, { op, path, value }: Json): boolean {
  const steps = String(path)
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  let at = object
  for (const step of steps.slice(0, -1)) {
    const next = at[step]
    if (!isJson(next)) return false
    at = next
  }
  const last = steps.at(-1) ?? ''
  if (op === 'test') return sameJson(at[last], value)
  if (op !== 'add' && !Object.hasOwn(at, last)) return false
  if (op === 'remove') delete at[last]
  else at[last] = value
  return true
}
