import { outputKey } from './formats.ts'
import type { OutputFormat } from './output-format.ts'
import type { SecretType } from './secret-type.ts'

/** What readers find in a Secret of a type: a format, under the format's own key. */
export interface TypeDemand {
  readonly format: OutputFormat
  readonly key: string
}

/** Undefined where a Secret of the type may hold anything. */
export function typeDemand(type: SecretType): TypeDemand | undefined {
  if (type === 'Opaque') return undefined
  const format = type === 'kubernetes.io/basic-auth' ? 'basic-auth' : 'docker-config'
  return { format, key: outputKey({ format }) }
}
