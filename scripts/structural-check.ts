import type { SchemaNode } from './structural-schema.ts'

type Check = (node: SchemaNode) => string | undefined

/** What an API server refuses in a CRD, or does not understand. */
const forbidden = [
  '$ref',
  '$schema',
  'const',
  'definitions',
  'dependencies',
  'deprecated',
  'discriminator',
  'id',
  'patternProperties',
  'propertyNames',
  'readOnly',
  'uniqueItems',
  'writeOnly',
  'xml',
]

/** Junctors may not carry types, defaults or descriptions; ours say the same in CEL. */
const junctors = ['allOf', 'anyOf', 'not', 'oneOf']

const checks: readonly Check[] = [
  hasOneType,
  hasDescription,
  hasNoForbiddenKeyword,
  isClosedOnlyByPruning,
  hasPortablePattern,
  hasBound,
  hasTellableListKeys,
  hasDefaultOfItsType,
]

/**
 * Everything that keeps a schema from being structural, its patterns from meaning the same in Go, or
 * its CEL rules from having a bounded cost. Each entry begins with the path of the node.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export function structuralProblems(root: SchemaNode, path: string): readonly string[] {
  const own = checks.flatMap((check) => {
    const problem = check(root)
    return problem === undefined ? [] : [`${path}: ${problem}`]
  })
  const members = Object.entries(root.properties ?? {}).flatMap(([name, node]) =>
    structuralProblems(node, `${path}.${name}`),
  )
  return [
    ...own,
    ...members,
    ...elementProblems(root.items, `${path}[]`),
    ...elementProblems(root.additionalProperties, `${path}{}`),
  ]
}

/** The elements of a list or a map may be described by the list or the map. */
function elementProblems(node: unknown, path: string): readonly string[] {
  return isNode(node) ? structuralProblems({ description: 'One of them.', ...node }, path) : []
}

function hasOneType({ type }: SchemaNode): string | undefined {
  const known = ['object', 'array', 'string', 'integer', 'boolean']
  return typeof type === 'string' && known.includes(type) ? undefined : `needs one type of ${known.join(', ')}`
}

function hasDescription({ description }: SchemaNode): string | undefined {
  return typeof description === 'string' && description.endsWith('.')
    ? undefined
    : 'needs a description that is a sentence'
}

function hasNoForbiddenKeyword(node: SchemaNode): string | undefined {
  const found = [...forbidden, ...junctors].filter((keyword) => keyword in node)
  return found.length === 0 ? undefined : `must not have ${found.join(', ')}`
}

function isClosedOnlyByPruning(node: SchemaNode): string | undefined {
  const { properties, additionalProperties } = node
  if (additionalProperties === undefined) return undefined
  if (!isNode(additionalProperties)) return 'additionalProperties must be a schema'
  return properties === undefined ? undefined : 'must not have additionalProperties beside properties'
}

/** Go's regexp (RE2) has no lookaround, no backreferences, no \u escapes and no repetition above 1000. */
function hasPortablePattern({ pattern }: SchemaNode): string | undefined {
  if (pattern === undefined) return undefined
  if (typeof pattern !== 'string') return 'pattern must be a string'
  const unknownToGo = /\(\?(?!:)|\\[1-9]|\\u|\\k|\[\^\]|\[\]/.test(pattern)
  const repeats = [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].some(
    ([, low, high]) => Math.max(+(low ?? 0), +(high ?? 0)) > 1000,
  )
  return unknownToGo || repeats ? 'pattern must be one that RE2 understands' : undefined
}

/** CEL costs are estimated from the greatest size that the schema allows. */
function hasBound(node: SchemaNode): string | undefined {
  const bounded = 'maxLength' in node || 'enum' in node || node['format'] === 'date-time'
  if (node.type === 'string' && !bounded) return 'string needs maxLength, enum or the format date-time'
  if (node.type === 'array' && !('maxItems' in node)) return 'array needs maxItems'
  const isMap = node.additionalProperties !== undefined
  return isMap && !('maxProperties' in node) ? 'map needs maxProperties' : undefined
}

function hasTellableListKeys(node: SchemaNode): string | undefined {
  const listType = node['x-kubernetes-list-type']
  if (node.type === 'array' && listType === undefined) return 'array needs x-kubernetes-list-type'
  if (listType !== 'map') return undefined
  const keys = node['x-kubernetes-list-map-keys']
  const required = node.items?.['required']
  const tellable = Array.isArray(keys) && keys.length > 0 && Array.isArray(required)
  return tellable && keys.every((key) => required.includes(key)) ? undefined : 'list map keys must be required'
}

function hasDefaultOfItsType({ default: value, type }: SchemaNode): string | undefined {
  if (value === undefined) return undefined
  const actual = Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value
  return actual === type ? undefined : `default must be of type ${type ?? 'unknown'}`
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null
}
