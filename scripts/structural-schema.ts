import * as z from 'zod'

/** A node of an OpenAPI v3 schema, as a CRD has it. */
export interface SchemaNode {
  readonly [keyword: string]: unknown
  readonly type?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly additionalProperties?: SchemaNode
}

/** Keywords first that a reader looks for first; the rest by name. */
const keywordOrder = ['description', 'type', 'format', 'default', 'enum', 'required', 'properties', 'items']

/**
 * The OpenAPI v3 schema that an API server takes: what zod emits, without the
 * `additionalProperties: false` that a structural schema must not have beside properties (unknown
 * fields are pruned instead), and with its keywords in a fixed order.
 */
export function structuralSchema(schema: z.ZodType): SchemaNode {
  return tidied(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }) as SchemaNode)
}

function tidied(node: SchemaNode): SchemaNode {
  const entries = Object.entries(node)
    .filter(([keyword, value]) => keyword !== '~standard' && !isClosing(keyword, value) && !isSafeIntegerBound(value))
    .map(([keyword, value]): [string, unknown] => [keyword, tidiedKeyword(keyword, value)])
    .toSorted(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return Object.fromEntries(entries)
}

function isClosing(keyword: string, value: unknown): boolean {
  return keyword === 'additionalProperties' && value === false
}

/** zod bounds every whole number by what a double holds. */
function isSafeIntegerBound(value: unknown): boolean {
  return value === Number.MAX_SAFE_INTEGER || value === Number.MIN_SAFE_INTEGER
}

function tidiedKeyword(keyword: string, value: unknown): unknown {
  if (keyword === 'items' || keyword === 'additionalProperties') return tidied(value as SchemaNode)
  if (keyword !== 'properties') return value
  const members = Object.entries(value as Record<string, SchemaNode>)
  return Object.fromEntries(members.map(([name, member]) => [name, tidied(member)]))
}

function rank(keyword: string): number {
  const place = keywordOrder.indexOf(keyword)
  return place === -1 ? keywordOrder.length : place
}
