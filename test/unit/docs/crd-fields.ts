import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { kinds, type OurKind } from '../../../src/api/kinds.ts'

/** A field of a kind, as the API server knows it. */
export interface CrdField {
  /** From the root of the object: `spec.target.outputs[].key`; the name of a map's entry is `<name>`. */
  readonly path: string
  readonly required: boolean
  readonly description: string
  readonly default?: unknown
  /** True when it has fields of its own. */
  readonly hasFields: boolean
}

interface Schema {
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly required?: readonly string[]
}

interface Crd {
  readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] }
}

const fields = new Map<OurKind, readonly CrdField[]>()

/** All fields of `spec` and `status` of a kind. */
export function fieldsOf(kind: OurKind): readonly CrdField[] {
  const known = fields.get(kind) ?? read(kind)
  fields.set(kind, known)
  return known
}

function read(kind: OurKind): readonly CrdField[] {
  const file = new URL(`../../../deploy/crds/oauth-operator.dev_${kinds[kind].plural}.yaml`, import.meta.url)
  const { properties = {} } = (parse(readFileSync(file, 'utf8')) as Crd).spec.versions[0].schema.openAPIV3Schema
  return ['spec', 'status'].flatMap((name) => {
    const schema = properties[name]
    return schema === undefined ? [] : below(schema, name)
  })
}

function below(schema: Schema, path: string): readonly CrdField[] {
  const { items, additionalProperties: entry } = schema
  if (items !== undefined) return below(items, `${path}[]`)
  if (entry !== undefined) return below(entry, `${path}.<name>`)
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const inside = below(member, `${path}.${name}`)
    const required = schema.required?.includes(name) === true
    const { description = '' } = member
    const field = { path: `${path}.${name}`, required, description, hasFields: inside.length > 0 }
    return [member.default === undefined ? field : { ...field, default: member.default }, ...inside]
  })
}

/** True when a path leads to a field, or through one whose own fields nobody knows, such as a map of texts. */
export function isField(kind: OurKind, path: string): boolean {
  const steps = stepsOf(path)
  return fieldsOf(kind).some((field) => {
    const known = stepsOf(field.path)
    if (!known.every((step, index) => step === steps[index] || step === '<name>' || steps.length <= index)) return false
    return known.length >= steps.length || !field.hasFields
  })
}

/** `a[0].b`, `a[*].b`, `a[].b` and `a.b` are one. */
function stepsOf(path: string): readonly string[] {
  return path.replaceAll(/\[[^\]]*\]/g, '').split('.')
}

/** Every path of a value, objects and arrays included. */
export function pathsIn(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => pathsIn(item, path))]
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([name, member]) => pathsIn(member, `${path}.${name}`))]
}
