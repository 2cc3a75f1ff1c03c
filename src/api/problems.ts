import * as z from 'zod'
import type { Problem } from '../domain/resources.ts'
import { nearMiss } from './near-miss.ts'

type Issue = z.core.$ZodIssue

/** All that is wrong with a manifest's part at `root`. Never repeats a value of the manifest: it might be secret. */
export function problemsOf(root: string, schema: z.ZodType, issues: readonly Issue[]): readonly Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ field: fieldPath(root, issue.path), message: issue.message }]
    const known = knownFields(schema, issue.path)
    return issue.keys.map((key) => unknownField(fieldPath(root, [...issue.path, key]), key, known))
  })
}

/** `is not a field; did you mean …?` */
export function unknownField(field: string, key: string, known: readonly string[]): Problem {
  const near = nearMiss(key, known)
  const hint = near === undefined ? `known here: ${known.toSorted().join(', ') || 'none'}` : `did you mean ${near}?`
  return { field, message: `is not a known field; ${hint}` }
}

/** As Kubernetes writes it: `spec.target.outputs[0].key`, `spec.request.headers[X-Tenant]`. */
function fieldPath(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    const name = printableName(String(step))
    return typeof step === 'number' || !/^[A-Za-z_]\w*$/.test(name) ? `${text}[${name}]` : `${text}.${name}`
  }, root)
}

/** Keys come from the manifest and go into conditions: kept short and on one line. */
function printableName(name: string): string {
  const clean = name.replaceAll(/\P{ASCII}|\p{Cc}/gu, '?')
  return clean.length <= 64 ? clean : `${clean.slice(0, 61)}...`
}

/** Says what is allowed, for the issues whose schema has no message of its own. */
export function issueMessage(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${typeNames[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map(String))}`
    case 'too_small':
      return tooSmall(issue.origin, issue.minimum)
    case 'too_big':
      return `must be at most ${issue.maximum}${units[issue.origin] ?? ''}`
    default:
      return 'is not valid'
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

const units: Readonly<Record<string, string>> = { string: ' characters long', array: ' items long' }

function tooSmall(origin: string, minimum: number | bigint): string {
  return minimum === 1 && origin in units ? 'must not be empty' : `must be at least ${minimum}${units[origin] ?? ''}`
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`
}

function knownFields(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const place = path.reduce<z.core.$ZodType | undefined>(memberSchema, schema)
  const object = place === undefined ? undefined : unwrapped(place)
  return object instanceof z.ZodObject ? Object.keys(object.shape) : []
}

function memberSchema(schema: z.core.$ZodType | undefined, step: PropertyKey): z.core.$ZodType | undefined {
  const inner = schema === undefined ? undefined : unwrapped(schema)
  if (inner instanceof z.ZodObject) return (inner.shape as z.core.$ZodShape)[String(step)]
  return inner instanceof z.ZodArray ? inner.element : undefined
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const wrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
  return wrapped ? unwrapped(schema.def.innerType) : schema
}
