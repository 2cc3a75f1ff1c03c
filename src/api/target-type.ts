import * as z from 'zod'
import { secretTypes, type SecretType } from '../domain/secret-type.ts'
import { typeDemand } from '../domain/type-demand.ts'
import type { Rule } from './rule.ts'

export const targetType = z
  .enum(secretTypes)
  .default('Opaque')
  .describe(
    'Type of the Secret; without a cluster it has no effect. kubernetes.io/dockerconfigjson: an image pull secret, which needs an output ' +
      'of the format docker-config under its own key. kubernetes.io/basic-auth: needs one of the format basic-auth under its own key. ' +
      'With the creation policy Merge only Opaque. Nobody can change the type of a Secret: with another one here the Secret is deleted ' +
      'and made anew, if all that is in it came from the operator. Default: Opaque.',
  )

interface TypedTarget {
  readonly type?: unknown
  readonly creationPolicy?: unknown
  readonly outputs?: unknown
}

/** What readers of a type look for is there; and the type of a Secret that somebody else made is not ours to choose. */
export const typeRules: readonly Rule<TypedTarget>[] = [...secretTypes.flatMap(demanded), opaqueWithMerge()]

function demanded(type: SecretType): readonly Rule<TypedTarget>[] {
  const demand = typeDemand(type)
  if (demand === undefined) return []
  const { format, key } = demand
  const isFound = `has(output.format) && output.format == '${format}' && (!has(output.key) || output.key == '${key}')`
  return [
    {
      cel: `self.type != '${type}' || self.outputs.exists(output, ${isFound})`,
      message: `must have one of the format ${format} under the key ${key} for the type ${type}`,
      field: 'outputs',
      holds: ({ type: given, outputs }) =>
        given !== type || !Array.isArray(outputs) || outputs.some((output) => isOf(output, format, key)),
    },
  ]
}

function isOf(output: unknown, format: string, key: string): boolean {
  if (typeof output !== 'object' || output === null) return false
  const given = output as { readonly format?: unknown; readonly key?: unknown }
  return given.format === format && (given.key ?? key) === key
}

function opaqueWithMerge(): Rule<TypedTarget> {
  return {
    cel: "self.type == 'Opaque' || self.creationPolicy != 'Merge'",
    message: 'must be Opaque with the creation policy Merge',
    field: 'type',
    holds: ({ type, creationPolicy }) => type === undefined || type === 'Opaque' || creationPolicy !== 'Merge',
  }
}
