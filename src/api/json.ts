/** A JSON object whose members are not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function objectAt(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

export function textAt(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function flagAt(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

/** A whole number of at least 0 that a double holds exactly. */
export function countAt(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/**
 * A copy without the members that are null. The API server drops them before it looks at a
 * manifest, and YAML makes one of every key that nothing was written behind.
 */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, withoutNulls(member)]),
  )
}

/** A copy without the member at the path. */
export function withoutMember(value: unknown, path: readonly PropertyKey[]): unknown {
  const [step, ...rest] = path
  if (step === undefined) return value
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === step ? withoutMember(item, rest) : item))
  }
  if (!isObject(value)) return value
  const members = Object.entries(value)
  return Object.fromEntries(
    rest.length === 0
      ? members.filter(([name]) => name !== step)
      : members.map(([name, member]) => [name, name === step ? withoutMember(member, rest) : member]),
  )
}
