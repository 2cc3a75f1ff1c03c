import { stringify } from 'yaml'
import type { KindDefinition } from '../src/api/kinds.ts'
import { apiGroup, apiVersion } from '../src/domain/names.ts'
import { type SchemaNode, structuralSchema } from './structural-schema.ts'

const identity = {
  apiVersion: {
    description: `Version of this representation of the object: ${apiGroup}/${apiVersion}.`,
    type: 'string',
  },
  kind: { description: 'Kind of the object.', type: 'string' },
  metadata: { type: 'object' },
} as const

/** Name of the file that a kind's CRD is written to. */
export function crdFileName(kind: KindDefinition): string {
  return `${apiGroup}_${kind.plural}.yaml`
}

/** The schemas of a kind that our own check looks at: the rest of the CRD is the same for all. */
export function kindSchemas(kind: KindDefinition): Readonly<Record<string, SchemaNode>> {
  const spec = structuralSchema(kind.spec)
  return kind.status === undefined ? { spec } : { spec, status: structuralSchema(kind.status) }
}

/** The CustomResourceDefinition of a kind as YAML; the same text for the same schemas. */
export function crdYaml(kind: KindDefinition): string {
  const header = '# Generated from src/api by `npm run generate`; edits are overwritten.\n'
  return header + stringify(crd(kind), { lineWidth: 0, aliasDuplicateObjects: false })
}

function crd(kind: KindDefinition): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${apiGroup}` },
    spec: {
      group: apiGroup,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
        categories: ['oauth'],
      },
      scope: kind.scope,
      versions: [version(kind)],
    },
  }
}

function version(kind: KindDefinition): object {
  return {
    name: apiVersion,
    served: true,
    storage: true,
    additionalPrinterColumns: kind.columns,
    ...(kind.selectableFields.length > 0 && {
      selectableFields: kind.selectableFields.map((jsonPath) => ({ jsonPath })),
    }),
    schema: {
      openAPIV3Schema: {
        description: kind.description,
        type: 'object',
        required: ['spec'],
        properties: { ...identity, ...kindSchemas(kind) },
      },
    },
    ...(kind.status !== undefined && { subresources: { status: {} } }),
  }
}
