import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './token-answer-json.ts'

/** The value that a JSON pointer leads to; undefined when it leads to nothing, or is none. @see RFC 6901 */
export function valueAt(members: JsonObject, pointer: string): JsonValue | undefined {
  const names = namesOf(pointer)
  return names === undefined ? undefined : follow(members, names)
}

/** The object that holds what a JSON pointer leads to. */
export function holderAt(members: JsonObject, pointer: string): JsonObject | undefined {
  const holder = follow(members, (namesOf(pointer) ?? []).slice(0, -1))
  return isJsonObject(holder) ? holder : undefined
}

function namesOf(pointer: string): readonly string[] | undefined {
  const [beforeFirst, ...names] = pointer.split('/')
  return beforeFirst === '' ? names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~')) : undefined
}

function follow(members: JsonObject, names: readonly string[]): JsonValue | undefined {
  return names.reduce<JsonValue | undefined>(step, members)
}

function step(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (isJsonObject(value)) return value.get(name)
  return isJsonArray(value) && /^(?:0|[1-9]\d{0,5})$/.test(name) ? value[Number(name)] : undefined
}
