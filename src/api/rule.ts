import type * as z from 'zod'

/**
 * A constraint that JSON schema cannot say. It is checked by the API server in CEL and by
 * {@link decodeResource} in TypeScript; both forms stand side by side so that they stay the same.
 */
export interface Rule<T> {
  /** CEL over `self`. */
  readonly cel: string
  /** Reads after the field's path: "must be …". */
  readonly message: string
  /** The member that is at fault, with dots where it is inside of another one; absent: the value as a whole. */
  readonly field?: string
  /**
   * Called for objects and arrays even when something inside them is malformed, so that all
   * problems are found at once: looks at members without trusting their type. Never throws.
   */
  readonly holds: (value: T) => boolean
}

/** The schema with rules that hold in the cluster and outside of it. */
export function constrained<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  let checked = schema
  for (const { holds, message, field } of rules) {
    checked = checked.refine(holds, { message, path: field?.split('.') ?? [], when: worthChecking })
  }
  return checked.meta({
    ...schema.meta(),
    'x-kubernetes-validations': [...celOf(schema), ...rules.map(validation)],
  })
}

function worthChecking({ value, issues }: z.core.ParsePayload): boolean {
  return (typeof value === 'object' && value !== null) || issues.length === 0
}

function celOf(schema: z.ZodType): readonly unknown[] {
  const present = schema.meta()?.['x-kubernetes-validations']
  return Array.isArray(present) ? present : []
}

function validation<T>({ cel, message, field }: Rule<T>): Readonly<Record<string, string>> {
  return field === undefined ? { rule: cel, message } : { rule: cel, message, fieldPath: `.${field}` }
}

/** Exactly one of the members is there: how a union looks in a structural schema. */
export function exactlyOneOf<K extends string>(...names: readonly K[]): Rule<Readonly<Partial<Record<K, unknown>>>> {
  return {
    cel: `[${names.map((name) => `has(self.${name})`).join(', ')}].filter(present, present).size() == 1`,
    message: `must have exactly one of ${names.join(', ')}`,
    holds: (value) => names.filter((name) => value[name] !== undefined).length === 1,
  }
}

/** Not both members are there. */
export function atMostOneOf<K extends string>(first: K, second: K): Rule<Readonly<Partial<Record<K, unknown>>>> {
  return {
    cel: `!(has(self.${first}) && has(self.${second}))`,
    message: `must not have both ${first} and ${second}`,
    holds: (value) => value[first] === undefined || value[second] === undefined,
  }
}
